//! A hash of tokens that white space and comments do not change.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

use super::attribute::named;
use super::shape::Shape;

/// FNV-1a, 64 bits: the same on every machine and with every compiler.
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Takes in tokens, but no doc comments.
    pub(crate) fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' && tokens.peek().is_some_and(is_doc) => {
                    tokens.next();
                }
                TokenTree::Group(group) => {
                    self.text(delimiter(group.delimiter()));
                    self.tokens(group.stream());
                    self.text("end");
                }
                token => self.text(&token.to_string()),
            }
        }
    }

    /// Takes in the fields of a type, and the serde attributes that give them another form.
    pub(crate) fn fields(&mut self, shape: &Shape) {
        for attribute in named(&shape.attributes, "serde") {
            self.tokens(attribute.to_token_stream());
        }
        for field in shape.variants.iter().flat_map(|variant| &variant.fields) {
            for attribute in named(&field.attrs, "serde") {
                self.tokens(attribute.to_token_stream());
            }
            self.tokens(field.ident.to_token_stream());
            self.tokens(field.ty.to_token_stream());
        }
    }

    /// Takes in a text and a separator.
    pub(crate) fn text(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) fn finish(self) -> u64 {
        self.0
    }
}

fn is_doc(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(ident)) if ident == "doc")
}

fn delimiter(delimiter: Delimiter) -> &'static str {
    match delimiter {
        Delimiter::Parenthesis => "(",
        Delimiter::Brace => "{",
        Delimiter::Bracket => "[",
        Delimiter::None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(code: &str) -> u64 {
        let mut hash = Hash::new();
        hash.tokens(code.parse().unwrap());
        hash.finish()
    }

    #[test]
    fn only_code_counts() {
        let plain = hash("fn f() { a += 1; }");
        assert_eq!(plain, hash("fn f( )\n{\n  // a comment\n  a  +=  1 ; /* another */ }"));
        assert_eq!(plain, hash("/// A doc comment.\nfn f() { a += 1; }"));
        assert_ne!(plain, hash("fn f() { a += 2; }"));
        assert_ne!(hash("{ a } b"), hash("{ a b }"));
    }
}
