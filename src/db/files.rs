//! Files of SQLite: detection of deleted or replaced files.
//!
//! Processes that have a deleted or replaced file open can still write; all their writes are lost once the last
//! process closes the file. Each write therefore compares the files under their names with the opened files, before
//! the commit and again before acknowledging it. See SQLite's [how to
//! corrupt](https://www.sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use).

use std::{
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

/// Files of an open database by identity, the main file first.
#[derive(Debug, Default)]
pub struct Files(RwLock<Vec<(PathBuf, Identity)>>);

/// Device and inode: equal for the same file only.
type Identity = (u64, u64);

impl Files {
    /// Records the current files. Must be called while a connection keeps the files open, so that SQLite removes no
    /// file.
    pub fn note(&self, database: &Path) -> io::Result<()> {
        let database = database.canonicalize()?;
        let beside = |suffix: &str| {
            let mut name = database.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        let mut files = vec![(database.clone(), identity(&database.metadata()?))];
        // The log and its index too: writes to a deleted log are lost as well.
        for path in [beside("-wal"), beside("-shm")] {
            if let Ok(metadata) = path.metadata() {
                files.push((path, identity(&metadata)));
            }
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(())
    }

    /// Disables comparison until files are recorded again.
    pub fn forget(&self) {
        let mut files = self.0.write().unwrap_or_else(PoisonError::into_inner);
        files.clear();
    }

    /// Checks whether all files are still under their names.
    pub fn are_unchanged(&self) -> bool {
        self.known().iter().all(is_there)
    }

    /// Checks whether the main file is still under its name. Sufficient for reads, which don't conflict with other
    /// writers.
    pub fn is_main_unchanged(&self) -> bool {
        self.known().first().is_none_or(is_there)
    }

    fn known(&self) -> RwLockReadGuard<'_, Vec<(PathBuf, Identity)>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_there((path, known): &(PathBuf, Identity)) -> bool {
    // Other failures, such as missing rights, are reported by SQLite itself.
    match path.metadata() {
        Ok(metadata) => identity(&metadata) == *known,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

/// Constant identity: on other systems an open file can be neither deleted nor replaced.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_were_deleted_or_replaced_are_missed() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let log = folder.path().join("a.db-wal");
        for path in [&database, &log] {
            std::fs::write(path, "").unwrap();
        }
        let files = Files::default();
        assert!(files.are_unchanged());
        files.note(&database).unwrap();
        assert!(files.are_unchanged());

        let aside = folder.path().join("aside");
        std::fs::rename(&log, &aside).unwrap();
        assert!(!files.are_unchanged());
        assert!(files.is_main_unchanged());
        std::fs::write(&log, "").unwrap();
        assert!(!files.are_unchanged());
        std::fs::rename(&aside, &log).unwrap();
        assert!(files.are_unchanged());

        std::fs::rename(&database, &aside).unwrap();
        assert!(!files.is_main_unchanged());
        std::fs::copy(&aside, &database).unwrap();
        assert!(!files.is_main_unchanged());
        std::fs::rename(&aside, &database).unwrap();
        assert!(files.are_unchanged());
    }
}
