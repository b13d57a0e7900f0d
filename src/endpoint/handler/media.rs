//! What a client accepts, and how answers are labelled.

use std::cmp::Reverse;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

/// How an answer is labelled, and so which status a refused request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Json,
    GraphQl,
    /// Answers as they come, as server-sent events. Only for clients that name it.
    EventStream,
}

impl Media {
    /// The best liked of the three; JSON when the client does not care. `None` when it takes none.
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let ranges = ranges(headers);
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        let mut best = None;
        for media in [Self::Json, Self::GraphQl, Self::EventStream] {
            let quality = media.quality(&ranges);
            if quality > best.and_then(|(_, quality)| quality) {
                best = Some((media, quality));
            }
        }
        best.map(|(media, _)| media)
    }

    /// The client takes a stream of events, whatever it likes better.
    pub fn takes_stream(headers: &HeaderMap) -> bool {
        Self::EventStream.quality(&ranges(headers)).is_some()
    }

    /// How well the ranges of an `Accept` like this type: by quality, then by how exactly they name it,
    /// then by how early. The most exact range decides, as RFC 9110 has it.
    fn quality(self, ranges: &[(String, f32)]) -> Option<(f32, Reverse<usize>, Reverse<usize>)> {
        // The most exact comes first. Nobody gets a stream who does not name it.
        let names: &[&str] = match self {
            Self::Json => &["application/json", "application/*", "*/*"],
            Self::GraphQl => &["application/graphql-response+json", "application/*", "*/*"],
            Self::EventStream => &["text/event-stream"],
        };
        let (exactness, position, quality) = ranges
            .iter()
            .enumerate()
            .filter_map(|(position, (range, quality))| {
                let generality = names.iter().position(|name| name == range)?;
                Some((Reverse(generality), Reverse(position), *quality))
            })
            .max_by_key(|(exactness, position, _)| (*exactness, *position))?;
        (quality > 0.0).then_some((quality, exactness, position))
    }

    /// The type of an answer that is one JSON text. Of a client that wants a stream, one that is refused
    /// gets the type that has its own name for refusals.
    pub fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphQl | Self::EventStream => "application/graphql-response+json; charset=utf-8",
        })
    }

    /// The status of a request that is refused for what its document or variables are: GraphQL over HTTP
    /// keeps 200 for clients that take `application/json`.
    pub fn refusal(self) -> StatusCode {
        match self {
            Self::Json => StatusCode::OK,
            Self::GraphQl | Self::EventStream => StatusCode::BAD_REQUEST,
        }
    }
}

/// What an `Accept` lists, each with its quality.
fn ranges(headers: &HeaderMap) -> Vec<(String, f32)> {
    let values = headers.get_all(header::ACCEPT).iter();
    values
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(|range| range.trim().to_ascii_lowercase())
        .filter(|range| !range.is_empty())
        .map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_owned();
            let quality = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(1.0, |quality| quality.parse().unwrap_or(0.0));
            (media, quality)
        })
        .collect()
}
