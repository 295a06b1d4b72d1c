//! What can be wrong with an aggregate.

use quote::ToTokens;
use syn::Type;

use super::model::{Model, Unique};
use crate::support::errors::Errors;
use crate::support::naming::plain;
use crate::support::{attribute, payload, source};

pub(crate) fn check(model: &Model, errors: &mut Errors) {
    match &model.context {
        Some(context) => context.check_part("a context", errors),
        None => errors.on(
            &model.shape.ident,
            format_args!(
                "which bounded context does `{}` belong to? add `#[aggregate(context = \"..\")]`",
                model.shape.ident
            ),
        ),
    }
    model.name.check_part("an aggregate", errors);
    payload::check(&model.shape, errors);
    check_unique(&model.unique, errors);
    for number in [&model.snapshot_every, &model.fold].into_iter().flatten() {
        attribute::check_number(number, errors);
    }
    for ty in [&model.event, &model.command, &model.rejection] {
        if is_less_visible(model, ty) {
            let (aggregate, name) = (&model.shape.ident, ty.to_token_stream());
            errors.on(
                ty,
                format_args!("`{aggregate}` is public, but `{name}` is not; declare `{name}` with `pub`"),
            );
        }
    }
}

fn check_unique(unique: &[Unique], errors: &mut Errors) {
    for (index, Unique { name, .. }) in unique.iter().enumerate() {
        name.check_part("a unique field", errors);
        if unique[..index].iter().any(|other| other.name.text == name.text) {
            errors.at(
                name.span,
                format_args!(
                    "another unique field has the name \"{}\"; give this one its own with `name = \"..\"`",
                    name.text
                ),
            );
        }
    }
}

/// Whether a type of the same file is less visible than the aggregate, which the compiler would refuse in words of its own.
pub(crate) fn is_less_visible(model: &Model, ty: &Type) -> bool {
    let (true, Some(file), Type::Path(path)) = (model.is_public, &model.file, ty) else { return false };
    path.path.get_ident().is_some_and(|ident| source::is_declared_private(file.clone(), &plain(ident)))
}
