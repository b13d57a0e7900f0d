//! Keys of PostgreSQL's advisory locks. A database has a single space of keys for all programs.
//!
//! Locks with a 64-bit key and locks with two 32-bit keys never conflict
//! (<https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS>). SQLite needs no keys:
//! the write lock excludes every other writer.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};

/// Bringing the database up to date.
pub const MIGRATION: i64 = i64::from_be_bytes(*b"annomigr");
/// Creating or choosing the admin that the first token is for.
pub const FIRST_ADMIN: i64 = i64::from_be_bytes(*b"annoadmi");
/// Numbering events.
pub const SEQUENCER: i64 = i64::from_be_bytes(*b"annoevnt");
/// Writing a batch of an import.
pub const IMPORT_BATCH: i64 = i64::from_be_bytes(*b"annobatc");
/// Upper half of the keys of running imports.
const IMPORTS: i64 = (u32::from_be_bytes(*b"impo") as i64) << 32;

/// First of two keys: the queue of the transactions that move annotations. The second is a bucket of annotation ids.
pub const MOVES: i32 = 1;
/// First of two keys: batches that use new unique ids. The second is a bucket of unique ids.
pub const UNIQUE_IDS: i32 = 2;

/// Key of a running import, held by the process until the import ends.
pub const fn import(id: i64) -> i64 {
    IMPORTS | id
}

/// Takes a lock until the end of the transaction. Does nothing on SQLite.
pub async fn lock(txn: &impl ConnectionTrait, key: i64) -> Result<(), DbErr> {
    if txn.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({key})");
        txn.execute_unprepared(&lock).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_differ() {
        let fixed = [MIGRATION, FIRST_ADMIN, SEQUENCER, IMPORT_BATCH];
        assert_eq!(HashSet::from(fixed).len(), fixed.len());
        // Ids of imports are in the lower half.
        assert!(fixed.iter().all(|key| key >> 32 != IMPORTS >> 32));
        assert_eq!(import(1) >> 32, IMPORTS >> 32);
        assert_ne!(import(1), import(2));
        assert_ne!(MOVES, UNIQUE_IDS);
    }
}
