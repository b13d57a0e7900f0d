//! Regions that answer a question about the task, about another region, or about two of them.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Shape, fields::Fields};

/// An answer of a region to its control.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A choice, an item of a taxonomy, a text, or a date as the control's format has it.
    Text(String),
    /// A nested choice or an item of a taxonomy with those around it, outermost first: two levels at least.
    Path(Vec<String>),
    /// A number, or the stars of a rating.
    Number(f64),
}

impl Answer {
    /// The answer that a path stands for: of one level the text alone. `None` without a level.
    pub fn path(mut levels: Vec<String>) -> Option<Self> {
        match levels.len() {
            0 | 1 => levels.pop().map(Self::Text),
            _ => Some(Self::Path(levels)),
        }
    }

    /// Its texts, outermost first; of a number none.
    pub fn texts(&self) -> &[String] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::Path(levels) => levels,
            Self::Number(_) => &[],
        }
    }

    /// The answers of a region. A path is followed by its innermost text, which is an answer of its own.
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

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// Each with the choices around it, outermost first.
    pub paths: Vec<Vec<String>>,
}

/// A place that items were put into, best ones first.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Name of the bucket in the config.
    pub name: String,
    /// Ids of the items, best first.
    pub item_ids: Vec<String>,
}

/// A message that was written into a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// Role of the speaker: `user`, `assistant`, …
    pub role: String,
    /// Text of the message.
    pub content: String,
    /// `createdAt`, milliseconds since 1970. `None` when missing, and beyond the range of dates.
    pub created_at: Option<DateTime<Utc>>,
}

/// How two regions relate.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// Id of the region at the start.
    pub from_id: String,
    /// Id of the region at the end.
    pub to_id: String,
    /// `None` when missing or unknown.
    pub direction: Option<Direction>,
}

/// Which way a relation points.
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
        let chosen: Vec<Chosen> = value.parsed("choices")?;
        let path = |chosen| match chosen {
            Chosen::Alone(choice) => vec![choice],
            Chosen::Nested(path) => path,
        };
        Some(Self {
            paths: chosen.into_iter().map(path).collect(),
        })
    }

    /// The choices themselves.
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

pub fn taxonomy(value: &Fields) -> Option<Vec<Vec<String>>> {
    value.parsed("taxonomy")
}

/// A list of texts, or one text alone as older results have it.
pub fn texts(value: &Fields) -> Option<Vec<String>> {
    let alone = || Some(vec![value.text("text")?]);
    value.parsed("text").or_else(alone)
}

/// Buckets in the order of the text.
pub fn buckets(value: &Fields) -> Option<Vec<Bucket>> {
    let buckets: IndexMap<String, &RawValue> = value.parsed("ranker")?;
    let bucket = |(name, ids): (String, &RawValue)| {
        let item_ids = serde_json::from_str(ids.get()).ok()?;
        Some(Bucket { name, item_ids })
    };
    buckets.into_iter().map(bucket).collect()
}
