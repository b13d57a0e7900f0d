//! Vague words in prose. A sentence made of "it", "those" and "what" sends its reader to other sentences for the
//! nouns, so their share is bounded.
//!
//! Readable code bases have about half of the limit. The count is a proxy: rewrite the sentences that a failure
//! shows, and don't write for the number.

use std::fs::read_to_string;
use std::path::Path;

use super::{files, pages, root, without_code};

const VAGUE: &str = "what it its they them those these one ones other others another who whoever somebody something \
                     thing things such none";

/// Limit of vague words per 100 words, and of sentences per 100 that begin with a vague word.
const LIMIT: f64 = 3.0;

#[test]
fn documentation_names_things() {
    let mut prose = Prose::default();
    for page in pages() {
        let text = without_code(&read_to_string(&page).unwrap());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            prose.add(&page, line.trim_matches(['-', '*', '>', ' ', '|']));
        }
    }
    prose.hold();
}

#[test]
fn descriptions_of_the_schema_name_things() {
    let mut prose = Prose::default();
    let file = root().join("schema.graphql");
    let text = read_to_string(&file).unwrap();
    for description in text.split("\"\"\"").skip(1).step_by(2) {
        let words: Vec<_> = description.split_whitespace().collect();
        prose.add(&file, &words.join(" "));
    }
    prose.hold();
}

#[test]
fn comments_name_things() {
    let mut prose = Prose::default();
    for top in ["src", "crates", "entity", "migration"] {
        let top = root().join(top);
        if !top.exists() {
            continue;
        }
        for file in files(&top, "rs") {
            let is_test = |part: &std::ffi::OsStr| part == "tests" || part == "tests.rs";
            if file.strip_prefix(root()).unwrap().iter().any(is_test) {
                continue;
            }
            for block in comments(&read_to_string(&file).unwrap()) {
                prose.add(&file, &block);
            }
        }
    }
    prose.hold();
}

/// Runs of comment lines, joined. An empty comment line ends a run.
fn comments(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        let comment = line
            .trim_start()
            .strip_prefix("//")
            .map(|rest| rest.trim_start_matches(['/', '!']).trim())
            .filter(|comment| !comment.is_empty());
        match (comment, blocks.last_mut()) {
            (Some(comment), Some(block)) => {
                block.push_str(comment);
                block.push(' ');
            }
            _ => blocks.push(String::new()),
        }
    }
    blocks
}

/// Counts over sentences of four words or more.
#[derive(Default)]
struct Prose {
    sentences: usize,
    openings: usize,
    words: usize,
    vague: usize,
    worst: Vec<(f64, String)>,
}

impl Prose {
    fn add(&mut self, file: &Path, text: &str) {
        for sentence in sentences(text) {
            let words = words(sentence);
            if words.len() < 4 {
                continue;
            }
            let is_vague = |word: &String| VAGUE.split(' ').any(|vague| vague == word);
            let vague = words.iter().filter(|word| is_vague(word)).count();
            self.sentences += 1;
            self.openings += usize::from(is_vague(&words[0]));
            self.words += words.len();
            self.vague += vague;
            let share = share(vague, words.len());
            let file = file.strip_prefix(root()).unwrap_or(file);
            self.worst
                .push((share, format!("{}: {sentence}", file.display())));
        }
    }

    /// Fails with the vaguest sentences when a share exceeds the [`LIMIT`].
    fn hold(mut self) {
        let words = share(self.vague, self.words);
        let openings = share(self.openings, self.sentences);
        assert!(self.sentences > 100, "{} sentences", self.sentences);
        if words <= LIMIT && openings <= LIMIT {
            return;
        }
        self.worst.sort_by(|a, b| b.0.total_cmp(&a.0));
        let worst: Vec<_> = self.worst.into_iter().take(30).map(|(_, s)| s).collect();
        panic!(
            "vague words per 100: {words:.2}, sentences per 100 that begin with one: {openings:.2}; the vaguest:\n{}",
            worst.join("\n")
        );
    }
}

fn share(part: usize, of: usize) -> f64 {
    let part = u32::try_from(part).unwrap();
    let of = u32::try_from(of.max(1)).unwrap();
    100.0 * f64::from(part) / f64::from(of)
}

/// Splits behind `.`, `!`, `?`, `:` and `;`, where a capital letter or code follows.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(' ') {
        let ends = text[start..at].ends_with(['.', '!', '?', ':', ';']);
        let begins = |sign: char| sign.is_ascii_uppercase() || sign == '`';
        if ends && text[at + 1..].starts_with(begins) {
            sentences.push(&text[start..at]);
            start = at + 1;
        }
    }
    sentences.push(&text[start..]);
    sentences
}

/// Runs of ASCII letters and apostrophes, in lower case.
fn words(sentence: &str) -> Vec<String> {
    sentence
        .split(|sign: char| !sign.is_ascii_alphabetic() && sign != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

#[test]
fn vague_words_are_counted_in_sentences_of_four_words() {
    let mut prose = Prose::default();
    prose.add(
        root(),
        "It is one of those: Others are not. `Page`s follow; no split here. Two words.",
    );
    let counts = (prose.sentences, prose.openings, prose.words, prose.vague);
    assert_eq!(counts, (2, 1, 11, 3));
    assert_eq!(
        comments("fn a() {}\n/// One\n/// two.\n///\n//! Three\nlet x; // four\n"),
        ["", "One two. ", "Three ", ""]
    );
}
