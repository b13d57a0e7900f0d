//! Kinds of regions, by the `type` of the entry, and for `labels` by the object, too.

use super::{
    classification::{Bucket, ChatMessage, Choices, Relation, buckets, taxonomy, texts},
    fields::Fields,
    image::{Brush, Ellipse, KeyPoint, Polygon, Rectangle, Vector},
    span::{Audio, HyperTextSpan, TextSpan, TimeSeries, Timeline, Video},
};
use crate::config::SpanUnit;

/// Kind of a region. The numbers are stored in the search index and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Rectangle on an image.
    Rectangle = 1,
    /// Ellipse on an image.
    Ellipse = 2,
    /// Polygon on an image.
    Polygon = 3,
    /// Point on an image.
    KeyPoint = 4,
    /// Mask on an image, stored as run lengths.
    Brush = 5,
    /// Mask on an image, stored as an image.
    Bitmask = 6,
    /// Line of vertices on an image.
    Vector = 7,
    /// Span of a plain text.
    TextSpan = 8,
    /// Span of a page or a dialogue.
    HyperTextSpan = 9,
    /// Range of a recording.
    Audio = 10,
    /// Range or instant of a time series.
    TimeSeries = 11,
    /// Ranges of frames of a video.
    Timeline = 12,
    /// Shape that moves through a video.
    Video = 13,
    /// Chosen choices.
    Choices = 14,
    /// Chosen items of a tree.
    Taxonomy = 15,
    /// Written texts.
    TextArea = 16,
    /// Number.
    Number = 17,
    /// Stars.
    Rating = 18,
    /// Date, time, or both.
    DateTime = 19,
    /// Choice between two objects.
    Pairwise = 20,
    /// Items in order.
    Ranker = 21,
    /// Relation between two regions.
    Relation = 22,
    /// Unknown type, or content that the type does not allow.
    Other = 23,
    /// Message written into a chat.
    ChatMessage = 24,
}

/// Typed content of a region.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// See [`Rectangle`].
    Rectangle(Rectangle),
    /// See [`Ellipse`].
    Ellipse(Ellipse),
    /// See [`Polygon`].
    Polygon(Polygon),
    /// See [`KeyPoint`].
    KeyPoint(KeyPoint),
    /// See [`Brush`].
    Brush(Brush),
    /// Data URL of an image (<https://www.rfc-editor.org/rfc/rfc2397>).
    Bitmask(String),
    /// See [`Vector`].
    Vector(Vector),
    /// See [`TextSpan`].
    TextSpan(TextSpan),
    /// See [`HyperTextSpan`].
    HyperTextSpan(HyperTextSpan),
    /// See [`Audio`].
    Audio(Audio),
    /// See [`TimeSeries`].
    TimeSeries(TimeSeries),
    /// See [`Timeline`].
    Timeline(Timeline),
    /// See [`Video`].
    Video(Video),
    /// See [`Choices`].
    Choices(Choices),
    /// Paths from the outermost item inwards.
    Taxonomy(Vec<Vec<String>>),
    /// Written texts in their order.
    TextArea(Vec<String>),
    /// A number.
    Number(f64),
    /// Number of stars.
    Rating(i32),
    /// Date in the control's format.
    DateTime(String),
    /// Chosen side.
    Pairwise(String),
    /// Buckets in the stored order.
    Ranker(Vec<Bucket>),
    /// See [`Relation`].
    Relation(Relation),
    /// See [`ChatMessage`].
    ChatMessage(ChatMessage),
    /// Unknown type, or content that the type does not allow; with the `type` when given as a text.
    Other(Option<String>),
}

impl Shape {
    /// Reads a value. `kind` is the entry's `type` in lower case, `unit` the unit of spans on the object, if known.
    pub(super) fn read(
        kind: &str,
        entry: &Fields,
        value: &Fields,
        unit: Option<SpanUnit>,
    ) -> Option<Self> {
        Some(match kind {
            "rectangle" | "rectanglelabels" | "ocrlabels" => {
                Self::Rectangle(Rectangle::read(value)?)
            }
            "ellipse" | "ellipselabels" => Self::Ellipse(Ellipse::read(value)?),
            "polygon" | "polygonlabels" => Self::Polygon(Polygon::read(value)?),
            "keypoint" | "keypointlabels" => Self::KeyPoint(KeyPoint::read(value)?),
            "brush" | "brushlabels" | "magicwand" | "magicwandlabels" => {
                Self::Brush(Brush::read(value)?)
            }
            "bitmask" | "bitmasklabels" => Self::Bitmask(value.text("imageDataURL")?),
            "vector" | "vectorlabels" => Self::Vector(Vector::read(value)?),
            "labels" => Self::labelled(entry, value, unit)?,
            "hypertextlabels" | "paragraphlabels" => {
                Self::HyperTextSpan(HyperTextSpan::read(value)?)
            }
            "timeserieslabels" => Self::TimeSeries(TimeSeries::read(value)?),
            "timelinelabels" => Self::Timeline(Timeline::read(value)?),
            "videorectangle" | "videorectanglelabels" | "videovector" | "videovectorlabels" => {
                Self::Video(Video::read(value)?)
            }
            "choices" => Self::Choices(Choices::read(value)?),
            "taxonomy" => Self::Taxonomy(taxonomy(value)?),
            "textarea" => Self::TextArea(texts(value)?),
            "number" => Self::Number(value.number("number")?),
            "rating" => Self::Rating(value.int("rating")?),
            "datetime" => Self::DateTime(value.text("datetime")?),
            "pairwise" => Self::Pairwise(value.text("selected")?),
            "ranker" => Self::Ranker(buckets(value)?),
            "relation" => Self::Relation(Relation::read(entry)?),
            "chatmessage" => Self::ChatMessage(ChatMessage::read(value)?),
            _ => return None,
        })
    }

    /// Kind of the region.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Rectangle(_) => Kind::Rectangle,
            Self::Ellipse(_) => Kind::Ellipse,
            Self::Polygon(_) => Kind::Polygon,
            Self::KeyPoint(_) => Kind::KeyPoint,
            Self::Brush(_) => Kind::Brush,
            Self::Bitmask(_) => Kind::Bitmask,
            Self::Vector(_) => Kind::Vector,
            Self::TextSpan(_) => Kind::TextSpan,
            Self::HyperTextSpan(_) => Kind::HyperTextSpan,
            Self::Audio(_) => Kind::Audio,
            Self::TimeSeries(_) => Kind::TimeSeries,
            Self::Timeline(_) => Kind::Timeline,
            Self::Video(_) => Kind::Video,
            Self::Choices(_) => Kind::Choices,
            Self::Taxonomy(_) => Kind::Taxonomy,
            Self::TextArea(_) => Kind::TextArea,
            Self::Number(_) => Kind::Number,
            Self::Rating(_) => Kind::Rating,
            Self::DateTime(_) => Kind::DateTime,
            Self::Pairwise(_) => Kind::Pairwise,
            Self::Ranker(_) => Kind::Ranker,
            Self::Relation(_) => Kind::Relation,
            Self::ChatMessage(_) => Kind::ChatMessage,
            Self::Other(_) => Kind::Other,
        }
    }
}

#[cfg(test)]
mod tests;
