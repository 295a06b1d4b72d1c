//! The derive `Projection`.

mod check;
mod expand;
mod fingerprint;
mod model;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::support::errors::Errors;

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let model = model::parse(input, &mut errors);
    if let Some(model) = &model {
        check::check(model, &mut errors);
    }
    match model {
        Some(model) if errors.is_empty() => expand::expand(&model),
        model => expand::stub(input, model.as_ref(), errors),
    }
}
