//! SQLite databases: a migrated file, copied for each test.

use std::path::PathBuf;

use annograph::db::{Database, Options};
use migration::{Migrator, MigratorTrait};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Database file, removed on drop.
pub struct SqliteDatabase {
    pub url: String,
    _folder: TempDir,
}

pub async fn database() -> SqliteDatabase {
    static TEMPLATE: OnceCell<(TempDir, PathBuf)> = OnceCell::const_new();
    let (_, template) = TEMPLATE.get_or_init(template).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("test.db");
    std::fs::copy(template, &file).unwrap();
    SqliteDatabase {
        url: format!("sqlite:{}", file.display()),
        _folder: folder,
    }
}

async fn template() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("template.db");
    let options = Options::new(format!("sqlite:{}", file.display()));
    let db = Database::connect(&options).await.unwrap();
    Migrator::up(db.writer(), None).await.unwrap();
    // Closing moves the write-ahead log into the file.
    db.close().await.unwrap();
    (folder, file)
}
