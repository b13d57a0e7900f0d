//! Points, boxes and ellipses, in percent and in pixels.

use async_graphql::{ID, SimpleObject};
use label_studio::region::{Ellipse, ImageSize, Point, Rectangle, Vertex};

/// A point of an image, in percent of the image's width and height.
#[derive(SimpleObject)]
pub struct PercentPoint {
    /// From the left, in percent of the image's width.
    x: f64,
    /// From the top, in percent of the image's height.
    y: f64,
}

/// A place of an image, in pixels of the original image; pixels have fractions.
#[derive(SimpleObject)]
pub struct PixelPoint {
    /// From the left.
    x: f64,
    /// From the top.
    y: f64,
}

/// A rectangle in pixels of the original image; pixels have fractions.
#[derive(SimpleObject)]
pub struct PixelBox {
    /// The top left corner, from the left.
    x: f64,
    /// The top left corner, from the top.
    y: f64,
    /// Width before the rotation.
    width: f64,
    /// Height before the rotation.
    height: f64,
    /// Degrees, clockwise, about the top left corner.
    rotation: f64,
    /// Corners after the rotation: top left, top right, bottom right, bottom left.
    corners: Vec<PixelPoint>,
}

/// An ellipse in pixels of the original image; pixels have fractions.
#[derive(SimpleObject)]
pub struct PixelEllipse {
    /// The centre, from the left.
    x: f64,
    /// The centre, from the top.
    y: f64,
    /// Half of the width before the rotation.
    radius_x: f64,
    /// Half of the height before the rotation.
    radius_y: f64,
    /// Degrees, clockwise, about the centre.
    rotation: f64,
}

/// A vertex of a path.
#[derive(SimpleObject)]
pub struct VectorVertex {
    /// The vertex's `id`, unique among the vertices of the same path. Null for a vertex without an id.
    vertex_id: Option<ID>,
    /// From the left, in percent of the image's width.
    x: f64,
    /// From the top, in percent of the image's height.
    y: f64,
    /// Id of the vertex at the start of the line to this vertex. Null for the first vertex.
    previous_id: Option<ID>,
    /// The line to this vertex is a Bézier curve.
    is_bezier: bool,
    /// First control point of the curve. Null without a control point.
    control_point1: Option<PercentPoint>,
    /// Second control point of the curve. Null without a control point.
    control_point2: Option<PercentPoint>,
}

impl From<Point> for PercentPoint {
    fn from(Point { x, y }: Point) -> Self {
        Self { x, y }
    }
}

impl From<Point> for PixelPoint {
    fn from(Point { x, y }: Point) -> Self {
        Self { x, y }
    }
}

impl PixelBox {
    /// Returns nothing for coordinates beyond the range of numbers.
    pub fn of(rectangle: &Rectangle, size: ImageSize) -> Option<Self> {
        let Rectangle { x, y, rotation, .. } = *rectangle;
        // Converts before turning: percent of width and height differ in length, so a rotation in percent would skew
        // the box.
        let at = size.point(Point { x, y })?;
        let extent = size.point(Point {
            x: rectangle.width,
            y: rectangle.height,
        })?;
        let corner = |x, y| {
            let Point { x, y } = at.turn(
                Point {
                    x: at.x + x,
                    y: at.y + y,
                },
                rotation,
            );
            // Huge stored numbers overflow to infinity, which JSON can't represent.
            (x.is_finite() && y.is_finite()).then_some(PixelPoint { x, y })
        };
        Some(Self {
            x: at.x,
            y: at.y,
            width: extent.x,
            height: extent.y,
            rotation,
            corners: vec![
                at.into(),
                corner(extent.x, 0.0)?,
                corner(extent.x, extent.y)?,
                corner(0.0, extent.y)?,
            ],
        })
    }
}

impl PixelEllipse {
    /// Returns nothing for coordinates beyond the range of numbers.
    pub fn of(ellipse: &Ellipse, size: ImageSize) -> Option<Self> {
        let Ellipse { x, y, rotation, .. } = *ellipse;
        let at = size.point(Point { x, y })?;
        let radii = size.point(Point {
            x: ellipse.radius_x,
            y: ellipse.radius_y,
        })?;
        Some(Self {
            x: at.x,
            y: at.y,
            radius_x: radii.x,
            radius_y: radii.y,
            rotation,
        })
    }
}

impl From<&Vertex> for VectorVertex {
    fn from(vertex: &Vertex) -> Self {
        let [control_point1, control_point2] = vertex.control_points;
        Self {
            vertex_id: vertex.id.clone().map(ID),
            x: vertex.at.x,
            y: vertex.at.y,
            previous_id: vertex.previous_id.clone().map(ID),
            is_bezier: vertex.is_bezier,
            control_point1: control_point1.map(Into::into),
            control_point2: control_point2.map(Into::into),
        }
    }
}
