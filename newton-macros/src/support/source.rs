//! Looks at the file a type is written in, for what a derive is not given.

use std::fs;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// The tokens of the file that `ident` is written in, where the compiler knows it.
pub(crate) fn file_of(ident: &Ident) -> Option<TokenStream> {
    let path = ident.span().unwrap().local_file()?;
    fs::read_to_string(path).ok()?.parse().ok()
}

/// The one function `name` in the inherent `impl` blocks of `owner`, at any depth; `None` where there is not exactly one.
pub(crate) fn inherent_function(file: TokenStream, owner: &str, name: &str) -> Option<TokenStream> {
    let mut found = Vec::new();
    visit(file, &mut |tokens| {
        for block in inherent_impls(tokens, owner) {
            found.extend(function(block, name));
        }
    });
    if found.len() == 1 { found.pop() } else { None }
}

/// Whether the file declares `name` once, and not as `pub`.
pub(crate) fn is_declared_private(file: TokenStream, name: &str) -> bool {
    let mut declarations = Vec::new();
    visit(file, &mut |tokens| {
        for (index, pair) in tokens.windows(2).enumerate() {
            let is_type = is_ident(&pair[0], "enum") || is_ident(&pair[0], "struct");
            if is_type && is_ident(&pair[1], name) {
                let public = tokens[..index].last().is_some_and(|token| is_ident(token, "pub"));
                declarations.push(!public);
            }
        }
    });
    declarations == [true]
}

/// Shows every group of tokens, from the outside in.
fn visit(tokens: TokenStream, look: &mut impl FnMut(&[TokenTree])) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    look(&tokens);
    for token in tokens {
        if let TokenTree::Group(group) = token {
            visit(group.stream(), look);
        }
    }
}

/// The bodies of `impl path::Owner { .. }` among these tokens.
fn inherent_impls<'a>(tokens: &'a [TokenTree], owner: &'a str) -> impl Iterator<Item = &'a Group> {
    let starts = tokens.iter().enumerate().filter(|(_, token)| is_ident(token, "impl"));
    starts.filter_map(move |(start, _)| {
        let header = &tokens[start + 1..];
        let end = header.iter().position(|token| !is_path(token))?;
        match (header[..end].last(), &header[end]) {
            (Some(last), TokenTree::Group(body)) if is_ident(last, owner) && is_block(body) => Some(body),
            _ => None,
        }
    })
}

/// The functions `name` directly inside a block, each from `fn` to the end of its body.
fn function(block: &Group, name: &str) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = block.stream().into_iter().collect();
    let starts =
        (1..tokens.len()).filter(|&at| is_ident(&tokens[at - 1], "fn") && is_ident(&tokens[at], name));
    starts
        .filter_map(|start| {
            let body = tokens[start..]
                .iter()
                .position(|token| matches!(token, TokenTree::Group(g) if is_block(g)))?;
            Some(tokens[start..=start + body].iter().cloned().collect())
        })
        .collect()
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

/// Whether a token can be part of a path. `for` ends it: a trait's `impl` is none of ours.
fn is_path(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => ident != "for",
        TokenTree::Punct(punct) => punct.as_char() == ':',
        _ => false,
    }
}

fn is_block(group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evolve(code: &str) -> Option<String> {
        inherent_function(code.parse().unwrap(), "Account", "evolve").map(|tokens| tokens.to_string())
    }

    #[test]
    fn finds_the_inherent_function_wherever_it_stands() {
        let plain = "impl Account { fn decide(&self) {} pub fn evolve(&mut self) { 1 } }";
        assert_eq!(evolve(plain).as_deref(), Some("evolve (& mut self) { 1 }"));
        assert!(evolve(&format!("mod inner {{ {plain} }}")).is_some());
        assert!(evolve(&format!("fn test() {{ {plain} }}")).is_some());
        assert!(evolve("impl super::Account { fn evolve(&mut self) { 1 } }").is_some());
    }

    #[test]
    fn neither_guesses_nor_takes_what_is_another_s() {
        let plain = "impl Account { fn evolve(&mut self) {} }";
        assert_eq!(evolve(&format!("mod a {{ {plain} }} mod b {{ {plain} }}")), None);
        assert_eq!(evolve("impl Order { fn evolve(&mut self) {} }"), None);
        assert_eq!(evolve("impl Evolve for Account { fn evolve(&mut self) {} }"), None);
        assert_eq!(evolve("impl Account { fn other(&self) { fn evolve() {} } }"), None);
    }

    #[test]
    fn knows_a_private_declaration() {
        let private = |code: &str| is_declared_private(code.parse().unwrap(), "E");
        assert!(private("enum E { A }"));
        assert!(private("#[derive(Event)] struct E;"));
        assert!(!private("pub enum E { A }"));
        assert!(private("pub(crate) enum E { A }"));
        assert!(!private("mod a { pub enum E {} } mod b { enum E {} }"));
        assert!(!private(""));
    }
}
