//! Ids of rows, as clients write them.

/// Parses an id: positive, 64 bits, decimal digits only. `None` for any other text.
pub fn parse(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

/// Parses an id to look up. Other text becomes 0, the id of no row, which [`possible`] tells apart.
pub fn reference(text: &str) -> i64 {
    parse(text).unwrap_or(0)
}

/// Returns an id that a row can have, or `None` for 0 and below.
pub fn possible(id: i64) -> Option<i64> {
    (id > 0).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_spelling() {
        assert_eq!(parse("1"), Some(1));
        assert_eq!(parse("9223372036854775807"), Some(i64::MAX));
        for text in [
            "",
            "0",
            "01",
            "-1",
            "+1",
            " 1",
            "1 ",
            "1.0",
            "a",
            "9223372036854775808",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
