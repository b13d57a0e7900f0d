//! Members of a JSON object, parsed on demand as the requested type.
//!
//! Numbers, integers and booleans are coerced as in [checks](crate::check), so that every accepted result can be read:
//! `"1.5"` is a number.

use std::{borrow::Cow, collections::HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::check::{
    coercion,
    value::{Items, Value},
};

/// Members by key. Of a repeated key the last value counts, as in the stored result.
#[derive(Default)]
pub struct Fields<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Fields<'a> {
    /// Reads the members of an object. Returns `None` for values that are not objects.
    pub fn of(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok().map(Self)
    }

    /// Says whether the member is present, null included.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Parses a member. All readers of this type return `None` when the member is absent, null or of a wrong type.
    pub fn parsed<T: Deserialize<'a>>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.0.get(key)?.get()).ok()
    }

    /// Reads a text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.parsed(key)
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
                Some(self.0.get(key)?.get().to_owned())
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
        Self::of(self.0.get(key)?)
    }

    /// Reads the texts of a list. Skips items of types other than string.
    pub fn texts(&self, key: &str) -> Option<Vec<String>> {
        let items: Vec<&RawValue> = self.parsed(key)?;
        let text = |item: &RawValue| serde_json::from_str(item.get()).ok();
        Some(items.into_iter().filter_map(text).collect())
    }

    /// Reads a list of objects. Returns `None` unless `read` succeeds for every item.
    pub fn each<T>(&self, key: &str, read: impl Fn(&Fields<'a>) -> Option<T>) -> Option<Vec<T>> {
        let items: Vec<&RawValue> = self.parsed(key)?;
        let item = |item| read(&Self::of(item)?);
        items.into_iter().map(item).collect()
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    coercion::number(value).filter(|number| number.is_finite())
}
