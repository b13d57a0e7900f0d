//! Cache of valid documents by the SHA-256 of their text.

use std::sync::Arc;

use moka::sync::Cache;

use super::{checked::Document, hash::Hash};
use crate::app::memory::{Lease, Memory};

/// Valid documents within a bound of bytes; evicts rarely used documents first.
pub struct Documents {
    cache: Cache<Hash, Kept>,
    memory: Memory,
}

#[derive(Clone)]
struct Kept {
    document: Arc<Document>,
    /// Lease of the document's memory, returned on eviction.
    _lease: Arc<Lease>,
}

impl Documents {
    /// Creates an empty cache for documents of `max_bytes` together, which are leased from the memory.
    pub fn new(max_bytes: u64, memory: Memory) -> Self {
        let cache = Cache::builder()
            .weigher(|_, kept: &Kept| u32::try_from(kept.document.bytes()).unwrap_or(u32::MAX))
            .max_capacity(max_bytes);
        let cache = cache.build();
        Self { cache, memory }
    }

    /// Returns a cached document by the hash of its text.
    pub fn get(&self, hash: &Hash) -> Option<Arc<Document>> {
        Some(self.cache.get(hash)?.document)
    }

    /// Caches a document, unless it would evict many others or the server's memory is exhausted.
    pub fn insert(&self, hash: Hash, document: &Arc<Document>) {
        let bytes = document.bytes() as u64;
        let max_bytes = self.cache.policy().max_capacity().unwrap_or(u64::MAX);
        // A sixteenth of the cache: a client with huge documents must not evict those of everybody else.
        if bytes > max_bytes / 16 {
            return;
        }
        if let Ok(lease) = self.memory.lease(bytes) {
            let kept = Kept {
                document: document.clone(),
                _lease: Arc::new(lease),
            };
            self.cache.insert(hash, kept);
        }
    }
}
