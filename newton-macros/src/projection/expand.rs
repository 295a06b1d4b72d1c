//! The code that `#[derive(Projection)]` makes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{DeriveInput, LitInt, Path};

use super::fingerprint;
use super::model::Model;
use crate::support::errors::Errors;
use crate::support::option;
use crate::support::reaction::Reaction;

pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model { reaction, .. } = model;
    let (ident, name) = (&reaction.shape.ident, &reaction.name.text);
    let listened = reaction.listened("OnEvent", "on_event");
    let handler = handler(ident, model.sqlite.as_ref());
    let (fold, event_types) = (option(fingerprint::fold(model)), Reaction::event_types());
    let (sqlite, entry) = match &model.sqlite {
        Some(word) => (sqlite(model, word), "sqlite_projection"),
        None => (TokenStream::new(), "projection"),
    };
    let register = reaction.register("Projection", entry);
    quote! {
        const _: () = {
            #listened

            #handler

            #[automatically_derived]
            impl ::newton::Projection for #ident {
                const NAME: &'static str = #name;
                const FINGERPRINT: ::newton::domain::Fingerprint =
                    ::newton::__private::fingerprint_of_listener(#fold, LISTENED);

                #event_types

                fn handle(
                    &mut self,
                    event: &::newton::RecordedEvent,
                    context: &mut Self::Context<'_>,
                ) -> ::core::result::Result<bool, ::newton::HandlerError> {
                    ::newton::__private::handle_event(self, LISTENED, event, context)
                }
            }

            #sqlite

            #register
        };
    }
}

/// What its handlers are given. Without the feature, the message stands on the word `sqlite`.
fn handler(ident: &Ident, sqlite: Option<&Path>) -> TokenStream {
    let context = match sqlite {
        Some(word) => sqlite_path(word, "SqliteTx"),
        None => quote!(::newton::projection::View),
    };
    quote! {
        #[automatically_derived]
        impl ::newton::Handler for #ident {
            type Context<'a> = #context<'a>;
        }
    }
}

fn sqlite(model: &Model, word: &Path) -> TokenStream {
    let ident = &model.reaction.shape.ident;
    let (tables, projection) = (sqlite_path(word, "SqliteTables"), sqlite_path(word, "SqliteProjection"));
    let (shared, build) = (model.shared.is_some(), model.reaction.build());
    let timeout = model.timeout_ms.as_ref().map(|milliseconds| {
        // Whatever type was written behind it.
        let milliseconds = LitInt::new(milliseconds.base10_digits(), milliseconds.span());
        quote!(const TIMEOUT: ::core::time::Duration = ::core::time::Duration::from_millis(#milliseconds);)
    });
    // The place of the user's token, but the names of this code.
    let here = ident.span().resolved_at(Span::call_site());
    let setup = quote_spanned!(here=> ::newton::__private::setup::<#ident, _, _>(#ident::setup, tx));
    let flush = quote_spanned!(here=> #ident::flush(self, tx));
    quote! {
        #[automatically_derived]
        impl #projection for #ident {
            const SHARED: bool = #shared;
            #timeout

            #build

            fn make_tables(tx: &mut #tables<'_>) -> ::core::result::Result<(), ::newton::HandlerError> {
                #[allow(unused_imports)]
                use ::newton::__private::NoSetup as _;
                #setup
            }

            fn write_held(
                &mut self,
                tx: &mut #tables<'_>,
            ) -> ::core::result::Result<(), ::newton::HandlerError> {
                #[allow(unused_imports)]
                use ::newton::__private::NoFlush as _;
                #flush.map_err(::core::convert::Into::into)
            }
        }
    }
}

fn sqlite_path(word: &Path, name: &str) -> TokenStream {
    let here = crate::support::handles::span(word);
    let name = Ident::new(name, here);
    quote_spanned!(here=> ::newton::projection::#name)
}

/// The errors, and an implementation that keeps the compiler from complaining of a missing one.
pub(crate) fn stub(input: &DeriveInput, model: Option<&Model>, errors: Errors) -> TokenStream {
    let (ident, errors) = (&input.ident, errors.into_tokens());
    let (generics, arguments, _) = input.generics.split_for_impl();
    let context = match model.and_then(|model| model.sqlite.as_ref()) {
        Some(word) => sqlite_path(word, "SqliteTx"),
        None => quote!(::newton::projection::View),
    };
    quote! {
        #errors

        #[automatically_derived]
        impl #generics ::newton::Handler for #ident #arguments
        where
            Self: ::core::marker::Send + ::core::marker::Sync + 'static,
        {
            type Context<'newton> = #context<'newton>;
        }

        #[automatically_derived]
        impl #generics ::newton::Projection for #ident #arguments
        where
            Self: ::core::marker::Send + ::core::marker::Sync + 'static,
        {
            const NAME: &'static str = "";
            const FINGERPRINT: ::newton::domain::Fingerprint = ::newton::domain::Fingerprint::Unknown;

            fn event_types() -> ::std::vec::Vec<&'static ::newton::domain::EventType> {
                ::std::vec::Vec::new()
            }

            fn handle(
                &mut self,
                _: &::newton::RecordedEvent,
                _: &mut Self::Context<'_>,
            ) -> ::core::result::Result<bool, ::newton::HandlerError> {
                ::core::result::Result::Ok(false)
            }
        }
    }
}
