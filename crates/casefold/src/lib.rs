//! Case folding of text for search.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// Folds a text for caseless search: Unicode's full case folding between two normalisations, so that texts that
/// match caselessly and canonically (definition D145 of the standard) fold alike. `STRASSE` and `Straße`, and `É`
/// in one character or two, become the same.
///
/// The result is composed, so that `e` is no part of `é`. No language's own rules apply: `I` is `i`, and `ı` stays.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
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
