//! The code that `#[derive(Command)]` makes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Type};

use super::model::Model;
use crate::support::errors::Errors;
use crate::support::payload::Codec;
use crate::support::{family, payload};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { shape, names, aggregate } = model;
    let ident = &shape.ident;
    let Codec { items, encode, decode } = payload::codec(shape);
    let methods = family::methods(shape, names.iter(), &encode, &decode);
    let descriptions = shape.variants.iter().zip(names).map(|(variant, name)| {
        let (name, rust_name) = (&name.text, family::rust_name(shape, variant));
        quote!(::newton::domain::CommandType { name: #name, rust_name: #rust_name })
    });
    let register = family::register(ident, "Command", &quote!(add_commands));
    quote! {
        const _: () = {
            #items

            #[automatically_derived]
            impl ::newton::Command for #ident {
                type Aggregate = #aggregate;

                const TYPES: &'static [::newton::domain::CommandType] = &[#(#descriptions),*];

                #methods
            }

            #register
        };
    }
}

/// The errors, and where the aggregate is known, an implementation that keeps the compiler from complaining of a missing one.
pub(crate) fn stub(input: &DeriveInput, aggregate: Option<Type>, errors: Errors) -> TokenStream {
    let ident = &input.ident;
    let methods = family::stub_methods();
    let errors = errors.into_tokens();
    let Some(aggregate) = aggregate else { return errors };
    quote! {
        #errors

        #[automatically_derived]
        impl ::newton::Command for #ident {
            type Aggregate = #aggregate;

            const TYPES: &'static [::newton::domain::CommandType] = &[];

            #methods
        }
    }
}
