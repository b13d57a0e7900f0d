//! The members of a JSON object, each parsed as what is asked for and only when it is.
//!
//! Numbers, integers and booleans are read as [checks](crate::check) take them, texts that stand for one
//! included: what fits a config can be read.

use std::{borrow::Cow, collections::HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::check::{
    coercion,
    value::{Items, Value},
};

/// Of a repeated key the last value counts, as in what is stored.
#[derive(Default)]
pub struct Fields<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Fields<'a> {
    /// `None` for what is no object.
    pub fn of(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok().map(Self)
    }

    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// `None` when it is absent, null or of another type; like all that follow.
    pub fn parsed<T: Deserialize<'a>>(&self, key: &str) -> Option<T> {
        serde_json::from_str(self.0.get(key)?.get()).ok()
    }

    pub fn text(&self, key: &str) -> Option<String> {
        self.parsed(key)
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        let stored = self.parsed(key);
        stored.or_else(|| coercion::boolean(&self.parsed(key)?))
    }

    /// A finite number, or a text or boolean that stands for one.
    pub fn number(&self, key: &str) -> Option<f64> {
        let stored = self.parsed(key);
        stored.or_else(|| number(&self.parsed(key)?))
    }

    /// A finite number or boolean, no text.
    pub fn bare_number(&self, key: &str) -> Option<f64> {
        match self.parsed(key)? {
            Value::Text(_) => None,
            other => number(&other),
        }
    }

    /// An integer of 32 bits; `5.0` is one, and so is `"5"`.
    pub fn int(&self, key: &str) -> Option<i32> {
        let stored = self.parsed(key);
        stored.or_else(|| i32::try_from(coercion::integer(&self.parsed(key)?)?).ok())
    }

    /// An integer of 64 bits.
    pub fn long(&self, key: &str) -> Option<i64> {
        i64::try_from(coercion::integer(&self.parsed(key)?)?).ok()
    }

    /// A text as it is, a number as it is written, a boolean as the number that it counts as.
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

    /// A list of pairs of numbers.
    pub fn pairs(&self, key: &str) -> Option<Vec<[f64; 2]>> {
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

    /// A list of integers from 0 to 255.
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

    pub fn object(&self, key: &str) -> Option<Self> {
        Self::of(self.0.get(key)?)
    }

    /// The texts of a list; what else is in it is left out.
    pub fn texts(&self, key: &str) -> Option<Vec<String>> {
        let items: Vec<&RawValue> = self.parsed(key)?;
        let text = |item: &RawValue| serde_json::from_str(item.get()).ok();
        Some(items.into_iter().filter_map(text).collect())
    }

    /// A list of which every item is an object that can be read.
    pub fn each<T>(&self, key: &str, read: impl Fn(&Fields<'a>) -> Option<T>) -> Option<Vec<T>> {
        let items: Vec<&RawValue> = self.parsed(key)?;
        let item = |item| read(&Self::of(item)?);
        items.into_iter().map(item).collect()
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    coercion::number(value).filter(|number| number.is_finite())
}
