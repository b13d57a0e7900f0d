//! Replacement of commas by spaces: apollo-parser looks ahead over white space and comments, not over commas.
//!
//! A comma is an [insignificant token](https://spec.graphql.org/September2025/#sec-Insignificant-Commas), so a document
//! may have one wherever it may have a space.

use std::borrow::Cow;

use apollo_parser::{Lexer, TokenKind};

/// Replaces commas outside of strings and comments by spaces. Every other byte keeps its offset.
pub fn without(text: &str) -> Cow<'_, str> {
    if !may_mislead(text) {
        // Borrows in the common case, without a copy of the text.
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    // Lexer errors are skipped: the parser reports them with positions.
    for token in Lexer::new(text).flatten() {
        if token.kind() == TokenKind::Comma {
            out.push_str(&text[out.len()..token.index()]);
            out.push(' ');
        }
    }
    out.push_str(&text[out.len()..]);
    Cow::Owned(out)
}

/// Checks whether a comma could stand where the parser looks ahead: behind a description or `...`, or before a colon.
/// Saves most documents a second lexing. Comments hide their neighbours, so a document with both counts.
fn may_mislead(text: &str) -> bool {
    let mut last = b' ';
    let mut has_comma = false;
    for byte in text.bytes() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x80.. => {}
            b',' => has_comma = true,
            b'#' => return text.contains(','),
            _ => {
                if has_comma && (byte == b':' || matches!(last, b'"' | b'.')) {
                    return true;
                }
                has_comma = false;
                last = byte;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_where_the_parser_looks_ahead_become_spaces() {
        for (text, expected) in [
            (r#""a",query b { c }"#, r#""a" query b { c }"#),
            (r#"{ a } "b" , fragment"#, r#"{ a } "b"   fragment"#),
            ("\"é,\" # ,\n,query b { c }", "\"é,\" # ,\n query b { c }"),
            ("{ a,:b }", "{ a :b }"),
            ("{ a\u{feff},\u{feff}:b }", "{ a\u{feff} \u{feff}:b }"),
            ("{ ...,\n,a }", "{ ... \n a }"),
            (
                r#"{ a(b: "c,d", e: """f,"g",""") }"#,
                r#"{ a(b: "c,d"  e: """f,"g",""") }"#,
            ),
            // Errors of the lexer stay for the parser to report.
            (r#""a",query { ? "b"#, r#""a" query { ? "b"#),
        ] {
            assert_eq!(without(text), expected);
        }
    }

    #[test]
    fn other_documents_are_not_copied() {
        for text in ["", "{ a }", "{ a, b(c: 1, d: [2, 3]) }", "# a\n{ b }"] {
            assert!(matches!(without(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
