//! Removal of descriptions on operations, fragments and variables, which apollo-parser refuses.
//!
//! The specification allows them since [September 2025](https://spec.graphql.org/September2025/#sec-Descriptions).
//! Descriptions don't affect execution, so they are removed before parsing.

use std::{borrow::Cow, ops::Range};

use apollo_parser::{Lexer, TokenKind};

const EXECUTABLE: [&str; 4] = ["query", "mutation", "subscription", "fragment"];

/// Replaces descriptions by spaces, so that all other tokens keep their line and column. Strings where no description
/// is allowed stay, for the parser to refuse.
pub fn without(text: &str, max_tokens: usize) -> Cow<'_, str> {
    if !may_have_some(text) {
        // Borrows in the common case, without a copy of the text.
        return Cow::Borrowed(text);
    }
    let found = find(text, max_tokens);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for range in found {
        out.push_str(&text[end..range.start]);
        end = range.end;
        out.extend(text[range].chars().map(|letter| match letter {
            '\n' | '\r' => letter,
            _ => ' ',
        }));
    }
    out.push_str(&text[end..]);
    Cow::Owned(out)
}

/// Checks whether a string could be a description: a quote followed by a keyword, variable or comment. Saves nearly
/// all documents a second lexing.
fn may_have_some(text: &str) -> bool {
    text.match_indices('"').any(|(at, quote)| {
        let after = &text[at + quote.len()..];
        let next = after.trim_start_matches([' ', '\t', '\n', '\r', ',', '\u{FEFF}']);
        let is_described = next.starts_with(['$', '#']);
        is_described || EXECUTABLE.iter().any(|keyword| next.starts_with(keyword))
    })
}

/// Byte ranges of descriptions; empty when the text exceeds the token limit.
fn find(text: &str, max_tokens: usize) -> Vec<Range<usize>> {
    let mut found = vec![];
    // Open brackets.
    let mut open: Vec<TokenKind> = vec![];
    // Previous token, and a string that becomes a description when the next token can be described.
    let mut last = None;
    let mut pending: Option<Range<usize>> = None;
    for token in Lexer::new(text).with_limit(max_tokens) {
        let token = match token {
            Ok(token) => token,
            // The parser refuses the document for its tokens, with the proper error.
            Err(error) if error.is_limit() => return vec![],
            Err(_) => {
                // A lexer error ends the candidate: the parser must see and report the text as sent.
                pending = None;
                last = Some(TokenKind::Eof);
                continue;
            }
        };
        let kind = token.kind();
        match kind {
            TokenKind::Whitespace | TokenKind::Comment | TokenKind::Comma => continue,
            TokenKind::LParen | TokenKind::LBracket | TokenKind::LCurly => open.push(kind),
            TokenKind::RParen | TokenKind::RBracket | TokenKind::RCurly => {
                open.pop();
            }
            _ => {}
        }
        let is_described = match open[..] {
            [] => kind == TokenKind::Name && EXECUTABLE.contains(&token.data()),
            [_] => kind == TokenKind::Dollar,
            _ => false,
        };
        found.extend(pending.take().filter(|_| is_described));
        let may_be_described = match open[..] {
            // Top level: at the start, or after the end of a definition.
            [] => matches!(last, None | Some(TokenKind::RCurly)),
            // Variable definitions: a string after `=` or `:` is a default value or a directive's argument.
            [TokenKind::LParen] => !matches!(last, Some(TokenKind::Eq | TokenKind::Colon)),
            _ => false,
        };
        if kind == TokenKind::StringValue && may_be_described {
            pending = Some(token.index()..token.index() + token.data().len());
        }
        last = Some(kind);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_become_spaces() {
        for (text, expected) in [
            (r#""a" query { x }"#, "    query { x }"),
            (r#""" query { x }"#, "   query { x }"),
            (
                r#""é\u{1F600}\"",mutation a { x }"#,
                "              ,mutation a { x }",
            ),
            (
                "\"\"\"\na \\\"\"\" \" {\r\n\"\"\"\nfragment f on Q { x }",
                "   \n          \r\n   \nfragment f on Q { x }",
            ),
            (
                "\u{feff}# \"\n\"\" # \"b\"\n\nquery",
                "\u{feff}# \"\n   # \"b\"\n\nquery",
            ),
            (
                r#"{ x } "a" subscription { x }"#,
                "{ x }     subscription { x }",
            ),
            (
                r#"query("a" $a: A "b" $b: [B!]! = ["x"], """c""" $c: C = {c: "y"} "d" $d: D @d(d: "z") "e" $e: E = "q" "f" $f: F) { x }"#,
                r#"query(    $a: A     $b: [B!]! = ["x"],         $c: C = {c: "y"}     $d: D @d(d: "z")     $e: E = "q"     $f: F) { x }"#,
            ),
        ] {
            assert_eq!(without(text, 1_000), expected);
        }
    }

    #[test]
    fn other_strings_stay() {
        for text in [
            "",
            "{ x }",
            r#""a" { x }"#,
            r#""a" "b" "#,
            r#"{ "a" x }"#,
            r#"{ "a" query }"#,
            r#"{ x(a: "b" query: 1) }"#,
            r#"{ x(a: "b" $c: 1) }"#,
            r#"query "a" query { x }"#,
            r#"query a "b" query { x }"#,
            r#"query "a" ($a: A) { x }"#,
            r#"query($a: A = "b" $c: C) { x }"#,
            r#"query($a: A = ["b" $c]) { x }"#,
            r#"query @a(a: "b" $c) { x }"#,
            r#"query($ "a" a: A) { x }"#,
            r#"query($a: "b" $c) { x }"#,
            r#"query("a") { x }"#,
            r#""\q" query { x }"#,
            "\"a\nb\" query { x }",
            r#""a query { x }"#,
            r#""""a query { x }"#,
            r#"# "a" query"#,
            r#""a" queries { x }"#,
            r#""a" extend type Query { x: Int }"#,
        ] {
            assert!(matches!(without(text, 1_000), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn faults_elsewhere_change_nothing() {
        let text = r#""a" query { x(y: "\q") ? } "b" fragment f"#;
        let expected = r#"    query { x(y: "\q") ? }     fragment f"#;
        assert_eq!(without(text, 1_000), expected);
    }

    #[test]
    fn of_two_the_first_stays_to_be_refused() {
        let text = r#""a" "b" query { x }"#;
        assert_eq!(without(text, 1_000), text);
        let text = r#"query("a" "b" $c: C) { x }"#;
        assert_eq!(without(text, 1_000), r#"query("a"     $c: C) { x }"#);
    }

    #[test]
    fn a_text_of_too_many_tokens_stays() {
        let text = r#""a" query { x }"#;
        assert_eq!(without(text, 5), text);
    }
}
