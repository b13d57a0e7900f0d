//! Cursors of lists: fingerprint of the list, and position of a row.
//!
//! A cursor is base64 of `2:fingerprint:key:id`. The first part is the version of the encoding; the fingerprint of
//! version 1 differed between releases ([0028](../../../docs/decisions/0028-cursors-of-lists.md)).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike, Utc};

/// Version of the encoding. A cursor of a different version is refused.
const VERSION: &str = "2";

/// Sort key of a row without the id.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum SortKey {
    /// The list is ordered by id alone.
    Id,
    Instant(DateTime<Utc>),
    Number(f64),
}

/// Position of a row in a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cursor {
    /// Hash of the list's filter and order.
    pub fingerprint: u32,
    /// Sort key of the row.
    pub key: SortKey,
    /// Id of the row.
    pub id: i64,
}

impl Cursor {
    /// Encodes the cursor for a client.
    pub fn encode(&self) -> String {
        let Self {
            fingerprint,
            key,
            id,
        } = self;
        let key = match key {
            SortKey::Id => String::new(),
            SortKey::Instant(at) => at.timestamp_micros().to_string(),
            // Encodes the bits, so that the number survives unchanged.
            SortKey::Number(number) => format!("n{:x}", number.to_bits()),
        };
        URL_SAFE_NO_PAD.encode(format!("{VERSION}:{fingerprint:x}:{key}:{id}"))
    }

    /// Decodes a cursor. Returns `None` unless the text is a cursor of this version.
    pub fn decode(cursor: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let mut parts = text.split(':');
        let (Some(VERSION), Some(fingerprint), Some(key), Some(id), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return None;
        };
        // Checks the range: a forged cursor could hold a value that the database does not accept.
        let key = if key.is_empty() {
            SortKey::Id
        } else if let Some(bits) = key.strip_prefix('n') {
            let number = f64::from_bits(u64::from_str_radix(bits, 16).ok()?);
            SortKey::Number(number.is_finite().then_some(number)?)
        } else {
            let at = DateTime::from_timestamp_micros(key.parse().ok()?)?;
            SortKey::Instant((1..=9999).contains(&at.year()).then_some(at)?)
        };
        Some(Self {
            fingerprint: u32::from_str_radix(fingerprint, 16).ok()?,
            key,
            id: id.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cursors that clients hold: none of them may ever change or be refused.
    const GOLDEN: [(&str, u32, SortKey, i64); 4] = [
        ("MjpkZWFkYmVlZjo6NDI", 0xdead_beef, SortKey::Id, 42),
        (
            "MjoxOjE3NjcyMjU2MDAxMjM0NTY6Nw",
            1,
            SortKey::Instant(DateTime::from_timestamp_micros(1_767_225_600_123_456).unwrap()),
            7,
        ),
        (
            "MjowOm4zZmY4MDAwMDAwMDAwMDAwOjk",
            0,
            SortKey::Number(1.5),
            9,
        ),
        (
            "MjowOm5iZmYwMDAwMDAwMDAwMDAwOjk",
            0,
            SortKey::Number(-1.0),
            9,
        ),
    ];

    #[test]
    fn cursors_stay_as_they_are() {
        for (cursor, fingerprint, key, id) in GOLDEN {
            let position = Cursor {
                fingerprint,
                key,
                id,
            };
            assert_eq!(position.encode(), cursor);
            assert_eq!(Cursor::decode(cursor), Some(position));
        }
    }

    #[test]
    fn other_versions_are_refused() {
        for version in ["1", "3", ""] {
            let cursor = URL_SAFE_NO_PAD.encode(format!("{version}:deadbeef::42"));
            assert_eq!(Cursor::decode(&cursor), None, "{version}");
        }
    }
}
