//! The steps that bring a database to the newest schema, in order. A step that has landed is never edited.

use sea_orm_migration::{MigrationTrait, async_trait};
pub use sea_orm_migration::{MigratorTrait, SchemaManager};

mod m20261123_000001_create_user;
mod m20261123_000002_create_project;
mod m20261123_000003_create_task;
mod m20261123_000004_create_prediction;
mod m20261123_000005_create_annotation;
mod m20261123_000006_create_annotation_revision;
mod m20261123_000007_create_annotation_draft;
mod m20261123_000008_create_event;
mod m20261123_000009_check_results;
mod m20261123_000010_create_annotation_tombstone;
mod m20261124_000011_save_drafts;
mod m20261124_000012_create_annotation_review;
mod m20261124_000013_create_idempotency_key;
mod m20261124_000014_create_annotation_term;
mod m20261124_000015_find_deleted_events;
mod m20261127_000015_identify_memberships;
mod m20261127_000016_guard_rows;
mod m20261127_000030_record_access_losses;
mod m20261127_000031_seal_event_cursors;
mod m20261127_000035_index_by_config;
mod m20261127_000040_fold_names;
mod m20261127_000041_find_tasks_by_import_id;
mod m20261127_000042_create_annotation_answer;
mod m20261127_000050_merge_access_losses;
mod m20261128_000060_drop_indexes_of_updates;
mod m20261128_000061_version_identities;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_create_user::Migration),
            Box::new(m20261123_000002_create_project::Migration),
            Box::new(m20261123_000003_create_task::Migration),
            Box::new(m20261123_000004_create_prediction::Migration),
            Box::new(m20261123_000005_create_annotation::Migration),
            Box::new(m20261123_000006_create_annotation_revision::Migration),
            Box::new(m20261123_000007_create_annotation_draft::Migration),
            Box::new(m20261123_000008_create_event::Migration),
            Box::new(m20261123_000009_check_results::Migration),
            Box::new(m20261123_000010_create_annotation_tombstone::Migration),
            Box::new(m20261124_000011_save_drafts::Migration),
            Box::new(m20261124_000012_create_annotation_review::Migration),
            Box::new(m20261124_000013_create_idempotency_key::Migration),
            Box::new(m20261124_000014_create_annotation_term::Migration),
            Box::new(m20261124_000015_find_deleted_events::Migration),
            Box::new(m20261127_000015_identify_memberships::Migration),
            Box::new(m20261127_000016_guard_rows::Migration),
            Box::new(m20261127_000030_record_access_losses::Migration),
            Box::new(m20261127_000031_seal_event_cursors::Migration),
            Box::new(m20261127_000035_index_by_config::Migration),
            Box::new(m20261127_000040_fold_names::Migration),
            Box::new(m20261127_000041_find_tasks_by_import_id::Migration),
            Box::new(m20261127_000042_create_annotation_answer::Migration),
            Box::new(m20261127_000050_merge_access_losses::Migration),
            Box::new(m20261128_000060_drop_indexes_of_updates::Migration),
            Box::new(m20261128_000061_version_identities::Migration),
        ]
    }
}
