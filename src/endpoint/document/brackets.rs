//! How deep brackets lie within one another, found before a document is parsed.

use apollo_parser::{Lexer, TokenKind};

/// Whether brackets of any kind are open within one another more than `max` times. The parser bounds the kinds
/// that it recurses into, and reads on to the limit of tokens when it meets another one.
pub fn are_too_deep(text: &str, max: usize) -> bool {
    let is_opening = |byte: &u8| matches!(byte, b'{' | b'[' | b'(');
    // Few documents have so many at all, and are read here.
    if text.bytes().filter(|byte| is_opening(byte)).count() <= max {
        return false;
    }
    let mut depth: usize = 0;
    for token in Lexer::new(text).flatten() {
        match token.kind() {
            TokenKind::LParen | TokenKind::LBracket | TokenKind::LCurly => depth += 1,
            TokenKind::RParen | TokenKind::RBracket | TokenKind::RCurly => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if depth > max {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_counts_and_what_is_closed_does_not() {
        for open in ["{", "[", "(", "{a(b:[", "{a "] {
            assert!(are_too_deep(&open.repeat(4), 3), "{open}");
            assert!(are_too_deep(&open.repeat(20_000), 200), "{open}");
        }
        assert!(!are_too_deep(&"{a}[b](c)".repeat(500), 3));
        assert!(!are_too_deep(&"}{".repeat(500), 3));
    }

    #[test]
    fn brackets_in_strings_and_comments_are_text() {
        let brackets = "{[(".repeat(500);
        for text in [
            format!("\"{brackets}\" {{"),
            format!("\"\"\"\n{brackets}\n\"\"\" {{"),
            format!("# {brackets}\n{{"),
        ] {
            assert!(!are_too_deep(&text, 3));
        }
    }
}
