//! Detection of arguments and object fields without a value, such as `(first)` or `{ id }`.
//!
//! apollo-parser drops these silently, so an argument with a typo would be ignored instead of refused.

use apollo_parser::{Lexer, TokenKind};

/// Name and byte offset of the first argument or field without a value. The text must parse otherwise.
pub fn first(text: &str) -> Option<(&str, usize)> {
    // Open brackets, without those of selection sets.
    let mut open: Vec<TokenKind> = vec![];
    let mut last = TokenKind::Eof;
    // Name that a colon must follow.
    let mut name = None;
    for token in Lexer::new(text).flatten() {
        let kind = token.kind();
        if matches!(
            kind,
            TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma
        ) {
            continue;
        }
        if name.is_some() && kind != TokenKind::Colon {
            return name;
        }
        name = None;
        match kind {
            TokenKind::LParen | TokenKind::LBracket => open.push(kind),
            // Object literal: selection sets occur outside of other brackets only.
            TokenKind::LCurly if !open.is_empty() => open.push(kind),
            TokenKind::RParen | TokenKind::RBracket | TokenKind::RCurly => {
                open.pop();
            }
            TokenKind::Name => {
                let is_in_pairs =
                    matches!(open.last(), Some(TokenKind::LParen | TokenKind::LCurly));
                // After these tokens a name is a value, variable or directive, and needs no colon.
                let is_second = matches!(
                    last,
                    TokenKind::Colon | TokenKind::Eq | TokenKind::Dollar | TokenKind::At
                );
                if is_in_pairs && !is_second {
                    name = Some((token.data(), token.index()));
                }
            }
            _ => {}
        }
        last = kind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_value_are_found() {
        for (text, expected) in [
            ("{ a(b) }", Some(("b", 4))),
            ("{ a(b: 1 c) }", Some(("c", 9))),
            ("{ a(b: 1 c, d: 2) }", Some(("c", 9))),
            ("{ a(b: X Y) }", Some(("Y", 9))),
            ("{ a(b: { c }) }", Some(("c", 9))),
            ("{ a(b: [{ c: [X Y] d }]) }", Some(("d", 19))),
            ("{ a @b(c) }", Some(("c", 7))),
            ("query($a: A = { b }) { c }", Some(("b", 16))),
            ("query($a: A = X @b(c: 1 d) $e: E) { f }", Some(("d", 24))),
            ("{ a(b: $c d) }", Some(("d", 10))),
            ("{ a }", None),
            (
                "{ a { b c: d(e: f, g: [h i] j: { k: l # m\n n: {} }) o } } p",
                None,
            ),
            (
                "query a($b: C! = d, $e: [F!]! @g(h: i) $j: K @l) @m { n }",
                None,
            ),
            (
                "type A { b(c: D = e \"f\" g: H @i(j: k)): L m: N } enum O { P Q } input R { s: T u: V }",
                None,
            ),
        ] {
            assert_eq!(first(text), expected, "{text}");
        }
    }
}
