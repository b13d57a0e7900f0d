//! Tables, a SeaORM entity each. Contains no rules.

pub mod access_loss;
pub mod annotation;
pub mod annotation_answer;
pub mod annotation_draft;
pub mod annotation_review;
pub mod annotation_revision;
pub mod annotation_term;
pub mod annotation_term_fill;
pub mod annotation_tombstone;
pub mod api_token;
pub mod event;
pub mod event_log;
pub mod idempotency_key;
pub mod identity_version;
pub mod import_job;
pub mod outbox;
pub mod prediction;
pub mod project;
pub mod project_member;
pub mod replaced_draft;
pub mod task;
pub mod user;
