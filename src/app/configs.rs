//! The labelling configs that were read, so that not every operation reads its own again.

use std::sync::Arc;

use moka::sync::Cache;

use crate::labelstudio::config::{Config, Fault};

/// What the configs that are kept may take, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// What a config takes for each byte of its text: 10 to 20 as a rule, more when its tags are short.
const BYTES_PER_BYTE: usize = 32;

/// Labelling configs by project and version: a changed text is another version, so nothing here is ever out
/// of date. Cheap to clone.
#[derive(Clone)]
pub struct Configs(Cache<(i64, i32), Read>);

#[derive(Clone)]
struct Read {
    config: Arc<Config>,
    weight: u32,
}

impl Default for Configs {
    fn default() -> Self {
        let cache = Cache::builder()
            .weigher(|_, read: &Read| read.weight)
            .max_capacity(MAX_BYTES);
        Self(cache.build())
    }
}

impl Configs {
    /// A config that was read before.
    pub fn get(&self, project_id: i64, version: i32) -> Option<Arc<Config>> {
        let read = self.0.get(&(project_id, version))?;
        Some(read.config)
    }

    /// A config; reads its text unless that was done. The empty text is no config, and of one with faults it
    /// is what `otherwise` makes of them.
    pub fn get_or_read(
        &self,
        project_id: i64,
        version: i32,
        text: &str,
        otherwise: impl FnOnce(&[Fault]) -> Config,
    ) -> Arc<Config> {
        let read = self.0.get_with((project_id, version), || {
            let config = match text {
                "" => Config::default(),
                text => Config::parse(text).unwrap_or_else(|faults| otherwise(&faults)),
            };
            Read {
                config: Arc::new(config),
                weight: u32::try_from(text.len() * BYTES_PER_BYTE).unwrap_or(u32::MAX),
            }
        });
        read.config
    }
}
