//! JSON of responses, chunk by chunk.
//!
//! Writing frees each value, so a response is never in memory twice: as values and as text. A large stored text
//! becomes a chunk of its own, without a copy. See docs/decisions/0020-memory-of-answers.md.

use async_graphql::{Name, Response as GraphQlResponse, ServerError, Value};
use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use indexmap::map;

use crate::{
    app::memory::Lease,
    graphql::{error::is_request_error, scalar},
};

/// Size at which a chunk ends.
const CHUNK: usize = 64 << 10;
/// Minimum size of stored texts that become chunks of their own.
const LARGE: usize = 4 << 10;

/// Response with the lease of its memory.
pub struct LeasedResponse {
    pub response: GraphQlResponse,
    pub lease: Lease,
}

/// Chunks of a response. Each chunk taken returns its bytes to the lease.
pub struct Chunks {
    /// Parts still to be written, in reverse order.
    rest: Vec<Part>,
    written: Vec<u8>,
    /// Stored text that follows the written bytes, as a chunk of its own.
    stored: Option<Bytes>,
    is_one_line: bool,
    lease: Lease,
}

enum Part {
    Text(String),
    Value(Value),
    /// Remaining items of a list, and whether the next item is the first.
    Items(std::vec::IntoIter<Value>, bool),
    /// Remaining fields of an object, and whether the next field is the first.
    Fields(map::IntoIter<Name, Value>, bool),
}

impl Chunks {
    /// Chunks of a response alone.
    pub fn new(answered: LeasedResponse) -> Self {
        Self::framed("", answered, "")
    }

