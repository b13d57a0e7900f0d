//! Case folding of text for search.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// Folds a text for caseless search: Unicode's full case folding between two normalisations, so that texts that
/// match caselessly and canonically fold alike: `STRASSE` and `Straße`, `É` as a character and as `E` with an accent
/// (definition D145, <https://www.unicode.org/versions/Unicode16.0.0/core-spec/chapter-3/>).
///
/// The result is composed, so that a search for `e` does not find `é`. Language-specific rules do not apply: `I` folds
/// to `i`, and `ı` stays.
pub fn fold(text: &str) -> String {
    // Fast path: ASCII is normalised already, and folds byte by byte.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Decomposes first, as D145 does: the iota below a Greek letter folds to a letter, and marks behind the iota would
    // stay in the wrong order.
    text.chars().nfd().default_case_fold().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn letters_fold_alike_in_every_case_and_spelling() {
        for (one, other) in [
            ("CARS", "cars"),
            ("ÄRGER", "ärger"),
            ("STRASSE", "Straße"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("ДОМ", "дом"),
            ("\u{c9}t\u{e9}", "E\u{301}TE\u{301}"),
            ("ﬁN", "FIN"),
            ("Ǆ", "ǆ"),
            ("İ", "i\u{307}"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(fold("ı"), fold("I"));
        assert_ne!(fold("é"), fold("e"));
    }

    #[test]
    fn a_letter_is_no_part_of_an_accented_one() {
        assert!(!fold("É").contains(&fold("E")));
        assert!(fold("CAFÉ").contains(&fold("fé")));
        assert_eq!(fold(&fold("Straße É")), fold("Straße É"));
    }
}
