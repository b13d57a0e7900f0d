//! Members of a JSON object, parsed on demand as the requested type.
//!
//! Numbers, integers and booleans are coerced as in [checks](crate::check), so that every accepted result can be read:
//! `"1.5"` is a number.

use std::borrow::Cow;

use json_fidelity::{Cursor, Irregular, Token};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::check::{
    coercion,
    value::{Items, Key, Value},
};

/// Members of most objects: entries have about ten, values fewer.
const USUAL_MEMBERS: usize = 12;

/// Members in the order of the text, each with the JSON of the value. Of a repeated key the last value counts, as in
/// the stored result.
///
/// Searched from end to start: objects of results have few keys, and a map would cost more to build.
#[derive(Debug, Default, PartialEq)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Fields<'a> {
    /// Reads the members of an object. Returns `None` for values that are not objects.
    pub fn of(json: &'a str) -> Option<Self> {
        let mut cursor = Cursor::new(json);
        match cursor.read() {
            Ok(Token::Open { is_object: true }) => {}
            Ok(_) => return None,
            // A value without violations may stand inside a list with some.
            Err(Irregular) => return serde_json::from_str(json).ok(),
        }
        Self::read(&mut cursor)
            .ok()
            .or_else(|| serde_json::from_str(json).ok())
    }

    /// Reads the members of an object behind the `{`, and the `}`.
    pub fn read(cursor: &mut Cursor<'a>) -> Result<Self, Irregular> {
        let mut fields = Self::default();
        while let Token::Key(key) = cursor.read()? {
            let value = cursor.read()?;
            let start = cursor.start();
            cursor.skip(value)?;
            fields.push(key.text(), cursor.text_from(start));
        }
        Ok(fields)
    }

    /// Adds a member behind all others.
    pub fn push(&mut self, key: Cow<'a, str>, json: &'a str) {
        if self.0.is_empty() {
            self.0.reserve(USUAL_MEMBERS);
        }
        self.0.push((key, json));
    }

    fn get(&self, key: &str) -> Option<&'a str> {
        let mut members = self.0.iter().rev();
        members.find(|(name, _)| name == key).map(|(_, json)| *json)
    }

    /// Says whether the member is present, null included.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Parses a member. All readers of this type return `None` when the member is absent, null or of a wrong type.
    pub fn parsed<T: Deserialize<'a>>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.get(key)?).ok()
    }

    /// Reads a text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.parsed(key)
    }

    /// Reads a text, borrowed unless written with escapes.
    pub fn borrowed_text(&self, key: &str) -> Option<Cow<'a, str>> {
        let Key(text) = self.parsed(key)?;
        Some(text)
    }

    /// Reads a boolean, or a value that Label Studio reads as a boolean.
    pub fn flag(&self, key: &str) -> Option<bool> {
        let stored = self.parsed(key);
        stored.or_else(|| coercion::boolean(&self.parsed(key)?))
    }

    /// Reads a finite number, or a text or boolean as a number.
    pub fn number(&self, key: &str) -> Option<f64> {
        // Fast path: nearly all numbers are stored as numbers.
        let stored = self.parsed(key);
        stored.or_else(|| number(&self.parsed(key)?))
    }

    /// Reads a finite number or boolean, but no text.
    pub fn bare_number(&self, key: &str) -> Option<f64> {
        match self.parsed(key)? {
            Value::Text(_) => None,
            other => number(&other),
        }
    }

    /// Reads an integer of 32 bits; `5.0` and `"5"` count as integers.
    pub fn int(&self, key: &str) -> Option<i32> {
        let stored = self.parsed(key);
        stored.or_else(|| i32::try_from(coercion::integer(&self.parsed(key)?)?).ok())
    }

    /// Reads an integer of 64 bits.
    pub fn long(&self, key: &str) -> Option<i64> {
        i64::try_from(coercion::integer(&self.parsed(key)?)?).ok()
    }

    /// Reads a text, a number as written, or a boolean as `0` or `1`.
    pub fn text_or_number(&self, key: &str) -> Option<String> {
        match self.parsed(key)? {
            Value::Text(text) => Some(text.into_owned()),
            Value::Boolean(is_true) => Some(u8::from(is_true).to_string()),
            other => {
                number(&other)?;
                Some(self.get(key)?.to_owned())
            }
        }
    }

    /// Reads a list of pairs of numbers.
    pub fn pairs(&self, key: &str) -> Option<Vec<[f64; 2]>> {
        // Fast path: a polygon of numbers parses without a tree of values.
        let stored = self.parsed(key);
        stored.or_else(|| {
            let pairs: Vec<Vec<Value>> = self.parsed(key)?;
            let pair = |pair: Vec<Value>| match &pair[..] {
                [x, y] => Some([number(x)?, number(y)?]),
                _ => None,
            };
            pairs.into_iter().map(pair).collect()
        })
    }

    /// Reads a list of integers from 0 to 255.
    pub fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        let list: Value = self.parsed(key)?;
        match list.items()? {
            Items::Bytes(bytes) => Some(bytes.to_vec()),
            Items::Values(values) => {
                let byte = |value| u8::try_from(coercion::integer(value)?).ok();
                values.iter().map(byte).collect()
            }
        }
    }

    /// Reads an object.
    pub fn object(&self, key: &str) -> Option<Self> {
        Self::of(self.get(key)?)
    }

    /// Reads the texts of a list. Skips items of types other than string.
    pub fn texts(&self, key: &str) -> Option<Vec<Cow<'a, str>>> {
        // Fast path: nearly all lists have texts alone.
        let stored: Option<Vec<Key<'a>>> = self.parsed(key);
        if let Some(texts) = stored {
            return Some(texts.into_iter().map(|Key(text)| text).collect());
        }
        let items: Vec<&'a RawValue> = self.parsed(key)?;
        let text = |item: &'a RawValue| {
            let text: Option<Key<'a>> = serde_json::from_str(item.get()).ok();
            text.map(|Key(text)| text)
        };
        Some(items.into_iter().filter_map(text).collect())
    }

    /// Reads a list of objects. Returns `None` unless `read` succeeds for every item.
    pub fn each<T>(&self, key: &str, read: impl Fn(&Fields<'a>) -> Option<T>) -> Option<Vec<T>> {
        let items: Vec<&RawValue> = self.parsed(key)?;
        let item = |item: &'a RawValue| read(&Self::of(item.get())?);
        items.into_iter().map(item).collect()
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    coercion::number(value).filter(|number| number.is_finite())
}

/// Reads an object with violations, by the values of the members alone.
impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields::default();
                while let Some((Key(key), value)) = map.next_entry::<_, &RawValue>()? {
                    fields.push(key, value.get());
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Members)
    }
}
