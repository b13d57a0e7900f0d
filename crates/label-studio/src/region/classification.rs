//! Regions without a place in the task's data: answers about the task or about a region, messages and relations.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Shape, fields::Fields};

/// Answer of a region, for filters by answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Choice, item of a taxonomy, text, or date in the control's format.
    Text(String),
    /// Nested choice or item of a taxonomy with the enclosing levels, outermost first: two levels at least.
    Path(Vec<String>),
    /// Number, or stars of a rating.
    Number(f64),
}

impl Answer {
    /// Makes an answer of a path: a text for a single level. Returns `None` without a level.
    pub fn path(mut levels: Vec<String>) -> Option<Self> {
        match levels.len() {
            0 | 1 => levels.pop().map(Self::Text),
            _ => Some(Self::Path(levels)),
        }
    }

    /// Texts of the answer, outermost first; empty for a number.
    pub fn texts(&self) -> &[String] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::Path(levels) => levels,
            Self::Number(_) => &[],
        }
    }

    /// Answers of a region. A path is followed by the innermost text as a separate answer, so that a filter finds the
    /// choice with and without the path.
    pub(super) fn of(shape: Shape) -> Vec<Self> {
        let of_path = |levels: Vec<String>| {
            let innermost = levels.last().filter(|_| levels.len() > 1).cloned();
            let innermost = innermost.map(Self::Text);
            Self::path(levels).into_iter().chain(innermost)
        };
        match shape {
            Shape::Choices(Choices { paths }) | Shape::Taxonomy(paths) => {
                paths.into_iter().flat_map(of_path).collect()
            }
            Shape::TextArea(texts) => texts.into_iter().map(Self::Text).collect(),
            Shape::DateTime(text) => vec![Self::Text(text)],
            Shape::Number(number) => vec![Self::Number(number)],
            Shape::Rating(stars) => vec![Self::Number(stars.into())],
            _ => Vec::new(),
        }
    }
}

/// Chosen choices (<https://labelstud.io/tags/choices>).
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// Each choice with the enclosing choices, outermost first.
    pub paths: Vec<Vec<String>>,
}

/// Bucket of ranked items (<https://labelstud.io/tags/ranker>).
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Name of the bucket in the config.
    pub name: String,
    /// Ids of the items, best first.
    pub item_ids: Vec<String>,
}

/// Message written into a chat (<https://labelstud.io/tags/chat>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// Role of the speaker: `user`, `assistant`, …
    pub role: String,
    /// Text of the message.
    pub content: String,
    /// `createdAt`, milliseconds since 1970, or `None` when missing or beyond the range of dates.
    pub created_at: Option<DateTime<Utc>>,
}

/// Relation between two regions (<https://labelstud.io/tags/relations>).
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// Id of the region at the start.
    pub from_id: String,
    /// Id of the region at the end.
    pub to_id: String,
    /// Direction, or `None` when missing or unknown.
    pub direction: Option<Direction>,
}

/// Direction of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the end to the start.
    Left,
    /// From the start to the end.
    Right,
    /// Both ways.
    Bi,
}

impl Choices {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Chosen {
            Alone(String),
            Nested(Vec<String>),
        }
        // `allowNested` stores paths in place of texts; a list can mix both.
        let chosen: Vec<Chosen> = value.parsed("choices")?;
        let path = |chosen| match chosen {
            Chosen::Alone(choice) => vec![choice],
            Chosen::Nested(path) => path,
        };
        Some(Self {
            paths: chosen.into_iter().map(path).collect(),
        })
    }

    /// Chosen choices, without the enclosing choices.
    pub fn innermost(&self) -> impl Iterator<Item = &str> {
        self.paths
            .iter()
            .filter_map(|path| Some(path.last()?.as_str()))
    }
}

impl ChatMessage {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        let message = value.object("chatmessage")?;
        let created_at = message.long("createdAt");
        Some(Self {
            role: message.text("role")?,
            content: message.text("content")?,
            created_at: created_at.and_then(DateTime::from_timestamp_millis),
        })
    }
}

impl Relation {
    pub(super) fn read(entry: &Fields) -> Option<Self> {
        Some(Self {
            from_id: entry.text("from_id")?,
            to_id: entry.text("to_id")?,
            direction: entry.parsed("direction"),
        })
    }
}

/// Reads the chosen paths of a taxonomy, each from the outermost level inwards.
pub fn taxonomy(value: &Fields) -> Option<Vec<Vec<String>>> {
    value.parsed("taxonomy")
}

/// Reads a list of texts, or a single text, as in older results.
pub fn texts(value: &Fields) -> Option<Vec<String>> {
    let alone = || Some(vec![value.text("text")?]);
    value.parsed("text").or_else(alone)
}

/// Reads buckets in the order of the JSON.
pub fn buckets(value: &Fields) -> Option<Vec<Bucket>> {
    let buckets: IndexMap<String, &RawValue> = value.parsed("ranker")?;
    // A single malformed bucket makes the region unreadable: a ranking with a bucket missing would mislead.
    let bucket = |(name, ids): (String, &RawValue)| {
        let item_ids = serde_json::from_str(ids.get()).ok()?;
        Some(Bucket { name, item_ids })
    };
    buckets.into_iter().map(bucket).collect()
}
