//! Every setting, as a flag and as an environment variable.

mod documents;
mod http;
mod limits;

use std::{net::SocketAddr, path::Path};

use clap::{Args, ValueEnum};

use crate::db;

pub use documents::{DocumentArgs, Switch, TrustedMode};
pub use http::HttpArgs;
pub use limits::LimitArgs;

/// Where the data lives. Every command takes these.
#[derive(Args, Clone, Debug)]
pub struct DatabaseArgs {
    /// The database: a SQLite file (`sqlite:annograph.db`), made when it is missing, or
    /// `postgres://user:password@host/database`.
    #[arg(
        long,
        env = "ANNOGRAPH_DATABASE_URL",
        default_value = "sqlite:annograph.db",
        hide_env_values = true,
        global = true
    )]
    pub database_url: String,

    /// Connections to the database: to SQLite at most 8 that read, beside the one that writes; to
    /// PostgreSQL all of them.
    #[arg(
        long,
        env = "ANNOGRAPH_DATABASE_POOL",
        default_value_t = 16,
        global = true
    )]
    pub database_pool: u32,

    /// When SQLite answers a write: once it is on the disk, or once it would survive a crash of the
    /// program but not of the machine.
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
    /// A write that was answered survives a power cut.
    Full,
    /// The last writes may be lost in a power cut; the database stays whole.
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

/// How the server runs.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// The address to listen on.
    #[arg(long, env = "ANNOGRAPH_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,

    /// A token that signs the admin in, for set-ups without a person. Renewed at every start, whatever
    /// became of it before.
    #[arg(long, env = "ANNOGRAPH_ADMIN_TOKEN", hide_env_values = true)]
    pub admin_token: Option<String>,

    /// Show the product at work: a throw-away database filled with a real Label Studio export.
    #[arg(long)]
    pub demo: bool,

    #[command(flatten)]
    pub http: HttpArgs,

    /// Seconds that requests under way are given to finish when the server stops.
    #[arg(long, env = "ANNOGRAPH_GRACE", default_value_t = 20)]
    pub grace: u64,

    #[command(flatten)]
    pub limits: LimitArgs,

    #[command(flatten)]
    pub documents: DocumentArgs,
}

/// How the program reports on itself.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// What to log: a level, or directives such as `annograph=debug,sqlx=warn`.
    #[arg(
        long,
        env = "ANNOGRAPH_LOG",
        default_value = "info,sea_orm_migration=warn,sqlx::postgres::notice=warn",
        global = true
    )]
    pub log: String,

    /// How to write the log, on standard error.
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
    /// One JSON object a line, for machines.
    Json,
}

/// A file, or `-` for standard input or output.
pub fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}
