//! Instants: precision of storage, and their text form.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};

/// Years that both databases and every client can hold.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// Truncates an instant to microseconds, the precision that both databases store.
pub fn to_microseconds(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros())
        .expect("an instant in range stays in range")
}

/// Current time in the precision of storage.
#[expect(
    clippy::disallowed_methods,
    reason = "cuts the instant to what is stored"
)]
pub fn now() -> DateTime<Utc> {
    to_microseconds(Utc::now())
}

/// Formats an instant: RFC 3339 in UTC with `Z`, microseconds, no fraction when it is zero.
pub fn print(at: DateTime<Utc>) -> String {
    let format = match at.timestamp_subsec_micros() {
        0 => SecondsFormat::Secs,
        _ => SecondsFormat::Micros,
    };
    at.to_rfc3339_opts(format, true)
}

/// Parses RFC 3339 with any offset. `None` outside the years 1 to 9999.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    YEARS.contains(&at.year()).then(|| to_microseconds(at))
}

/// Converts seconds since 1970, rounded to microseconds. `None` outside the years 1 to 9999.
pub fn from_seconds(seconds: f64) -> Option<DateTime<Utc>> {
    // The conversion saturates: the ends of 64 bits lie far outside these years.
    let at = DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)?;
    YEARS.contains(&at.year()).then_some(at)
}
