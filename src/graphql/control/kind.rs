//! Kinds of control tags.

use async_graphql::Enum;
use label_studio::config::Kind;

/// Known tags of controls, in any case.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Kind")]
pub enum ControlKind {
    /// Masks of an image's pixels, as pictures.
    Bitmask,
    /// Masks of an image's pixels, as pictures, with labels.
    BitmaskLabels,
    /// Masks of an image's pixels, run-length encoded.
    Brush,
    /// Masks of an image's pixels, run-length encoded, with labels.
    BrushLabels,
    /// Messages of a conversation.
    Chat,
    /// Choices from a list.
    Choices,
    /// A date, a time, or both.
    DateTime,
    /// Ellipses on an image.
    Ellipse,
    /// Ellipses on an image, with labels.
    EllipseLabels,
    /// Spans of HTML, with labels.
    HyperTextLabels,
    /// Points on an image.
    KeyPoint,
    /// Points on an image, with labels.
    KeyPointLabels,
    /// Spans of text or audio with labels, or labels for regions that a separate tool draws.
    Labels,
    /// Masks of an image's pixels, by similar colour.
    MagicWand,
    /// A number.
    Number,
    /// Boxes of recognised text on a page, with labels.
    OcrLabels,
    /// The better of two objects.
    Pairwise,
    /// Spans of a dialogue, with labels.
    ParagraphLabels,
    /// Polygons on an image.
    Polygon,
    /// Polygons on an image, with labels.
    PolygonLabels,
    /// An order of items.
    Ranker,
    /// A rating in stars.
    Rating,
    /// A custom component.
    ReactCode,
    /// Rectangles on an image.
    Rectangle,
    /// Rectangles on an image, with labels.
    RectangleLabels,
    /// Paths through a tree of choices.
    Taxonomy,
    /// Texts.
    TextArea,
    /// Stretches of a time series, with labels.
    TimeSeriesLabels,
    /// Ranges of a video's frames, with labels.
    TimelineLabels,
    /// Open or closed paths on an image, with curves.
    Vector,
    /// Open or closed paths on an image, with curves and labels.
    VectorLabels,
    /// Rectangles that move through a video.
    VideoRectangle,
    /// Paths that move through a video.
    VideoVector,
    /// Paths that move through a video, with labels.
    VideoVectorLabels,
    /// A tag outside of this list.
    Other,
}
