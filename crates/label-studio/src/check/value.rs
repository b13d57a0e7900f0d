//! JSON tree that borrows from the text: a result is read once, a region at a time.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// JSON value. Integers stay apart from floats, as in Python.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Boolean(bool),
    Natural(u64),
    Negative(i64),
    Float(f64),
    Text(Cow<'a, str>),
    /// List of integers from 0 to 255, a byte per item: a mask has hundreds of thousands of items.
    Bytes(Vec<u8>),
    /// List of mixed items.
    List(Vec<Self>),
    /// Members in the order of the text, repeated keys included.
    Object(Vec<(Cow<'a, str>, Self)>),
}

/// Items of a list.
#[derive(Clone, Copy, Debug)]
pub enum Items<'v, 'a> {
    Bytes(&'v [u8]),
    Values(&'v [Value<'a>]),
}

impl<'a> Value<'a> {
    /// Returns the value of a key, or of the last of repeated keys. A value that is not an object has no keys.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(entries) = self else {
            return None;
        };
        // A linear search: objects of results have few keys, and a map would cost more to build.
        let mut entries = entries.iter().rev();
        entries
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The text; `None` for a value of another type.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Items of the list; `None` for a value of another type.
    pub fn items(&self) -> Option<Items<'_, 'a>> {
        match self {
            Self::Bytes(bytes) => Some(Items::Bytes(bytes)),
            Self::List(values) => Some(Items::Values(values)),
            _ => None,
        }
    }

    /// Noun for the type, in messages.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Natural(_) | Self::Negative(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bytes(_) | Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl<'a> Items<'_, 'a> {
    /// Number of items.
    pub fn len(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Values(values) => values.len(),
        }
    }

    /// Says whether there is no item.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Calls `visit` with the index and value of each item, in order.
    pub fn each(self, mut visit: impl FnMut(usize, &Value<'a>)) {
        match self {
            Self::Bytes(bytes) => {
                for (index, byte) in bytes.iter().enumerate() {
                    visit(index, &Value::Natural(u64::from(*byte)));
                }
            }
            Self::Values(values) => {
                for (index, value) in values.iter().enumerate() {
                    visit(index, value);
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Value::Natural(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(value).map_or(Value::Negative(value), Value::Natural))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        // Starts as bytes, and converts at the first item out of range: a value is far larger than a byte.
        let mut bytes = Vec::new();
        let mut values = loop {
            match list.next_element()? {
                None => return Ok(Value::Bytes(bytes)),
                Some(Value::Natural(value @ 0..=255)) => bytes.push(value as u8),
                Some(other) => {
                    let before = bytes.iter().map(|byte| Value::Natural(u64::from(*byte)));
                    break before.chain([other]).collect::<Vec<_>>();
                }
            }
        };
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            entries.push((key, value));
        }
        Ok(Value::Object(entries))
    }
}

/// Key of an object, borrowed unless the text has escapes.
pub struct Key<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(value.to_owned()))
            }
        }

        deserializer.deserialize_str(Text).map(Key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_bytes_are_small_and_all_others_whole() {
        let read = |text| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(read("[0, 255]"), Value::Bytes(vec![0, 255]));
        assert_eq!(read("[]"), Value::Bytes(Vec::new()));
        let mixed = [
            Value::Natural(7),
            Value::Natural(256),
            Value::Negative(-1),
            Value::Natural(8),
        ];
        assert_eq!(read("[7, 256, -1, 8]"), Value::List(mixed.to_vec()));
        assert!(size_of::<Value>() <= 32);
    }

    #[test]
    fn of_a_repeated_key_the_last_counts() {
        let read = serde_json::from_str::<Value>(r#"{"a": 1, "\u0061": "\n", "b": null}"#);
        assert_eq!(read.unwrap().get("a").and_then(Value::text), Some("\n"));
    }
}
