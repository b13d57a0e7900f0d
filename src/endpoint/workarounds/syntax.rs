//! Syntax errors that apollo-parser reads past.
//!
//! - An argument or object field without a value, such as `(first)` or `{ id }`: dropped silently, so an argument with
//!   a typo would be ignored instead of refused.
//! - A token between the description of a variable and its name: taken for the `$`, whatever it is.

use apollo_parser::{Lexer, TokenKind};

/// First syntax error that the parser has read past.
#[derive(Debug, PartialEq)]
pub enum Fault<'a> {
    /// Argument or field without a value.
    NoValue(&'a str),
    /// Description of a variable that no `$` follows.
    NoVariable,
}

impl Fault<'_> {
    /// Sentence for the client.
    pub fn message(&self) -> String {
        match self {
            Self::NoValue(name) => {
                format!("syntax error: expected a colon and a value after `{name}`")
            }
            Self::NoVariable => {
                "syntax error: expected a variable after its description".to_owned()
            }
        }
    }
}

/// First fault and its byte offset. The text must parse otherwise.
pub fn first(text: &str) -> Option<(Fault<'_>, usize)> {
    // Open brackets, without those of selection sets.
    let mut open: Vec<TokenKind> = vec![];
    let mut last = TokenKind::Eof;
    let mut before_last = TokenKind::Eof;
    // Nesting of selection sets.
    let mut depth: usize = 0;
    // True in the outermost brackets when these define variables.
    let mut has_variables = false;
    // True behind the description of a variable.
    let mut is_described = false;
    // Name that a colon must follow.
    let mut name: Option<(&str, usize)> = None;
    for token in Lexer::new(text).flatten() {
        let kind = token.kind();
        if matches!(
            kind,
            TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma
        ) {
            continue;
        }
        if let Some((name, at)) = name.take()
            && kind != TokenKind::Colon
        {
            return Some((Fault::NoValue(name), at));
        }
        if is_described && kind != TokenKind::Dollar {
            return Some((Fault::NoVariable, token.index()));
        }
        // Between definitions of variables, a string is a description unless it is a value.
        is_described = kind == TokenKind::StringValue
            && has_variables
            && open == [TokenKind::LParen]
            && !matches!(last, TokenKind::Colon | TokenKind::Eq);
        match kind {
            TokenKind::LParen | TokenKind::LBracket => {
                if open.is_empty() {
                    // Outside of braces, other brackets hold the arguments of a directive.
                    has_variables = depth == 0 && before_last != TokenKind::At;
                }
                open.push(kind);
            }
            // Object literal: selection sets occur outside of other brackets only.
            TokenKind::LCurly if !open.is_empty() => open.push(kind),
            TokenKind::LCurly => depth += 1,
            TokenKind::RCurly if open.is_empty() => depth = depth.saturating_sub(1),
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
        before_last = last;
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
            let expected = expected.map(|(name, at)| (Fault::NoValue(name), at));
            assert_eq!(first(text), expected, "{text}");
        }
    }

    #[test]
    fn a_variable_follows_its_description() {
        for (text, at) in [
            (r#"query("a" b c: D) { e }"#, 10),
            (r#"query("a" "b" c: D) { e }"#, 10),
            (r#"query("a", 1 c: D) { e }"#, 11),
            (r#"query($a: A = "b" "c" d e: E) { f }"#, 22),
            (r#"query($a: A @b(c: "d") "e" ! f: F) { g }"#, 27),
        ] {
            assert_eq!(first(text), Some((Fault::NoVariable, at)), "{text}");
        }
        for text in [
            r#""a" query("b" $c: C = "d" "e" $f: F @g(h: "i") "j", $k: K = ["l" "m"]) { n(o: "p") }"#,
            r#"query($a: A = "b" $c: C) { d(e: "f" g: ["h"]) @i(j: "k") }"#,
            r#"directive @a("b" c: D) on FIELD type E { f("g" h: I): J }"#,
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }
}
