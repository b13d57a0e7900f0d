//! Transient failures: why a request could not run, and whether it took effect.

use std::{
    error::Error as StdError,
    fmt,
    io::{self, ErrorKind},
    sync::Arc,
};

use sea_orm::{
    ConnAcquireErr, DbErr, RuntimeErr, SqlxError,
    sqlx::{error::DatabaseError, sqlite::SqliteError},
};

/// Transient failure: the same request may succeed later.
#[derive(Clone, Debug)]
pub struct Unavailable {
    pub reason: Reason,
    pub outcome: Outcome,
    /// Underlying failure, for the log only.
    pub cause: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Reason in `extensions.reason`, ordered by severity: of two conditions at once the greater is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The server is stopping.
    Stopping,
    /// Overload, or another request was faster.
    Busy,
    /// The time limit has passed.
    Timeout,
    /// The database does not answer, or refuses the connection.
    Unreachable,
    /// The database accepts no writes: its file or disk is read-only, or it is a standby.
    ReadOnly,
    /// The disk of the database is full.
    DiskFull,
    /// The disk of the database fails to read or write.
    DiskError,
    /// The file of the database was deleted, moved or replaced.
    DatabaseFileMissing,
    /// The database is damaged.
    DatabaseCorrupt,
}

/// Outcome in `extensions.outcome`: whether the request changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was changed.
    NotDone,
    /// The commit was sent, but its result was lost.
    Unknown,
}

/// Marks an I/O error: the database file was deleted, moved or replaced since it was opened.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the file was deleted, moved or replaced")]
pub struct FileMissing;

impl Reason {
    /// Word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stopping => "STOPPING",
            Self::Busy => "BUSY",
            Self::Timeout => "TIMEOUT",
            Self::Unreachable => "UNREACHABLE",
            Self::ReadOnly => "READ_ONLY",
            Self::DiskFull => "DISK_FULL",
            Self::DiskError => "DISK_ERROR",
            Self::DatabaseFileMissing => "DATABASE_FILE_MISSING",
            Self::DatabaseCorrupt => "DATABASE_CORRUPT",
        }
    }

    /// Sentence for people, without the database's own words.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Stopping => "the server is stopping, try again",
            Self::Busy => "the service is busy, try again",
            Self::Timeout => "the database took too long, try again",
            Self::Unreachable => "the database can't be reached, try again",
            Self::ReadOnly => "the database takes no writes at the moment",
            Self::DiskFull => "the disk of the database is full",
            Self::DiskError => "the disk of the database fails",
            Self::DatabaseFileMissing => "the file of the database is gone or was replaced",
            Self::DatabaseCorrupt => "the database is damaged",
        }
    }

    /// Checks whether the reason is a lasting condition of the storage, and not a failure of a single request.
    pub const fn is_condition(self) -> bool {
        match self {
            Self::Stopping | Self::Busy | Self::Timeout => false,
            Self::Unreachable
            | Self::ReadOnly
            | Self::DiskFull
            | Self::DiskError
            | Self::DatabaseFileMissing
            | Self::DatabaseCorrupt => true,
        }
    }
}

impl Outcome {
    /// Word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotDone => "NOT_DONE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.reason.message())
    }
}

impl From<Reason> for Unavailable {
    /// Failure before any change.
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            outcome: Outcome::NotDone,
            cause: None,
        }
    }
}

impl Unavailable {
    /// Adds the underlying failure.
    pub fn because(self, cause: impl StdError + Send + Sync + 'static) -> Self {
        let cause: Arc<dyn StdError + Send + Sync> = Arc::new(cause);
        Self {
            cause: Some(cause),
            ..self
        }
    }

    /// Changes the outcome to UNKNOWN, for a commit without a known result.
    pub fn unknown(self) -> Self {
        Self {
            outcome: Outcome::Unknown,
            ..self
        }
    }

    /// Cause for the log, or else the message for clients.
    pub fn detail(&self) -> String {
        let cause = self.cause.as_ref().map(ToString::to_string);
        cause.unwrap_or_else(|| self.to_string())
    }
}

/// Reason of a transient database error; `None` for errors of our own.
pub fn reason(error: &DbErr) -> Option<Reason> {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => Some(Reason::Stopping),
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Some(Reason::Busy),
        DbErr::Conn(RuntimeErr::SqlxError(cause)) => Some(match &**cause {
            // No connection could be opened in time.
            SqlxError::PoolTimedOut => Reason::Unreachable,
            cause => sqlx_reason(cause).unwrap_or(Reason::Unreachable),
        }),
        DbErr::Conn(_) => Some(Reason::Unreachable),
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            sqlx_reason(cause)
        }
        _ => None,
    }
}

