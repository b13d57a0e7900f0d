//! Preflight: check before opening the database, with messages for the operator.
//!
//! A pool retries until its timeout and then reports the timeout only. A single connection opened first fails at
//! once, with the cause.

use std::{
    io::{self, ErrorKind},
    path::Path,
    str::FromStr,
    time::Duration,
};

use anyhow::{anyhow, bail};
use sea_orm::{
    SqlxError,
    sqlx::{Connection, PgConnection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions},
};

/// Opens and closes a connection to PostgreSQL.
pub async fn postgres(url: &str, patience: Duration) -> anyhow::Result<()> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| anyhow!("the URL of the database is not valid: {error}"))?;
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let connected = tokio::time::timeout(patience, PgConnection::connect_with(&options));
    match connected.await {
        Ok(Ok(connection)) => {
            // Ignores the failure to say goodbye: the server notices a closed socket anyway.
            let _ = connection.close().await;
            Ok(())
        }
        Ok(Err(error)) => bail!("can't connect to PostgreSQL at {place}: {}", cause(error)),
        Err(_) => bail!(
            "can't connect to PostgreSQL at {place}: no answer within {} s",
            patience.as_secs()
        ),
    }
}

/// Cause of a failed connection, in PostgreSQL's own words if any.
fn cause(error: SqlxError) -> String {
    match error {
        SqlxError::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
            "the connection was refused, no server listens there".to_owned()
        }
        SqlxError::Io(error) => error.to_string(),
        SqlxError::Database(refusal) => {
            let hint = match refusal.code().as_deref() {
                // invalid_catalog_name
                Some("3D000") => " (`createdb` makes one)",
                _ => "",
            };
            format!("{}{hint}", refusal.message())
        }
        other => other.to_string(),
    }
}

/// Checks the file of a SQLite database before opening it: the folder must exist, and a file with content must start
/// with SQLite's [header](https://www.sqlite.org/fileformat.html#the_database_header).
pub fn sqlite(url: &str) -> anyhow::Result<()> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| anyhow!("the URL of the database is not valid: {error}"))?;
    let path = options.get_filename();
    let shown = path.display();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let folder = folder.display();
        bail!("can't open the SQLite database {shown}: there is no folder {folder}");
    }
    match head(path) {
        // An empty file is a valid empty database; a missing file will be created.
        Ok(head) if head.is_empty() || head == *b"SQLite format 3\0" => Ok(()),
        Ok(_) => bail!("can't open {shown}: the file is no SQLite database"),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => bail!("can't open the SQLite database {shown}: {error}"),
    }
}

/// First 16 bytes of a file, fewer when the file is shorter.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read;
    let mut head = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(16).read_to_end(&mut head)?;
    Ok(head)
}
