//! Regions of what runs on in the graph: of text, sound, time series and video.

use async_graphql::{Context, SimpleObject};
use label_studio::region::{
    self, Audio, HyperTextSpan, Shape, TextSpan, TimeSeries, Timeline, Video,
};

use super::{geometry::VectorVertex, member::member};
use crate::{error, graphql::context::ContextExt};

member! {
    /// Characters of a plain text: `labels`.
    TextSpanRegion(Shape::TextSpan(value) => value): &TextSpan {
        /// Its first character, from 0, as Label Studio counts them.
        async fn start(&self) -> i32 {
            self.value().start
        }

        /// The first character behind it.
        async fn end(&self) -> i32 {
            self.value().end
        }

        /// What is written there. Null when nobody says.
        async fn text(&self) -> Option<&str> {
            self.value().text.as_deref()
        }
    }
}

member! {
    /// Characters of a page, `hypertextlabels`, or of the utterances of a dialogue, `paragraphlabels`.
    HyperTextSpanRegion(Shape::HyperTextSpan(value) => value): &HyperTextSpan {
        /// Where it begins: the XPath of a node, or the index of an utterance, from 0.
        async fn start_path(&self) -> &str {
            &self.value().start
        }

        /// Where it ends: the XPath of a node, or the index of an utterance, from 0.
        async fn end_path(&self) -> &str {
            &self.value().end
        }

        /// Characters of the first node or utterance before it. Null when nobody says.
        async fn start_offset(&self) -> Option<i32> {
            self.value().start_offset
        }

        /// Characters of the last node or utterance up to its end. Null when nobody says.
        async fn end_offset(&self) -> Option<i32> {
            self.value().end_offset
        }

        /// Characters of the whole page before it. Null when nobody says.
        async fn global_start(&self) -> Option<i32> {
            self.value().global_start
        }

        /// Characters of the whole page up to its end. Null when nobody says.
        async fn global_end(&self) -> Option<i32> {
            self.value().global_end
        }

        /// What is written there. Null when nobody says.
        async fn text(&self) -> Option<&str> {
            self.value().text.as_deref()
        }
    }
}

member! {
    /// A stretch of a recording: `labels`.
    AudioRegion(Shape::Audio(value) => value): &Audio {
        /// Where it begins, in seconds.
        async fn start_seconds(&self) -> f64 {
            self.value().start
        }

        /// Where it ends, in seconds.
        async fn end_seconds(&self) -> f64 {
            self.value().end
        }

        /// The channel that it is on, from 0. Null when nobody says.
        async fn channel(&self) -> Option<i32> {
            self.value().channel
        }

        /// How long the whole recording is, in seconds. Null when nobody says.
        async fn duration(&self) -> Option<f64> {
            self.value().original_length
        }
    }
}

member! {
    /// A stretch of a time series, or an instant of it: `timeserieslabels`.
    TimeSeriesRegion(Shape::TimeSeries(value) => value): &TimeSeries {
        /// Where it begins, a value of the time column. Null when it is a text.
        async fn start_time(&self) -> Option<f64> {
            self.value().start.number()
        }

        /// Where it ends, a value of the time column. Null when it is a text.
        async fn end_time(&self) -> Option<f64> {
            self.value().end.number()
        }

        /// Where it begins, in the format of the time column. Null when it is a number.
        async fn start_text(&self) -> Option<&str> {
            self.value().start.text()
        }

        /// Where it ends, in the format of the time column. Null when it is a number.
        async fn end_text(&self) -> Option<&str> {
            self.value().end.text()
        }

        /// It is an instant, and no stretch.
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
            ctx.charge_items(ranges.len())?;
            Ok(ranges.iter().copied().map(Into::into).collect())
        }
    }
}

member! {
    /// Something that moves through a video: `videorectangle`, `videovector`.
    VideoRegion(Shape::Video(value) => value): &Video {
        /// How many frames the whole video has. Null when nobody says.
        async fn frames_count(&self) -> Option<i32> {
            self.value().frames_count
        }

        /// How long the whole video is, in seconds. Null when nobody says.
        async fn duration(&self) -> Option<f64> {
            self.value().duration
        }

        /// Where it is in some frames; between them its place is interpolated.
        async fn sequence(&self, ctx: &Context<'_>) -> error::Result<Vec<VideoKeyframe>> {
            let sequence = &self.value().sequence;
            ctx.charge_items(sequence.len())?;
            Ok(sequence.iter().map(Into::into).collect())
        }
    }
}

/// Frames of a video from one to another.
#[derive(SimpleObject)]
pub struct FrameRange {
    /// The first frame; the video's first one is 1.
    start: i32,
    /// The last frame.
    end: i32,
}

/// Where something is in one frame of a video.
#[derive(SimpleObject)]
pub struct VideoKeyframe {
    /// The frame; the video's first one is 1.
    frame: i32,
    /// When the frame is shown, in seconds. Null when nobody says.
    time: Option<f64>,
    /// It is to be seen from this frame on. Null when nobody says.
    enabled: Option<bool>,
    /// The top left corner, from the left, in percent of the frame's width. Null of `videovector`.
    x: Option<f64>,
    /// The top left corner, from the top, in percent of the frame's height. Null of `videovector`.
    y: Option<f64>,
    /// How wide it is before it is turned, in percent of the frame's width. Null of `videovector`.
    width: Option<f64>,
    /// How high it is before it is turned, in percent of the frame's height. Null of `videovector`.
    height: Option<f64>,
    /// Degrees, clockwise, about the top left corner. Null when nobody says.
    rotation: Option<f64>,
    /// The vertices of a path. Null of `videorectangle`.
    vertices: Option<Vec<VectorVertex>>,
    /// The path ends where it begins. Null when nobody says.
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
