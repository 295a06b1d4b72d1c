//! The derives of Newton. Use them through the crate `newton`, which re-exports them.
//!
//! - [`Event`](macro@Event), [`Command`](macro@Command), [`Rejection`](macro@Rejection): what goes in and out
//! - [`Aggregate`](macro@Aggregate): what decides
//! - [`Projection`](macro@Projection), [`Saga`](macro@Saga), [`EventHandler`](macro@EventHandler): what reacts
//!
//! Every derive is a folder of three: `model` reads, `check` collects all errors, `expand` writes. `support` holds what
//! they share.

mod aggregate;
mod command;
mod event;
mod event_handler;
mod projection;
mod rejection;
mod saga;
mod support;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

#[doc = include_str!("event/docs.md")]
#[proc_macro_derive(Event, attributes(event, tag, serde))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    event::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("command/docs.md")]
#[proc_macro_derive(Command, attributes(command, serde))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    command::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("rejection/docs.md")]
#[proc_macro_derive(Rejection, attributes(rejection, serde))]
pub fn derive_rejection(input: TokenStream) -> TokenStream {
    rejection::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("aggregate/docs.md")]
#[proc_macro_derive(Aggregate, attributes(aggregate, unique, serde))]
pub fn derive_aggregate(input: TokenStream) -> TokenStream {
    aggregate::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("projection/docs.md")]
#[proc_macro_derive(Projection, attributes(projection))]
pub fn derive_projection(input: TokenStream) -> TokenStream {
    projection::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("saga/docs.md")]
#[proc_macro_derive(Saga, attributes(saga, serde))]
pub fn derive_saga(input: TokenStream) -> TokenStream {
    saga::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("event_handler/docs.md")]
#[proc_macro_derive(EventHandler, attributes(event_handler))]
pub fn derive_event_handler(input: TokenStream) -> TokenStream {
    event_handler::derive(&parse_macro_input!(input as DeriveInput)).into()
}
