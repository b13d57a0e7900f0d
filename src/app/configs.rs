//! The labelling configs that were read, so that not every operation reads its own again.

use std::sync::Arc;

use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::labelstudio::config::{Config, Fault};

/// What the configs that are kept may take, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// What a config takes for each byte of its text: 10 to 20 as a rule, more when its tags are short.
const BYTES_PER_BYTE: usize = 32;

/// Labelling configs by their project and the SHA-256 of their text: a changed text is another config, so
/// nothing here is ever out of date. Cheap to clone.
#[derive(Clone)]
pub struct Configs(Cache<Key, Read>);

type Key = (i64, [u8; 32]);

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
    /// The config of a project. Reads it unless that was done, and takes what `otherwise` makes of its faults
    /// when it has any.
    pub fn get(
        &self,
        project_id: i64,
        text: &str,
        otherwise: impl FnOnce(&[Fault]) -> Config,
    ) -> Arc<Config> {
        let key = (project_id, Sha256::digest(text).into());
        let read = self.0.get_with(key, || {
            let config = Config::parse(text).unwrap_or_else(|faults| otherwise(&faults));
            Read {
                config: Arc::new(config),
                weight: u32::try_from(text.len() * BYTES_PER_BYTE).unwrap_or(u32::MAX),
            }
        });
        read.config
    }
}
