//! The code that `#[derive(Rejection)]` makes.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{DeriveInput, Fields, LitStr, Member};

use super::model::Model;
use crate::support::errors::Errors;
use crate::support::naming::{plain, words};
use crate::support::shape::Variant;
use crate::support::{container, payload};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { shape, texts } = model;
    let ident = &shape.ident;
    let container = container::checked(&shape.attributes);
    let derives = quote!(::newton::__private::serde::Serialize, ::newton::__private::serde::Deserialize);
    let mirror = payload::mirror(shape, &derives, &quote!(#(#container),*));
    let arms = shape.variants.iter().zip(texts).map(|(variant, text)| {
        let ident = &variant.ident;
        let path = if shape.is_enum { quote!(Self::#ident) } else { quote!(Self) };
        arm(&path, variant, text.as_ref())
    });
    let serde = serde(
        ident,
        &quote!(__Payload::serialize(self, serializer)),
        &quote!(__Payload::deserialize(deserializer)),
    );
    quote! {
        const _: () = {
            #mirror

            #[automatically_derived]
            impl ::core::fmt::Display for #ident {
                #[allow(unused_variables, clippy::used_underscore_binding)]
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    match self { #(#arms)* }
                }
            }

            #[automatically_derived]
            impl ::core::error::Error for #ident {}

            #serde
        };
    }
}

/// The text of one variant.
fn arm(path: &TokenStream, variant: &Variant, text: Option<&LitStr>) -> TokenStream {
    let members: Vec<Member> = variant.fields.members().collect();
    let bindings: Vec<Ident> = members.iter().map(binding).collect();
    let body = match text {
        Some(text) => {
            let text = LitStr::new(&with_bindings(&text.value()), text.span());
            quote!(::core::write!(f, #text))
        }
        None => by_convention(variant, &members, &bindings),
    };
    let fields = members.iter().zip(&bindings).map(|(member, binding)| match member {
        Member::Named(_) => quote!(#binding),
        Member::Unnamed(_) => quote!(#member: #binding),
    });
    quote!(#path { #(#fields),* } => { #body })
}

/// `overdrawn: balance 10`.
fn by_convention(variant: &Variant, members: &[Member], bindings: &[Ident]) -> TokenStream {
    let name = words(&plain(&variant.ident));
    let fields = members.iter().zip(bindings).enumerate().map(|(index, (member, binding))| {
        let separator = if index == 0 { ": " } else { ", " };
        let label = match (member, &variant.fields) {
            (Member::Named(ident), Fields::Named(_)) => format!("{separator}{} ", words(&plain(ident))),
            _ => separator.to_owned(),
        };
        quote! {
            f.write_str(#label)?;
            (&::newton::__private::Show(#binding)).show(f)?;
        }
    });
    quote! {
        #[allow(unused_imports)]
        use ::newton::__private::{ShowByDebug as _, ShowByDisplay as _};
        f.write_str(#name)?;
        #(#fields)*
        ::core::result::Result::Ok(())
    }
}

fn binding(member: &Member) -> Ident {
    match member {
        Member::Named(ident) => ident.clone(),
        Member::Unnamed(index) => format_ident!("_{}", index.index),
    }
}

/// The text with `{_0}` in the place of `{0}`, which is how a field without a name is bound.
fn with_bindings(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        out.push(letter);
        if letter == '{' {
            match letters.peek() {
                Some('{') => out.extend(letters.next()),
                Some(next) if next.is_ascii_digit() => out.push('_'),
                _ => {}
            }
        }
    }
    out
}

fn serde(ident: &Ident, serialize: &TokenStream, deserialize: &TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::newton::__private::serde::Serialize for #ident {
            fn serialize<S: ::newton::__private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                #serialize
            }
        }

        #[automatically_derived]
        impl<'de> ::newton::__private::serde::Deserialize<'de> for #ident {
            fn deserialize<D: ::newton::__private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                #deserialize
            }
        }
    }
}

/// The errors, and implementations that keep the compiler from complaining of missing ones.
pub(crate) fn stub(input: &DeriveInput, errors: Errors) -> TokenStream {
    let ident = &input.ident;
    let errors = errors.into_tokens();
    if !input.generics.params.is_empty() {
        return errors;
    }
    let serde = serde(
        ident,
        &quote!(serializer.serialize_unit()),
        &quote!({
            let _ = deserializer;
            ::core::result::Result::Err(::newton::__private::serde::de::Error::custom(""))
        }),
    );
    quote! {
        #errors

        #[automatically_derived]
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::result::Result::Ok(())
            }
        }

        #[automatically_derived]
        impl ::core::error::Error for #ident {}

        #serde
    }
}
