//! Envelope of a request: document, variables, operation name and extensions, the same for each transport.
//!
//! Format: [GraphQL over HTTP](https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters).

use std::borrow::Cow;

use async_graphql::Variables;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::dotted;

/// Request as received: each part has the right JSON type, and nothing else is checked.
#[derive(Debug, Default)]
pub struct Envelope {
    /// Text of the document.
    pub query: Option<String>,
    /// Id of a trusted document, in place of the text.
    pub document_id: Option<String>,
    /// Hash of an automatic persisted query, with or without the text.
    pub persisted_query: Option<PersistedQuery>,
    /// Name of the document's operation to run.
    pub operation_name: Option<String>,
    pub variables: Variables,
    /// Length of the JSON text; 0 when the request came as URL parameters.
    pub bytes: usize,
    /// True when the response reports the cost: `extensions: { cost: true }`.
    pub wants_cost: bool,
}

/// `extensions.persistedQuery`, as sent by [Apollo's
/// clients](https://www.apollographql.com/docs/apollo-server/performance/apq).
#[derive(Debug, Deserialize)]
pub struct PersistedQuery {
    pub version: Option<u64>,
    /// SHA-256 of the text, hexadecimal.
    #[serde(rename = "sha256Hash")]
    pub hash: String,
}

#[derive(Default, Deserialize)]
struct Parts<'a> {
    query: Option<String>,
    /// Name in GraphQL over HTTP.
    #[serde(rename = "documentId")]
    document_id: Option<String>,
    /// Relay's names for `documentId`.
    doc_id: Option<String>,
    id: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    #[serde(borrow)]
    variables: Option<&'a RawValue>,
    #[serde(borrow)]
    extensions: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Extensions<'a> {
    #[serde(borrow, rename = "persistedQuery")]
    persisted_query: Option<&'a RawValue>,
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
}

impl Envelope {
    /// Reads a request from the decoded parameters of a URL. `variables` and `extensions` are JSON texts.
    pub fn from_parameters<'a>(
        parameters: impl IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    ) -> Result<Self, String> {
        let mut parts = Parts::default();
        let mut variables = None;
        let mut extensions = None;
        for (name, value) in parameters {
            let (name, value) = (name.as_ref(), value.into_owned());
            let part = match name {
                "query" => &mut parts.query,
                "documentId" => &mut parts.document_id,
                "doc_id" => &mut parts.doc_id,
                "id" => &mut parts.id,
                "operationName" => &mut parts.operation_name,
                "variables" => &mut variables,
                "extensions" => &mut extensions,
                _ => continue,
            };
            // Servers disagree on which of two parameters wins; a proxy could check the first and we run the second.
            if part.replace(value).is_some() {
                return Err(format!("`{name}` is there twice"));
            }
        }
        // HTML forms send empty strings for fields that are not filled in.
        for part in [&mut parts.operation_name, &mut variables, &mut extensions] {
            part.take_if(|text| text.is_empty());
        }
        let variables = variables
            .as_deref()
            .map(|text| safe("`variables`", text))
            .transpose()?;
        let extensions = extensions
            .as_deref()
            .map(|text| safe("`extensions`", text))
            .transpose()?;
        parts.variables = variables.as_deref().map(json).transpose()?;
        parts.extensions = extensions.as_deref().map(json).transpose()?;
        Self::from_parts(parts)
    }

    fn from_parts(parts: Parts<'_>) -> Result<Self, String> {
        // Null counts as absent, as in GraphQL over HTTP.
        let variables = parts.variables.filter(|part| part.get() != "null");
        let extensions = parts.extensions.filter(|part| part.get() != "null");
        let is_object =
            |part: Option<&RawValue>| part.is_none_or(|part| part.get().starts_with('{'));
        if !is_object(variables) {
            return Err("`variables` is not an object".to_owned());
        }
        if !is_object(extensions) {
            return Err("`extensions` is not an object".to_owned());
        }
        let extensions: Extensions<'_> = match extensions {
            Some(text) => serde_json::from_str(text.get())
                .map_err(|_| "`extensions` has something twice".to_owned())?,
            None => Extensions::default(),
        };
        let persisted_query = match extensions.persisted_query {
            Some(text) => serde_json::from_str(text.get()).map_err(|_| {
                "`extensions.persistedQuery` is not an object with a `version` and a `sha256Hash`"
                    .to_owned()
            })?,
            None => None,
        };
        let mut ids = [parts.document_id, parts.doc_id, parts.id]
            .into_iter()
            .flatten();
        let document_id = ids.next();
        // Relay's and the standard name may come together, as long as both carry the same id.
        if ids.any(|other| Some(other) != document_id) {
            return Err("the request has several ids of documents".to_owned());
        }
        if parts.query.is_none() && document_id.is_none() && persisted_query.is_none() {
            return Err("the request has no `query`".to_owned());
        }
        let variables: Variables = match variables {
            Some(text) => serde_json::from_str(text.get())
                .map_err(|_| "`variables` is not an object".to_owned())?,
            None => Variables::default(),
        };
        Ok(Self {
            query: parts.query,
            document_id,
            persisted_query,
            operation_name: parts.operation_name,
            variables,
            bytes: 0,
            wants_cost: extensions.cost.is_some_and(|cost| cost.get() == "true"),
        })
    }
}

/// Single request or batch.
#[derive(Debug)]
pub enum Incoming {
    Single(Envelope),
    Batch(Vec<Envelope>),
}

/// Parses a body. The error is a sentence for the client.
pub fn from_bytes(body: &[u8], max_batch: usize) -> Result<Incoming, String> {
    let body = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let body = safe("the body", body)?;
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
        // Names the index: a batch's clients can't tell requests apart otherwise.
        from_json(text.get()).map_err(|message| format!("request {index}: {message}"))
    });
    envelopes.collect::<Result<_, _>>().map(Incoming::Batch)
}

/// Parses a request, or the payload of a WebSocket message, already passed through [`json_fidelity::escape_lossy`].
pub fn from_json(text: &str) -> Result<Envelope, String> {
    let parts: Parts<'_> = serde_json::from_str(text).map_err(|_| {
        "the body is not a GraphQL request: an object with a string `query` or the `documentId` of a trusted document, and optionally a string `operationName`, an object `variables` and an object `extensions`".to_owned()
    })?;
    Ok(Envelope {
        bytes: text.len(),
        ..Envelope::from_parts(parts)?
    })
}

/// Replaces values that serde_json would alter or refuse with placeholders.
fn safe<'a>(what: &str, text: &'a str) -> Result<Cow<'a, str>, String> {
    json_fidelity::escape_lossy(text).map_err(|error| {
        let at = match dotted(&error.path) {
            path if path.is_empty() => String::new(),
            path => format!(" (at {path})"),
        };
        format!("{what} is not JSON: {error}{at}")
    })
}

fn json(text: &str) -> Result<&RawValue, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}
