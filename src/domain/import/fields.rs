//! Fields of a JSON object of an imported item: known fields are taken and checked, further fields are kept as text.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::problems::{Notes, Place, Problems};
use crate::{
    error::{Path, Problem, ProblemCode, Segment},
    instant,
};

/// Fields of an object in their order. A repeated key has its last value at its first position.
pub struct Fields<'a>(IndexMap<Cow<'a, str>, Field<'a>>);

enum Field<'a> {
    Text(&'a str),
    Taken,
    /// Taken, with a part put back.
    Kept(String),
}

impl<'a> Fields<'a> {
    /// Parses an object, or `None` for any different JSON value.
    pub fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Says whether the object has the field, null or not.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns a field's text and leaves the field in place. Absent, null and taken fields are `None`.
    pub fn peek(&self, name: &str) -> Option<&'a str> {
        match self.0.get(name)? {
            Field::Text(text) if *text != "null" => Some(text),
            _ => None,
        }
    }

    /// Lists the names of untaken fields.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        let left = |(_, field): &(_, &Field)| matches!(field, Field::Text(_));
        self.0.iter().filter(left).map(|(name, _)| name.as_ref())
    }

    /// Takes a field's text. Absent and null are both `None`.
    pub fn take(&mut self, name: &str) -> Option<&'a str> {
        match std::mem::replace(self.0.get_mut(name)?, Field::Taken) {
            Field::Text(text) if text != "null" => Some(text),
            _ => None,
        }
    }

    /// Puts a text in the place of a taken field.
    pub fn keep(&mut self, name: &'static str, text: String) {
        self.0.insert(Cow::Borrowed(name), Field::Kept(text));
    }

    /// Returns the untaken fields as the text of an object, or `None` when no field is left.
    pub fn rest(&self) -> Option<String> {
        let mut rest = String::new();
        for (key, field) in &self.0 {
            let text = match field {
                Field::Text(text) => text,
                Field::Kept(text) => text.as_str(),
                Field::Taken => continue,
            };
            rest.push(if rest.is_empty() { '{' } else { ',' });
            // Writes the key through serde_json, which escapes quotes and control characters.
            rest.push_str(&serde_json::Value::from(key.as_ref()).to_string());
            rest.push(':');
            rest.push_str(text);
        }
        if rest.is_empty() {
            return None;
        }
        rest.push('}');
        Some(rest)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = IndexMap::new();
                while let Some((Key(key), value)) = map.next_entry::<_, &RawValue>()? {
                    fields.insert(key, Field::Text(value.get()));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// Notation of a time.
#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    Text(String),
    Seconds(f64),
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Takes known fields of objects and records their problems with paths.
pub struct Checker<'p> {
    problems: &'p mut Problems,
    notes: &'p mut Notes,
    place: Place,
    /// Path from the item's index to the present position.
    path: Path,
    /// Paths with a problem already found in the text.
    faults: &'p [Path],
}

impl<'p> Checker<'p> {
    /// Creates a checker of the object at `place`. `faults` are paths with a problem already, which get no further
    /// problem.
    pub fn new(
        problems: &'p mut Problems,
        notes: &'p mut Notes,
        place: Place,
        faults: &'p [Path],
    ) -> Self {
        Self {
            problems,
            notes,
            place,
            path: place.path([]),
            faults,
        }
    }

    /// Runs a check at a nested position.
    pub fn within<T>(&mut self, step: impl Into<Segment>, check: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.into());
        let checked = check(self);
        self.path.pop();
        checked
    }

    /// Returns the position of the item in the file.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Number of problems found so far in the whole file.
    pub fn problem_count(&self) -> usize {
        self.problems.count()
    }

    /// Adds a problem at the present path.
    pub fn problem(&mut self, code: ProblemCode, message: &str) {
        // A value replaced by a placeholder already has a problem; a wrong type would report the same value twice.
        if !self.faults.contains(&self.path) {
            let path = self.path.clone();
            self.problems.push(Problem::new(path, code, message));
        }
    }

    /// Notes a lenient reading of the text at this position.
    pub fn note(&mut self, message: impl Into<String>) {
        let within = self.path.iter().skip(1).cloned();
        self.notes.push(self.place, within, message);
    }

    fn wrong_type(&mut self, message: &str) {
        self.problem(ProblemCode::WrongType, message);
    }

    fn typed<T: DeserializeOwned>(
        &mut self,
        fields: &mut Fields,
        name: &'static str,
        otherwise: &str,
    ) -> Option<T> {
        let text = fields.take(name)?;
        let value = serde_json::from_str(text).ok();
        if value.is_none() {
            self.within(name, |checker| checker.wrong_type(otherwise));
        }
        value
    }

    /// Takes an integer of 64 bits.
    pub fn integer(&mut self, fields: &mut Fields, name: &'static str) -> Option<i64> {
        self.typed(fields, name, "must be an integer")
    }

    /// Takes a boolean; false when absent or null.
    pub fn boolean(&mut self, fields: &mut Fields, name: &'static str) -> bool {
        self.typed(fields, name, "must be true or false")
            .unwrap_or_default()
    }

    /// Takes a number.
    pub fn number(&mut self, fields: &mut Fields, name: &'static str) -> Option<f64> {
        self.typed(fields, name, "must be a number")
    }

    /// Takes a non-negative number.
    pub fn seconds(&mut self, fields: &mut Fields, name: &'static str) -> Option<f64> {
        let seconds = self.number(fields, name)?;
        if seconds < 0.0 {
            self.within(name, |checker| {
                checker.problem(ProblemCode::OutOfBounds, "must not be negative");
            });
        }
        Some(seconds)
    }

    /// Takes a text without U+0000, which PostgreSQL can't store.
    pub fn text(&mut self, fields: &mut Fields, name: &'static str) -> Option<String> {
        let text: String = self.typed(fields, name, "must be a string")?;
        if text.contains('\0') {
            self.within(name, |checker| {
                let message = "can't hold the character U+0000";
                checker.problem(ProblemCode::InvalidText, message);
            });
        }
        Some(text)
    }

    /// Takes an RFC 3339 time (<https://www.rfc-editor.org/rfc/rfc3339#section-5.6>) in the years 1 to 9999 of UTC, to
    /// the microsecond. Two older notations are accepted with a note: a time without an offset, as Python's
    /// `isoformat()` writes (<https://docs.python.org/3/library/datetime.html#datetime.datetime.isoformat>), is read as
    /// UTC, and a number, as written by Label Studio before version 1.0, as seconds since 1970.
    pub fn instant(&mut self, fields: &mut Fields, name: &'static str) -> Option<DateTime<Utc>> {
        let time: Time = self.typed(fields, name, "must be a string")?;
        let (instant, note) = match &time {
            Time::Text(text) => match instant::parse(text) {
                Some(instant) => (Some(instant), None),
                None => (
                    instant::parse(&format!("{text}Z")),
                    Some("has no offset: read as UTC"),
                ),
            },
            Time::Seconds(seconds) => (
                instant::from_seconds(*seconds),
                Some("is a number: read as seconds since 1970-01-01T00:00:00Z"),
            ),
        };
        self.within(name, |checker| match (instant, note) {
            (None, _) => checker.problem(
                ProblemCode::InvalidFormat,
                "must be a time as RFC 3339 has it, in the years 1 to 9999",
            ),
            (Some(_), Some(note)) => checker.note(note),
            (Some(_), None) => {}
        });
        instant
    }

    /// Takes a UUID.
    pub fn uuid(&mut self, fields: &mut Fields, name: &'static str) -> Option<Uuid> {
        let text: String = self.typed(fields, name, "must be a string")?;
        let uuid = Uuid::try_parse(&text).ok();
        if uuid.is_none() {
            self.within(name, |checker| {
                checker.problem(ProblemCode::InvalidFormat, "must be a UUID");
            });
        }
        uuid
    }

    /// Takes a text that `parse` accepts.
    pub fn one_of<T>(
        &mut self,
        fields: &mut Fields,
        name: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text: String = self.typed(fields, name, "must be a string")?;
        let value = parse(&text);
        if value.is_none() {
            self.within(name, |checker| {
                checker.problem(ProblemCode::InvalidFormat, "not one of the known values");
            });
        }
        value
    }

    /// Takes an object as JSON text.
    pub fn object(&mut self, fields: &mut Fields, name: &'static str) -> Option<String> {
        let text = fields.take(name)?;
        if !text.starts_with('{') {
            self.within(name, |checker| checker.wrong_type("must be an object"));
        }
        Some(text.to_owned())
    }

    /// Takes an object that must not be null.
    pub fn required_object(&mut self, fields: &mut Fields, name: &'static str) -> String {
        self.object(fields, name).unwrap_or_else(|| {
            self.within(name, |checker| checker.wrong_type("must be an object"));
            String::new()
        })
    }

    /// Takes a `result` with the number of its regions. Null counts as empty; an absent field is a problem.
    pub fn regions(&mut self, fields: &mut Fields) -> (String, i32) {
        if !fields.has("result") {
            self.within("result", |checker| {
                checker.problem(ProblemCode::Required, "is missing");
            });
        }
        let text = fields.take("result").unwrap_or("[]");
        self.path.push("result".into());
        let count = match json_fidelity::check_result(text, &self.path) {
            Ok(count) => count,
            Err(problems) => {
                for problem in problems {
                    if !self.faults.contains(&problem.path) {
                        self.problems.push(problem);
                    }
                }
                0
            }
        };
        self.path.pop();
        (text.to_owned(), i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// Splits a list at this position into items.
    pub fn items<'a>(&mut self, list: &'a str) -> Vec<&'a RawValue> {
        serde_json::from_str(list).unwrap_or_else(|_| {
            self.wrong_type("must be a list");
            Vec::new()
        })
    }
}
