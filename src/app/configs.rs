//! Cache of parsed labelling configs.

use std::sync::Arc;

use label_studio::config::{Config, Diagnostic};
use moka::sync::Cache;

use super::memory::{Lease, Memory};

/// Maximum bytes of cached configs.
const MAX_BYTES: u64 = 64 << 20;
/// Bytes in memory per byte of text: usually 10 to 20, more with short tags.
const BYTES_PER_BYTE: u64 = 32;

/// Parsed labelling configs by project and version. A changed text has another version, so entries never become
/// stale. Cheap to clone.
#[derive(Clone)]
pub struct Configs {
    cache: Cache<(i64, i32), Read>,
    memory: Memory,
}

#[derive(Clone)]
struct Read {
    config: Arc<Config>,
    weight: u32,
    /// Lease of the config's memory, returned on eviction.
    _lease: Arc<Option<Lease>>,
}

/// Estimates the memory of a parsed config, in bytes, from the length of its text.
pub fn parsed_size(text: u64) -> u64 {
    text.saturating_mul(BYTES_PER_BYTE)
}

impl Default for Configs {
    fn default() -> Self {
        Self::within(Memory::unlimited())
    }
}

impl Configs {
    /// Creates a cache that leases its memory. Configs without memory are used but not cached.
    pub fn within(memory: Memory) -> Self {
        let cache = Cache::builder()
            .weigher(|_, read: &Read| read.weight)
            .max_capacity(MAX_BYTES);
        let cache = cache.build();
        Self { cache, memory }
    }

    /// Finds a config parsed before.
    pub fn get(&self, project_id: i64, version: i32) -> Option<Arc<Config>> {
        let read = self.cache.get(&(project_id, version))?;
        Some(read.config)
    }

    /// Finds or parses a config. An empty text is an empty config; `otherwise` makes a config of a text with faults.
    pub fn get_or_read(
        &self,
        project_id: i64,
        version: i32,
        text: &str,
        otherwise: impl FnOnce(&[Diagnostic]) -> Config,
    ) -> Arc<Config> {
        let key = (project_id, version);
        // `get_with` parses once, even when many requests miss at the same time.
        let read = self.cache.get_with(key, || {
            let config = match text {
                "" => Config::default(),
                text => Config::parse(text).unwrap_or_else(|faults| otherwise(&faults)),
            };
            let weight = u32::try_from(parsed_size(text.len() as u64)).unwrap_or(u32::MAX);
            // Without a lease the weight exceeds the cache, which then evicts the config at once.
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
