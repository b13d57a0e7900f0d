//! Which documents run, and what clients may learn of the schema.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How documents are treated.
#[derive(Args, Clone, Debug)]
pub struct DocumentArgs {
    /// Bytes that remembered documents may take, automatic persisted queries included.
    #[arg(long, env = "ANNOGRAPH_DOCUMENT_CACHE", default_value_t = Self::DEFAULT_CACHE)]
    pub document_cache: u64,

    /// Whether clients may ask for the schema: by introspection, as `_service { sdl }` and at
    /// `/schema.graphql`. Off, no error suggests a name or tells one that the client did not send.
    #[arg(
        long,
        env = "ANNOGRAPH_INTROSPECTION",
        value_enum,
        default_value = "on"
    )]
    pub introspection: Switch,

    /// A manifest of documents that clients send by their ids: GraphQL Code Generator's
    /// `persisted-documents.json`, Relay's file of persisted queries, or Apollo's persisted query manifest.
    #[arg(long, env = "ANNOGRAPH_TRUSTED_DOCUMENTS")]
    pub trusted_documents: Option<PathBuf>,

    /// What becomes of documents that the manifest does not hold.
    #[arg(
        long,
        env = "ANNOGRAPH_TRUSTED_DOCUMENTS_MODE",
        value_enum,
        default_value = "off"
    )]
    pub trusted_documents_mode: TrustedMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrustedMode {
    /// They run; those of the manifest can be sent by their ids.
    Off,
    /// They run, and each is logged once.
    Log,
    /// They are refused.
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
