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
    the_one(inherent_functions(file, owner, name))
}

/// The functions `name` in the inherent `impl` blocks of `owner`, at any depth.
pub(crate) fn inherent_functions(file: TokenStream, owner: &str, name: &str) -> Vec<TokenStream> {
    let mut found = Vec::new();
    visit(file, &mut |tokens| {
        for block in inherent_impls(tokens, owner) {
            found.extend(function(block, name));
        }
    });
    found
}

/// The one block `impl name<argument> for owner`, at any depth; `None` where there is not exactly one.
///
/// Of paths the last word counts.
pub(crate) fn trait_impl(file: TokenStream, name: &str, argument: &str, owner: &str) -> Option<TokenStream> {
    let mut found = Vec::new();
    visit(file, &mut |tokens| {
        let starts = tokens.iter().enumerate().filter(|(_, token)| is_ident(token, "impl"));
        found.extend(
            starts.filter_map(|(start, _)| one_trait_impl(&tokens[start + 1..], name, argument, owner)),
        );
    });
    the_one(found)
}

/// What was found once, and is complete: in the body of a macro, `$` stands for what is not seen here.
pub(crate) fn the_one(mut found: Vec<TokenStream>) -> Option<TokenStream> {
    if found.len() == 1 { found.pop().filter(|tokens| !has_variable(tokens.clone())) } else { None }
}

fn has_variable(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() == '$',
        TokenTree::Group(group) => has_variable(group.stream()),
        _ => false,
    })
}

/// The body, where these tokens are `name<argument> for owner { .. }`.
fn one_trait_impl(header: &[TokenTree], name: &str, argument: &str, owner: &str) -> Option<TokenStream> {
    let header = after_path(header, name)?;
    let header = after_path(after_punct(header, '<')?, argument)?;
    let (first, header) = after_punct(header, '>')?.split_first()?;
    let header = if is_ident(first, "for") { after_path(header, owner)? } else { return None };
    match header.first()? {
        TokenTree::Group(body) if is_block(body) => Some(body.stream()),
        _ => None,
    }
}

/// What follows a path whose last word is `last`.
fn after_path<'a>(tokens: &'a [TokenTree], last: &str) -> Option<&'a [TokenTree]> {
    let end = tokens.iter().position(|token| !is_path(token))?;
    let word = tokens[..end].last()?;
    is_ident(word, last).then_some(&tokens[end..])
}

fn after_punct(tokens: &[TokenTree], punct: char) -> Option<&[TokenTree]> {
    match tokens.split_first()? {
        (TokenTree::Punct(first), rest) if first.as_char() == punct => Some(rest),
        _ => None,
    }
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
        assert_eq!(evolve("impl Account { fn evolve(&mut self) { $step } }"), None);
    }

    #[test]
    fn finds_the_handler_of_one_event() {
        let handler = |code: &str| trait_impl(code.parse().unwrap(), "On", "OrderEvent", "Orders");
        let plain = "impl On<OrderEvent> for Orders { fn on(&mut self) { 1 } }";
        assert_eq!(handler(plain).unwrap().to_string(), "fn on (& mut self) { 1 }");
        assert!(handler(&format!("fn test() {{ {plain} impl On<Other> for Orders {{}} }}")).is_some());
        assert!(handler("impl newton::On<super::OrderEvent> for crate::Orders {}").is_some());
        assert!(handler(&format!("mod a {{ {plain} }} mod b {{ {plain} }}")).is_none());
        assert!(handler("impl On<OrderEvent> for Others {}").is_none());
        assert!(handler("impl On<Other> for Orders {}").is_none());
        assert!(handler("impl React<OrderEvent> for Orders {}").is_none());
        assert!(handler("impl Orders { fn on(&mut self) {} }").is_none());
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
