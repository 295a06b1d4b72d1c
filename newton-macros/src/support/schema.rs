//! The schema of something stored, and the steps from earlier ones: `version = 2, upcast(1 => from_v1)`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{LitInt, Path, Token, parenthesized};

use super::attribute;
use super::errors::Errors;

/// A schema as written.
#[derive(Default)]
pub(crate) struct Schema {
    version: Option<LitInt>,
    /// The word `upcast`, where it was written.
    upcast: Option<Path>,
    steps: Vec<Step>,
}

/// `1 => from_v1`.
struct Step {
    from: LitInt,
    function: Path,
}

impl Parse for Step {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let from = input.parse()?;
        input.parse::<Token![=>]>()?;
        Ok(Self { from, function: input.parse()? })
    }
}

impl Schema {
    /// Reads `version` and `upcast`; says whether the item is one of them.
    pub(crate) fn read(&mut self, meta: &ParseNestedMeta) -> syn::Result<bool> {
        match () {
            () if meta.path.is_ident("version") => self.version = Some(attribute::number(meta)?),
            () if meta.path.is_ident("upcast") => {
                self.steps.extend(parse_steps(meta)?);
                self.upcast = Some(meta.path.clone());
            }
            () => return Ok(false),
        }
        Ok(true)
    }

    /// The present schema.
    pub(crate) fn version(&self) -> TokenStream {
        self.version.as_ref().map_or_else(|| quote!(1), |version| quote!(#version))
    }

    /// The steps, as a slice.
    pub(crate) fn upcasts(&self) -> TokenStream {
        let steps = self.steps.iter().map(|Step { from, function }| {
            let step = quote!(|payload| ::newton::domain::upcast::step(payload, #function));
            quote!(::newton::domain::Upcast { from: #from, step: #step })
        });
        quote!(&[#(#steps),*])
    }

    /// Checks that there is one step from each earlier schema.
    pub(crate) fn check(&self, errors: &mut Errors) {
        let Some(version) = &self.version else {
            if let Some(upcast) = &self.upcast {
                let present = self.steps.len() + 1;
                errors.on(
                    upcast,
                    format_args!("upcasts lead to a version; add `version = {present}` before them"),
                );
            }
            return;
        };
        let Some(present) = number(version, errors) else { return };
        let Some(expected) = self.check_steps(present, errors) else { return };
        if expected < present {
            let message = format!(
                "the step from version {expected} is missing; add `{expected} => from_v{expected}` to `upcast(..)`"
            );
            match &self.upcast {
                Some(upcast) => errors.on(upcast, message),
                None => errors.on(version, message),
            }
        }
    }

    /// Checks that the steps written follow each other; gives the version from which the next would lead.
    fn check_steps(&self, present: u32, errors: &mut Errors) -> Option<u32> {
        let mut expected = 1;
        for step in &self.steps {
            let from = number(&step.from, errors)?;
            let message = if from >= present {
                format!(
                    "there is no step from version {from}, because {present} is the present one; remove it or raise `version`"
                )
            } else if from < expected {
                format!("there is a step from version {from} before this; write the next, from {expected}")
            } else if from > expected {
                format!(
                    "the step from version {expected} is missing; add `{expected} => from_v{expected}` before this"
                )
            } else {
                expected += 1;
                continue;
            };
            errors.on(&step.from, message);
            return None;
        }
        Some(expected)
    }
}

fn parse_steps(meta: &ParseNestedMeta) -> syn::Result<Punctuated<Step, Token![,]>> {
    if !meta.input.peek(syn::token::Paren) {
        return Err(
            meta.error("write the steps as `upcast(1 => from_v1)`, where `fn from_v1(old: Old) -> New`")
        );
    }
    let content;
    parenthesized!(content in meta.input);
    Punctuated::parse_terminated(&content)
}

fn number(number: &LitInt, errors: &mut Errors) -> Option<u32> {
    match number.base10_parse() {
        Ok(schema) if schema > 0 => Some(schema),
        _ => {
            errors.on(number, "a version is a whole number from 1 up, below 2^32");
            None
        }
    }
}
