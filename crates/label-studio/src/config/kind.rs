//! Which tags have rules of their own.

/// What a control is: the tags that have rules of their own, whatever their case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Bitmask,
    BitmaskLabels,
    Brush,
    BrushLabels,
    /// `Chat`, and `ChatMessage`.
    Chat,
    Choices,
    DateTime,
    Ellipse,
    EllipseLabels,
    HyperTextLabels,
    KeyPoint,
    KeyPointLabels,
    Labels,
    MagicWand,
    Number,
    OcrLabels,
    Pairwise,
    ParagraphLabels,
    Polygon,
    PolygonLabels,
    Ranker,
    Rating,
    ReactCode,
    Rectangle,
    RectangleLabels,
    Taxonomy,
    TextArea,
    TimeSeriesLabels,
    TimelineLabels,
    Vector,
    VectorLabels,
    VideoRectangle,
    VideoVector,
    VideoVectorLabels,
    /// Any other tag.
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

    /// Its `value` and `apiUrl` lead to labels.
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

    /// It has a `choice`: whether one of its labels can be chosen, or several.
    pub fn has_choice(self) -> bool {
        self.takes_labels_from_elsewhere() && !matches!(self, Self::Taxonomy | Self::Other)
    }
}