/// Reason of a transient driver error.
pub fn sqlx_reason(error: &SqlxError) -> Option<Reason> {
    match error {
        SqlxError::Io(cause) => Some(io_reason(cause)),
        SqlxError::Tls(_) | SqlxError::Protocol(_) | SqlxError::WorkerCrashed => {
            Some(Reason::Unreachable)
        }
        SqlxError::PoolTimedOut => Some(Reason::Busy),
        SqlxError::PoolClosed => Some(Reason::Stopping),
        SqlxError::Database(cause) => database_reason(&**cause),
        _ => None,
    }
}

/// Reason of a failed connection.
fn io_reason(error: &io::Error) -> Reason {
    let is_missing = error
        .get_ref()
        .is_some_and(|cause| cause.is::<FileMissing>());
    match error.kind() {
        _ if is_missing => Reason::DatabaseFileMissing,
        ErrorKind::TimedOut => Reason::Timeout,
        _ => Reason::Unreachable,
    }
}

/// Reason why a file beside the database can't be created or written.
pub fn file_reason(error: &io::Error) -> Option<Reason> {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Some(Reason::DiskFull)
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Some(Reason::ReadOnly),
        ErrorKind::NotFound => Some(Reason::DatabaseFileMissing),
        _ => None,
    }
}

fn database_reason(error: &dyn DatabaseError) -> Option<Reason> {
    match sqlite_code(error) {
        Some(code) => sqlite_reason(code),
        None => postgres_reason(&error.code()?),
    }
}

fn sqlite_code(error: &dyn DatabaseError) -> Option<u32> {
    error.try_downcast_ref::<SqliteError>()?;
    error.code()?.parse().ok()
}

/// Reason of [SQLite's result codes](https://sqlite.org/rescode.html). Extended codes hold the primary code in their
/// lowest byte.
fn sqlite_reason(code: u32) -> Option<Reason> {
    const READONLY_DBMOVED: u32 = 1032;
    const CONSTRAINT_FOREIGNKEY: u32 = 787;
    /// Raised by the triggers that guard references to users.
    const CONSTRAINT_TRIGGER: u32 = 1811;
    /// No space for the index of the write-ahead log.
    const IOERR_SHMSIZE: u32 = 4874;
    match (code, code & 0xff) {
        (READONLY_DBMOVED, _) | (_, 14) => Some(Reason::DatabaseFileMissing),
        // Foreign key: a referenced row was deleted between check and write; a retry reports it as missing. BUSY,
        // LOCKED, NOMEM, PROTOCOL.
        (CONSTRAINT_FOREIGNKEY | CONSTRAINT_TRIGGER, _) | (_, 5 | 6 | 7 | 15) => Some(Reason::Busy),
        // FULL. IOERR_SHMSIZE is tested before its class IOERR.
        (IOERR_SHMSIZE, _) | (_, 13) => Some(Reason::DiskFull),
        (_, 8) => Some(Reason::ReadOnly),
        (_, 10) => Some(Reason::DiskError),
        // CORRUPT, NOTADB.
        (_, 11 | 26) => Some(Reason::DatabaseCorrupt),
        _ => None,
    }
}

/// Reason of [PostgreSQL's SQLSTATE codes](https://www.postgresql.org/docs/current/errcodes-appendix.html).
fn postgres_reason(code: &str) -> Option<Reason> {
    match code {
        // Foreign key violation as on SQLite; serialization failure, deadlock, lock not available.
        "23503" | "40001" | "40P01" | "55P03" => Some(Reason::Busy),
        "25006" => Some(Reason::ReadOnly),
        "53100" => Some(Reason::DiskFull),
        "57014" | "25P03" | "25P04" => Some(Reason::Timeout),
        "58030" | "58P01" => Some(Reason::DiskError),
        "XX001" | "XX002" => Some(Reason::DatabaseCorrupt),
        // Missing database, or login refused.
        "3D000" | "28000" | "28P01" => Some(Reason::Unreachable),
        _ if code.starts_with("53") => Some(Reason::Busy),
        _ if code.starts_with("57P") || code.starts_with("08") => Some(Reason::Unreachable),
        _ => None,
    }
}

