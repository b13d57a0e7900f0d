//! Content negotiation: media types of responses ([GraphQL over
//! HTTP](https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types)).

use std::cmp::Reverse;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

/// Media type of a response; decides the status of refused requests too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Json,
    GraphQl,
    /// Server-sent events. Only for clients that name this type.
    EventStream,
}

impl Media {
    /// Preferred type of the client; JSON without preference. `None` when the client accepts no media type of the server.
    pub fn accepted(headers: &HeaderMap) -> Option<Self> {
        let ranges = ranges(headers);
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        let mut best = None;
        for media in [Self::Json, Self::GraphQl, Self::EventStream] {
            let quality = media.quality(&ranges);
            // Strictly better: equal preferences keep JSON, which every client reads.
            if quality > best.and_then(|(_, quality)| quality) {
                best = Some((media, quality));
            }
        }
        best.map(|(media, _)| media)
    }

    /// Checks whether the client accepts event streams at all.
    pub fn takes_stream(headers: &HeaderMap) -> bool {
        Self::EventStream.quality(&ranges(headers)).is_some()
    }

    /// Preference for this type: by quality, then exactness, then position in the header. The most exact range
    /// decides the quality ([RFC 9110, 12.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1)).
    fn quality(self, ranges: &[(String, f32)]) -> Option<(f32, Reverse<usize>, Reverse<usize>)> {
        // Ranges from exact to general. Wildcards don't match event streams: curl and browsers send `*/*`.
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

    /// `Content-Type` of a response that is a single JSON text. Refused event streams get
    /// `application/graphql-response+json`, which marks GraphQL errors under any status.
    pub fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphQl | Self::EventStream => "application/graphql-response+json; charset=utf-8",
        })
    }

    /// Status of requests with an invalid document or invalid variables: GraphQL over HTTP demands [200 for
    /// `application/json`](https://graphql.github.io/graphql-over-http/draft/#sec-application-json).
    pub fn refusal(self) -> StatusCode {
        match self {
            Self::Json => StatusCode::OK,
            Self::GraphQl | Self::EventStream => StatusCode::BAD_REQUEST,
        }
    }
}

/// Ranges of the `Accept` headers with their qualities.
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
                // A malformed quality counts as 0, not as 1: guessing could send a type that the client refuses.
                .map_or(1.0, |quality| quality.parse().unwrap_or(0.0));
            (media, quality)
        })
        .collect()
}
