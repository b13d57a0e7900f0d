//! Regions of the type `labels`: spans, by the unit of the object, and labels of drawn regions.

use super::{
    fields::Fields,
    image::{Brush, Ellipse, KeyPoint, Polygon, Rectangle, Vector},
    kind::Shape,
    span::{Audio, HyperTextSpan, TextSpan, TimeSeries, Timeline, Video},
};
use crate::config::SpanUnit;

impl Shape {
    /// Reads an entry of the type `labels`: a span, or the second entry of a region of an unlabelled tool
    /// (<https://labelstud.io/tags/labels>).
    pub(super) fn labelled(entry: &Fields, value: &Fields, unit: Option<SpanUnit>) -> Option<Self> {
        let span = match unit {
            Some(unit) => Self::span(entry, value, unit),
            None => Self::guessed_span(entry, value),
        };
        span.or_else(|| Self::drawn(value))
    }

    fn span(entry: &Fields, value: &Fields, unit: SpanUnit) -> Option<Self> {
        let nodes = || HyperTextSpan::read(value).map(Self::HyperTextSpan);
        match unit {
            // Older versions of Label Studio wrote XPaths for plain texts, too.
            SpanUnit::Characters => match TextSpan::read(value) {
                Some(span) => Some(Self::TextSpan(span)),
                None if value.text("start").is_some() || value.text("end").is_some() => nodes(),
                None => None,
            },
            SpanUnit::Nodes => nodes(),
            SpanUnit::Seconds => Audio::read(entry, value).map(Self::Audio),
            SpanUnit::Times => TimeSeries::read(value).map(Self::TimeSeries),
        }
    }

    /// Guesses the unit of a span on an unknown object: paths are texts, characters are integers, seconds have a
    /// fraction or stand beside a channel or a length of the recording.
    fn guessed_span(entry: &Fields, value: &Fields) -> Option<Self> {
        let nodes = || HyperTextSpan::read(value).map(Self::HyperTextSpan);
        if value.text("start").is_some() {
            return nodes();
        }
        // The editor writes both keys for recordings only; whole seconds would read as characters.
        let is_sound = entry.has("original_length") || value.has("channel");
        let characters = || TextSpan::read(value).filter(|_| !is_sound);
        characters()
            .map(Self::TextSpan)
            .or_else(|| Audio::read(entry, value).map(Self::Audio))
            .or_else(nodes)
    }

    /// Reads a drawn region, by the keys of each kind.
    fn drawn(value: &Fields) -> Option<Self> {
        // From kinds with the most specific keys to the least: every ellipse also reads as a key point.
        let timeline = || Timeline::read(value).map(Self::Timeline);
        timeline()
            .or_else(|| Video::read(value).map(Self::Video))
            .or_else(|| Polygon::read(value).map(Self::Polygon))
            .or_else(|| Brush::read(value).map(Self::Brush))
            .or_else(|| value.text("imageDataURL").map(Self::Bitmask))
            .or_else(|| Vector::read(value).map(Self::Vector))
            .or_else(|| Ellipse::read(value).map(Self::Ellipse))
            .or_else(|| Rectangle::read(value).map(Self::Rectangle))
            .or_else(|| KeyPoint::read(value).map(Self::KeyPoint))
    }
}
