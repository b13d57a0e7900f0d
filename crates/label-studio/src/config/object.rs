//! Object tags, which show a part of the task, and units of spans on objects.

use std::{borrow::Cow, sync::Arc};

use problem::Location;

use super::{
    names::{Indices, Pattern},
    with_indices,
};

/// Tag that shows a part of the task.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Name in the config, including flags of Repeaters.
    pub name: String,
    /// Tag as written: `Image`.
    pub tag: String,
    /// `valueList`, else `value`.
    pub value: Option<String>,
    /// Path of the shown value in the task's data: `text` of `$text`. Includes the flags of enclosing Repeaters.
    pub variable: Option<String>,
    /// Unit of `Labels` spans on the object, or `None` for tags without a unit.
    pub span_unit: Option<SpanUnit>,
    /// Attributes as written, in the order of the text.
    pub attributes: Vec<(String, String)>,
    /// Place of the tag in the config.
    pub location: Location,
    /// Positions of the enclosing Repeaters in [`Config::repeaters`](super::Config::repeaters), outermost first.
    pub repeaters: Arc<[usize]>,
    pub(super) name_pattern: Option<Pattern>,
    pub(super) variable_pattern: Option<Pattern>,
}

/// Unit of the start and the end of a span of `Labels`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanUnit {
    /// Characters of a `Text`.
    Characters,
    /// Nodes of a `HyperText`, utterances of `Paragraphs`.
    Nodes,
    /// Seconds of an `Audio` or `Video`.
    Seconds,
    /// Values of the time column of a `TimeSeries`.
    Times,
}

impl SpanUnit {
    pub(super) fn of(tag: &str) -> Option<Self> {
        Some(match tag.to_ascii_lowercase().as_str() {
            "text" => Self::Characters,
            "hypertext" | "paragraphs" => Self::Nodes,
            "audio" | "audioplus" | "video" => Self::Seconds,
            "timeseries" => Self::Times,
            _ => return None,
        })
    }
}

impl Object {
    /// Returns the path of the shown value in the task's data, with the indices filled in, or `None` without a
    /// variable.
    pub fn path(&self, indices: &Indices) -> Option<Cow<'_, str>> {
        let variable = self.variable.as_deref()?;
        with_indices(variable, self.variable_pattern.as_ref(), indices)
    }

    pub(super) fn is_read_like(&self, other: &Self) -> bool {
        self.name == other.name
            && self.name_pattern == other.name_pattern
            && self.span_unit == other.span_unit
    }
}
