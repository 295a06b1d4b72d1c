//! Code that encodes and decodes fields, without a serde derive on the user's type.
//!
//! Serde's `remote` derives code for a type from a mirror of it. Writing goes through one mirror of the whole type, so
//! that nothing is copied; reading through one struct for each variant, because the variant is known by name.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Fields};

use super::attribute::named;
use super::container::{self, Item};
use super::shape::{Shape, Variant};

/// Generated code: types, and the bodies of two functions.
pub(crate) struct Codec {
    /// The mirrors.
    pub(crate) items: TokenStream,
    /// Writes `self` to `out`.
    pub(crate) encode: TokenStream,
    /// Reads `payload` as the variant at `index`.
    pub(crate) decode: TokenStream,
}

/// Refuses the serde attributes that would have no effect on payloads.
pub(crate) fn check(shape: &Shape, errors: &mut super::errors::Errors) {
    if !shape.is_enum {
        return container::check(&shape.attributes, &container::STRUCT, errors);
    }
    container::check(&shape.attributes, &container::FAMILY, errors);
    for variant in &shape.variants {
        container::check(&variant.attributes, &container::MEMBER, errors);
    }
}

/// The code for a type whose payload is the fields of one variant, or of the struct.
pub(crate) fn codec(shape: &Shape) -> Codec {
    if shape.is_enum {
        return of_enum(shape);
    }
    let read = read_struct();
    Codec {
        items: struct_mirror(shape),
        encode: write(),
        decode: quote! {
            match index {
                0 => #read,
                _ => ::core::result::Result::Err(::newton::__private::no_type_at(index)),
            }
        },
    }
}

/// Writes `self` to `out` through the mirror.
fn write() -> TokenStream {
    quote!(__Payload::serialize(self, &mut ::newton::__private::serde_json::Serializer::new(out)))
}

/// Reads `payload` through the mirror of a struct.
fn read_struct() -> TokenStream {
    quote!(::newton::__private::decode_remote(payload, |json| __Payload::deserialize(json)))
}

/// The methods that write and read the state of a struct, through its mirror.
pub(crate) fn state_methods() -> TokenStream {
    let (write, read) = (write(), read_struct());
    quote! {
        fn encode_state(&self) -> ::newton::__private::serde_json::Result<::std::vec::Vec<u8>> {
            let mut state = ::std::vec::Vec::new();
            let out = &mut state;
            #write?;
            ::core::result::Result::Ok(state)
        }

        fn decode_state(payload: &[u8]) -> ::newton::__private::serde_json::Result<Self> {
            #read
        }
    }
}

/// The mirror of a struct, to write and to read.
pub(crate) fn struct_mirror(shape: &Shape) -> TokenStream {
    let container = container::checked(&shape.attributes);
    let derives = quote!(::newton::__private::serde::Serialize, ::newton::__private::serde::Deserialize);
    mirror(shape, &derives, &quote!(#(#container),*))
}

fn of_enum(shape: &Shape) -> Codec {
    let container = container::checked(&shape.attributes);
    let all_fields = container.iter().filter(|item| item.is("rename_all_fields"));
    let derive = quote!(::newton::__private::serde::Serialize);
    let mirror = mirror(shape, &derive, &quote!(untagged, #(#all_fields),*));
    let readers = shape.variants.iter().map(|variant| reader(variant, &container));
    let arms = shape.variants.iter().enumerate().map(|(index, variant)| read_arm(index, variant));
    Codec {
        items: quote!(#mirror #(#readers)*),
        encode: write(),
        decode: quote! {
            match index {
                #(#arms)*
                _ => ::core::result::Result::Err(::newton::__private::no_type_at(index)),
            }
        },
    }
}

/// The whole type again, as `__Payload`, with serde's derives.
pub(crate) fn mirror(shape: &Shape, derives: &TokenStream, container: &TokenStream) -> TokenStream {
    let remote = shape.ident.to_string();
    let body = if shape.is_enum {
        let variants = shape.variants.iter().map(|variant| {
            let (ident, fields) = (&variant.ident, fields(&variant.fields));
            let attributes = named(&variant.attributes, "serde");
            quote!(#(#attributes)* #ident #fields)
        });
        quote!(enum __Payload { #(#variants),* })
    } else {
        let declared = &shape.variants[0].fields;
        let fields = fields(declared);
        let end = matches!(declared, Fields::Unnamed(_)).then(|| quote!(;));
        quote!(struct __Payload #fields #end)
    };
    quote! {
        #[derive(#derives)]
        #[serde(crate = "::newton::__private::serde", remote = #remote, #container)]
        #body
    }
}

/// The struct through which a variant is read.
fn reader(variant: &Variant, container: &[Item]) -> TokenStream {
    let (name, fields) = (reader_name(variant), fields(&variant.fields));
    let own = container::checked(&variant.attributes);
    let inherited = container.iter().filter(|item| item.is("rename_all_fields") && own.is_empty());
    let rename =
        own.iter().map(ToTokens::to_token_stream).chain(inherited.map(|item| item.renamed("rename_all")));
    let is_object = !matches!(variant.fields, Fields::Unnamed(_));
    let deny = container.iter().filter(|item| item.is("deny_unknown_fields") && is_object);
    let end = (!is_object).then(|| quote!(;));
    quote! {
        #[derive(::newton::__private::serde::Deserialize)]
        #[serde(crate = "::newton::__private::serde", #(#rename,)* #(#deny),*)]
        struct #name #fields #end
    }
}

fn read_arm(index: usize, variant: &Variant) -> TokenStream {
    let (ident, reader) = (&variant.ident, reader_name(variant));
    let members: Vec<_> = variant.fields.members().collect();
    let read = if members.is_empty() { quote!(_) } else { quote!(read) };
    quote! {
        #index => ::newton::__private::decode::<#reader>(payload)
            .map(|#read| Self::#ident { #(#members: read.#members),* }),
    }
}

fn reader_name(variant: &Variant) -> Ident {
    format_ident!("__{}", variant.ident.unraw())
}

/// Fields with their serde attributes. A unit becomes an object without fields, so that its JSON is `{}`.
fn fields(fields: &Fields) -> TokenStream {
    let each = fields.iter().map(|field| {
        let attributes: Vec<&Attribute> = named(&field.attrs, "serde").collect();
        let (ident, ty) = (&field.ident, &field.ty);
        let colon = ident.as_ref().map(|_| quote!(:));
        quote!(#(#attributes)* #ident #colon #ty)
    });
    if matches!(fields, Fields::Unnamed(_)) { quote!((#(#each),*)) } else { quote!({ #(#each),* }) }
}
