//! Nesting of brackets, measured before parsing.

use apollo_parser::{Lexer, TokenKind};

/// Checks whether brackets of any kind nest deeper than `max`. apollo-parser bounds only the constructs that it
/// recurses into, and for others reads on up to the token limit.
pub fn are_too_deep(text: &str, max: usize) -> bool {
    let is_opening = |byte: &u8| matches!(byte, b'{' | b'[' | b'(');
    // Counts bytes first: most documents have at most `max` opening brackets, so no lexer runs.
    if text.bytes().filter(|byte| is_opening(byte)).count() <= max {
        return false;
    }
    let mut depth: usize = 0;
    // Lexer errors are skipped: the parser reports them with positions.
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
