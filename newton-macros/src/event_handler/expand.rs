//! The code that `#[derive(EventHandler)]` makes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, LitInt};

use super::model::Model;
use crate::support::errors::Errors;
use crate::support::reaction::Reaction;

pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { reaction, .. } = model;
    let ident = &reaction.shape.ident;
    let (listened, consts) = (reaction.listened("Reacting", "react"), consts(model));
    let (event_types, build) = (Reaction::event_types(), reaction.build());
    let replay_safe = model.replay_safe.as_ref().map(|_| {
        quote! {
            #[automatically_derived]
            impl ::newton::service::ReplaySafe for #ident {}
        }
    });
    let register = reaction.register("EventHandler", "event_handler");
    quote! {
        const _: () = {
            #listened

            #[automatically_derived]
            impl ::newton::EventHandler for #ident {
                #consts

                #event_types

                #build

                fn handle<'a>(
                    &'a self,
                    event: &'a ::newton::RecordedEvent,
                    delivery: &'a ::newton::service::Delivery,
                ) -> ::newton::__private::Handled<'a> {
                    ::newton::__private::handle_delivery(self, LISTENED, event, delivery)
                }
            }

            #replay_safe

            #register
        };
    }
}

fn consts(model: &Model) -> TokenStream {
    let (name, start) = (&model.reaction.name.text, &model.start);
    let segments = model.segments.as_ref().map(|segments| {
        // Whatever type was written behind it.
        let segments = LitInt::new(segments.base10_digits(), segments.span());
        quote!(const SEGMENTS: u32 = #segments;)
    });
    let key = model.by.as_ref().map(|by| {
        let by = &by.text;
        quote!(const KEY: ::core::option::Option<&'static str> = ::core::option::Option::Some(#by);)
    });
    quote! {
        const NAME: &'static str = #name;
        const START: ::newton::subscription::Start = #start;
        #segments
        #key
    }
}

/// The errors, and an implementation that keeps the compiler from complaining of a missing one.
pub(crate) fn stub(input: &DeriveInput, errors: Errors) -> TokenStream {
    let (ident, errors) = (&input.ident, errors.into_tokens());
    let (generics, arguments, _) = input.generics.split_for_impl();
    quote! {
        #errors

        #[automatically_derived]
        impl #generics ::newton::EventHandler for #ident #arguments
        where
            Self: ::core::marker::Send + ::core::marker::Sync + 'static,
        {
            const NAME: &'static str = "";
            const START: ::newton::subscription::Start = ::newton::subscription::Start::Now;

            fn event_types() -> ::std::vec::Vec<&'static ::newton::domain::EventType> {
                ::std::vec::Vec::new()
            }

            fn build(_: &::newton::subscription::Provided) -> ::newton::Result<Self> {
                ::core::result::Result::Err(::newton::Error::new(
                    ::newton::ErrorKind::Configuration,
                    "build handler",
                    "its derive reported an error",
                ))
            }

            fn handle<'newton>(
                &'newton self,
                _: &'newton ::newton::RecordedEvent,
                _: &'newton ::newton::service::Delivery,
            ) -> ::newton::__private::Handled<'newton> {
                ::std::boxed::Box::pin(async { ::core::result::Result::Ok(false) })
            }
        }
    }
}
