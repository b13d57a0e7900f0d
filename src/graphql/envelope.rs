//! The envelope of a request: what carries a document, its variables and extensions, whatever the transport.

use std::borrow::Cow;

use async_graphql::Variables;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{error::dotted, labelstudio::document};

/// A request as it came in, each part of the right type and nothing more.
#[derive(Debug, Default)]
pub struct Envelope {
    /// The text of the document.
    pub query: Option<String>,
    /// What stands for the text of the document, or goes with it: the SHA-256 of an automatic persisted
    /// query.
    pub hash: Option<String>,
    /// Which operation of the document to run.
    pub operation_name: Option<String>,
    pub variables: Variables,
}

#[derive(Deserialize)]
struct Parts<'a> {
    query: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    #[serde(borrow)]
    variables: Option<&'a RawValue>,
    #[serde(borrow)]
    extensions: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Extensions {
    #[serde(rename = "persistedQuery")]
    persisted_query: Option<PersistedQuery>,
}

#[derive(Deserialize)]
struct PersistedQuery {
    #[serde(rename = "sha256Hash")]
    hash: String,
}

/// One request, or several in one body.
#[derive(Debug)]
pub enum Incoming {
    Single(Envelope),
    Batch(Vec<Envelope>),
}

/// What a body holds, or a sentence that says what is wrong with it.
pub fn from_bytes(body: &[u8], max_batch: usize) -> Result<Incoming, String> {
    let body = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let body = document::disarm(body).map_err(|error| {
        let at = match dotted(&error.path) {
            path if path.is_empty() => String::new(),
            path => format!(" (at {path})"),
        };
        format!("the body is not JSON: {error}{at}")
    })?;
    if !body.trim_start().starts_with('[') {
        return from_json(&body).map(Incoming::Single);
    }
    let requests: Vec<&RawValue> =
        serde_json::from_str(&body).map_err(|_| "the body is not a list of requests".to_owned())?;
    if requests.is_empty() || requests.len() > max_batch {
        return Err(format!(
            "a batch has 1 to {max_batch} requests, not {}",
            requests.len()
        ));
    }
    let envelopes = requests.iter().enumerate().map(|(index, text)| {
        from_json(text.get()).map_err(|message| format!("request {index}: {message}"))
    });
    envelopes.collect::<Result<_, _>>().map(Incoming::Batch)
}

impl Envelope {
    /// A request from the parameters of an address.
    pub fn from_parameters<'a>(
        parameters: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    ) -> Result<Self, String> {
        let mut object = serde_json::Map::new();
        for (name, value) in parameters {
            let value = match &*name {
                "query" | "operationName" => serde_json::Value::String(value.into_owned()),
                "variables" | "extensions" => {
                    let text = document::disarm(&value).map_err(|error| error.to_string())?;
                    serde_json::from_str(&text).map_err(|error| error.to_string())?
                }
                _ => continue,
            };
            object.insert(name.into_owned(), value);
        }
        from_json(&serde_json::Value::Object(object).to_string())
    }

    /// A request from the payload of a message.
    pub fn from_message(text: &str) -> Result<Self, String> {
        from_json(text)
    }
}

/// A request from JSON that went through `disarm`.
fn from_json(text: &str) -> Result<Envelope, String> {
    let parts: Parts<'_> = serde_json::from_str(text).map_err(|_| {
        "the body is not a GraphQL request: an object with a string `query`, and optionally a string `operationName`, an object `variables` and an object `extensions`".to_owned()
    })?;
    let is_object = |part: Option<&RawValue>| part.is_none_or(|part| part.get().starts_with('{'));
    if !is_object(parts.variables) {
        return Err("`variables` is not an object".to_owned());
    }
    if !is_object(parts.extensions) {
        return Err("`extensions` is not an object".to_owned());
    }
    let hash = parts
        .extensions
        .and_then(|text| serde_json::from_str::<Extensions>(text.get()).ok())
        .and_then(|extensions| Some(extensions.persisted_query?.hash));
    if parts.query.is_none() && hash.is_none() {
        return Err("the request has no `query`".to_owned());
    }
    let variables: Variables = match parts.variables {
        Some(text) => serde_json::from_str(text.get())
            .map_err(|_| "`variables` is not an object".to_owned())?,
        None => Variables::default(),
    };
    Ok(Envelope {
        query: parts.query,
        hash,
        operation_name: parts.operation_name,
        variables,
    })
}
