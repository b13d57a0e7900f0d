//! Collector of problems: paths, messages and limits.

use std::fmt::Write as _;

use problem::{Path, Problem, ProblemCode, Segment};

/// Most problems per result; later problems are dropped.
const MAX_PROBLEMS: usize = json_fidelity::MAX_VIOLATIONS;
/// Most names per message.
const MAX_NAMES: usize = 10;
/// Most characters of a message.
const MAX_MESSAGE: usize = 1_000;
/// Most characters of a name or value in a message.
const MAX_SHOWN: usize = 60;
/// Most searches for a similar name per result, and most names compared per search.
const MAX_SEARCHES: usize = 50;
const MAX_CANDIDATES: usize = 1_000;

/// Path to a value in a result: a linked list on the stack, which allocates only when a problem is added.
#[derive(Clone, Copy, Debug)]
pub struct PathNode<'p> {
    around: Option<&'p Self>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p> PathNode<'p> {
    /// Path of a region, by the index in the result.
    pub fn region(index: usize) -> Self {
        Self {
            around: None,
            step: Step::Index(index),
        }
    }

    /// Path of a member.
    pub fn key(&'p self, key: &'p str) -> Self {
        Self {
            around: Some(self),
            step: Step::Key(key),
        }
    }

    /// Path of an item of a list.
    pub fn index(&'p self, index: usize) -> Self {
        Self {
            around: Some(self),
            step: Step::Index(index),
        }
    }

    fn append_to(&self, path: &mut Path) {
        if let Some(around) = self.around {
            around.append_to(path);
        }
        path.push(match self.step {
            Step::Key(key) => key.into(),
            Step::Index(index) => index.into(),
        });
    }
}

/// Problems of a result so far, at most `MAX_PROBLEMS`.
#[derive(Debug)]
pub struct Report<'a> {
    at: &'a [Segment],
    /// True in [`Mode::Strict`](super::Mode::Strict).
    pub is_strict: bool,
    problems: Vec<Problem>,
    searches: usize,
}

impl<'a> Report<'a> {
    /// Creates an empty report; `at` is the path of the result.
    pub fn new(at: &'a [Segment], is_strict: bool) -> Self {
        Self {
            at,
            is_strict,
            problems: Vec::new(),
            searches: 0,
        }
    }

    /// Says whether further problems are dropped.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// Adds a problem at a place in the result, unless the report is full. Shortens a long message.
    pub fn add(&mut self, place: &PathNode<'_>, code: ProblemCode, message: impl Into<String>) {
        if self.is_full() {
            return;
        }
        let mut path = self.at.to_vec();
        place.append_to(&mut path);
        self.problems
            .push(Problem::new(path, code, short(message.into())));
    }

    /// Adds a problem of the result as a whole.
    pub fn add_to_whole(&mut self, code: ProblemCode, message: impl Into<String>) {
        if !self.is_full() {
            let path = self.at.iter().cloned();
            self.problems
                .push(Problem::new(path, code, short(message.into())));
        }
    }

    /// Adds a problem for an unknown name, with the known names and a similar name among the candidates. `subject` begins
    /// the sentence.
    pub fn add_unknown<K: AsRef<str>, C: AsRef<str>>(
        &mut self,
        place: &PathNode<'_>,
        code: ProblemCode,
        subject: &str,
        name: &str,
        known: impl ExactSizeIterator<Item = K>,
        candidates: impl Iterator<Item = C>,
    ) {
        if self.is_full() {
            return;
        }
        // Bounded: an edit distance per known name and wrong region would take time in proportion to the product.
        let alike = match self.searches < MAX_SEARCHES {
            true => nearest(name, candidates.take(MAX_CANDIDATES)),
            false => None,
        };
        self.searches += 1;
        let mut message = format!("{subject} {}", quoted(name));
        if known.len() > 0 {
            let _ = write!(message, ", only {}", listed(known));
        }
        if let Some(alike) = alike {
            let _ = write!(message, "; did you mean {}?", quoted(alike.as_ref()));
        }
        self.add(place, code, message);
    }

    /// Returns all problems in the order of the regions; problems of the whole result come last.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems;
        // Stable: problems of a region stay in the order of the checks. Relations are checked last, but sorted by
        // index.
        problems.sort_by_key(|problem| match problem.path.get(self.at.len()) {
            Some(Segment::Index(region)) => *region,
            _ => usize::MAX,
        });
        problems
    }
}

/// Cuts a message with long names of the config: a response holds a thousand messages.
fn short(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// Quotes and cuts a name or value for a message.
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Lists names for a message: `"a", "b" and 990 more`.
pub fn listed<T: AsRef<str>>(names: impl ExactSizeIterator<Item = T>) -> String {
    let count = names.len();
    let shown = names.take(MAX_NAMES).map(|name| quoted(name.as_ref()));
    let shown: Vec<String> = shown.collect();
    match (&shown[..], count - shown.len()) {
        ([others @ .., last], 0) if !others.is_empty() => {
            format!("{} and {last}", others.join(", "))
        }
        (shown, 0) => shown.join(", "),
        (shown, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Finds the known name with the least edit distance (optimal string alignment), up to two fifths of the length.
fn nearest<T: AsRef<str>>(name: &str, known: impl Iterator<Item = T>) -> Option<T> {
    if name.len() > MAX_SHOWN {
        return None;
    }
    let lower = name.to_lowercase();
    let threshold = lower.chars().count() * 2 / 5 + 1;
    known
        .filter(|other| name.len().abs_diff(other.as_ref().len()) <= 4 * threshold)
        .filter_map(|other| {
            let distance = strsim::osa_distance(&lower, &other.as_ref().to_lowercase());
            (distance <= threshold).then_some((distance, other))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_up_to_ten() {
        let many: Vec<String> = (0..1000).map(|n| format!("L{n}")).collect();
        let list = |names: &[String]| listed(names.iter().map(String::as_str));
        assert_eq!(list(&many[..0]), "");
        assert_eq!(list(&many[..1]), r#""L0""#);
        assert_eq!(list(&many[..3]), r#""L0", "L1" and "L2""#);
        assert!(list(&many).ends_with(r#""L9" and 990 more"#));
    }

    #[test]
    fn long_names_are_cut_and_have_nothing_alike() {
        let long = "é".repeat(100);
        assert_eq!(quoted(&long).chars().count(), MAX_SHOWN + 3);
        assert_eq!(nearest(&long, [long.as_str()].into_iter()), None);
        assert_eq!(nearest("caar", ["Bus", "Car"].into_iter()), Some("Car"));
        assert_eq!(nearest("x", ["Bus", "Car"].into_iter()), None);
    }
}
