//! Custom scalars (<https://spec.graphql.org/September2025/#sec-Scalars.Custom-Scalars>).

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use async_graphql::{
    ContextSelectionSet, InputValueError, InputValueResult, Name, OutputType, Positioned, Scalar,
    ScalarType, ServerResult, Value, parser::types::Field, registry::Registry,
};
use bytes::Bytes;
use chrono::Utc;
use indexmap::IndexMap;
use label_studio::region::Answer;

use crate::instant;

/// Key by which serde_json recognises an object that stands for raw text: the serializer writes the object's only
/// member as it is, without quotes.
const RAW_VALUE_TOKEN: &str = "$serde_json::private::RawValue";

/// Checks whether the custom scalar with this name accepts the value; accepts any value for an unknown name.
pub fn is_valid(name: &str, value: &Value) -> bool {
    match name {
        "DateTime" => DateTime::is_valid(value),
        "UUID" => Uuid::is_valid(value),
        "AnswerValue" => AnswerValue::is_valid(value),
        "JSONObject" => JsonObject::is_valid(value),
        _ => true,
    }
}

/// Describes the values of the custom scalar with this name, as the continuation of a message after "expected"; `None`
/// for an unknown name.
pub fn expected(name: &str) -> Option<&'static str> {
    match name {
        "DateTime" => Some("an instant as RFC 3339 writes it, `2026-01-31T12:00:00Z`"),
        "UUID" => Some("a UUID in its hyphenated form"),
        "AnswerValue" => Some("a text, a number, or a list of texts"),
        "JSONObject" => Some("a JSON object"),
        _ => None,
    }
}

/// An instant in RFC 3339. Input may have any offset; the server stores microseconds and prints UTC
/// with `Z`, without a fraction of zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// An instant in RFC 3339. Input may have any offset; the server stores microseconds and prints UTC
/// with `Z`, without a fraction of zero.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339"
)]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => instant::parse(text).map(Self),
            _ => None,
        }
        .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if instant::parse(text).is_some())
    }

    fn to_value(&self) -> Value {
        Value::String(instant::print(self.0))
    }
}

/// A JSON object, embedded as JSON and never as a string. Key order is kept; of a repeated key the last
/// value wins, in the place of the first. Integers within 64 bits are exact, all remaining numbers are
/// doubles.
#[derive(Clone, Debug)]
pub struct JsonObject(pub String);

/// A JSON object, embedded as JSON and never as a string. Key order is kept; of a repeated key the last
/// value wins, in the place of the first. Integers within 64 bits are exact, all remaining numbers are
/// doubles.
#[Scalar(
    name = "JSONObject",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259#section-4"
)]
impl ScalarType for JsonObject {
    fn parse(value: Value) -> InputValueResult<Self> {
        if !Self::is_valid(&value) {
            return Err(InputValueError::expected_type(value));
        }
        serde_json::to_string(&value)
            .map(Self)
            .map_err(InputValueError::custom)
    }

    fn is_valid(value: &Value) -> bool {
        // Refuses enum literals and the reserved key, which the printed text could not represent.
        matches!(value, Value::Object(_)) && is_plain_json(value)
    }

    fn to_value(&self) -> Value {
        raw(self.0.clone())
    }
}

/// Any JSON value, embedded as JSON and never as a string of JSON. Integers within 64 bits are exact,
/// all remaining numbers are doubles.
#[derive(Clone, Debug)]
pub struct Json(pub String);

/// Any JSON value, embedded as JSON and never as a string of JSON. Integers within 64 bits are exact,
/// all remaining numbers are doubles.
#[Scalar(
    name = "JSON",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259"
)]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        // Checks first: `to_string` would print an enum literal as a string.
        if !Self::is_valid(&value) {
            return Err(InputValueError::expected_type(value));
        }
        serde_json::to_string(&value)
            .map(Self)
            .map_err(InputValueError::custom)
    }

    fn is_valid(value: &Value) -> bool {
        is_plain_json(value)
    }

    fn to_value(&self) -> Value {
        raw(self.0.clone())
    }
}

/// An answer to a control. A text is a choice, an item of a taxonomy (for nested items the innermost
/// level), a text of a TextArea, or a date in the control's format, to the letter. A number is an
/// answer to a Number or a Rating: `4` and `4.0` are equal. A list of texts is the path to a nested
/// choice or to an item of a taxonomy, outermost first.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerValue(pub Answer);

