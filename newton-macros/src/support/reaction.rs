//! What projections, sagas and event handlers have in common.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, LitStr, Member};

use super::errors::Errors;
use super::handles::Handles;
use super::naming::{StableName, plain};
use super::shape::Shape;
use super::{attribute, family};

/// Which derive it is.
pub(crate) struct Kind {
    /// The attribute's name.
    pub(crate) attribute: &'static str,
    /// What the type is to be, with an article.
    pub(crate) what: &'static str,
    /// What the attribute knows besides `handles` and `name`.
    pub(crate) known: &'static str,
}

/// A struct that listens to events.
pub(crate) struct Reaction {
    pub(crate) shape: Shape,
    pub(crate) name: StableName,
    pub(crate) handles: Handles,
    /// Whether the attributes were understood, so that what is missing was not written.
    pub(crate) readable: bool,
}

impl Reaction {
    /// Reads a struct and its attributes. What is not shared, `read` reads.
    pub(crate) fn parse(
        input: &DeriveInput,
        kind: &Kind,
        errors: &mut Errors,
        mut read: impl FnMut(&ParseNestedMeta) -> syn::Result<bool>,
    ) -> Option<Self> {
        let shape = shape(input, kind.what, errors)?;
        let (mut name, mut handles) = (None, Handles::default());
        let known = format!("`handles(AccountEvent, ..)`, `name = \"..\"`, {}", kind.known);
        let mut found = Errors::default();
        attribute::read(&shape.attributes, kind.attribute, &known, &mut found, |meta, _| {
            match () {
                () if meta.path.is_ident("handles") => handles.read(meta)?,
                () if meta.path.is_ident("name") => name = Some(attribute::text(meta)?),
                () => return read(meta),
            }
            Ok(true)
        });
        let readable = found.is_empty();
        errors.extend(found);
        for field in shape.variants.iter().flat_map(|variant| &variant.fields) {
            let message = "this belongs on the struct; move it there";
            attribute::refuse(&field.attrs, kind.attribute, message, errors);
        }
        let name = StableName::of(name, plain(&shape.ident), &shape.ident);
        Some(Self { shape, name, handles, readable })
    }

    /// Refuses a name that cannot be stored, and a list that is missing, empty or doubled.
    pub(crate) fn check(&self, kind: &Kind, errors: &mut Errors) {
        self.name.check_part(kind.what, errors);
        self.handles.check(errors);
        if self.readable && !self.handles.is_given() {
            let (ident, attribute) = (&self.shape.ident, kind.attribute);
            errors.on(
                ident,
                format_args!(
                    "which events does `{ident}` listen to? add `#[{attribute}(handles(AccountEvent, ..))]`"
                ),
            );
        }
    }

    /// The listed types as the constant `LISTENED`: a table of `kind`, whose entries `entry::<Self, T>()` makes.
    pub(crate) fn listened(&self, kind: &str, entry: &str) -> TokenStream {
        let ident = &self.shape.ident;
        let kind = Ident::new(kind, Span::call_site());
        let entries = self.handles.iter().map(|handled| {
            let (path, here) = (handled.path, handled.span());
            let (entry, mut owner) = (Ident::new(entry, here), ident.clone());
            // A handler that is missing is reported on the listed type.
            owner.set_span(here.resolved_at(ident.span()));
            quote_spanned!(here=> ::newton::__private::#entry::<#owner, #path>())
        });
        quote! {
            const LISTENED: &[::newton::__private::Listened<::newton::__private::#kind<#ident>>] =
                &[#(#entries),*];
        }
    }

    /// `event_types`, from `LISTENED`.
    pub(crate) fn event_types() -> TokenStream {
        quote! {
            fn event_types() -> ::std::vec::Vec<&'static ::newton::domain::EventType> {
                ::newton::__private::event_types(LISTENED)
            }
        }
    }

    /// `build`: a value whose fields are what was provided for their types.
    pub(crate) fn build(&self) -> TokenStream {
        let handler = plain(&self.shape.ident);
        let fields = &self.shape.variants[0].fields;
        let members = fields.members().zip(fields).map(|(member, field)| {
            let (ty, name) = (&field.ty, member_name(&member));
            // On the field's type, where it does not fit, but in the scope of this code, wherever the struct comes from.
            let here = ty.span().resolved_at(Span::call_site());
            let value = quote_spanned!(here=> provided.take::<#ty>(#handler, #name));
            quote!(#member: #value?)
        });
        quote! {
            fn build(provided: &::newton::subscription::Provided) -> ::newton::Result<Self> {
                let _ = provided;
                ::core::result::Result::Ok(Self { #(#members),* })
            }
        }
    }

    /// Announces the type of that kind, with the events it listens to. `entry` is the constructor of its entry.
    pub(crate) fn register(&self, kind: &str, entry: &str) -> TokenStream {
        let ident = &self.shape.ident;
        // On the struct's name, where what it lacks is reported.
        let here = ident.span().resolved_at(Span::call_site());
        let entry = Ident::new(entry, here);
        let entry = quote_spanned!(here=> ::newton::registry::ReactionEntry::#entry::<#ident>());
        let add = quote! {
            ::newton::__private::add_events(LISTENED, registry);
            registry.add_reaction(#entry);
        };
        family::announce(ident, kind, &add)
    }
}

/// A struct without generics.
fn shape(input: &DeriveInput, what: &str, errors: &mut Errors) -> Option<Shape> {
    let ident = &input.ident;
    let other = match &input.data {
        Data::Struct(_) => None,
        Data::Enum(data) => Some(data.enum_token.span),
        Data::Union(data) => Some(data.union_token.span),
    };
    if let Some(other) = other {
        errors.at(other, format_args!("{what} is a struct; write `struct {ident} {{ .. }}`"));
        return None;
    }
    if !input.generics.params.is_empty() {
        errors.on(
            &input.generics.params,
            format_args!(
                "{what} cannot have generics or lifetimes, because it runs under one name; \
                 remove them from `{ident}` and use owned, concrete types"
            ),
        );
        return None;
    }
    Shape::parse(input, what, errors)
}

fn member_name(member: &Member) -> String {
    match member {
        Member::Named(ident) => plain(ident),
        Member::Unnamed(index) => index.index.to_string(),
    }
}

/// Where a handler begins that has never run: `start = "now"` or `start = "origin"`.
#[derive(Default)]
pub(crate) struct Start(Option<LitStr>);

impl Start {
    /// Reads the text.
    pub(crate) fn read(&mut self, meta: &ParseNestedMeta) -> syn::Result<()> {
        self.0 = Some(attribute::text(meta)?);
        Ok(())
    }

    /// Refuses other texts.
    pub(crate) fn check(&self, errors: &mut Errors) {
        if let Some(text) = &self.0
            && !["now", "origin"].contains(&text.value().as_str())
        {
            errors.on(text, "write \"now\" for what happens from now on, or \"origin\" for the whole log");
        }
    }
}

impl ToTokens for Start {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let is_origin = self.0.as_ref().is_some_and(|text| text.value() == "origin");
        let start = if is_origin { quote!(Origin) } else { quote!(Now) };
        tokens.extend(quote!(::newton::subscription::Start::#start));
    }
}
