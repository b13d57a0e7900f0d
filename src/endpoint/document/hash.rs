//! SHA-256 of a document's text: id of persisted and trusted documents.

use sha2::{Digest, Sha256, digest::Output};

/// SHA-256; `{:x}` prints hexadecimal.
pub type Hash = Output<Sha256>;

/// Computes the SHA-256 of a document's text, by which clients name persisted documents.
pub fn hash(text: &str) -> Hash {
    Sha256::digest(text)
}

/// Parses 64 hexadecimal digits.
pub fn parse(hex: &str) -> Option<Hash> {
    // Checks ASCII first: slicing by byte offsets would panic inside a multi-byte character.
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    let mut hash = Hash::default();
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(hash)
}