/// An answer to a control. A text is a choice, an item of a taxonomy (for nested items the innermost
/// level), a text of a TextArea, or a date in the control's format, to the letter. A number is an
/// answer to a Number or a Rating: `4` and `4.0` are equal. A list of texts is the path to a nested
/// choice or to an item of a taxonomy, outermost first.
#[Scalar(
    name = "AnswerValue",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259"
)]
impl ScalarType for AnswerValue {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
        let answer = match &value {
            Value::String(text) => Some(Answer::Text(text.clone())),
            // Any number counts: a filter compares numbers, not their text.
            Value::Number(number) => number.as_f64().map(Answer::Number),
            Value::List(levels) => {
                let levels: Option<Vec<String>> = levels.iter().map(text).collect();
                levels.and_then(Answer::path)
            }
            _ => None,
        };
        answer
            .map(Self)
            .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        match value {
            Value::String(_) | Value::Number(_) => true,
            Value::List(levels) => {
                let is_text = |level: &Value| matches!(level, Value::String(_));
                // An empty path answers no control.
                !levels.is_empty() && levels.iter().all(is_text)
            }
            _ => false,
        }
    }

    fn to_value(&self) -> Value {
        match &self.0 {
            Answer::Text(text) => Value::String(text.clone()),
            Answer::Path(levels) => {
                Value::List(levels.iter().cloned().map(Value::String).collect())
            }
            Answer::Number(number) => (*number).into(),
        }
    }
}

/// Stored JSON text in the place of a value of type `T`: serialized as raw text, without parsing and without a copy.
pub struct Stored<T> {
    text: Bytes,
    of: PhantomData<fn() -> T>,
}

/// A stored list of JSON objects.
pub type JsonList = Stored<Vec<JsonObject>>;

impl<T> Stored<T> {
    /// Borrows a text of a row and keeps the row alive until the answer is serialized.
    pub fn in_row<R: Send + Sync + ?Sized + 'static>(row: Arc<R>, text: fn(&R) -> &str) -> Self {
        Self {
            text: Bytes::from_owner(InRow { row, text }),
            of: PhantomData,
        }
    }
}

struct InRow<R: ?Sized> {
    row: Arc<R>,
    text: fn(&R) -> &str,
}

impl<R: ?Sized> AsRef<[u8]> for InRow<R> {
    fn as_ref(&self) -> &[u8] {
        (self.text)(&self.row).as_bytes()
    }
}

impl<T: OutputType> OutputType for Stored<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        // Hands out the row's bytes without a copy: results can be megabytes long.
        Ok(written(Value::Binary(self.text.clone())))
    }
}

/// Converts a count to GraphQL's Int of 32 bits (<https://spec.graphql.org/September2025/#sec-Int>). A count beyond
/// becomes the greatest Int.
pub fn int(count: impl TryInto<i32>) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

/// A universally unique identifier in the notation of RFC 9562.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uuid(pub uuid::Uuid);

/// A universally unique identifier in the notation of RFC 9562.
#[Scalar(
    name = "UUID",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc9562#section-4"
)]
impl ScalarType for Uuid {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => parse_uuid(text).map(Self),
            _ => None,
        }
        .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if parse_uuid(text).is_some())
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Parses the hyphenated form of 36 characters alone (<https://www.rfc-editor.org/rfc/rfc9562#section-4>).
fn parse_uuid(text: &str) -> Option<uuid::Uuid> {
    // Checks the length: `try_parse` also accepts braces, URNs and bare digits, which would not print back unchanged.
    (text.len() == 36)
        .then(|| uuid::Uuid::try_parse(text).ok())
        .flatten()
}

/// Wraps JSON text in a value that is serialized as raw text.
pub fn raw(text: String) -> Value {
    written(Value::String(text))
}

fn written(text: Value) -> Value {
    // Builds an object with the reserved key: serde_json serializes its member as raw text.
    let mut token = IndexMap::with_capacity(1);
    token.insert(Name::new(RAW_VALUE_TOKEN), text);
    Value::Object(token)
}

/// Takes the raw text out of an object with the reserved key; returns any other object unchanged.
pub fn stored_text(mut fields: IndexMap<Name, Value>) -> Result<Bytes, IndexMap<Name, Value>> {
    match fields.get_mut(RAW_VALUE_TOKEN) {
        Some(Value::String(text)) => Ok(std::mem::take(text).into()),
        Some(Value::Binary(text)) => Ok(std::mem::take(text)),
        _ => Err(fields),
    }
}

/// Checks that a value has neither enum literals, nor bytes, nor the reserved key, whose member would be serialized
/// unchecked.
fn is_plain_json(value: &Value) -> bool {
    match value {
        Value::Enum(_) | Value::Binary(_) => false,
        Value::List(items) => items.iter().all(is_plain_json),
        // A client's object with the reserved key would be printed as raw text, hence the check of keys.
        Value::Object(fields) => fields
            .iter()
            .all(|(key, value)| key != RAW_VALUE_TOKEN && is_plain_json(value)),
        _ => true,
    }
}
