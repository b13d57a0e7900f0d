//! Patterns: texts of a config in which Repeaters put indices.

use super::{Indices, RUN, runs};

/// Most flags replaced per text; further flags stay text.
const MAX_FLAGS: usize = 16;
/// Digits of an index.
const MAX_DIGITS: usize = 9;
/// Most steps per match: bounds the backtracking over adjacent indices.
const MAX_STEPS: usize = 1_000;

/// Place of an enclosing `Repeater` in the config, and the flag.
pub type Flag<'a> = (usize, &'a str);

/// A text with placeholders of indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The index of a `Repeater`.
    Index(usize),
}

impl Pattern {
    /// Compiles a text. Returns `None` without a flag. Outer Repeaters replace flags first, as in the editor.
    pub fn of(text: &str, flags: &[Flag<'_>]) -> Option<Self> {
        let mut parts = vec![Part::Text(text.to_owned())];
        let mut left = MAX_FLAGS;
        for (repeater, flag) in flags {
            parts = parts
                .into_iter()
                .flat_map(|part| match part {
                    Part::Text(text) => split(&text, *repeater, flag, &mut left),
                    index @ Part::Index(_) => vec![index],
                })
                .collect();
        }
        (left < MAX_FLAGS).then_some(Self(parts))
    }

    /// Fills in the indices. Returns `None` when an index is missing.
    pub fn filled(&self, indices: &Indices) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(piece) => text.push_str(piece),
                Part::Index(repeater) => text.push_str(&indices.get(*repeater)?.to_string()),
            }
        }
        Some(text)
    }

    /// Fills in the numbers of another text, in order, and 0 for missing numbers. `labels_{{idx}}` becomes `labels_3` for
    /// `label_3`, and `labels_0` for `labels_x`: a possible name in a result, for suggestions.
    pub(super) fn filled_like(&self, text: &str) -> String {
        let mut numbers = runs(text).into_iter().filter_map(|(start, end)| {
            let digits = &text[start..end];
            let is_index =
                digits.len() <= MAX_DIGITS && (digits == "0" || !digits.starts_with('0'));
            is_index.then(|| digits.parse().ok()).flatten()
        });
        let mut indices = Indices::default();
        for part in &self.0 {
            if let Part::Index(repeater) = part
                && indices.get(*repeater).is_none()
            {
                indices = indices.with(*repeater, numbers.next().unwrap_or(0));
            }
        }
        self.filled(&indices).unwrap_or_default()
    }

    /// Matches a text. Returns the indices, `known` indices included.
    pub(super) fn read(&self, text: &str, known: &Indices) -> Option<Indices> {
        let mut indices = known.clone();
        let mut steps = MAX_STEPS;
        let is_read = read(&self.0, text, &mut indices, &mut steps);
        is_read.then_some(indices)
    }

    /// Replaces each run of digits and indices that has an index by [`RUN`]. Returns the ordinals of the replaced runs,
    /// too.
    pub(super) fn shape(&self) -> (String, Vec<usize>) {
        let mut shape = String::new();
        let mut run = String::new();
        let (mut runs, mut indexed, mut has_index) = (0, Vec::new(), false);
        let letters = self.0.iter().flat_map(|part| match part {
            Part::Text(text) => text.chars().collect::<Vec<_>>(),
            Part::Index(_) => vec![RUN],
        });
        // The `None` closes a run at the end of the text.
        for letter in letters.map(Some).chain([None]) {
            if let Some(letter) = letter.filter(|it| it.is_ascii_digit() || *it == RUN) {
                has_index |= letter == RUN;
                run.push(letter);
                continue;
            }
            if !run.is_empty() {
                match has_index {
                    true => {
                        indexed.push(runs);
                        shape.push(RUN);
                    }
                    false => shape.push_str(&run),
                }
                (runs, has_index) = (runs + 1, false);
                run.clear();
            }
            shape.extend(letter);
        }
        (shape, indexed)
    }
}

fn split(text: &str, repeater: usize, flag: &str, left: &mut usize) -> Vec<Part> {
    let mut parts = Vec::new();
    for (place, piece) in text.splitn(*left + 1, flag).enumerate() {
        if place > 0 {
            *left -= 1;
            parts.push(Part::Index(repeater));
        }
        if !piece.is_empty() {
            parts.push(Part::Text(piece.to_owned()));
        }
    }
    parts
}

/// Matches part by part; recurses once for each part, at most [`MAX_FLAGS`] times two plus 1.
fn read(parts: &[Part], text: &str, indices: &mut Indices, steps: &mut usize) -> bool {
    let Some((part, others)) = parts.split_first() else {
        return text.is_empty();
    };
    let Some(left) = steps.checked_sub(1) else {
        return false;
    };
    *steps = left;
    let repeater = match part {
        Part::Text(piece) => {
            let rest = text.strip_prefix(piece.as_str());
            return rest.is_some_and(|rest| read(others, rest, indices, steps));
        }
        Part::Index(repeater) => *repeater,
    };
    // A name can repeat a flag: the index has to be equal each time.
    if let Some(index) = indices.get(repeater) {
        let rest = text.strip_prefix(index.to_string().as_str());
        return rest.is_some_and(|rest| read(others, rest, indices, steps));
    }
    let digits = text.bytes().take(MAX_DIGITS);
    let digits = digits.take_while(u8::is_ascii_digit).count();
    // An index has no leading zeros. The longest index is tried first, as adjacent digits may belong to the text.
    let most = if text.starts_with('0') { 1 } else { digits };
    (1..=most).rev().any(|length| {
        let (index, rest) = text.split_at(length);
        let index = index.parse().expect("nine digits are a number of 32 bits");
        indices.0.push((repeater, index));
        let is_read = read(others, rest, indices, steps);
        if !is_read {
            indices.0.pop();
        }
        is_read
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_beyond_a_number_stay_text() {
        let flags = "#".repeat(10_000);
        assert!(Pattern::of(&flags, &[(0, "#")]).unwrap().0.len() <= 2 * MAX_FLAGS + 1);
    }
}
