//! Names of a config: plain names, and patterns in which a `Repeater` puts an index.
//!
//! Label Studio's editor replaces the flag of a `Repeater` by 0, 1, … in every attribute of every tag within:
//! `labels_{{idx}}` is `labels_0` in a result (<https://labelstud.io/tags/repeater>,
//! <https://github.com/HumanSignal/label-studio/blob/develop/web/libs/editor/src/core/Tree.tsx>).

mod pattern;

use std::{borrow::Cow, collections::HashMap};

pub use self::pattern::Pattern;

/// Default of `indexFlag`.
pub const DEFAULT_FLAG: &str = "{{idx}}";
/// Nested Repeaters whose flags are replaced, counted from the outermost.
pub const MAX_DEPTH: usize = 8;
/// Limit of patterns per shape, and of sets of indexed runs: bounds a look-up in hostile configs. Real configs have a
/// single pattern and a single set, unless digits stand beside flags.
const MAX_CANDIDATES: usize = 16;
/// Placeholder of a run of digits with an index inside; not a character of XML (<https://www.w3.org/TR/xml/#charsets>).
const RUN: char = '\0';

/// Indices of Repeaters, by the place of the `Repeater` in the config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indices(Vec<(usize, u32)>);

impl Indices {
    fn get(&self, repeater: usize) -> Option<u32> {
        let mut indices = self.0.iter();
        let found = indices.find(|(other, _)| *other == repeater);
        found.map(|(_, index)| *index)
    }

    /// Adds the index of a further `Repeater`.
    pub fn with(&self, repeater: usize, index: u32) -> Self {
        let mut indices = self.clone();
        indices.0.push((repeater, index));
        indices
    }
}

/// Names with the places of their tags.
///
/// Patterns are hashed by their shape, so a look-up costs a bounded number of passes over the name for any number of
/// patterns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    written: HashMap<String, Written>,
    by_shape: HashMap<String, Vec<(Pattern, usize)>>,
    /// Distinct sets of indexed runs.
    indexed: Vec<Vec<usize>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Written {
    place: usize,
    pattern: Option<Pattern>,
}

impl Names {
    /// Adds a name; a repeated name takes the later place.
    pub fn add(&mut self, name: &str, pattern: Option<&Pattern>, place: usize) {
        let written = Written {
            place,
            pattern: pattern.cloned(),
        };
        self.written.insert(name.to_owned(), written);
        let Some(pattern) = pattern else { return };
        let (shape, indexed) = pattern.shape();
        if !self.indexed.contains(&indexed) {
            // Names beyond the limit are found as written only.
            if self.indexed.len() >= MAX_CANDIDATES {
                return;
            }
            self.indexed.push(indexed);
        }
        let alike = self.by_shape.entry(shape).or_default();
        if alike.len() < MAX_CANDIDATES {
            alike.push((pattern.clone(), place));
        }
    }

    /// Finds a name of the config.
    pub fn written(&self, name: &str) -> Option<usize> {
        self.written.get(name).map(|written| written.place)
    }

    /// Name in a result for a name of the config: a pattern is filled with the numbers of another name.
    pub fn filled_like<'a>(&self, name: &'a str, other: &str) -> Cow<'a, str> {
        match self.pattern(name) {
            Some(pattern) => Cow::Owned(pattern.filled_like(other)),
            None => Cow::Borrowed(name),
        }
    }

    /// Returns the pattern of a name of the config, or `None` for a plain name.
    pub fn pattern(&self, name: &str) -> Option<&Pattern> {
        self.written.get(name)?.pattern.as_ref()
    }

    /// Finds a name of a result, and the indices within, which agree with `known` indices. A plain name takes
    /// precedence over a pattern.
    pub fn find(&self, name: &str, known: &Indices) -> Option<(usize, Indices)> {
        if let Some(written) = self.written.get(name).filter(|it| it.pattern.is_none()) {
            return Some((written.place, known.clone()));
        }
        if self.indexed.is_empty() {
            return None;
        }
        // Real configs have a single set: the look-up hashes the name once.
        let runs = runs(name);
        self.indexed.iter().find_map(|indexed| {
            let candidates = self.by_shape.get(&shape(name, &runs, indexed)?)?;
            let read = |(pattern, place): &(Pattern, usize)| {
                let indices = pattern.read(name, known)?;
                Some((*place, indices))
            };
            candidates.iter().find_map(read)
        })
    }
}

/// Byte ranges of the runs of digits of a text.
fn runs(text: &str) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in text
        .bytes()
        .enumerate()
        .filter(|(_, it)| it.is_ascii_digit())
    {
        match runs.last_mut().filter(|(_, end)| *end == at) {
            Some((_, end)) => *end = at + 1,
            None => runs.push((at, at + 1)),
        }
    }
    runs
}

/// Replaces the given runs of digits by [`RUN`]. Returns `None` when a run is missing.
fn shape(text: &str, runs: &[(usize, usize)], indexed: &[usize]) -> Option<String> {
    let mut shape = String::with_capacity(text.len());
    let mut done = 0;
    for run in indexed {
        let (start, end) = *runs.get(*run)?;
        shape.push_str(&text[done..start]);
        shape.push(RUN);
        done = end;
    }
    shape.push_str(&text[done..]);
    Some(shape)
}

