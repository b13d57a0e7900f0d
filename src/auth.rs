//! Authentication: from a token to an actor.

mod session;

use axum::http::{HeaderMap, header};

use crate::{
    app::App,
    domain::{access::Actor, token},
    error::{Error, Result},
};

pub use session::{Session, Sessions};

/// Authenticates a request by `Authorization: Bearer <token>` ([RFC
/// 6750](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)), or `Token <token>` as sent by [Label Studio's
/// clients](https://labelstud.io/guide/access_tokens). Fails with UNAUTHENTICATED unless the token is active.
pub async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Actor> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .ok_or(Error::Unauthenticated)?;
    authenticate_value(app, value).await
}

/// Authenticates by the value of an `Authorization` header.
pub async fn authenticate_value(app: &App, authorization: &str) -> Result<Actor> {
    let text = token_in(authorization).ok_or(Error::Unauthenticated)?;
    token::sign_in(app, text).await
}

/// Token in the value of an `Authorization` header, or `None` for schemes other than Bearer and Token.
pub fn token_in(authorization: &str) -> Option<&str> {
    let (scheme, text) = authorization.split_once(' ')?;
    // Schemes ignore case (https://www.rfc-editor.org/rfc/rfc9110#section-11.1).
    let is_known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    is_known.then_some(text.trim())
}
