//! Who sends a request: from its headers to an actor.

use axum::http::{HeaderMap, header};

use crate::{
    app::App,
    domain::{access::Actor, token},
    error::{Error, Result},
};

/// Who sends a request with these headers: `Authorization: Bearer <token>`, or `Token <token>` as Label
/// Studio's clients spell it. UNAUTHENTICATED without a token that is active.
pub async fn actor(app: &App, headers: &HeaderMap) -> Result<Actor> {
    let text = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| {
            scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token")
        })
        .map(|(_, text)| text.trim())
        .ok_or(Error::Unauthenticated)?;
    token::sign_in(app, text).await
}
