//! Area and image of brush masks. Long run lengths are decoded on worker threads.

use async_graphql::{Error, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use label_studio::region::{Brush, ImageSize, MAX_PIXELS, Shape};

use super::{
    RegionRef,
    budget::{Budget, Overrun},
};
use crate::app::compute;

/// Bytes of JSON that take as long to read as a byte of run lengths.
const STEPS: usize = 16;

/// Computes the number of pixels that a brush region paints, once for all fields. Returns nothing for a region
/// without a mask of its image, and after the first error about the budget.
pub async fn area(budget: &Budget, at: &RegionRef) -> Option<Result<u64>> {
    let (brush, size) = mask(at)?;
    // Computes the area once per region: `areaPixels`, `areaPercent` and the image share the value.
    let measured = at.area().get_or_try_init(async || {
        // Spends the bytes read before decoding: the limit covers all masks of the answer.
        let spent = budget.masks.spend(brush.rle.len() as u64);
        spent.map_err(Overrun::error_once)?;
        compute::charge(brush.rle.len().saturating_mul(STEPS)).await;
        Ok::<_, Option<Error>>(brush.area(size))
    });
    match measured.await {
        Ok(area) => area.map(Ok),
        Err(told) => told.map(Err),
    }
}

/// Draws a mask as a data URL (<https://www.rfc-editor.org/rfc/rfc2397>). Returns nothing without a mask, and after
/// the first error about the budget.
pub async fn data_url(budget: &Budget, at: &RegionRef) -> Option<Result<String>> {
    let (brush, size) = mask(at)?;
    // Refuses by the declared size alone: the image could not be allocated.
    if size.pixels() > MAX_PIXELS {
        return None;
    }
    // Decodes the mask before drawing, so that a broken mask costs no pixels.
    if let Err(error) = area(budget, at).await? {
        return Some(Err(error));
    }
    let drawn = budget.pixels.spend(size.pixels());
    let spent = drawn.and_then(|()| budget.masks.spend(brush.rle.len() as u64));
    if let Err(overrun) = spent {
        return overrun.error_once().map(Err);
    }
    compute::charge(usize::try_from(size.pixels()).unwrap_or(usize::MAX)).await;
    let png = brush.png(size)?;
    let encoded = STANDARD.encode(png);
    Some(Ok(format!("data:image/png;base64,{encoded}")))
}

fn mask(at: &RegionRef) -> Option<(&Brush, ImageSize)> {
    let region = at.region();
    let Shape::Brush(brush) = &region.shape else {
        return None;
    };
    Some((brush, region.image?))
}
