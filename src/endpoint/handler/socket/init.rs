//! Token in the payload of `connection_init`.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};

use crate::auth;

/// Token under the keys that clients use: `authorization` in any case, `token`, and an object `headers` with either.
/// Further keys are skipped.
#[derive(Default)]
pub struct InitPayload {
    authorization: Option<String>,
    token: Option<String>,
    headers: Option<Box<InitPayload>>,
}

impl InitPayload {
    /// Equivalent value of an `Authorization` header.
    pub fn authorization(self) -> Option<String> {
        let inner = self.headers.and_then(|headers| headers.authorization());
        let token = self.token.map(|token| format!("Bearer {token}"));
        self.authorization.or(token).or(inner)
    }
}

impl<'de> Deserialize<'de> for InitPayload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = InitPayload;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InitPayload, A::Error> {
        let mut payload = InitPayload::default();
        while let Some(key) = map.next_key::<String>()? {
            // HTTP header names ignore case, and clients copy them into the payload in any spelling.
            match key.as_str() {
                name if name.eq_ignore_ascii_case("authorization") => {
                    let sent = map.next_value::<Option<String>>()?;
                    let merged = merged(payload.authorization.take(), sent);
                    payload.authorization = merged.map_err(A::Error::custom)?;
                }
                "token" => {
                    let sent = map.next_value::<Option<String>>()?;
                    let merged = merged(payload.token.take(), sent);
                    payload.token = merged.map_err(A::Error::custom)?;
                }
                "headers" => payload.headers = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(payload)
    }
}

/// Merges the values of a key that was sent in several spellings. Refuses different tokens; prefers a value with a
/// scheme.
fn merged(before: Option<String>, sent: Option<String>) -> Result<Option<String>, &'static str> {
    let (Some(one), Some(other)) = (&before, &sent) else {
        return Ok(before.or(sent));
    };
    let token = |text: &str| auth::token_in(text).unwrap_or(text.trim()).to_owned();
    if token(one) != token(other) {
        return Err("two tokens");
    }
    Ok(match auth::token_in(one) {
        Some(_) => before,
        None => sent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> Result<Option<String>, String> {
        let payload: InitPayload = serde_json::from_str(payload).map_err(|it| it.to_string())?;
        Ok(payload.authorization())
    }

    #[test]
    fn one_token_under_several_spellings_is_taken() {
        for payload in [
            r#"{"authorization":"Bearer a","Authorization":"Bearer a"}"#,
            r#"{"Authorization":"a","authorization":"Bearer a"}"#,
            r#"{"authorization":"Bearer a","Authorization":" a "}"#,
            r#"{"AUTHORIZATION":"Bearer a","authorization":null,"x":[{}]}"#,
            r#"{"headers":{"authorization":"Bearer a","Authorization":"Token a"}}"#,
            r#"{"token":"a","headers":null}"#,
        ] {
            assert_eq!(read(payload), Ok(Some("Bearer a".to_owned())), "{payload}");
        }
        assert_eq!(read("{}"), Ok(None));
    }

    #[test]
    fn two_tokens_are_refused() {
        for payload in [
            r#"{"authorization":"Bearer a","Authorization":"Bearer b"}"#,
            r#"{"authorization":"Bearer a","Authorization":"b"}"#,
            r#"{"token":"a","token":"b"}"#,
            r#"{"headers":{"authorization":"Bearer a","Authorization":"Bearer A"}}"#,
            r#"{"authorization":1}"#,
        ] {
            assert!(read(payload).is_err(), "{payload}");
        }
    }
}
