//! The documents that were found valid, by the SHA-256 of their text.

use std::sync::Arc;

use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::Document;

pub type Hash = [u8; 32];

/// Valid documents, within a bound of bytes. What is asked for often stays.
pub struct Documents(Cache<Hash, Arc<Document>>);

impl Documents {
    pub fn new(max_bytes: u64) -> Self {
        let cache = Cache::builder()
            .weigher(|_, document: &Arc<Document>| {
                u32::try_from(document.bytes()).unwrap_or(u32::MAX)
            })
            .max_capacity(max_bytes);
        Self(cache.build())
    }

    pub fn get(&self, hash: &Hash) -> Option<Arc<Document>> {
        self.0.get(hash)
    }

    /// Remembers a document, unless it would push many others out.
    pub fn insert(&self, hash: Hash, document: &Arc<Document>) {
        let max_bytes = self.0.policy().max_capacity().unwrap_or(u64::MAX);
        if document.bytes() as u64 <= max_bytes / 16 {
            self.0.insert(hash, document.clone());
        }
    }
}

pub fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

/// The hash that 64 hexadecimal digits write.
pub fn parse(hex: &str) -> Option<Hash> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    let mut hash = [0; 32];
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(hash)
}

/// A hash as text.
pub fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