    /// Chunks of the response between two texts.
    pub fn framed(before: &str, answered: LeasedResponse, after: &str) -> Self {
        let LeasedResponse { response, lease } = answered;
        let text = |text: &str| Part::Text(text.to_owned());
        let mut parts = vec![text(before), text("{")];
        // Request errors have no `data` at all, execution errors may have `data: null`
        // (https://spec.graphql.org/September2025/#sec-Response-Format).
        if is_request_error(&response) {
            parts.push(Part::Text(errors(&response.errors)));
        } else {
            if !response.errors.is_empty() {
                parts.push(Part::Text(errors(&response.errors) + ","));
            }
            parts.push(text(r#""data":"#));
            parts.push(Part::Value(response.data));
            if !response.extensions.is_empty() {
                let extensions = response.extensions.into_iter();
                let extensions = extensions.map(|(name, value)| (Name::new(name), value));
                parts.push(text(r#","extensions":"#));
                parts.push(Part::Value(Value::Object(extensions.collect())));
            }
        }
        parts.extend([text("}"), text(after)]);
        // A stack pops from the end.
        parts.reverse();
        Self {
            rest: parts,
            written: Vec::new(),
            stored: None,
            is_one_line: false,
            lease,
        }
    }

    /// Replaces line breaks by spaces. In JSON, line breaks occur only as white space between tokens; in strings they
    /// are escaped.
    pub fn single_line(self) -> Self {
        Self {
            is_one_line: true,
            ..self
        }
    }

    /// Returns copies of all chunks, with a lease of their bytes: a chunk itself may keep a whole row in memory.
    pub fn into_copies(mut self) -> (Vec<Bytes>, Lease) {
        let mut copies = Vec::new();
        while let Some(chunk) = self.chunk() {
            copies.push(Bytes::copy_from_slice(&chunk));
        }
        let bytes = copies.iter().map(Bytes::len).sum();
        (copies, self.settled(bytes))
    }

    /// Returns the whole text with the lease of its memory.
    pub fn into_text(mut self) -> (String, Lease) {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk() {
            text.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(text).expect("JSON is UTF-8");
        let lease = self.settled(text.len());
        (text, lease)
    }

    /// Returns the lease of this many bytes.
    fn settled(mut self, bytes: usize) -> Lease {
        let spare = self.lease.bytes().saturating_sub(bytes as u64);
        self.lease.shrink(spare);
        self.lease
    }

    /// Converts to a body: a small response at once, with `Content-Length`, a large one as a stream.
    pub fn into_body(mut self) -> Body {
        let first = self.next().unwrap_or_default();
        if self.is_empty() {
            return Body::from(first);
        }
        let chunks = std::iter::once(first).chain(self);
        Body::from_stream(stream::iter(chunks).map(Ok::<_, std::convert::Infallible>))
    }

    fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.written.is_empty() && self.stored.is_none()
    }

    fn chunk(&mut self) -> Option<Bytes> {
        // A stored text must not overtake bytes written before it.
        if self.written.is_empty() {
            if let Some(stored) = self.stored.take() {
                return Some(stored);
            }
            while self.written.len() < CHUNK && self.stored.is_none() {
                let Some(part) = self.rest.pop() else { break };
                self.write(part);
            }
        }
        match self.written.is_empty() {
            true => self.stored.take(),
            false => Some(std::mem::take(&mut self.written).into()),
        }
    }

    fn write(&mut self, part: Part) {
        match part {
            Part::Text(text) => self.written.extend_from_slice(text.as_bytes()),
            Part::Value(value) => self.value(value),
            Part::Items(mut items, is_first) => match items.next() {
                None => self.written.push(b']'),
                Some(item) => {
                    if !is_first {
                        self.written.push(b',');
                    }
                    // Pushes the rest before the item: the item's own parts come first from the stack.
                    self.rest.push(Part::Items(items, false));
                    self.value(item);
                }
            },
            Part::Fields(mut fields, is_first) => match fields.next() {
                None => self.written.push(b'}'),
                Some((name, value)) => {
                    if !is_first {
                        self.written.push(b',');
                    }
                    self.json(name.as_str());
                    self.written.push(b':');
                    self.rest.push(Part::Fields(fields, false));
                    self.value(value);
                }
            },
        }
    }

    fn value(&mut self, value: Value) {
        match value {
            Value::List(items) => {
                self.written.push(b'[');
                self.rest.push(Part::Items(items.into_iter(), true));
            }
            // Objects may be stored JSON in disguise: `scalar::stored_text` recognises them by a private key.
            Value::Object(fields) => match scalar::stored_text(fields) {
                Ok(text) => self.stored(text),
                Err(fields) => {
                    self.written.push(b'{');
                    self.rest.push(Part::Fields(fields.into_iter(), true));
                }
            },
            leaf => self.json(&leaf),
        }
    }

    fn stored(&mut self, text: Bytes) {
        // Stored texts are client input and may be pretty-printed.
        let text = match self.is_one_line && text.iter().any(|byte| is_break(*byte)) {
            true => {
                let plain = |byte: &u8| if is_break(*byte) { b' ' } else { *byte };
                text.iter().map(plain).collect()
            }
            false => text,
        };
        match text.len() {
            LARGE.. => self.stored = Some(text),
            _ => self.written.extend_from_slice(&text),
        }
    }

    fn json<T: serde::Serialize + ?Sized>(&mut self, value: &T) {
        serde_json::to_writer(&mut self.written, value)
            .expect("answers hold nothing that JSON can't");
    }
}

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let chunk = self.chunk()?;
        self.lease.shrink(chunk.len() as u64);
        Some(chunk)
    }
}

fn errors(errors: &[ServerError]) -> String {
    format!(r#""errors":{}"#, errors_json(errors))
}

/// Serialises errors.
pub fn errors_json(errors: &[ServerError]) -> String {
    serde_json::to_string(errors).expect("errors hold nothing that JSON can't")
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;
    use crate::app::Memory;

    fn answered(response: GraphQlResponse) -> LeasedResponse {
        let lease = Memory::unlimited().empty();
        LeasedResponse { response, lease }
    }

    fn text(response: GraphQlResponse) -> String {
        Chunks::new(answered(response)).into_text().0
    }

    #[test]
    fn responses_are_written_as_the_library_writes_them() {
        let data = value!({ "a": [1, 2.5, true, null, "x\"\n", {}], "b": { "c": [], "d": [[1]] }, "e": "é" });
        let mut response = GraphQlResponse::new(data).extension("cost", value!({ "limit": 1 }));
        let library = serde_json::to_string(&response).unwrap();
        response.errors.push(ServerError::new("no", None));
        let with_errors = serde_json::to_string(&response).unwrap();
        assert_eq!(text(response), with_errors);
        let data = value!({ "a": [1, 2.5, true, null, "x\"\n", {}], "b": { "c": [], "d": [[1]] }, "e": "é" });
        let response = GraphQlResponse::new(data).extension("cost", value!({ "limit": 1 }));
        assert_eq!(text(response), library);
    }

    #[test]
    fn a_response_that_did_not_begin_to_run_has_no_data() {
        let response = GraphQlResponse::from_errors(vec![ServerError::new("no", None)]);
        assert_eq!(text(response), r#"{"errors":[{"message":"no"}]}"#);
    }

    #[test]
    fn large_stored_texts_are_pieces_by_themselves_and_their_bytes_are_returned() {
        let stored = format!("[{}\"\"]", "\"x\",\n".repeat(LARGE));
        let data = [
            ("a", scalar::raw(stored.clone())),
            ("b", scalar::raw("[\n]".to_owned())),
        ];
        let data: indexmap::IndexMap<Name, Value> = data
            .into_iter()
            .map(|(name, value)| (Name::new(name), value))
            .collect();
        let response = || GraphQlResponse::new(Value::Object(data.clone()));
        let memory = Memory::new(1 << 20);
        let lease = memory.lease(1 << 19).unwrap();
        let response_and_lease = LeasedResponse {
            response: response(),
            lease,
        };
        let mut chunks = Chunks::new(response_and_lease);
        assert_eq!(&*chunks.next().unwrap(), br#"{"data":{"a":"#);
        assert_eq!(chunks.next().unwrap(), stored);
        assert!(memory.leased() <= (1 << 19) - stored.len() as u64);
        assert_eq!(&*chunks.next().unwrap(), b",\"b\":[\n]}}");
        assert!(chunks.next().is_none());
        drop(chunks);
        assert_eq!(memory.leased(), 0);
        let chunks = Chunks::framed("data: ", answered(response()), "\n\n").single_line();
        let (line, _) = chunks.into_text();
        let expected = format!("{{\"data\":{{\"a\":{stored},\"b\":[\n]}}}}").replace('\n', " ");
        assert_eq!(line, format!("data: {expected}\n\n"));
    }
}
