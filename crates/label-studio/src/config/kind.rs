//! Kinds of controls.

/// Kind of a control: a variant for each tag with special rules (<https://labelstud.io/tags/>), matched without regard
/// to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Mask painted on an image, stored as an image.
    Bitmask,
    /// `Bitmask` with labels.
    BitmaskLabels,
    /// Mask painted on an image, stored as run lengths.
    Brush,
    /// `Brush` with labels.
    BrushLabels,
    /// `Chat`, and `ChatMessage`.
    Chat,
    /// Choices, flat or nested.
    Choices,
    /// Date, time, or both.
    DateTime,
    /// Ellipse on an image.
    Ellipse,
    /// `Ellipse` with labels.
    EllipseLabels,
    /// Labelled span of a `HyperText`.
    HyperTextLabels,
    /// Point on an image.
    KeyPoint,
    /// `KeyPoint` with labels.
    KeyPointLabels,
    /// Labels for spans, and for shapes of other controls.
    Labels,
    /// `Brush` that fills by colour.
    MagicWand,
    /// Number.
    Number,
    /// Shape on an image with labels and recognised text.
    OcrLabels,
    /// Choice between two objects.
    Pairwise,
    /// Labelled span of `Paragraphs`.
    ParagraphLabels,
    /// Polygon on an image.
    Polygon,
    /// `Polygon` with labels.
    PolygonLabels,
    /// Items in order, or in buckets.
    Ranker,
    /// Number of stars.
    Rating,
    /// User-defined control, whose regions have any content.
    ReactCode,
    /// Rectangle on an image.
    Rectangle,
    /// `Rectangle` with labels.
    RectangleLabels,
    /// Items of a tree.
    Taxonomy,
    /// Texts that people write.
    TextArea,
    /// Labelled range of a `TimeSeries`.
    TimeSeriesLabels,
    /// Labelled frames of a `Video`.
    TimelineLabels,
    /// Line of vertices on an image.
    Vector,
    /// `Vector` with labels.
    VectorLabels,
    /// Rectangle that moves through a `Video`.
    VideoRectangle,
    /// Line of vertices that moves through a `Video`.
    VideoVector,
    /// `VideoVector` with labels.
    VideoVectorLabels,
    /// Tag without special rules.
    Other,
}

impl Kind {
    pub(super) fn of(tag: &str) -> Self {
        match tag.to_ascii_lowercase().as_str() {
            "bitmask" => Self::Bitmask,
            "bitmasklabels" => Self::BitmaskLabels,
            "brush" => Self::Brush,
            "brushlabels" => Self::BrushLabels,
            "chat" | "chatmessage" => Self::Chat,
            "choices" => Self::Choices,
            "datetime" => Self::DateTime,
            "ellipse" => Self::Ellipse,
            "ellipselabels" => Self::EllipseLabels,
            "hypertextlabels" => Self::HyperTextLabels,
            "keypoint" => Self::KeyPoint,
            "keypointlabels" => Self::KeyPointLabels,
            "labels" => Self::Labels,
            "magicwand" => Self::MagicWand,
            "number" => Self::Number,
            "ocrlabels" => Self::OcrLabels,
            "pairwise" => Self::Pairwise,
            "paragraphlabels" => Self::ParagraphLabels,
            "polygon" => Self::Polygon,
            "polygonlabels" => Self::PolygonLabels,
            "ranker" => Self::Ranker,
            "rating" => Self::Rating,
            "reactcode" => Self::ReactCode,
            "rectangle" => Self::Rectangle,
            "rectanglelabels" => Self::RectangleLabels,
            "taxonomy" => Self::Taxonomy,
            "textarea" => Self::TextArea,
            "timeserieslabels" => Self::TimeSeriesLabels,
            "timelinelabels" => Self::TimelineLabels,
            "vector" => Self::Vector,
            "vectorlabels" => Self::VectorLabels,
            "videorectangle" => Self::VideoRectangle,
            "videovector" => Self::VideoVector,
            "videovectorlabels" => Self::VideoVectorLabels,
            _ => Self::Other,
        }
    }

    /// True for kinds whose `value` and `apiUrl` lead to labels.
    pub(super) fn takes_labels_from_elsewhere(self) -> bool {
        matches!(
            self,
            Self::BitmaskLabels
                | Self::BrushLabels
                | Self::Choices
                | Self::EllipseLabels
                | Self::HyperTextLabels
                | Self::KeyPointLabels
                | Self::Labels
                | Self::OcrLabels
                | Self::ParagraphLabels
                | Self::PolygonLabels
                | Self::RectangleLabels
                | Self::Taxonomy
                | Self::TimeSeriesLabels
                | Self::TimelineLabels
                | Self::VectorLabels
                | Self::VideoVectorLabels
                | Self::Other
        )
    }

    /// True for kinds with the attribute `choice`, which bounds the number of chosen labels.
    pub fn has_choice(self) -> bool {
        self.takes_labels_from_elsewhere() && !matches!(self, Self::Taxonomy | Self::Other)
    }
}
