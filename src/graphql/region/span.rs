//! Regions on texts, audio, time series and video.

use async_graphql::{Context, SimpleObject};
use label_studio::region::{
    self, Audio, HyperTextSpan, Shape, TextSpan, TimeSeries, Timeline, Video,
};

use super::{geometry::VectorVertex, member::member};
use crate::{error, graphql::context::ContextExt};

member! {
    /// Characters of a plain text: `labels`.
    TextSpanRegion(Shape::TextSpan(value) => value): &TextSpan {
        /// Index of the first character, from 0, in Label Studio's counting.
        async fn start(&self) -> i32 {
            self.value().start
        }

        /// Index of the first character behind the span.
        async fn end(&self) -> i32 {
            self.value().end
        }

        /// Text of the span. Null when not stored.
        async fn text(&self) -> Option<&str> {
            self.value().text.as_deref()
        }
    }
}

member! {
    /// Characters of a page, `hypertextlabels`, or of the utterances of a dialogue, `paragraphlabels`.
    HyperTextSpanRegion(Shape::HyperTextSpan(value) => value): &HyperTextSpan {
        /// Start of the span: the XPath of a node, or the index of an utterance, from 0.
        async fn start_path(&self) -> &str {
            &self.value().start
        }

        /// End of the span: the XPath of a node, or the index of an utterance, from 0.
        async fn end_path(&self) -> &str {
            &self.value().end
        }

        /// Characters of the first node or utterance before the span. Null when not stored.
        async fn start_offset(&self) -> Option<i32> {
            self.value().start_offset
        }

        /// Characters of the last node or utterance up to the span's end. Null when not stored.
        async fn end_offset(&self) -> Option<i32> {
            self.value().end_offset
        }

        /// Characters of the whole page before the span. Null when not stored.
        async fn global_start(&self) -> Option<i32> {
            self.value().global_start
        }

        /// Characters of the whole page up to the span's end. Null when not stored.
        async fn global_end(&self) -> Option<i32> {
            self.value().global_end
        }

        /// Text of the span. Null when not stored.
        async fn text(&self) -> Option<&str> {
            self.value().text.as_deref()
        }
    }
}

member! {
    /// A stretch of a recording: `labels`.
    AudioRegion(Shape::Audio(value) => value): &Audio {
        /// Start of the stretch, in seconds.
        async fn start_seconds(&self) -> f64 {
            self.value().start
        }

        /// End of the stretch, in seconds.
        async fn end_seconds(&self) -> f64 {
            self.value().end
        }

        /// Channel of the recording, from 0. Null when not stored.
        async fn channel(&self) -> Option<i32> {
            self.value().channel
        }

        /// Length of the whole recording, in seconds. Null when not stored.
        async fn duration(&self) -> Option<f64> {
            self.value().original_length
        }
    }
}

member! {
    /// A stretch or an instant of a time series: `timeserieslabels`.
    TimeSeriesRegion(Shape::TimeSeries(value) => value): &TimeSeries {
        /// Start of the stretch, a value of the time column. Null when the start is a text.
        async fn start_time(&self) -> Option<f64> {
            self.value().start.number()
        }

        /// End of the stretch, a value of the time column. Null when the end is a text.
        async fn end_time(&self) -> Option<f64> {
            self.value().end.number()
        }

        /// Start of the stretch, in the format of the time column. Null when the start is a number.
        async fn start_text(&self) -> Option<&str> {
            self.value().start.text()
        }

        /// End of the stretch, in the format of the time column. Null when the end is a number.
        async fn end_text(&self) -> Option<&str> {
            self.value().end.text()
        }

        /// The region is an instant, not a stretch.
        async fn instant(&self) -> bool {
            self.value().instant
        }
    }
}

member! {
    /// Stretches of a video: `timelinelabels`.
    TimelineRegion(Shape::Timeline(value) => value): &Timeline {
        /// The stretches, in frames.
        async fn ranges(&self, ctx: &Context<'_>) -> error::Result<Vec<FrameRange>> {
            let ranges = &self.value().ranges;
            // Charges before building the list: a video can hold many thousands of ranges.
            ctx.charge_items(ranges.len())?;
            Ok(ranges.iter().copied().map(Into::into).collect())
        }
    }
}

member! {
    /// An object that moves through a video: `videorectangle`, `videovector`.
    VideoRegion(Shape::Video(value) => value): &Video {
        /// Number of frames of the whole video. Null when not stored.
        async fn frames_count(&self) -> Option<i32> {
            self.value().frames_count
        }

        /// Length of the whole video, in seconds. Null when not stored.
        async fn duration(&self) -> Option<f64> {
            self.value().duration
        }

        /// Keyframes with the place of the object; between two keyframes the place is interpolated.
        async fn sequence(&self, ctx: &Context<'_>) -> error::Result<Vec<VideoKeyframe>> {
            let sequence = &self.value().sequence;
            ctx.charge_items(sequence.len())?;
            Ok(sequence.iter().map(Into::into).collect())
        }
    }
}

/// A range of frames of a video, first and last frame included.
#[derive(SimpleObject)]
pub struct FrameRange {
    /// The first frame of the range; frames count from 1.
    start: i32,
    /// The last frame of the range.
    end: i32,
}

/// Place of a region in a frame of a video.
#[derive(SimpleObject)]
pub struct VideoKeyframe {
    /// Number of the frame; frames count from 1.
    frame: i32,
    /// Time of the frame, in seconds. Null when not stored.
    time: Option<f64>,
    /// The region is visible from this frame on. Null when not stored.
    enabled: Option<bool>,
    /// The top left corner, from the left, in percent of the frame's width. Null for `videovector`.
    x: Option<f64>,
    /// The top left corner, from the top, in percent of the frame's height. Null for `videovector`.
    y: Option<f64>,
    /// Width before the rotation, in percent of the frame's width. Null for `videovector`.
    width: Option<f64>,
    /// Height before the rotation, in percent of the frame's height. Null for `videovector`.
    height: Option<f64>,
    /// Degrees, clockwise, about the top left corner. Null when not stored.
    rotation: Option<f64>,
    /// The vertices of a path. Null for `videorectangle`.
    vertices: Option<Vec<VectorVertex>>,
    /// The path ends at its start. Null when not stored.
    closed: Option<bool>,
}

impl From<region::FrameRange> for FrameRange {
    fn from(range: region::FrameRange) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

impl From<&region::Keyframe> for VideoKeyframe {
    fn from(keyframe: &region::Keyframe) -> Self {
        let vertices = keyframe.vertices.as_ref();
        Self {
            frame: keyframe.frame,
            time: keyframe.time,
            enabled: keyframe.enabled,
            x: keyframe.x,
            y: keyframe.y,
            width: keyframe.width,
            height: keyframe.height,
            rotation: keyframe.rotation,
            vertices: vertices.map(|vertices| vertices.iter().map(Into::into).collect()),
            closed: keyframe.closed,
        }
    }
}
