//! Settings of documents, and of the schema's disclosure.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Settings of documents.
#[derive(Args, Clone, Debug)]
pub struct DocumentArgs {
    /// Bytes of the cache of documents, automatic persisted queries included.
    #[arg(long, env = "ANNOGRAPH_DOCUMENT_CACHE", default_value_t = Self::DEFAULT_CACHE)]
    pub document_cache: u64,

    /// Publish the schema to clients: by introspection, as `_service { sdl }` and at `/schema.graphql`.
    /// With `off`, no error contains a name that the client did not send.
    #[arg(
        long,
        env = "ANNOGRAPH_INTROSPECTION",
        value_enum,
        default_value = "on"
    )]
    pub introspection: Switch,

    /// Manifest of documents that clients send by id: GraphQL Code Generator's `persisted-documents.json`, Relay's
    /// file of persisted queries, or Apollo's persisted query manifest.
    #[arg(long, env = "ANNOGRAPH_TRUSTED_DOCUMENTS")]
    pub trusted_documents: Option<PathBuf>,

    /// Treatment of documents that are not in the manifest.
    #[arg(
        long,
        env = "ANNOGRAPH_TRUSTED_DOCUMENTS_MODE",
        value_enum,
        default_value = "off"
    )]
    pub trusted_documents_mode: TrustedMode,
}

/// Setting that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

/// Treatment of documents that are not in the manifest of trusted documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrustedMode {
    /// Run them; documents of the manifest can be sent by id.
    Off,
    /// Run them, and log each once.
    Log,
    /// Refuse them.
    Enforce,
}

impl DocumentArgs {
    const DEFAULT_CACHE: u64 = 64 << 20;
}

impl Default for DocumentArgs {
    fn default() -> Self {
        Self {
            document_cache: Self::DEFAULT_CACHE,
            introspection: Switch::On,
            trusted_documents: None,
            trusted_documents_mode: TrustedMode::Off,
        }
    }
}
