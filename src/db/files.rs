//! SQLite's files: which ones the database was opened on, so that nothing is written to files that are gone.
//!
//! A file that was deleted or replaced stays readable and writable for whoever has it open, and what is written
//! there is lost with the last of them. So each write compares the files under their names with those that were
//! opened, before its commit and again before it is acknowledged.

use std::{
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

/// The files of one open database, by their identities: the main file first.
#[derive(Debug, Default)]
pub struct Files(RwLock<Vec<(PathBuf, Identity)>>);

/// Device and inode: two files that are the same have both in common.
type Identity = (u64, u64);

impl Files {
    /// Takes note of the files as they are. To be called while a connection has them open, so that SQLite removes
    /// none.
    pub fn note(&self, database: &Path) -> io::Result<()> {
        let database = database.canonicalize()?;
        let beside = |suffix: &str| {
            let mut name = database.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        let mut files = vec![(database.clone(), identity(&database.metadata()?))];
        for path in [beside("-wal"), beside("-shm")] {
            if let Ok(metadata) = path.metadata() {
                files.push((path, identity(&metadata)));
            }
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = files;
        Ok(())
    }

    /// Compares nothing until the files are noted again.
    pub fn forget(&self) {
        let mut files = self.0.write().unwrap_or_else(PoisonError::into_inner);
        files.clear();
    }

    /// Whether all files are under their names still.
    pub fn are_unchanged(&self) -> bool {
        self.known().iter().all(is_there)
    }

    /// Whether the main file is, for reads: they take no notice of who else might write.
    pub fn is_main_unchanged(&self) -> bool {
        self.known().first().is_none_or(is_there)
    }

    fn known(&self) -> RwLockReadGuard<'_, Vec<(PathBuf, Identity)>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_there((path, known): &(PathBuf, Identity)) -> bool {
    // Other failures than NotFound are met by SQLite itself.
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

/// Elsewhere a file that is open can be neither deleted nor replaced.
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
