//! Outlines of areas on an image, as polygons in percent of the width and height.
//!
//! Ratios of areas are equal in percent and in pixels. Angles differ, so rotation is applied in pixels.

use std::{cmp::Ordering, f64::consts::TAU};

use crate::region::{Ellipse, ImageSize, Point, Rectangle, Shape};

/// Corners of the polygon that approximates an ellipse.
const CORNERS: u32 = 128;

/// Largest coordinate that is measured, in percent. Outlines beyond are similar to equal outlines only.
const FARTHEST: f64 = 1e9;

/// Closed outline. The area is where the winding number is not 0, as an editor fills the polygon.
#[derive(Clone, Debug)]
pub struct Outline {
    pub points: Vec<[f64; 2]>,
    /// Bounding box, or `None` for an outline too far out to measure.
    pub bounds: Option<Bounds>,
    /// True when the outline equals the bounding box.
    pub is_box: bool,
}

/// Box along the axes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub min: [f64; 2],
    pub max: [f64; 2],
}

impl Outline {
    /// Reads the outline of a shape. Returns `None` for shapes without an outline.
    pub fn read(shape: &Shape, size: Option<ImageSize>) -> Option<Self> {
        // Ratio of a percent of the height to a percent of the width. Without a size the image counts as square.
        let aspect = size.map_or(1.0, |size| f64::from(size.height) / f64::from(size.width));
        Some(match shape {
            Shape::Rectangle(rectangle) => Self::of_rectangle(rectangle, aspect),
            Shape::Ellipse(ellipse) => Self::of_ellipse(ellipse, aspect),
            Shape::Polygon(polygon) => {
                let points = polygon.points.iter().map(|point| [point.x, point.y]);
                Self::new(points.collect(), false)
            }
            _ => return None,
        })
    }

    fn of_rectangle(rectangle: &Rectangle, aspect: f64) -> Self {
        let Rectangle {
            x,
            y,
            width,
            height,
            rotation,
            ..
        } = *rectangle;
        let corners = [
            (x, y),
            (x + width, y),
            (x + width, y + height),
            (x, y + height),
        ];
        let turned = corners.map(|corner| turn((x, y), corner, rotation, aspect));
        Self::new(turned.to_vec(), rotation == 0.0)
    }

    fn of_ellipse(ellipse: &Ellipse, aspect: f64) -> Self {
        let Ellipse {
            x,
            y,
            radius_x,
            radius_y,
            rotation,
        } = *ellipse;
        let corners = (0..CORNERS).map(|corner| {
            let (sin, cos) = (TAU * f64::from(corner) / f64::from(CORNERS)).sin_cos();
            let corner = (x + radius_x * cos, y + radius_y * sin);
            turn((x, y), corner, rotation, aspect)
        });
        Self::new(corners.collect(), false)
    }

    fn new(mut points: Vec<[f64; 2]>, is_box: bool) -> Self {
        for coordinate in points.iter_mut().flatten() {
            // Adding 0.0 turns minus zero into zero: outlines are compared by bits.
            *coordinate += 0.0;
        }
        let mut coordinates = points.iter().flatten();
        // False for NaN, too, and for coordinates whose products would overflow.
        let is_near = coordinates.all(|coordinate| coordinate.abs() <= FARTHEST);
        let bounds = is_near.then(|| Bounds::around(&points)).flatten();
        Self {
            points,
            bounds,
            is_box,
        }
    }
}

/// Rotates a corner about a centre, in pixels.
fn turn(about: (f64, f64), place: (f64, f64), rotation: f64, aspect: f64) -> [f64; 2] {
    // Exact: the detour over pixels would round, and equal boxes would differ in the last bits.
    if rotation == 0.0 {
        return [place.0, place.1];
    }
    let pixels = |(x, y): (f64, f64)| Point { x, y: y * aspect };
    let turned = pixels(about).turn(pixels(place), rotation);
    [turned.x, turned.y / aspect]
}

impl Bounds {
    fn around(points: &[[f64; 2]]) -> Option<Self> {
        let first = *points.first()?;
        let start = Self {
            min: first,
            max: first,
        };
        Some(points.iter().fold(start, |bounds, point| Self {
            min: [bounds.min[0].min(point[0]), bounds.min[1].min(point[1])],
            max: [bounds.max[0].max(point[0]), bounds.max[1].max(point[1])],
        }))
    }

    /// Area of the box, in squared units of its sides.
    pub fn area(&self) -> f64 {
        (self.max[0] - self.min[0]) * (self.max[1] - self.min[1])
    }

    /// Area of the intersection; 0 for disjoint boxes.
    pub fn common(&self, other: &Self) -> f64 {
        let side = |axis: usize| {
            let end = self.max[axis].min(other.max[axis]);
            (end - self.min[axis].max(other.min[axis])).max(0.0)
        };
        side(0) * side(1)
    }
}

/// Compares point by point, so that sorted lists can be searched for equal outlines.
impl Ord for Outline {
    fn cmp(&self, other: &Self) -> Ordering {
        let ours = self.points.iter().flatten();
        let theirs = other.points.iter().flatten();
        let differing = ours
            .zip(theirs)
            .map(|(a, b)| a.total_cmp(b))
            .find(|order| order.is_ne());
        differing.unwrap_or_else(|| self.points.len().cmp(&other.points.len()))
    }
}

impl PartialOrd for Outline {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Outline {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Outline {}
