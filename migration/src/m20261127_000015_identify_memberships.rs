//! An id of each membership, which a later membership of the same user in the same project does not get.
//!
//! SQLite numbers the rows of integer primary keys alone, so the table is copied there.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const POSTGRES: &[&str] = &[
    "ALTER TABLE project_member DROP CONSTRAINT project_member_pkey",
    "ALTER TABLE project_member ADD COLUMN id bigserial PRIMARY KEY",
    "CREATE UNIQUE INDEX uq_project_member_project_id_user_id ON project_member (project_id, user_id)",
];

const POSTGRES_DOWN: &[&str] = &[
    "DROP INDEX uq_project_member_project_id_user_id",
    "ALTER TABLE project_member DROP COLUMN id",
    "ALTER TABLE project_member ADD PRIMARY KEY (project_id, user_id)",
];

const SQLITE: &[&str] = &[
    "CREATE TABLE project_member_with_id ( \
       id integer NOT NULL PRIMARY KEY AUTOINCREMENT, \
       project_id integer NOT NULL REFERENCES project (id) ON DELETE CASCADE, \
       user_id integer NOT NULL REFERENCES \"user\" (id) ON DELETE CASCADE, \
       role text NOT NULL, \
       created_at timestamp_with_timezone_text NOT NULL)",
    "INSERT INTO project_member_with_id (project_id, user_id, role, created_at) \
       SELECT project_id, user_id, role, created_at FROM project_member ORDER BY created_at, project_id, user_id",
    "DROP TABLE project_member",
    "ALTER TABLE project_member_with_id RENAME TO project_member",
    "CREATE UNIQUE INDEX uq_project_member_project_id_user_id ON project_member (project_id, user_id)",
    "CREATE INDEX ix_project_member_user_id_project_id ON project_member (user_id, project_id)",
];

const SQLITE_DOWN: &[&str] = &[
    "CREATE TABLE project_member_without_id ( \
       project_id integer NOT NULL REFERENCES project (id) ON DELETE CASCADE, \
       user_id integer NOT NULL REFERENCES \"user\" (id) ON DELETE CASCADE, \
       role text NOT NULL, \
       created_at timestamp_with_timezone_text NOT NULL, \
       PRIMARY KEY (project_id, user_id))",
    "INSERT INTO project_member_without_id (project_id, user_id, role, created_at) \
       SELECT project_id, user_id, role, created_at FROM project_member",
    "DROP TABLE project_member",
    "ALTER TABLE project_member_without_id RENAME TO project_member",
    "CREATE INDEX ix_project_member_user_id_project_id ON project_member (user_id, project_id)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = match manager.get_database_backend() {
            DbBackend::Sqlite => SQLITE,
            _ => POSTGRES,
        };
        run(manager, statements).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = match manager.get_database_backend() {
            DbBackend::Sqlite => SQLITE_DOWN,
            _ => POSTGRES_DOWN,
        };
        run(manager, statements).await
    }
}

async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        let db = manager.get_connection();
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}
