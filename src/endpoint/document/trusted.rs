//! Trusted documents: the operator's manifest, sent by clients as ids.
//!
//! Formats and modes are described in `docs/security.md`.

use std::{collections::HashMap, fmt::Write, path::Path, sync::Arc};

use anyhow::{Context, bail};
use async_graphql::ServerError;
use moka::sync::Cache;
use serde::Deserialize;

use super::{
    checked::Document,
    error::not_found,
    hash::{self, Hash},
    validator::Validator,
};
use crate::{
    config::{DocumentArgs, TrustedMode},
    graphql::error::{BAD_REQUEST, FORBIDDEN, request_error},
};

/// Number of untrusted documents remembered as logged.
const LOGGED: u64 = 10_000;
/// Maximum characters of an operation's name in the log.
const LONGEST_NAME: usize = 100;

/// Valid documents of a manifest.
pub struct Trusted {
    mode: TrustedMode,
    by_id: HashMap<String, Arc<Document>>,
    by_text: HashMap<Hash, Arc<Document>>,
    logged: Cache<Hash, ()>,
}

/// Result of a manifest lookup.
pub enum Found {
    Trusted(Arc<Document>),
    /// Not in the manifest, and allowed to run.
    Untrusted,
}

/// [Apollo's persisted query
/// manifest](https://www.apollographql.com/docs/graphos/platform/security/persisted-queries).
#[derive(Deserialize)]
struct Manifest {
    format: String,
    version: u64,
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

impl Trusted {
    /// Reads and validates the manifest, if configured. Reports all faults at once.
    pub fn load(args: &DocumentArgs, validator: &Validator) -> anyhow::Result<Option<Self>> {
        let Some(path) = &args.trusted_documents else {
            if args.trusted_documents_mode != TrustedMode::Off {
                bail!(
                    "--trusted-documents-mode needs a manifest: name one with --trusted-documents"
                );
            }
            return Ok(None);
        };
        let documents = read(path)
            .with_context(|| format!("can't read the trusted documents of {}", path.display()))?;
        let mut trusted = Self {
            mode: args.trusted_documents_mode,
            by_id: HashMap::new(),
            by_text: HashMap::new(),
            logged: Cache::new(LOGGED),
        };
        // A startup that fails on the first fault would make operators restart once per fault.
        let mut faults = String::new();
        for (id, text) in documents {
            match validator.validate(&text) {
                Ok(document) => {
                    let text = hash::hash(&text);
                    // Texts under several ids share a document; a repeated id with another text is a fault.
                    let document = trusted.by_text.entry(text).or_insert(Arc::new(document));
                    let other = trusted.by_id.insert(id.clone(), document.clone());
                    if other.is_some_and(|other| !Arc::ptr_eq(&other, document)) {
                        write!(faults, "\n  {id}: two documents have this id")?;
                    }
                }
                Err(errors) => {
                    for error in errors {
                        write!(faults, "\n  {id}: {}", error.message)?;
                    }
                }
            }
        }
        if !faults.is_empty() {
            bail!(
                "not all trusted documents of {} are valid:{faults}",
                path.display()
            );
        }
        let documents = trusted.by_id.len();
        tracing::info!(documents, mode = ?trusted.mode, "trusted documents are known");
        Ok(Some(trusted))
    }

    /// Finds a trusted document by id or text. Other documents are refused in mode `enforce`, and otherwise left to
    /// the cache and validator.
    pub fn find(
        &self,
        ids: [Option<&str>; 2],
        text: Option<&Hash>,
    ) -> Result<Found, Vec<ServerError>> {
        let by_text = text.and_then(|hash| self.by_text.get(hash));
        let by_id = ids.into_iter().flatten().find_map(|id| self.named(id));
        match (by_id, by_text) {
            // An id and a text that disagree: running either could bypass a proxy that checked the other.
            (Some(named), Some(sent)) if !Arc::ptr_eq(named, sent) => {
                let message = "the document of that id is another one than the text sent along";
                Err(vec![request_error(BAD_REQUEST, message, None)])
            }
            // `ids[1]` is the hash of a persisted query, which `persisted_hash` has compared with the text already.
            (Some(_), None) if text.is_some() && ids[1].is_none() => {
                let message = "the document of that id is another one than the text sent along";
                Err(vec![request_error(BAD_REQUEST, message, None)])
            }
            (Some(found), _) | (None, Some(found)) => Ok(Found::Trusted(found.clone())),
            (None, None) if self.mode != TrustedMode::Enforce => Ok(Found::Untrusted),
            // Unknown ids get the error of an unknown persisted query, which clients recognise.
            (None, None) if ids.iter().any(Option::is_some) => Err(not_found()),
            (None, None) => {
                let message = "this server runs trusted documents alone, and this is none";
                Err(vec![request_error(FORBIDDEN, message, None)])
            }
        }
    }

    /// Finds a document by an id of the manifest or the SHA-256 of its text, each with or without the prefix
    /// `sha256:`.
    fn named(&self, id: &str) -> Option<&Arc<Document>> {
        let plain = id.strip_prefix("sha256:").unwrap_or(id);
        let by_id = self.by_id.get(id).or_else(|| self.by_id.get(plain));
        by_id.or_else(|| self.by_text.get(&hash::parse(plain)?))
    }

    /// Logs an untrusted document that runs: once per document, without its text, which may contain personal data.
    pub fn note(&self, hash: &Hash, operation_name: Option<&str>, document: &Document) {
        if self.mode != TrustedMode::Log || !self.logged.entry(*hash).or_insert(()).is_fresh() {
            return;
        }
        let name = operation_name
            .or(document.only_operation())
            .unwrap_or_default();
        let operation: String = name.chars().take(LONGEST_NAME).collect();
        let sha256 = format!("{hash:x}");
        tracing::warn!(operation, sha256, "an untrusted document runs");
    }
}

/// Ids and texts of a manifest, in either format.
fn read(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(path)?;
    let json: serde_json::Value = serde_json::from_str(&text)?;
    // A plain manifest may have a document with the id `format`, so a second key must confirm Apollo's format.
    if json
        .get("format")
        .is_some_and(|format| json.get("operations").is_some() || format == APOLLO)
    {
        let manifest: Manifest = serde_json::from_value(json)?;
        if manifest.format != APOLLO || manifest.version != 1 {
            bail!("expected the format `{APOLLO}` in version 1");
        }
        let operations = manifest.operations.into_iter();
        return Ok(operations
            .map(|operation| (operation.id, operation.body))
            .collect());
    }
    let documents: serde_json::Map<String, serde_json::Value> = serde_json::from_value(json)
        .context("expected a JSON object of documents by their ids, or Apollo's manifest")?;
    let documents = documents.into_iter().map(|(id, text)| match text {
        serde_json::Value::String(text) => Ok((id, text)),
        _ => bail!("the document of `{id}` is not a string"),
    });
    documents.collect()
}

const APOLLO: &str = "apollo-persisted-query-manifest";
