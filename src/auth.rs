//! Authentication: from a token to an actor.

mod session;

use axum::http::{HeaderMap, header};

use crate::{
    app::App,
    domain::{access::Actor, token},
    error::{Error, Result},
};

pub use session::{Session, Sessions};

/// Signs in the sender of a request by its headers: `Authorization: Bearer <token>`, or `Token <token>` as Label
/// Studio's clients spell it. UNAUTHENTICATED without a token that is active.
pub async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Actor> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .ok_or(Error::Unauthenticated)?;
    authenticate_value(app, value).await
}

/// Signs in by the value of an `Authorization` header.
pub async fn authenticate_value(app: &App, authorization: &str) -> Result<Actor> {
    let text = token_in(authorization).ok_or(Error::Unauthenticated)?;
    token::sign_in(app, text).await
}

/// The token in the value of an `Authorization` header; `None` when the scheme is neither Bearer nor Token.
pub fn token_in(authorization: &str) -> Option<&str> {
    let (scheme, text) = authorization.split_once(' ')?;
    let is_known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    is_known.then_some(text.trim())
}
