//! The labelling configs that were read, so that not every operation reads its own again.

use std::sync::Arc;

use moka::sync::Cache;

use super::memory::{Lease, Memory};
use crate::labelstudio::config::{Config, Fault};

/// What the configs that are kept may take, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// What a config takes for each byte of its text: 10 to 20 as a rule, more when its tags are short.
const BYTES_PER_BYTE: usize = 32;

/// Labelling configs by project and version: a changed text is another version, so nothing here is ever out
/// of date. Cheap to clone.
#[derive(Clone)]
pub struct Configs {
    cache: Cache<(i64, i32), Read>,
    memory: Memory,
}

#[derive(Clone)]
struct Read {
    config: Arc<Config>,
    weight: u32,
    /// Returned when the cache forgets the config.
    _lease: Arc<Option<Lease>>,
}

impl Default for Configs {
    fn default() -> Self {
        Self::within(Memory::unlimited())
    }
}

impl Configs {
    /// A cache that leases what it keeps. A config that finds no memory left is used and not kept.
    pub fn within(memory: Memory) -> Self {
        let cache = Cache::builder()
            .weigher(|_, read: &Read| read.weight)
            .max_capacity(MAX_BYTES);
        let cache = cache.build();
        Self { cache, memory }
    }

    /// A config that was read before.
    pub fn get(&self, project_id: i64, version: i32) -> Option<Arc<Config>> {
        let read = self.cache.get(&(project_id, version))?;
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
        let key = (project_id, version);
        let read = self.cache.get_with(key, || {
            let config = match text {
                "" => Config::default(),
                text => Config::parse(text).unwrap_or_else(|faults| otherwise(&faults)),
            };
            let weight = u32::try_from(text.len() * BYTES_PER_BYTE).unwrap_or(u32::MAX);
            // Heavier than the whole cache: it is not kept.
            let lease = self.memory.lease(weight.into());
            Read {
                config: Arc::new(config),
                weight: lease.as_ref().map_or(u32::MAX, |_| weight),
                _lease: Arc::new(lease.ok()),
            }
        });
        read.config
    }
}
