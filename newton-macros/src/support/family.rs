//! What `Event` and `Command` have in common: members with stable names, found by index.

use std::collections::HashMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::errors::Errors;
use super::naming::{StableName, plain, without_suffix};
use super::shape::{Shape, Variant};

/// The name of a member by convention: the enum's name without `suffix`, then the variant's; a struct's own.
pub(crate) fn default_name(shape: &Shape, variant: &Variant, suffix: &str) -> String {
    if shape.is_enum {
        without_suffix(&plain(&shape.ident), suffix) + &plain(&variant.ident)
    } else {
        plain(&shape.ident)
    }
}

/// Checks that the names can be stored and differ.
pub(crate) fn check_names<'a>(
    what: &str,
    names: impl Iterator<Item = (&'a Variant, &'a StableName)>,
    errors: &mut Errors,
) {
    let mut owners: HashMap<&str, &Variant> = HashMap::new();
    for (variant, name) in names {
        name.check(what, errors);
        if let Some(owner) = owners.get(name.text.as_str()) {
            errors.at(
                name.span,
                format_args!(
                    "`{}` already has the name \"{}\"; give `{}` another one with `name = \"..\"`",
                    owner.ident, name.text, variant.ident
                ),
            );
        } else {
            owners.insert(&name.text, variant);
        }
    }
}

/// The methods that find a member and code its payload.
pub(crate) fn methods<'a>(
    shape: &Shape,
    names: impl Iterator<Item = &'a StableName>,
    encode: &TokenStream,
    decode: &TokenStream,
) -> TokenStream {
    let by_name = names.enumerate().map(|(index, name)| {
        let name = &name.text;
        quote!(#name => ::core::option::Option::Some(#index),)
    });
    let by_value = shape.variants.iter().enumerate().map(|(index, variant)| {
        let ident = &variant.ident;
        quote!(Self::#ident { .. } => #index,)
    });
    let type_index = if shape.is_enum { quote!(match self { #(#by_value)* }) } else { quote!(0) };
    quote! {
        fn type_index(&self) -> usize {
            #type_index
        }

        fn index_of(name: &str) -> ::core::option::Option<usize> {
            match name { #(#by_name)* _ => ::core::option::Option::None }
        }

        fn encode(&self, out: &mut ::std::vec::Vec<u8>) -> ::newton::__private::serde_json::Result<()> {
            #encode
        }

        fn decode(index: usize, payload: &[u8]) -> ::newton::__private::serde_json::Result<Self> {
            #decode
        }
    }
}

/// The same methods for a type that has errors: they compile, and find nothing.
pub(crate) fn stub_methods() -> TokenStream {
    quote! {
        fn type_index(&self) -> usize {
            0
        }

        fn index_of(_: &str) -> ::core::option::Option<usize> {
            ::core::option::Option::None
        }

        fn encode(&self, _: &mut ::std::vec::Vec<u8>) -> ::newton::__private::serde_json::Result<()> {
            ::core::result::Result::Ok(())
        }

        fn decode(index: usize, _: &[u8]) -> ::newton::__private::serde_json::Result<Self> {
            ::core::result::Result::Err(::newton::__private::no_type_at(index))
        }
    }
}

/// The path of a member, for messages.
pub(crate) fn rust_name(shape: &Shape, variant: &Variant) -> TokenStream {
    let mut path = format!("::{}", plain(&shape.ident));
    if shape.is_enum {
        path = format!("{path}::{}", plain(&variant.ident));
    }
    quote!(::core::concat!(::core::module_path!(), #path))
}

/// Announces a type to the registry, which has a function to add it.
pub(crate) fn register(ident: &Ident, kind: &str, add: &TokenStream) -> TokenStream {
    announce(ident, kind, &quote!(registry.#add::<Self>();))
}

/// Announces a type that adds itself to `registry` so. `kind` is the type that says what it is.
pub(crate) fn announce(ident: &Ident, kind: &str, add: &TokenStream) -> TokenStream {
    let kind = Ident::new(kind, Span::call_site());
    quote! {
        impl ::newton::registry::Register for #ident {
            type Kind = ::newton::registry::kind::#kind;

            fn register(registry: &mut ::newton::registry::Registry) {
                #add
            }
        }

        ::newton::__private::inventory::submit! {
            ::newton::registry::Registration::of::<#ident>()
        }
    }
}
