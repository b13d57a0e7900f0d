//! Conversion of input fields into the domain's values.

use async_graphql::{ID, MaybeUndefined};

use super::scalar::JsonObject;
use crate::{domain::Patch, id};

/// Maps an absent field to [`Patch::Keep`], `null` to [`Patch::Null`], and converts a value: absent keeps the stored
/// value, `null` clears it (<https://spec.graphql.org/September2025/#sec-Null-Value>).
pub fn patch<T, U>(value: MaybeUndefined<T>, convert: impl FnOnce(T) -> U) -> Patch<U> {
    match value {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Null,
        MaybeUndefined::Value(value) => Patch::Set(convert(value)),
    }
}

/// Parses an id that may be absent or null. An unparsable id becomes an id that no row has: the domain then reports
/// the unknown id with its path.
pub fn reference(id: Option<ID>) -> Option<i64> {
    id.map(|id| id::reference(&id))
}

/// Joins the items of a list into the JSON text of the list.
pub fn list_text(items: &[JsonObject]) -> String {
    // Reserves the exact size: growing would copy a large result several times.
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