/// Checks whether a failed commit certainly changed nothing: the database itself refused it. After a broken
/// connection, a stopped server or a disk error the outcome is unknown.
pub fn is_refusal(error: &DbErr) -> bool {
    let Some(SqlxError::Database(cause)) = driver_error(error) else {
        return false;
    };
    match sqlite_code(&**cause) {
        // IOERR: the commit's frame may be in the write-ahead log, whatever failed afterwards
        // (https://sqlite.org/wal.html).
        Some(code) => code & 0xff != 10,
        None => database_reason(&**cause) != Some(Reason::Unreachable),
    }
}

/// Checks whether the connection is lost: statements that changed nothing may be repeated on another connection.
pub fn is_lost_connection(error: &DbErr) -> bool {
    match driver_error(error) {
        Some(SqlxError::Io(cause)) => io_reason(cause) == Reason::Unreachable,
        Some(SqlxError::Protocol(_) | SqlxError::WorkerCrashed) => true,
        Some(SqlxError::Database(cause)) => database_reason(&**cause) == Some(Reason::Unreachable),
        _ => false,
    }
}

/// Driver error of a statement or connection.
fn driver_error(error: &DbErr) -> Option<&SqlxError> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause))
        | DbErr::Conn(RuntimeErr::SqlxError(cause)) => Some(cause),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_codes_of_sqlite_have_their_reasons() {
        let of = |codes: &[u32]| {
            let mut reasons: Vec<_> = codes.iter().map(|code| sqlite_reason(*code)).collect();
            reasons.dedup();
            assert_eq!(reasons.len(), 1, "{codes:?}");
            reasons[0].map(Reason::word)
        };
        assert_eq!(of(&[5, 261, 517, 773, 6, 262, 787, 1811]), Some("BUSY"));
        assert_eq!(of(&[8, 264, 776, 1288, 1544]), Some("READ_ONLY"));
        assert_eq!(of(&[10, 266, 522, 778, 1034]), Some("DISK_ERROR"));
        assert_eq!(of(&[13, 4874]), Some("DISK_FULL"));
        assert_eq!(of(&[11, 267, 523, 779, 26]), Some("DATABASE_CORRUPT"));
        assert_eq!(of(&[1032, 14, 526]), Some("DATABASE_FILE_MISSING"));
        assert_eq!(of(&[1, 19, 2067, 1555, 20, 21]), None);
    }

    #[test]
    fn sqlstates_have_their_reasons() {
        let of = |codes: &[&str]| {
            let mut reasons: Vec<_> = codes.iter().map(|code| postgres_reason(code)).collect();
            reasons.dedup();
            assert_eq!(reasons.len(), 1, "{codes:?}");
            reasons[0].map(Reason::word)
        };
        let busy = ["40001", "40P01", "55P03", "53300", "53200", "23503"];
        assert_eq!(of(&busy), Some("BUSY"));
        assert_eq!(of(&["25006"]), Some("READ_ONLY"));
        assert_eq!(of(&["53100"]), Some("DISK_FULL"));
        assert_eq!(of(&["58030", "58P01"]), Some("DISK_ERROR"));
        assert_eq!(of(&["XX001", "XX002"]), Some("DATABASE_CORRUPT"));
        assert_eq!(of(&["57014", "25P03"]), Some("TIMEOUT"));
        let away = ["57P01", "57P02", "57P03", "08006", "3D000", "28P01"];
        assert_eq!(of(&away), Some("UNREACHABLE"));
        assert_eq!(of(&["23505", "42P01", "22P02", "XX000"]), None);
    }

    #[test]
    fn broken_connections_leave_the_outcome_of_a_commit_open() {
        let io = |kind: ErrorKind| {
            let cause = SqlxError::Io(kind.into());
            DbErr::Exec(RuntimeErr::SqlxError(Arc::new(cause)))
        };
        for kind in [ErrorKind::BrokenPipe, ErrorKind::UnexpectedEof] {
            assert_eq!(reason(&io(kind)), Some(Reason::Unreachable));
            assert!(!is_refusal(&io(kind)));
            assert!(is_lost_connection(&io(kind)));
        }
        assert_eq!(reason(&io(ErrorKind::TimedOut)), Some(Reason::Timeout));
        assert!(!is_lost_connection(&io(ErrorKind::TimedOut)));
    }
}
