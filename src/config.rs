//! Settings, each as a flag and an environment variable.
//!
//! Doc comments of fields are the help texts; docs/settings.md has the whole table.

mod documents;
mod http;
mod limits;

use std::{net::SocketAddr, path::Path};

use clap::{Args, ValueEnum};

use crate::db;

pub use documents::{DocumentArgs, Switch, TrustedMode};
pub use http::HttpArgs;
pub use limits::LimitArgs;

/// Settings of the database, for every command.
#[derive(Args, Clone, Debug)]
pub struct DatabaseArgs {
    /// Database: a SQLite file (`sqlite:annograph.db`), created when missing, or
    /// `postgres://user:password@host/database`.
    #[arg(
        long,
        env = "ANNOGRAPH_DATABASE_URL",
        default_value = "sqlite:annograph.db",
        hide_env_values = true,
        global = true
    )]
    pub database_url: String,

    /// Connections to the database: to SQLite at most 8 readers, beside the writer; to PostgreSQL all.
    #[arg(
        long,
        env = "ANNOGRAPH_DATABASE_POOL",
        default_value_t = 16,
        global = true
    )]
    pub database_pool: u32,

    /// Durability of answered writes on SQLite: after a power cut, or only after a crash of the program.
    #[arg(
        long,
        env = "ANNOGRAPH_SQLITE_SYNC",
        value_enum,
        default_value = "full",
        global = true
    )]
    pub sqlite_sync: SqliteSync,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqliteSync {
    /// An answered write survives a power cut.
    Full,
    /// A power cut may lose the last writes; the database stays intact.
    Normal,
}

impl DatabaseArgs {
    pub fn options(&self) -> db::Options {
        db::Options {
            url: self.database_url.clone(),
            pool: self.database_pool,
            durable: self.sqlite_sync == SqliteSync::Full,
        }
    }
}

/// Settings of the server.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Address to listen on; port 0 takes a free port.
    #[arg(long, env = "ANNOGRAPH_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,

    /// Token of 16 characters or more that signs the admin in, for set-ups without a person. Renewed at every start,
    /// even when it was revoked.
    #[arg(long, env = "ANNOGRAPH_ADMIN_TOKEN", hide_env_values = true)]
    pub admin_token: Option<String>,

    /// Show the product at work: a throw-away database filled with a real Label Studio export.
    #[arg(long)]
    pub demo: bool,

    #[command(flatten)]
    pub http: HttpArgs,

    /// Seconds that running requests may take to finish when the server stops.
    #[arg(long, env = "ANNOGRAPH_GRACE", default_value_t = 20)]
    pub grace: u64,

    #[command(flatten)]
    pub limits: LimitArgs,

    #[command(flatten)]
    pub documents: DocumentArgs,
}

/// Settings of the log.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// Log filter: a level, or directives such as `annograph=debug,sqlx=warn`.
    #[arg(
        long,
        env = "ANNOGRAPH_LOG",
        default_value = "info,sea_orm_migration=warn,sqlx::postgres::notice=warn",
        global = true
    )]
    pub log: String,

    /// Format of the log, on standard error.
    #[arg(
        long,
        env = "ANNOGRAPH_LOG_FORMAT",
        value_enum,
        default_value = "text",
        global = true
    )]
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object per line, for machines.
    Json,
}

/// Checks whether a path means standard input or output: `-`.
pub fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}
