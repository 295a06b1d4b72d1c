//! The serde attributes of a whole type or variant: some are carried over, the others refused.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Path};

use super::attribute::{named, rest};
use super::errors::Errors;

/// Which serde attributes are carried over, and what to say of the others.
pub(crate) struct Rule {
    pub(crate) carried: &'static [&'static str],
    pub(crate) refusal: &'static str,
}

/// An enum whose variants are payloads of their own.
pub(crate) const FAMILY: Rule = Rule {
    carried: &["rename_all_fields", "deny_unknown_fields"],
    refusal: "a payload is the fields of one variant alone, so this would have no effect; \
              of serde's attributes the enum takes `rename_all_fields` and `deny_unknown_fields`",
};

/// A variant that is a payload.
pub(crate) const MEMBER: Rule = Rule {
    carried: &["rename_all"],
    refusal: "a payload is the fields of the variant alone, so this would have no effect; \
              of serde's attributes a variant takes `rename_all`, and its stored name is given with `name = \"..\"`",
};

/// A struct.
pub(crate) const STRUCT: Rule = Rule {
    carried: &["rename_all", "deny_unknown_fields", "default", "transparent"],
    refusal: "of serde's attributes a derived struct takes `rename_all`, `deny_unknown_fields`, `default` \
              and `transparent`; remove this one",
};

/// One item of a serde attribute.
pub(crate) struct Item {
    path: Path,
    rest: TokenStream,
}

impl Item {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.path.is_ident(name)
    }

    /// The same item under another name.
    pub(crate) fn renamed(&self, name: &str) -> TokenStream {
        let (name, rest) = (proc_macro2::Ident::new(name, proc_macro2::Span::call_site()), &self.rest);
        quote!(#name #rest)
    }
}

impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.path.to_tokens(tokens);
        self.rest.to_tokens(tokens);
    }
}

/// The items of all serde attributes.
pub(crate) fn items(attributes: &[Attribute], errors: &mut Errors) -> Vec<Item> {
    let mut items = Vec::new();
    for attribute in named(attributes, "serde") {
        let outcome = attribute.parse_nested_meta(|meta| {
            let rest = rest(&meta)?;
            items.push(Item { path: meta.path, rest });
            Ok(())
        });
        if let Err(error) = outcome {
            errors.add(error);
        }
    }
    items
}

/// Refuses what the rule does not carry over.
pub(crate) fn check(attributes: &[Attribute], rule: &Rule, errors: &mut Errors) {
    for item in items(attributes, errors) {
        if !rule.carried.iter().any(|name| item.is(name)) {
            errors.on(&item, rule.refusal);
        }
    }
}

/// The items, for attributes that were checked before.
pub(crate) fn checked(attributes: &[Attribute]) -> Vec<Item> {
    items(attributes, &mut Errors::default())
}
