//! Elapsed time in words: Label Studio's `created_ago`, which is Django's `timesince`
//! (<https://docs.djangoproject.com/en/stable/ref/templates/builtins/#timesince>).

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

/// The longest day of each month in a year that is not a leap year.
const MONTH_LENGTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// At most two adjacent units: `1 year, 2 months`; `0 minutes` below a minute and for the future.
///
/// Years and months follow the calendar, smaller units have fixed lengths. The text equals Label Studio's, with plain
/// spaces for no-break spaces.
pub fn ago(then: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let mut months = (now.year() - then.year()) * 12 + now.month() as i32 - then.month() as i32;
    if (then.day(), then.time()) > (now.day(), now.time()) {
        months -= 1;
    }
    let since = if months > 0 {
        after_months(then, months)
    } else {
        then
    };
    // Weeks, days and smaller units count from the last whole month, so that the units add up to the elapsed time.
    let minutes = (now - since).num_seconds().div_euclid(60);
    if now < then || (months <= 0 && minutes < 1) {
        return "0 minutes".to_owned();
    }
    let months = i64::from(months.max(0));
    let units = [
        (months / 12, "year"),
        (months % 12, "month"),
        (minutes / (7 * 24 * 60), "week"),
        (minutes / (24 * 60) % 7, "day"),
        (minutes / 60 % 24, "hour"),
        (minutes % 60, "minute"),
    ];
    let words: Vec<_> = units
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        // Adjacent units only: `1 year, 3 days` becomes `1 year`.
        .take_while(|(count, _)| *count != 0)
        .map(|(count, unit)| format!("{count} {unit}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    words.join(", ")
}

/// Adds months, truncated to seconds. A day that the month lacks becomes the last day of the month, 28 in February.
fn after_months(then: DateTime<Utc>, months: i32) -> DateTime<Utc> {
    let month = then.month0() as i32 + months;
    let (year, month) = (
        then.year() + month.div_euclid(12),
        month.rem_euclid(12) as u32,
    );
    let day = then.day().min(MONTH_LENGTHS[month as usize]);
    let time = then.time();
    let time = time.with_nanosecond(0).unwrap_or(time);
    NaiveDate::from_ymd_opt(year, month + 1, day).map_or(then, |date| date.and_time(time).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Recorded {
        rows: Vec<Row>,
    }

    #[derive(serde::Deserialize)]
    struct Row {
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
        created_ago: String,
    }

    #[test]
    fn every_recorded_row_comes_out_the_same() {
        let text = include_str!("../../../tests/fixtures/label-studio/created-ago.json");
        let recorded: Recorded = serde_json::from_str(text).unwrap();
        assert!(recorded.rows.len() > 40);
        for row in recorded.rows {
            let expected = row.created_ago.replace('\u{a0}', " ");
            assert_eq!(ago(row.created_at, row.now), expected, "{}", row.created_at);
        }
    }

    #[test]
    fn far_apart_is_still_words() {
        let then = DateTime::<Utc>::MIN_UTC;
        assert!(ago(then, DateTime::<Utc>::MAX_UTC).contains("years"));
        assert_eq!(ago(DateTime::<Utc>::MAX_UTC, then), "0 minutes");
    }
}
