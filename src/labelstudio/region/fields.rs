//! The members of a JSON object, each parsed as what is asked for and only when it is.

use std::{borrow::Cow, collections::HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

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
        self.parsed(key)
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        self.parsed(key)
    }

    /// An integer of 32 bits; `5.0` is one.
    pub fn int(&self, key: &str) -> Option<i32> {
        let number = self.number(key)?;
        let range = f64::from(i32::MIN)..=f64::from(i32::MAX);
        (number.fract() == 0.0 && range.contains(&number)).then_some(number as i32)
    }

    /// A text as it is, a number as it is written.
    pub fn text_or_number(&self, key: &str) -> Option<String> {
        let spelled = || {
            self.number(key)?;
            Some(self.0.get(key)?.get().to_owned())
        };
        self.text(key).or_else(spelled)
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
