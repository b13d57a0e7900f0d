//! Regions of what runs on: text, sound, time series and video.

use super::{fields::Fields, image::Vertex};

/// Characters of a plain text.
#[derive(Clone, Debug, PartialEq)]
pub struct TextSpan {
    /// The first character, from 0.
    pub start: i32,
    /// The first character behind it.
    pub end: i32,
    /// What is written there.
    pub text: Option<String>,
}

/// Characters of a page, or of the utterances of a dialogue.
#[derive(Clone, Debug, PartialEq)]
pub struct HyperTextSpan {
    /// The XPath of a node, or the index of an utterance; a number as it is written.
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
    /// What is written there.
    pub text: Option<String>,
}

/// A stretch of a recording, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// Start, in seconds.
    pub start: f64,
    /// End, in seconds.
    pub end: f64,
    /// From 0.
    pub channel: Option<i32>,
    /// Of the whole recording.
    pub original_length: Option<f64>,
}

/// A stretch of a time series, or an instant of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSeries {
    /// Start.
    pub start: Instant,
    /// End; equal to `start` for an instant.
    pub end: Instant,
    /// False unless given.
    pub instant: bool,
}

/// A place in a time series: a value of its time column, or a text in the column's format.
#[derive(Clone, Debug, PartialEq)]
pub enum Instant {
    /// Number, such as seconds or milliseconds since 1970.
    Number(f64),
    /// Text in the format of the column.
    Text(String),
}

/// Stretches of a video.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Ranges of frames in the stored order.
    pub ranges: Vec<FrameRange>,
}

/// Frames from the first to the last one, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRange {
    /// First frame, from 1.
    pub start: i32,
    /// Last frame, included.
    pub end: i32,
}

/// Something that moves through a video.
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    /// Number of frames of the whole video.
    pub frames_count: Option<i32>,
    /// Of the whole video, in seconds.
    pub duration: Option<f64>,
    /// Keyframes in the stored order.
    pub sequence: Vec<Keyframe>,
}

/// Where it is in one frame; between keyframes its place is interpolated.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyframe {
    /// From 1.
    pub frame: i32,
    /// Seconds.
    pub time: Option<f64>,
    /// It is seen from here on.
    pub enabled: Option<bool>,
    /// A rectangle, in percent of the frame.
    pub x: Option<f64>,
    /// Top edge, in percent of the height.
    pub y: Option<f64>,
    /// In percent of the width.
    pub width: Option<f64>,
    /// In percent of the height.
    pub height: Option<f64>,
    /// Degrees, clockwise.
    pub rotation: Option<f64>,
    /// Of `videovector`.
    pub vertices: Option<Vec<Vertex>>,
    /// Of `videovector`: the last vertex is connected with the first one.
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
        let number = value.bare_number(key).map(Self::Number);
        number.or_else(|| value.text(key).map(Self::Text))
    }

    /// The number; `None` for a text.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }

    /// The text; `None` for a number.
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
