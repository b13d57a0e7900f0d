//! Regions of images. Horizontal coordinates and lengths are percent of the width of the image, vertical coordinates
//! and lengths percent of the height (<https://labelstud.io/guide/task_format>).

use super::{fields::Fields, mask};

/// `original_width` and `original_height`, in pixels, both positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    /// Width in pixels.
    pub width: i32,
    /// Height in pixels.
    pub height: i32,
}

/// Point, in percent or pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Distance from the left edge.
    pub x: f64,
    /// Distance from the top edge.
    pub y: f64,
}

/// Rectangle that turns about the top left corner, at (`x`, `y`).
#[derive(Clone, Debug, PartialEq)]
pub struct Rectangle {
    /// Left edge, in percent of the width.
    pub x: f64,
    /// Top edge, in percent of the height.
    pub y: f64,
    /// In percent of the width.
    pub width: f64,
    /// In percent of the height.
    pub height: f64,
    /// Degrees, clockwise; 0 unless given.
    pub rotation: f64,
    /// `ocrtext`, of `ocrlabels`.
    pub ocr_text: Option<String>,
    /// `pageIndex`, of `ocrlabels`.
    pub page_index: Option<i32>,
}

/// Ellipse that turns about the centre, at (`x`, `y`).
#[derive(Clone, Debug, PartialEq)]
pub struct Ellipse {
    /// Centre, in percent of the width.
    pub x: f64,
    /// Centre, in percent of the height.
    pub y: f64,
    /// Horizontal radius, in percent of the width.
    pub radius_x: f64,
    /// Vertical radius, in percent of the height.
    pub radius_y: f64,
    /// Degrees, clockwise; 0 unless given.
    pub rotation: f64,
}

/// Polygon, by the corners in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    /// Corners, in percent.
    pub points: Vec<Point>,
    /// False while the polygon is being drawn.
    pub closed: Option<bool>,
}

/// Single point.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyPoint {
    /// In percent of the width.
    pub x: f64,
    /// In percent of the height.
    pub y: f64,
    /// Width of the drawn point, in percent of the image's width.
    pub width: Option<f64>,
}

/// Painted pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Brush {
    /// `rle`, in results of Label Studio.
    pub format: Option<String>,
    /// Run lengths of red, green, blue and alpha of each pixel, packed into bits; see `mask`.
    pub rle: Vec<u8>,
}

/// Line through vertices, straight or curved (<https://labelstud.io/tags/vector>).
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    /// Vertices in the stored order.
    pub vertices: Vec<Vertex>,
    /// True when the last vertex is connected with the first.
    pub closed: Option<bool>,
}

/// Vertex of a [`Vector`].
#[derive(Clone, Debug, PartialEq)]
pub struct Vertex {
    /// Id within the vector.
    pub id: Option<String>,
    /// Position in percent.
    pub at: Point,
    /// Id of the vertex at the start of the line to this vertex.
    pub previous_id: Option<String>,
    /// True when the line is a Bézier curve; false unless given.
    pub is_bezier: bool,
    /// Control points of the Bézier curve, in percent: `controlPoint1` and `controlPoint2`.
    pub control_points: [Option<Point>; 2],
}

impl ImageSize {
    pub(super) fn read(entry: &Fields) -> Option<Self> {
        let length = |key| {
            // A text is no size: the editor writes numbers, and the checks do not look at sizes.
            entry.bare_number(key)?;
            entry.int(key).filter(|length| *length > 0)
        };
        Some(Self {
            width: length("original_width")?,
            height: length("original_height")?,
        })
    }

    /// Number of pixels.
    pub fn pixels(self) -> u64 {
        u64::from(self.width.unsigned_abs()) * u64::from(self.height.unsigned_abs())
    }

    /// Converts percent to pixels. Returns `None` on overflow.
    pub fn point(self, percent: Point) -> Option<Point> {
        let x = percent.x / 100.0 * f64::from(self.width);
        let y = percent.y / 100.0 * f64::from(self.height);
        (x.is_finite() && y.is_finite()).then_some(Point { x, y })
    }
}

impl Point {
    pub(super) fn read(fields: &Fields) -> Option<Self> {
        Some(Self {
            x: fields.number("x")?,
            y: fields.number("y")?,
        })
    }

    /// Rotates `other` about this point, in degrees clockwise.
    pub fn turn(self, other: Self, rotation: f64) -> Self {
        // Clockwise on screen, as `y` points down.
        let (sin, cos) = rotation.to_radians().sin_cos();
        let (x, y) = (other.x - self.x, other.y - self.y);
        Self {
            x: self.x + x * cos - y * sin,
            y: self.y + x * sin + y * cos,
        }
    }
}

impl Rectangle {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        let Point { x, y } = Point::read(value)?;
        Some(Self {
            x,
            y,
            width: value.number("width")?,
            height: value.number("height")?,
            rotation: value.number("rotation").unwrap_or_default(),
            ocr_text: value.text("ocrtext"),
            page_index: value.int("pageIndex"),
        })
    }
}

impl Ellipse {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        let Point { x, y } = Point::read(value)?;
        Some(Self {
            x,
            y,
            radius_x: value.number("radiusX")?,
            radius_y: value.number("radiusY")?,
            rotation: value.number("rotation").unwrap_or_default(),
        })
    }
}

impl Polygon {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        let points = value.pairs("points")?;
        Some(Self {
            points: points.into_iter().map(|[x, y]| Point { x, y }).collect(),
            closed: value.flag("closed"),
        })
    }
}

impl KeyPoint {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        let Point { x, y } = Point::read(value)?;
        let width = value.number("width");
        Some(Self { x, y, width })
    }
}

impl Brush {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        Some(Self {
            format: value.text("format"),
            rle: value.bytes("rle")?,
        })
    }

    /// Counts the painted pixels. Returns `None` for run lengths that do not fit an image of this size.
    pub fn area(&self, size: ImageSize) -> Option<u64> {
        mask::area(&self.rle, size)
    }

    /// Draws the alpha of each pixel as a greyscale PNG. Returns `None` for run lengths that do not fit an image of
    /// this size, and for more pixels than [`mask::MAX_PIXELS`].
    pub fn png(&self, size: ImageSize) -> Option<Vec<u8>> {
        mask::png(&self.rle, size)
    }
}

impl Vector {
    pub(super) fn read(value: &Fields) -> Option<Self> {
        Some(Self {
            vertices: value.each("vertices", Vertex::read)?,
            closed: value.flag("closed"),
        })
    }
}

impl Vertex {
    pub(super) fn read(fields: &Fields) -> Option<Self> {
        let control_point = |key| Point::read(&fields.object(key)?);
        Some(Self {
            id: fields.text("id"),
            at: Point::read(fields)?,
            previous_id: fields.text("prevPointId"),
            is_bezier: fields.flag("isBezier").unwrap_or_default(),
            control_points: [
                control_point("controlPoint1"),
                control_point("controlPoint2"),
            ],
        })
    }
}
