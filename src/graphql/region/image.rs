//! Regions on images.

use async_graphql::{Context, Result};
use label_studio::region::{Brush, Ellipse, KeyPoint, Point, Polygon, Rectangle, Shape, Vector};

use super::{
    budget::Spending,
    drawing,
    geometry::{PercentPoint, PixelBox, PixelEllipse, PixelPoint, VectorVertex},
    member::member,
};
use crate::{error, graphql::context::ContextExt};

member! {
    /// A rectangle of an image: `rectangle`, `rectanglelabels`, and `ocrlabels` with the recognised text.
    RectangleRegion(Shape::Rectangle(value) => value): &Rectangle {
        /// The top left corner, from the left, in percent of the image's width.
        async fn x(&self) -> f64 {
            self.value().x
        }

        /// The top left corner, from the top, in percent of the image's height.
        async fn y(&self) -> f64 {
            self.value().y
        }

        /// Width before the rotation, in percent of the image's width.
        async fn width(&self) -> f64 {
            self.value().width
        }

        /// Height before the rotation, in percent of the image's height.
        async fn height(&self) -> f64 {
            self.value().height
        }

        /// Degrees, clockwise, about the top left corner; 0 unless given.
        async fn rotation(&self) -> f64 {
            self.value().rotation
        }

        /// The same shape in pixels. Null when the image's size is not stored.
        async fn pixel_box(&self) -> Option<PixelBox> {
            PixelBox::of(self.value(), self.0.region().image?)
        }

        /// The image's width in pixels. Null when the image's size is not stored.
        async fn original_width(&self) -> Option<i32> {
            Some(self.0.region().image?.width)
        }

        /// The image's height in pixels. Null when the image's size is not stored.
        async fn original_height(&self) -> Option<i32> {
            Some(self.0.region().image?.height)
        }

        /// Recognised text of `ocrlabels`. Null for a plain rectangle, and when not stored.
        async fn ocr_text(&self) -> Option<&str> {
            self.value().ocr_text.as_deref()
        }

        /// Page of the document for `ocrlabels`. Null for a plain rectangle, and when not stored.
        async fn page_index(&self) -> Option<i32> {
            self.value().page_index
        }
    }
}

member! {
    /// An ellipse of an image: `ellipse`, `ellipselabels`.
    EllipseRegion(Shape::Ellipse(value) => value): &Ellipse {
        /// The centre, from the left, in percent of the image's width.
        async fn x(&self) -> f64 {
            self.value().x
        }

        /// The centre, from the top, in percent of the image's height.
        async fn y(&self) -> f64 {
            self.value().y
        }

        /// Half of the width before the rotation, in percent of the image's width.
        async fn radius_x(&self) -> f64 {
            self.value().radius_x
        }

        /// Half of the height before the rotation, in percent of the image's height.
        async fn radius_y(&self) -> f64 {
            self.value().radius_y
        }

        /// Degrees, clockwise, about the centre; 0 unless given.
        async fn rotation(&self) -> f64 {
            self.value().rotation
        }

        /// The same shape in pixels. Null when the image's size is not stored.
        async fn pixel_ellipse(&self) -> Option<PixelEllipse> {
            PixelEllipse::of(self.value(), self.0.region().image?)
        }

        /// The image's width in pixels. Null when the image's size is not stored.
        async fn original_width(&self) -> Option<i32> {
            Some(self.0.region().image?.width)
        }

        /// The image's height in pixels. Null when the image's size is not stored.
        async fn original_height(&self) -> Option<i32> {
            Some(self.0.region().image?.height)
        }
    }
}

member! {
    /// A polygon of an image: `polygon`, `polygonlabels`.
    PolygonRegion(Shape::Polygon(value) => value): &Polygon {
        /// Corners in the order of the outline.
        async fn points(&self, ctx: &Context<'_>) -> error::Result<Vec<PercentPoint>> {
            let points = &self.value().points;
            ctx.charge_items(points.len())?;
            Ok(points.iter().copied().map(Into::into).collect())
        }

        /// A line leads from the last corner to the first. Null when not stored.
        async fn closed(&self) -> Option<bool> {
            self.value().closed
        }

        /// Corners in pixels. Null when the image's size is not stored.
        async fn pixel_points(&self, ctx: &Context<'_>) -> Option<error::Result<Vec<PixelPoint>>> {
            let size = self.0.region().image?;
            let points = &self.value().points;
            if let Err(error) = ctx.charge_items(points.len()) {
                return Some(Err(error));
            }
            let pixel = |point: &Point| size.point(*point).map(Into::into);
            // A single point out of range makes the whole list null: a polygon without a corner is a different
            // polygon.
            points.iter().map(pixel).collect::<Option<_>>().map(Ok)
        }

        /// The image's width in pixels. Null when the image's size is not stored.
        async fn original_width(&self) -> Option<i32> {
            Some(self.0.region().image?.width)
        }

        /// The image's height in pixels. Null when the image's size is not stored.
        async fn original_height(&self) -> Option<i32> {
            Some(self.0.region().image?.height)
        }
    }
}

