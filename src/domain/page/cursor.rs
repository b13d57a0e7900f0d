//! Cursors: which list a row is in, and where it stands there.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Datelike, Utc};
use sha2::{Digest, Sha256};

/// Where a row stands in the order of its list, but for its id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// The list is ordered by id alone.
    Id,
    Instant(DateTime<Utc>),
    Number(f64),
}

/// The same for the same scope, whatever release computes it.
pub fn fingerprint(scope: &impl std::fmt::Debug) -> u32 {
    let digest = Sha256::digest(format!("{scope:?}"));
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

pub fn encode(fingerprint: u32, place: Place, id: i64) -> String {
    let place = match place {
        Place::Id => String::new(),
        Place::Instant(at) => at.timestamp_micros().to_string(),
        // The bits, so that it comes back as it was.
        Place::Number(number) => format!("n{:x}", number.to_bits()),
    };
    URL_SAFE_NO_PAD.encode(format!("1:{fingerprint:x}:{place}:{id}"))
}

pub fn decode(cursor: &str) -> Option<(u32, Place, i64)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = text.split(':');
    let (Some("1"), Some(fingerprint), Some(place), Some(id), None) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return None;
    };
    // A forged one could name what the database can't hold.
    let place = if place.is_empty() {
        Place::Id
    } else if let Some(bits) = place.strip_prefix('n') {
        let number = f64::from_bits(u64::from_str_radix(bits, 16).ok()?);
        Place::Number(number.is_finite().then_some(number)?)
    } else {
        let at = DateTime::from_timestamp_micros(place.parse().ok()?)?;
        Place::Instant((1..=9999).contains(&at.year()).then_some(at)?)
    };
    Some((
        u32::from_str_radix(fingerprint, 16).ok()?,
        place,
        id.parse().ok()?,
    ))
}
