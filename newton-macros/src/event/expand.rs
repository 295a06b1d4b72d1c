//! The code that `#[derive(Event)]` makes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::DeriveInput;
use syn::spanned::Spanned;

use super::model::{EventType, Model, Tag};
use crate::support::errors::Errors;
use crate::support::payload::Codec;
use crate::support::shape::Variant;
use crate::support::{family, payload};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { shape, types } = model;
    let ident = &shape.ident;
    let Codec { items, encode, decode } = payload::codec(shape);
    let methods = family::methods(shape, types.iter().map(|event| &event.name), &encode, &decode);
    let descriptions = shape
        .variants
        .iter()
        .zip(types)
        .map(|(variant, event)| describe(event, &family::rust_name(shape, variant)));
    let tags = tags(model);
    let register = family::register(ident, "Event", &quote!(add_events));
    quote! {
        const _: () = {
            #items

            #[automatically_derived]
            impl ::newton::Event for #ident {
                const TYPES: &'static [::newton::domain::EventType] = &[#(#descriptions),*];

                #methods

                fn tags(&self) -> ::std::vec::Vec<::newton::domain::Tag> {
                    #tags
                }
            }

            #register
        };
    }
}

fn describe(event: &EventType, rust_name: &TokenStream) -> TokenStream {
    let name = &event.name.text;
    let (schema, upcasts) = (event.schema.version(), event.schema.upcasts());
    quote! {
        ::newton::domain::EventType {
            name: #name,
            schema: #schema,
            upcasts: #upcasts,
            rust_name: #rust_name,
        }
    }
}

fn tags(model: &Model) -> TokenStream {
    let arms = model.shape.variants.iter().zip(&model.types).filter(|(_, event)| !event.tags.is_empty());
    let arms: Vec<TokenStream> = arms.map(|(variant, event)| tag_arm(model, variant, &event.tags)).collect();
    let rest = (arms.len() < model.types.len()).then(|| quote!(_ => ::std::vec::Vec::new(),));
    quote!(match self { #(#arms)* #rest })
}

fn tag_arm(model: &Model, variant: &Variant, tags: &[Tag]) -> TokenStream {
    let ident = &variant.ident;
    let path = if model.shape.is_enum { quote!(Self::#ident) } else { quote!(Self) };
    let count = tags.len();
    let bindings: Vec<_> = (0..count).map(|index| format_ident!("tag_{index}")).collect();
    let members = tags.iter().map(|tag| &tag.member);
    let pushes = tags.iter().zip(&bindings).map(|(Tag { key, ty, .. }, binding)| {
        let key = &key.text;
        let value = quote_spanned!(ty.span()=> <#ty as ::newton::TagValue>::tag_value(#binding));
        quote!(::newton::__private::push_tag(&mut tags, #key, #value);)
    });
    quote! {
        #path { #(#members: #bindings,)* .. } => {
            let mut tags = ::std::vec::Vec::with_capacity(#count);
            #(#pushes)*
            tags
        }
    }
}

/// The errors, and an implementation that keeps the compiler from complaining of a missing one.
pub(crate) fn stub(input: &DeriveInput, errors: Errors) -> TokenStream {
    let ident = &input.ident;
    let methods = family::stub_methods();
    let errors = errors.into_tokens();
    let (generics, arguments, _) = input.generics.split_for_impl();
    quote! {
        #errors

        #[automatically_derived]
        impl #generics ::newton::Event for #ident #arguments
        where
            Self: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static,
        {
            const TYPES: &'static [::newton::domain::EventType] = &[];

            #methods

            fn tags(&self) -> ::std::vec::Vec<::newton::domain::Tag> {
                ::std::vec::Vec::new()
            }
        }
    }
}
