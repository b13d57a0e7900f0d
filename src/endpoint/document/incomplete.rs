//! Arguments and fields of objects without a value, `(first)` or `{ id }`: apollo-parser drops them without a
//! word.

use apollo_parser::{Lexer, TokenKind};

/// The name and the place of the first that has no value. Of a text that is otherwise right.
pub fn first(text: &str) -> Option<(&str, usize)> {
    // Brackets that are open.
    let mut open: Vec<TokenKind> = vec![];
    let mut last = TokenKind::Eof;
    // A name that has to be followed by a colon.
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
            // An object. Selection sets are in no other brackets.
            TokenKind::LCurly if !open.is_empty() => open.push(kind),
            TokenKind::RParen | TokenKind::RBracket | TokenKind::RCurly => {
                open.pop();
            }
            TokenKind::Name => {
                let is_in_pairs =
                    matches!(open.last(), Some(TokenKind::LParen | TokenKind::LCurly));
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
