//! Review: the latest verdict of a reviewer on an annotation. The history has all verdicts.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "annotation_review")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub annotation_id: i64,
    /// Project of the annotation at the time of the review: the review is visible in this project only.
    pub project_id: i64,
    /// Null once the reviewer is deleted.
    pub reviewer_id: Option<i64>,
    pub verdict: Verdict,
    #[sea_orm(column_type = "Text", nullable)]
    pub comment: Option<String>,
    /// Version of the annotation that the review created: the judged content, including the fix.
    pub version: i32,
    pub created_at: DateTimeUtc,
}

/// Verdict of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum Verdict {
    Accepted,
    Rejected,
    FixedAndAccepted,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::annotation::Entity",
        from = "Column::AnnotationId",
        to = "super::annotation::Column::Id",
        on_delete = "Cascade"
    )]
    Annotation,
    #[sea_orm(
        belongs_to = "super::project::Entity",
        from = "Column::ProjectId",
        to = "super::project::Column::Id",
        on_delete = "Cascade"
    )]
    Project,
    #[sea_orm(
        belongs_to = "super::user::Entity",
        from = "Column::ReviewerId",
        to = "super::user::Column::Id",
        on_delete = "SetNull"
    )]
    Reviewer,
}

impl ActiveModelBehavior for ActiveModel {}
