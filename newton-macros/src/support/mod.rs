//! What the derives share.
//!
//! - [`errors`]: collects every error before any is reported
//! - [`attribute`]: reads `#[event(..)]` and its like
//! - [`shape`]: enums and structs whose variants and fields carry data
//! - [`container`]: the serde attributes of a whole type
//! - [`payload`]: code that encodes and decodes fields, without a serde derive on the user's type
//! - [`family`]: what `Event` and `Command` have in common
//! - [`reaction`], [`handles`]: what projections, sagas and event handlers have in common
//! - [`schema`]: `version` and `upcast`
//! - [`naming`]: names by convention
//! - [`source`]: looks at the file a type is written in
//! - [`hash`]: a hash of tokens that white space and comments do not change

pub(crate) mod attribute;
pub(crate) mod container;
pub(crate) mod errors;
pub(crate) mod family;
pub(crate) mod handles;
pub(crate) mod hash;
pub(crate) mod naming;
pub(crate) mod payload;
pub(crate) mod reaction;
pub(crate) mod schema;
pub(crate) mod shape;
pub(crate) mod source;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// An `Option` as code.
pub(crate) fn option(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}
