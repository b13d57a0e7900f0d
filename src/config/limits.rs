//! Limits of documents and answers. Each is checked before the work that it bounds.

use clap::Args;

use super::positive;

/// Limits of a request's document. A limit of 0 allows none, and is refused where it would refuse every request.
#[derive(Args, Clone, Debug)]
pub struct LimitArgs {
    /// Bytes of a document; values in variables do not count.
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_DOCUMENT",
        value_parser = positive::<usize>,
        default_value_t = Self::DEFAULT.max_document
    )]
    pub max_document: usize,

    /// Tokens of a document, white space and comments included.
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_TOKENS",
        value_parser = positive::<usize>,
        default_value_t = Self::DEFAULT.max_tokens
    )]
    pub max_tokens: usize,

    /// Levels of fields of an operation; introspection counts apart.
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_DEPTH",
        value_parser = positive::<u64>,
        default_value_t = Self::DEFAULT.max_depth
    )]
    pub max_depth: u64,

    /// Fields of all operations of a document, each fragment counted wherever it is spread.
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_FIELDS",
        value_parser = positive::<u64>,
        default_value_t = Self::DEFAULT.max_fields
    )]
    pub max_fields: u64,

    /// Aliases of a document, counted like its fields.
    #[arg(long, env = "ANNOGRAPH_MAX_ALIASES", default_value_t = Self::DEFAULT.max_aliases)]
    pub max_aliases: u64,

    /// Directives of a document, counted like its fields.
    #[arg(long, env = "ANNOGRAPH_MAX_DIRECTIVES", default_value_t = Self::DEFAULT.max_directives)]
    pub max_directives: u64,

    /// Root fields of a mutation.
    #[arg(long, env = "ANNOGRAPH_MAX_MUTATIONS", default_value_t = Self::DEFAULT.max_mutations)]
    pub max_mutations: u64,

    /// Nested lists of introspection (`fields`, `interfaces`, `possibleTypes`, `inputFields`).
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_INTROSPECTION_DEPTH",
        default_value_t = Self::DEFAULT.max_introspection_depth
    )]
    pub max_introspection_depth: u64,

    /// Bytes that an answer may hold: stored JSON and texts, rows and fields.
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_ANSWER",
        value_parser = positive::<u64>,
        default_value_t = Self::DEFAULT.max_answer
    )]
    pub max_answer: u64,

    /// Cost of an operation: the objects that its answer could hold, page sizes multiplied down. A subscription may
    /// cost a hundredth.
    #[arg(
        long,
        env = "ANNOGRAPH_MAX_COST",
        value_parser = positive::<u64>,
        default_value_t = Self::DEFAULT.max_cost
    )]
    pub max_cost: u64,
}

impl LimitArgs {
    const DEFAULT: Self = Self {
        max_document: 1 << 20,
        max_tokens: 20_000,
        max_depth: 30,
        max_fields: 5_000,
        max_aliases: 100,
        max_directives: 50,
        max_mutations: 10,
        max_introspection_depth: 2,
        max_answer: 64 << 20,
        max_cost: 500_000,
    };
}

impl Default for LimitArgs {
    fn default() -> Self {
        Self::DEFAULT
    }
}
