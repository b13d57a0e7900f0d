//! The custom scalars.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::Utc;
use indexmap::IndexMap;

use crate::{app::compute, db, labelstudio::region::Answer};

/// The key of an object that the library writes out as the JSON text it holds. serde_json's own.
const RAW_VALUE_TOKEN: &str = "$serde_json::private::RawValue";

/// An instant, as RFC 3339 has it. Any offset is accepted; it is stored to the microsecond and printed in
/// UTC with `Z`, the fraction dropped when it is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// An instant, as RFC 3339 has it. Any offset is accepted; it is stored to the microsecond and printed in
/// UTC with `Z`, the fraction dropped when it is zero.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339"
)]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => db::parse_instant(text).map(Self),
            _ => None,
        }
        .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(text) if db::parse_instant(text).is_some())
    }

    fn to_value(&self) -> Value {
        Value::String(db::print_instant(self.0))
    }
}

/// A JSON object, embedded as it is and never as a string. Key order is kept; of a repeated key the last
/// value wins in the first one's place. Integers within 64 bits are exact, other numbers are doubles.
#[derive(Clone, Debug)]
pub struct JsonObject(pub String);

/// A JSON object, embedded as it is and never as a string. Key order is kept; of a repeated key the last
/// value wins in the first one's place. Integers within 64 bits are exact, other numbers are doubles.
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
        matches!(value, Value::Object(_)) && is_plain_json(value)
    }

    fn to_value(&self) -> Value {
        raw(self.0.clone())
    }
}

/// Any JSON, embedded as it is and never as a string of JSON. Integers within 64 bits are exact, other
/// numbers are doubles.
#[derive(Clone, Debug)]
pub struct Json(pub String);

/// Any JSON, embedded as it is and never as a string of JSON. Integers within 64 bits are exact, other
/// numbers are doubles.
#[Scalar(
    name = "JSON",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259"
)]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
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

/// An answer to a control. A text is a choice, an item of a taxonomy (of nested ones the innermost), one text of a
/// TextArea, or a date as the control writes it, to the letter. A number is that of a Number or a Rating: `4` and
/// `4.0` are one. A list of texts is the path to a nested choice or to an item of a taxonomy, from the outermost in.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerValue(pub Answer);

/// An answer to a control. A text is a choice, an item of a taxonomy (of nested ones the innermost), one text of a
/// TextArea, or a date as the control writes it, to the letter. A number is that of a Number or a Rating: `4` and
/// `4.0` are one. A list of texts is the path to a nested choice or to an item of a taxonomy, from the outermost in.
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

/// A list of JSON objects that is written out as the text it is stored as.
pub struct JsonList(pub String);

impl async_graphql::OutputType for JsonList {
    fn type_name() -> std::borrow::Cow<'static, str> {
        <Vec<JsonObject> as async_graphql::OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<JsonObject> as async_graphql::OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut async_graphql::registry::Registry) -> String {
        <Vec<JsonObject> as async_graphql::OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        _: &async_graphql::ContextSelectionSet<'_>,
        _: &async_graphql::Positioned<async_graphql::parser::types::Field>,
    ) -> async_graphql::ServerResult<Value> {
        compute::charge(self.0.len() / compute::COPIED).await;
        Ok(raw(self.0.clone()))
    }
}

/// Joins the items of a list into its text.
pub fn list_text(items: &[JsonObject]) -> String {
    let size = items.iter().map(|item| item.0.len() + 1).sum::<usize>() + 2;
    let mut text = String::with_capacity(size);
    text.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&item.0);
    }
    text.push(']');
    text
}

/// A universally unique identifier, as RFC 9562 writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uuid(pub uuid::Uuid);

/// A universally unique identifier, as RFC 9562 writes it.
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

/// The hyphenated form alone: `uuid` reads braces, URNs and bare digits too.
fn parse_uuid(text: &str) -> Option<uuid::Uuid> {
    (text.len() == 36)
        .then(|| uuid::Uuid::try_parse(text).ok())
        .flatten()
}

/// Stored JSON text as a value that is written out as it stands.
pub fn raw(text: String) -> Value {
    let mut token = IndexMap::with_capacity(1);
    token.insert(
        async_graphql::Name::new(RAW_VALUE_TOKEN),
        Value::String(text),
    );
    Value::Object(token)
}

/// Whether a value is JSON, and holds nothing that would be written out unchecked.
fn is_plain_json(value: &Value) -> bool {
    match value {
        Value::Enum(_) | Value::Binary(_) => false,
        Value::List(items) => items.iter().all(is_plain_json),
        Value::Object(fields) => fields
            .iter()
            .all(|(key, value)| key != RAW_VALUE_TOKEN && is_plain_json(value)),
        _ => true,
    }
}
