//! Settings, each as a flag and an environment variable.
//!
//! Doc comments of fields are the help texts; docs/settings.md has the whole table.

mod documents;
mod http;
mod limits;

use std::{fmt::Display, net::SocketAddr, path::Path, str::FromStr};

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
        env = "ANNOGRAPH_DATABASE_POOL", value_parser = positive::<u32>,
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

/// Durability of answered writes on SQLite (<https://www.sqlite.org/pragma.html#pragma_synchronous>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqliteSync {
    /// An answered write survives a power cut.
    Full,
    /// A power cut may lose the last writes; the database stays intact.
    Normal,
}

impl DatabaseArgs {
    /// Options of the connections to the database.
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

/// Format of the log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object per line, for machines.
    Json,
}

/// Greatest timeout in seconds, a year: the end of a longer timeout may lie beyond the clock.
const MAX_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Parses a bound that no request could keep at 0. Fails on 0, and on text that does not parse as `T`.
fn positive<T>(text: &str) -> Result<T, String>
where
    T: FromStr<Err: Display> + From<u8> + PartialOrd,
{
    let number: T = text.parse().map_err(|error: T::Err| error.to_string())?;
    match number < T::from(1) {
        true => Err("must be 1 or more".to_owned()),
        false => Ok(number),
    }
}

/// Parses a timeout or interval in seconds. Fails on 0, by which every wait would end at once, and on more than a
/// year.
fn seconds(text: &str) -> Result<u64, String> {
    let seconds = positive::<u64>(text)?;
    match seconds > MAX_SECONDS {
        true => Err(format!("must be at most {MAX_SECONDS}")),
        false => Ok(seconds),
    }
}

/// Checks whether a path means standard input or output: `-`.
pub fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct All {
        #[command(flatten)]
        _database: DatabaseArgs,
        #[command(flatten)]
        serve: ServeArgs,
    }

    /// Settings with a meaning at 0, which docs/settings.md has.
    const MAY_BE_ZERO: [&str; 9] = [
        "document-cache",
        "grace",
        "max-aliases",
        "max-concurrent",
        "max-directives",
        "max-introspection-depth",
        "max-mutations",
        "max-subscriptions",
        "rate-limit",
    ];

    fn parsed(flag: &str, value: &str) -> Result<All, String> {
        All::try_parse_from(["test", &format!("--{flag}={value}")])
            .map_err(|error| error.to_string())
    }

    #[test]
    fn zero_is_refused_by_every_setting_without_a_meaning_for_it() {
        let command = All::command();
        let is_number = |flag: &&str| parsed(flag, "1").is_ok() && parsed(flag, "x").is_err();
        let mut flags: Vec<&str> = command
            .get_arguments()
            .filter_map(|it| it.get_long())
            .collect();
        flags.retain(is_number);
        assert!(flags.contains(&"body-timeout"), "{flags:?}");
        for flag in flags {
            let outcome = parsed(flag, "0");
            if MAY_BE_ZERO.contains(&flag) {
                assert!(outcome.is_ok(), "--{flag} 0: {outcome:?}");
            } else {
                let error = outcome.expect_err(flag);
                let expected = format!("invalid value '0' for '--{flag} ");
                assert!(error.contains(&expected), "{error}");
                assert!(error.contains("must be 1 or more"), "{error}");
            }
        }
    }

    #[test]
    fn timeouts_end_within_a_year() {
        let longest = parsed("timeout", "31536000").unwrap();
        assert_eq!(longest.serve.http.timeout, 31_536_000);
        let error = parsed("timeout", "31536001").unwrap_err();
        assert!(error.contains("must be at most 31536000"), "{error}");
    }
}