member! {
    /// A point of an image: `keypoint`, `keypointlabels`.
    KeyPointRegion(Shape::KeyPoint(value) => value): &KeyPoint {
        /// From the left, in percent of the image's width.
        async fn x(&self) -> f64 {
            self.value().x
        }

        /// From the top, in percent of the image's height.
        async fn y(&self) -> f64 {
            self.value().y
        }

        /// Width of the drawn point, in percent of the image's width: the stored `width`. Null when not stored.
        async fn size(&self) -> Option<f64> {
            self.value().width
        }

        /// The same point in pixels. Null when the image's size is not stored.
        async fn pixel_point(&self) -> Option<PixelPoint> {
            let KeyPoint { x, y, .. } = *self.value();
            self.0.region().image?.point(Point { x, y }).map(Into::into)
        }

        /// The image's width in pixels. Null when the image's size is not stored.
        async fn original_width(&self) -> Option<i32> {
            Some(self.0.region().image?.width)
        }

        /// The image's height in pixels. Null when the image's size is not stored.
        async fn original_height(&self) -> Option<i32> {
            Some(self.0.region().image?.height)
        }
    }
}

member! {
    /// Painted pixels of an image: `brush`, `brushlabels`.
    BrushRegion(Shape::Brush(value) => value): &Brush {
        /// Storage format of the pixels; `rle`. Null when not stored.
        async fn format(&self) -> Option<&str> {
            self.value().format.as_deref()
        }

        /// Opacity of each pixel, from 0 to 255, as a data URL of a greyscale PNG of the image's size. Null
        /// when the image's size is not stored or differs from the stored pixels, and for more than 16,777,216
        /// pixels. LIMIT_EXCEEDED, once, when an answer has drawn 67,108,864 pixels or read 64 MiB of run
        /// lengths; null from there on.
        async fn png_data_url(&self, ctx: &Context<'_>) -> Option<Result<String>> {
            drawing::data_url(ctx.budget(), &self.0).await
        }

        /// Number of painted pixels, which are all pixels with any opacity. Null when the image's size is not
        /// stored or differs from the stored pixels. LIMIT_EXCEEDED, once, when an answer has read 64 MiB of
        /// run lengths; null from there on.
        async fn area_pixels(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
            match drawing::area(ctx.budget(), &self.0).await? {
                // GraphQL's Int has 32 bits; a larger area is null.
                Ok(area) => area.try_into().ok().map(Ok),
                Err(error) => Some(Err(error)),
            }
        }

        /// Painted share of the image, in percent. Null when the image's size is not stored or differs from the
        /// stored pixels. LIMIT_EXCEEDED, once, when an answer has read 64 MiB of run lengths; null from there
        /// on.
        async fn area_percent(&self, ctx: &Context<'_>) -> Option<Result<f64>> {
            let size = self.0.region().image?;
            let area = drawing::area(ctx.budget(), &self.0).await?;
            Some(area.map(|area| area as f64 / size.pixels() as f64 * 100.0))
        }

        /// The image's width in pixels. Null when the image's size is not stored.
        async fn original_width(&self) -> Option<i32> {
            Some(self.0.region().image?.width)
        }

        /// The image's height in pixels. Null when the image's size is not stored.
        async fn original_height(&self) -> Option<i32> {
            Some(self.0.region().image?.height)
        }
    }
}

member! {
    /// Pixels of an image, given as a mask image: `bitmask`, `bitmasklabels`.
    BitmaskRegion(Shape::Bitmask(value) => value): &str {
        /// The mask image as stored: a data URL, usually of a PNG.
        async fn image_data_url(&self) -> &str {
            self.value()
        }

        /// The image's width in pixels. Null when the image's size is not stored.
        async fn original_width(&self) -> Option<i32> {
            Some(self.0.region().image?.width)
        }

        /// The image's height in pixels. Null when the image's size is not stored.
        async fn original_height(&self) -> Option<i32> {
            Some(self.0.region().image?.height)
        }
    }
}

member! {
    /// A path of an image, of lines and Bézier curves: `vector`, `vectorlabels`.
    VectorRegion(Shape::Vector(value) => value): &Vector {
        /// The vertices; `previousId` names the start of the line to each vertex.
        async fn vertices(&self, ctx: &Context<'_>) -> error::Result<Vec<VectorVertex>> {
            let vertices = &self.value().vertices;
            ctx.charge_items(vertices.len())?;
            Ok(vertices.iter().map(Into::into).collect())
        }

        /// The path ends at its start. Null when not stored.
        async fn closed(&self) -> Option<bool> {
            self.value().closed
        }

        /// The image's width in pixels. Null when the image's size is not stored.
        async fn original_width(&self) -> Option<i32> {
            Some(self.0.region().image?.width)
        }

        /// The image's height in pixels. Null when the image's size is not stored.
        async fn original_height(&self) -> Option<i32> {
            Some(self.0.region().image?.height)
        }
    }
}
