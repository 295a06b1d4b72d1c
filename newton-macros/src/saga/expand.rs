//! The code that `#[derive(Saga)]` makes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use super::model::Model;
use crate::support::errors::Errors;
use crate::support::payload;
use crate::support::reaction::Reaction;

pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { reaction, .. } = model;
    let ident = &reaction.shape.ident;
    let mirror = payload::struct_mirror(&reaction.shape);
    let (listened, consts, functions) =
        (reaction.listened("OnTrigger", "on_trigger"), consts(model), functions(model));
    let state_methods = payload::state_methods();
    let register = reaction.register("Saga", "saga");
    quote! {
        const _: () = {
            #mirror

            #listened

            #[automatically_derived]
            impl ::newton::Handler for #ident {
                type Context<'a> = ::newton::saga::Flow<'a>;
            }

            #[automatically_derived]
            impl ::newton::Saga for #ident {
                #consts

                #functions

                #state_methods
            }

            #register
        };
    }
}

fn consts(model: &Model) -> TokenStream {
    let context = model.context.as_ref().map_or("", |context| &context.text);
    let key = model.key.as_ref().map_or("", |key| &key.text);
    let (name, start) = (&model.reaction.name.text, &model.start);
    let (version, upcasts) = (model.schema.version(), model.schema.upcasts());
    quote! {
        const CONTEXT: &'static str = #context;
        const NAME: &'static str = #name;
        const KEY: &'static str = #key;
        const VERSION: u32 = #version;
        const UPCASTS: &'static [::newton::domain::Upcast] = #upcasts;
        const START: ::newton::subscription::Start = #start;
    }
}

fn functions(model: &Model) -> TokenStream {
    let event_types = Reaction::event_types();
    let starts_on = model.starts_on.body(&model.reaction.handles);
    quote! {
        #event_types

        fn starts_on(event: &::newton::RecordedEvent) -> ::newton::Result<bool> {
            #starts_on
        }

        fn handle(
            &mut self,
            trigger: &::newton::saga::Trigger<'_>,
            flow: &mut ::newton::saga::Flow<'_>,
        ) -> ::core::result::Result<bool, ::newton::HandlerError> {
            ::newton::__private::handle_trigger(self, LISTENED, trigger, flow)
        }
    }
}

/// The errors, and an implementation that keeps the compiler from complaining of a missing one.
pub(crate) fn stub(input: &DeriveInput, errors: Errors) -> TokenStream {
    let (ident, errors) = (&input.ident, errors.into_tokens());
    let (generics, arguments, _) = input.generics.split_for_impl();
    let bounds = quote!(Self: ::core::clone::Clone
        + ::core::default::Default
        + ::core::marker::Send
        + ::core::marker::Sync
        + 'static);
    quote! {
        #errors

        #[automatically_derived]
        impl #generics ::newton::Handler for #ident #arguments
        where
            #bounds,
        {
            type Context<'newton> = ::newton::saga::Flow<'newton>;
        }

        #[automatically_derived]
        impl #generics ::newton::Saga for #ident #arguments
        where
            #bounds,
        {
            const CONTEXT: &'static str = "";
            const NAME: &'static str = "";
            const KEY: &'static str = "";
            const VERSION: u32 = 1;
            const UPCASTS: &'static [::newton::domain::Upcast] = &[];
            const START: ::newton::subscription::Start = ::newton::subscription::Start::Now;

            fn event_types() -> ::std::vec::Vec<&'static ::newton::domain::EventType> {
                ::std::vec::Vec::new()
            }

            fn starts_on(_: &::newton::RecordedEvent) -> ::newton::Result<bool> {
                ::core::result::Result::Ok(false)
            }

            fn handle(
                &mut self,
                _: &::newton::saga::Trigger<'_>,
                _: &mut ::newton::saga::Flow<'_>,
            ) -> ::core::result::Result<bool, ::newton::HandlerError> {
                ::core::result::Result::Ok(false)
            }

            fn encode_state(&self) -> ::newton::__private::serde_json::Result<::std::vec::Vec<u8>> {
                ::core::result::Result::Ok(::std::vec::Vec::new())
            }

            fn decode_state(_: &[u8]) -> ::newton::__private::serde_json::Result<Self> {
                ::core::result::Result::Ok(::core::default::Default::default())
            }
        }
    }
}
