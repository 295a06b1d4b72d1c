//! The code that `#[derive(Aggregate)]` makes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Type};

use super::check::is_less_visible;
use super::fingerprint;
use super::model::{Model, Unique};
use crate::support::errors::Errors;
use crate::support::{family, option, payload};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let ident = &model.shape.ident;
    let mirror = payload::struct_mirror(&model.shape);
    let (types, names) = (types(model), names(model));
    let state_methods = payload::state_methods();
    let (fingerprint, snapshot_every) = (fingerprint_of(model), snapshot_every(model));
    let (functions, unique) = (functions(model), unique(model));
    let register = family::register(ident, "Aggregate", &quote!(add_aggregate));
    quote! {
        const _: () = {
            #mirror

            #[automatically_derived]
            impl ::newton::Aggregate for #ident {
                #types
                #names
                const FINGERPRINT: ::newton::domain::Fingerprint = #fingerprint;
                const SNAPSHOT_EVERY: ::core::option::Option<u64> = #snapshot_every;
                #unique

                #functions

                #state_methods
            }

            #register
        };
    }
}

fn types(model: &Model) -> TokenStream {
    let Model { event, command, rejection, .. } = model;
    quote_spanned! {model.shape.ident.span()=>
        type Event = #event;
        type Command = #command;
        type Rejection = #rejection;
    }
}

fn names(model: &Model) -> TokenStream {
    let context = model.context.as_ref().map_or("", |context| &context.text);
    let name = &model.name.text;
    let domain = format!("{context}/{name}");
    quote! {
        const CONTEXT: &'static str = #context;
        const NAME: &'static str = #name;
        const DOMAIN: &'static str = #domain;
    }
}

fn fingerprint_of(model: &Model) -> TokenStream {
    let fold = option(fingerprint::fold(model));
    quote!(::newton::__private::fingerprint::<Self>(#fold))
}

fn snapshot_every(model: &Model) -> TokenStream {
    option(model.snapshot_every.as_ref())
}

/// The fields that are unique; nothing where there are none.
fn unique(model: &Model) -> Option<TokenStream> {
    let fields: Vec<TokenStream> =
        model.unique.iter().map(|unique| unique_field(unique, &model.rejection)).collect();
    (!fields.is_empty())
        .then(|| quote!(const UNIQUE: &'static [::newton::domain::Unique<Self>] = &[#(#fields),*];))
}

fn unique_field(Unique { name, member, ty, taken }: &Unique, rejection: &Type) -> TokenStream {
    let name = &name.text;
    // Out of the reach of the user's expression.
    let value = Ident::new("value", Span::mixed_site());
    let read = quote_spanned!(ty.span()=> <#ty as ::newton::TagValue>::tag_value);
    let taken = match taken {
        Expr::Closure(_) => quote!(::newton::__private::taken_by::<#rejection>(#taken, #value)),
        _ => quote_spanned!(taken.span()=> ::newton::__private::taken::<#rejection, _>(#taken, #value)),
    };
    quote! {
        ::newton::domain::Unique {
            name: #name,
            value: |state| #read(&state.#member),
            taken: |#value| #taken,
        }
    }
}

/// `handle` and `apply`. The user's functions are named on the type's own token, where a misfit is then reported; where
/// there is none, the names lead to traits whose bounds say what to write.
fn functions(model: &Model) -> TokenStream {
    let Model { event, command, rejection, .. } = model;
    let ident = &model.shape.ident;
    // The place of the user's token, but the names of this code.
    let here = ident.span().resolved_at(Span::call_site());
    let decide = quote_spanned! {here=>
        ::newton::__private::decide::<#ident, #command, #event, #rejection, _, _, _>(
            #ident::decide, self, command, context,
        )
    };
    let evolve = quote_spanned! {here=>
        ::newton::__private::evolve::<#ident, #event, _, _>(#ident::evolve, self, event)
    };
    quote! {
        fn handle(
            &self,
            command: #command,
            context: &::newton::Context<'_>,
        ) -> ::core::result::Result<::newton::Decision<#event>, #rejection> {
            #[allow(unused_imports)]
            use ::newton::__private::MissingDecide as _;
            #decide
        }

        fn apply(&mut self, event: &#event) {
            #[allow(unused_imports)]
            use ::newton::__private::MissingEvolve as _;
            #evolve
        }
    }
}

/// The errors, and an implementation that keeps the compiler from complaining of a missing one.
pub(crate) fn stub(model: &Model, errors: Errors) -> TokenStream {
    let errors = errors.into_tokens();
    let Model { shape, event, command, rejection, .. } = model;
    let (ident, names) = (&shape.ident, names(model));
    let event = if is_less_visible(model, event) {
        quote!(::newton::__private::StubEvent)
    } else {
        event.to_token_stream()
    };
    let rejection = if is_less_visible(model, rejection) {
        quote!(::core::convert::Infallible)
    } else {
        rejection.to_token_stream()
    };
    quote! {
        #errors

        #[automatically_derived]
        impl ::newton::Aggregate for #ident {
            type Event = #event;
            type Command = #command;
            type Rejection = #rejection;
            #names
            const FINGERPRINT: ::newton::domain::Fingerprint = ::newton::domain::Fingerprint::Unknown;
            const SNAPSHOT_EVERY: ::core::option::Option<u64> = ::core::option::Option::None;

            fn handle(
                &self,
                _: #command,
                _: &::newton::Context<'_>,
            ) -> ::core::result::Result<::newton::Decision<#event>, #rejection> {
                ::core::result::Result::Ok(::newton::Decision::None)
            }

            fn apply(&mut self, _: &#event) {}

            fn encode_state(&self) -> ::newton::__private::serde_json::Result<::std::vec::Vec<u8>> {
                ::core::result::Result::Ok(::std::vec::Vec::new())
            }

            fn decode_state(_: &[u8]) -> ::newton::__private::serde_json::Result<Self> {
                ::core::result::Result::Ok(::core::default::Default::default())
            }
        }
    }
}
