//! Repeater tags around controls and objects (<https://labelstud.io/tags/repeater>).

use std::sync::Arc;

use async_graphql::{Context, Object, Result};
use label_studio::config::{self, Config};

use super::{text, text_or_null};

/// A `Repeater` of a labelling config: its content repeats for each item of a list of the task's data.
pub struct ControlRepeater {
    config: Arc<Config>,
    index: usize,
}

impl ControlRepeater {
    /// Lists the repeaters at these positions in the config.
    pub fn all(config: &Arc<Config>, places: &[usize]) -> Vec<Self> {
        let repeater = |place: &usize| Self {
            config: config.clone(),
            index: *place,
        };
        places.iter().map(repeater).collect()
    }

    fn inner(&self) -> &config::Repeater {
        &self.config.repeaters[self.index]
    }
}

/// A `Repeater` of a labelling config, which repeats its content for each item of a list of the task's
/// data. LIMIT_EXCEEDED once an answer repeats 16 MiB of configs.
#[Object]
impl ControlRepeater {
    /// Path of the list in the task's `data`: `pages` of `on="$pages"`; inside an outer `Repeater`
    /// including the outer flag. Null when `on` is no single variable.
    async fn variable(&self, ctx: &Context<'_>) -> Option<Result<&str>> {
        text_or_null(ctx, self.inner().variable.as_deref()?)
    }

    /// Placeholder of the item's index, from 0, in names and attributes of the content (`indexFlag`);
    /// `{{idx}}` unless the config differs.
    async fn index_flag(&self, ctx: &Context<'_>) -> Result<&str> {
        text(ctx, &self.inner().index_flag)
    }
}
