//! Brush masks as images.

use async_graphql::Result;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::budget::Budget;
use crate::labelstudio::region::{Brush, ImageSize, MAX_PIXELS};

/// A mask as a data URL, drawn where it keeps nobody waiting. `None` for what has none.
pub async fn data_url(budget: &Budget, brush: &Brush, size: ImageSize) -> Result<Option<String>> {
    if size.pixels() > MAX_PIXELS || brush.area(size).is_none() {
        return Ok(None);
    }
    budget.draw(size.pixels())?;
    let brush = brush.clone();
    let drawn = tokio::task::spawn_blocking(move || brush.png(size)).await?;
    Ok(drawn.map(|png| format!("data:image/png;base64,{}", STANDARD.encode(png))))
}
