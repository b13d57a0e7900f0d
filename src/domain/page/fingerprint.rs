//! Fingerprints: hash of the filter and order of a list, stored in cursors.
//!
//! Two releases behind the same load balancer have to agree on fingerprints, and clients keep cursors across
//! upgrades. The hash is therefore taken of JSON under the names of the GraphQL schema, with sorted keys and without
//! absent members: a new optional member changes no fingerprint until used.
//!
//! `{ "filter": { "taskId": { "eq": "7" } }, "order": { "descending": false, "key": "ID" } }` is the scope of
//! `annotations(filter: { taskId: { eq: "7" } })`.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Returns the first four bytes of the SHA-256 of the canonical text.
pub fn of(scope: &impl Serialize) -> u32 {
    let digest = Sha256::digest(canonical(scope));
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

fn canonical(scope: &impl Serialize) -> String {
    let mut value = serde_json::to_value(scope).expect("filters and orders are JSON");
    leave_out_nulls(&mut value);
    value.sort_all_objects();
    value.to_string()
}

/// Removes null members: no filter compares with null, so null means absent.
fn leave_out_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(leave_out_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