#[cfg(test)]
mod tests {
    use super::{pattern::Flag, *};

    fn names(written: &[&str], flags: &[Flag<'_>]) -> Names {
        let mut names = Names::default();
        for (place, name) in written.iter().enumerate() {
            names.add(name, Pattern::of(name, flags).as_ref(), place);
        }
        names
    }

    fn found(names: &Names, name: &str) -> Option<(usize, Vec<u32>)> {
        let (place, indices) = names.find(name, &Indices::default())?;
        Some((
            place,
            indices.0.into_iter().map(|(_, index)| index).collect(),
        ))
    }

    #[test]
    fn an_index_takes_the_place_of_a_flag() {
        let names = names(&["labels_{{idx}}", "{{idx}}", "plain"], &[(0, "{{idx}}")]);
        for (name, expected) in [
            ("labels_0", Some((0, vec![0]))),
            ("labels_12", Some((0, vec![12]))),
            ("7", Some((1, vec![7]))),
            ("plain", Some((2, vec![]))),
            ("labels_", None),
            ("labels_x", None),
            ("labels_01", None),
            ("labels_-1", None),
            ("labels_1x", None),
            ("labels_1234567890", None),
            ("labels_{{idx}}", None),
            ("label_0", None),
            ("", None),
        ] {
            assert_eq!(found(&names, name), expected, "{name}");
        }
        assert_eq!(names.written("labels_{{idx}}"), Some(0));
    }

    #[test]
    fn a_flag_is_any_text_and_may_stand_beside_digits() {
        let odd = names(&["title_i", "x1i2", "i"], &[(0, "i")]);
        assert_eq!(found(&odd, "t3tle_3"), Some((0, vec![3])));
        assert_eq!(found(&odd, "t3tle_4"), None);
        assert_eq!(found(&odd, "x1402"), Some((1, vec![40])));
        assert_eq!(found(&odd, "x12"), None);
        let numbered: Vec<String> = (0..40).map(|n| format!("q{n}_#")).collect();
        let numbered: Vec<&str> = numbered.iter().map(String::as_str).collect();
        let numbered = names(&numbered, &[(0, "#")]);
        assert_eq!(found(&numbered, "q39_2"), Some((39, vec![2])));
        assert_eq!(found(&numbered, "q40_2"), None);
    }

    #[test]
    fn repeaters_in_one_another_have_their_own_indices() {
        let flags = [(3, "{{i}}"), (5, "{{j}}")];
        let names = names(&["l_{{i}}_{{j}}_{{i}}", "{{i}}{{j}}"], &flags);
        assert_eq!(found(&names, "l_1_2_1"), Some((0, vec![1, 2])));
        assert_eq!(found(&names, "l_1_2_2"), None);
        assert_eq!(found(&names, "123"), Some((1, vec![12, 3])));
        let known = Indices::default().with(3, 1);
        let (_, indices) = names.find("123", &known).unwrap();
        assert_eq!(indices, known.with(5, 23));
        assert_eq!(names.find("l_2_2_2", &known), None);
        let pattern = Pattern::of("$a[{{i}}].b[{{j}}]", &flags).unwrap();
        assert_eq!(pattern.filled(&known), None);
        assert_eq!(
            pattern.filled(&known.with(5, 0)).as_deref(),
            Some("$a[1].b[0]")
        );
    }

    #[test]
    fn a_plain_name_goes_before_a_pattern() {
        let mut names = names(&["labels_{{idx}}"], &[(0, "{{idx}}")]);
        names.add("labels_1", None, 1);
        assert_eq!(found(&names, "labels_1"), Some((1, vec![])));
        assert_eq!(found(&names, "labels_2"), Some((0, vec![2])));
    }

    #[test]
    fn a_pattern_is_filled_with_the_numbers_of_another_name() {
        let names = names(&["l_{{i}}_{{j}}_{{i}}", "l"], &[(3, "{{i}}"), (5, "{{j}}")]);
        for (other, expected) in [
            ("m_4_7_4", "l_4_7_4"),
            ("l_4", "l_4_0_4"),
            ("l_007_1", "l_1_0_1"),
            ("l_1234567890", "l_0_0_0"),
            ("", "l_0_0_0"),
        ] {
            assert_eq!(names.filled_like("l_{{i}}_{{j}}_{{i}}", other), expected);
        }
        assert_eq!(names.filled_like("l", "m_4"), "l");
    }

    #[test]
    fn thousands_of_patterns_cost_no_more_than_a_few() {
        let written: Vec<String> = (0..20_000)
            .flat_map(|n| {
                [
                    format!("a{n}#"),
                    format!("a#b{n}"),
                    "#1".repeat(n % 30) + "x",
                ]
            })
            .collect();
        let written: Vec<&str> = written.iter().map(String::as_str).collect();
        let names = names(&written, &[(0, "#")]);
        for n in 0..20_000 {
            assert_eq!(found(&names, &format!("a5b{n}")).unwrap().1, [5]);
            assert_eq!(found(&names, &format!("c{n}")), None);
        }
        assert_eq!(found(&names, &"9".repeat(1 << 20)), None);
    }
}
