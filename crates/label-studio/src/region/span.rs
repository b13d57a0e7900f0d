//! Regions of sequential data: text, sound, time series and video.

use super::{fields::Fields, image::Vertex};

/// Span of a plain text, in characters (<https://labelstud.io/tags/text>).
#[derive(Clone, Debug, PartialEq)]
pub struct TextSpan {
    /// First character, from 0.
    pub start: i32,
    /// First character after the span.
    pub end: i32,
    /// Text of the span.
    pub text: Option<String>,
}

/// Span of a page, or of the utterances of a dialogue (<https://labelstud.io/tags/hypertext>,
/// <https://labelstud.io/tags/paragraphs>).
#[derive(Clone, Debug, PartialEq)]
pub struct HyperTextSpan {
    /// XPath of a node, or index of an utterance; a number as written.
    pub start: String,
    /// Like `start`, for the end of the span.
    pub end: String,
    /// Characters into the node or utterance, from 0.
    pub start_offset: Option<i32>,
    /// Like `start_offset`, for the end of the span.
    pub end_offset: Option<i32>,
    /// Characters into the text of the whole page.
    pub global_start: Option<i32>,
    /// Like `global_start`, for the end of the span.
    pub global_end: Option<i32>,
    /// Text of the span.
    pub text: Option<String>,
}

/// Range of a recording, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// Start, in seconds.
    pub start: f64,
    /// End, in seconds.
    pub end: f64,
    /// Channel, from 0.
    pub channel: Option<i32>,
    /// Length of the whole recording, in seconds.
    pub original_length: Option<f64>,
}

/// Range or instant of a time series.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSeries {
    /// Start.
    pub start: Instant,
    /// End; equal to `start` for an instant.
    pub end: Instant,
    /// True for an instant; false unless given.
    pub instant: bool,
}

/// Position in a time series: a value of the time column, or a text in the column's format.
#[derive(Clone, Debug, PartialEq)]
pub enum Instant {
    /// Number, such as seconds or milliseconds since 1970.
    Number(f64),
    /// Text in the format of the column.
    Text(String),
}

/// Ranges of frames of a video.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Ranges of frames in the stored order.
    pub ranges: Vec<FrameRange>,
}

/// Frames from the first to the last, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRange {
    /// First frame, from 1.
    pub start: i32,
    /// Last frame, included.
    pub end: i32,
}

/// Moving shape in a video (<https://labelstud.io/tags/videorectangle>).
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    /// Number of frames of the whole video.
    pub frames_count: Option<i32>,
    /// Length of the whole video, in seconds.
    pub duration: Option<f64>,
    /// Keyframes in the stored order.
    pub sequence: Vec<Keyframe>,
}

/// Shape in a single frame; the editor interpolates between keyframes.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyframe {
    /// Frame, from 1.
    pub frame: i32,
    /// Seconds.
    pub time: Option<f64>,
    /// True when the shape is visible from this frame on.
    pub enabled: Option<bool>,
    /// Left edge of a rectangle, in percent of the width of the frame.
    pub x: Option<f64>,
    /// Top edge, in percent of the height.
    pub y: Option<f64>,
    /// In percent of the width.
    pub width: Option<f64>,
    /// In percent of the height.
    pub height: Option<f64>,
    /// Degrees, clockwise.
    pub rotation: Option<f64>,
    /// Vertices of a `videovector`.
    pub vertices: Option<Vec<Vertex>>,
    /// Closing line of a `videovector`: true when the last vertex is connected with the first.
    pub closed: Option<bool>,
}

impl TextSpan {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        Some(Self {
            start: value.int("start")?,
            end: value.int("end")?,
            text: value.text("text"),
        })
    }
}

impl HyperTextSpan {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        let offsets = value.object("globalOffsets").unwrap_or_default();
        Some(Self {
            start: value.text_or_number("start")?,
            end: value.text_or_number("end")?,
            start_offset: value.int("startOffset"),
            end_offset: value.int("endOffset"),
            global_start: offsets.int("start"),
            global_end: offsets.int("end"),
            text: value.text("text"),
        })
    }
}

impl Audio {
    pub(super) fn read(entry: &Fields, value: &Fields) -> Option<Self> {
        Some(Self {
            start: value.number("start")?,
            end: value.number("end")?,
            channel: value.int("channel"),
            original_length: entry.number("original_length"),
        })
    }
}

impl TimeSeries {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        Some(Self {
            start: Instant::read(value, "start")?,
            end: Instant::read(value, "end")?,
            instant: value.flag("instant").unwrap_or_default(),
        })
    }
}

impl Instant {
    fn read(value: &Fields, key: &str) -> Option<Self> {
        // A text stays a text, though it may read as a number: the column's format decides.
        let number = value.bare_number(key).map(Self::Number);
        number.or_else(|| value.text(key).map(Self::Text))
    }

    /// Returns the number, or `None` for a text.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    /// Returns the text, or `None` for a number.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Number(_) => None,
            Self::Text(text) => Some(text),
        }
    }
}

impl Timeline {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        let range = |fields: &Fields| {
            Some(FrameRange {
                start: fields.int("start")?,
                end: fields.int("end")?,
            })
        };
        let ranges = value.each("ranges", range)?;
        Some(Self { ranges })
    }
}

impl Video {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        Some(Self {
            frames_count: value.int("framesCount"),
            duration: value.number("duration"),
            sequence: value.each("sequence", Keyframe::read)?,
        })
    }
}

impl Keyframe {
    fn read(fields: &Fields) -> Option<Self> {
        Some(Self {
            frame: fields.int("frame")?,
            time: fields.number("time"),
            enabled: fields.flag("enabled"),
            x: fields.number("x"),
            y: fields.number("y"),
            width: fields.number("width"),
            height: fields.number("height"),
            rotation: fields.number("rotation"),
            vertices: fields.each("vertices", Vertex::read),
            closed: fields.flag("closed"),
        })
    }
}
