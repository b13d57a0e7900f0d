//! Projects with annotations of some history, and all that commands leave of them, without ids and times.

use std::collections::HashMap;

use annograph::{
    app::App,
    domain::{
        Patch,
        access::Actor,
        annotation::{
            Change, Command, ConflictPolicy, Done, DraftKey, New, OwnDrafts, RegionChanges,
            ReviewAction, ReviewNote, Submission,
        },
    },
    error::Result,
};
use entity::{
    annotation, annotation_draft, annotation_review, annotation_revision, annotation_term,
    annotation_tombstone, project_member::Role, task, user,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::super::{delete, draft, reviews::review, update},
    refusal,
    steps::{Edit, Seen, Step},
};
use crate::support::TestApp;

/// Tasks: two in the same project, the third in a second project.
pub const TASKS: usize = 3;
/// First tasks, in which the actor has a draft.
pub const TASK_DRAFTS: usize = 2;
/// Annotations that commands name. One more is a parent, and has the unique id that is taken.
pub const LIVE: usize = 10;
pub const DELETED: usize = 4;
/// The annotation that the actor has reviewed, if they may.
pub const REVIEWED: usize = 4;
pub const ROLES: [Role; 3] = [Role::Annotator, Role::Reviewer, Role::Manager];

pub struct Scene {
    pub actor: Actor,
    tasks: Vec<i64>,
    /// Annotations that commands name, then deleted annotations, then the parent.
    annotations: Vec<i64>,
    /// Versions at the beginning, by annotation.
    versions: HashMap<i64, i32>,
    task_drafts: Vec<i64>,
    /// A draft of the actor's for each annotation that commands name.
    drafts: Vec<i64>,
    taken: Uuid,
}

impl Scene {
    pub async fn build(app: &TestApp, role: Role, name: &str) -> Self {
        let (project, task) = app.project_with_task().await;
        let (other, third) = app.project_with_task().await;
        let tasks = [task, app.task(&project).await, third];
        let by = app.member(&project, name, role).await;
        let role = format!("{role:?}").to_uppercase();
        let add = "mutation($project: ID!, $user: ID!, $role: ProjectRole!) {
            addProjectMember(projectId: $project, userId: $user, role: $role) { role } }";
        let member = json!({ "project": other, "user": by.user_id, "role": role });
        app.admin.run_with(add, member).await.ok();
        let taken = Uuid::new_v4();
        let mut annotations = Vec::new();
        let mut drafts = Vec::new();
        for index in 0..=LIVE + DELETED {
            let author = if index % 2 == 0 { &by } else { &app.admin };
            let is_parent = index == LIVE + DELETED;
            let result = json!([{ "id": "a", "value": { "x": index } }, { "id": "b" }]);
            let mut input = json!({ "result": result, "wasCancelled": index % 5 == 1 });
            if is_parent {
                input["uniqueId"] = json!(taken);
            }
            let id = app.annotation(author, &tasks[index % TASKS], input).await;
            // One after the other has the ground truth, and the last ones keep it.
            let edit = json!({ "groundTruth": index % 4 < 2, "leadTime": index });
            update(&app.admin, &id, edit).await.ok();
            let edit = json!({ "regions": { "upsert": [{ "id": "b", "value": { "y": 1 } }] } });
            update(&app.admin, &id, edit).await.ok();
            if index == REVIEWED && role != "ANNOTATOR" {
                review(&by, &id, json!({ "action": "REJECT", "comment": "?" }))
                    .await
                    .ok();
            }
            if (LIVE..LIVE + DELETED).contains(&index) {
                delete(&app.admin, &id).await.ok();
            } else if !is_parent && index % 3 != 0 {
                drafts.push(draft(app, &by, &tasks[index % TASKS], Some(&id)).await);
            } else {
                drafts.push("0".to_owned());
            }
            annotations.push(id);
        }
        let mut task_drafts = Vec::new();
        for task in &tasks[..TASK_DRAFTS] {
            task_drafts.push(draft(app, &by, task, None).await);
        }
        let user = user::Entity::find_by_id(by.user_id.parse::<i64>().unwrap());
        let user = user.one(app.app.db.writer()).await.unwrap().unwrap();
        let mut scene = Self {
            actor: Actor {
                user,
                token_id: 0,
                token_expires_at: None,
            },
            tasks: ids(&tasks),
            annotations: ids(&annotations),
            versions: HashMap::new(),
            task_drafts: ids(&task_drafts),
            drafts: ids(&drafts),
            taken,
        };
        for id in &scene.annotations {
            let newest = revisions(&app.app, *id).await.pop().unwrap();
            scene.versions.insert(*id, newest.version);
        }
        scene
    }

    /// Current versions of all annotations, the deleted ones at that of their deletion.
    pub async fn versions(&self, app: &App) -> HashMap<i64, i32> {
        let mut versions = self.versions.clone();
        let rows = annotation::Entity::find()
            .filter(annotation::Column::Id.is_in(self.annotations.iter().copied()))
            .all(app.db.writer())
            .await
            .unwrap();
        versions.extend(rows.into_iter().map(|row| (row.id, row.version)));
        versions
    }

    /// The command, by somebody who sees annotations at these versions.
    pub fn command(&self, step: &Step, versions: &HashMap<i64, i32>) -> Command {
        let expected = |of: usize, seen: Seen| {
            let id = self.annotations[of];
            match seen {
                Seen::Unasked => None,
                Seen::Current => Some(versions[&id]),
                // Of what was there before all commands.
                Seen::Older => Some(self.versions[&id] - 1),
            }
        };
        match step {
            Step::Create {
                task,
                is_truth,
                is_skipped,
                is_copy,
                has_taken_id,
                by_admin,
                lead_time,
            } => Command::Create {
                task_id: self.tasks[*task],
                new: New {
                    result: r#"[{"id":"n"}]"#.to_owned(),
                    completed_by_id: by_admin.then_some(1),
                    was_cancelled: *is_skipped,
                    ground_truth: *is_truth,
                    lead_time: *lead_time,
                    unique_id: has_taken_id.then_some(self.taken),
                    parent_annotation_id: is_copy.then_some(self.annotations[LIVE + DELETED]),
                    ..New::default()
                },
            },
            Step::Update { of, edit } => Command::Update {
                id: self.annotations[*of],
                change: self.change(edit, expected(*of, edit.seen)),
            },
            Step::Review {
                of,
                action,
                fix,
                seen,
            } => {
                let fix = fix.filter(|_| *action == ReviewAction::FixAndAccept);
                Command::Update {
                    id: self.annotations[*of],
                    change: Change {
                        result: patch(fix.map(str::to_owned)),
                        expected_version: patch(expected(*of, *seen)),
                        own_drafts: OwnDrafts::Keep,
                        review: Some(ReviewNote {
                            action: *action,
                            comment: Some("!".to_owned()),
                        }),
                        ..Change::default()
                    },
                }
            }
            Step::Delete {
                of,
                seen,
                into_draft,
            } => Command::Delete {
                id: self.annotations[*of],
                expected_version: expected(*of, *seen),
                into_draft: *into_draft,
            },
            Step::Restore { of, version, seen } => Command::Restore {
                id: self.annotations[*of],
                version: *version,
                expected_version: expected(*of, *seen),
            },
            Step::Submit {
                task,
                of,
                is_skipped,
            } => Command::Submit {
                draft: match task {
                    Some(task) => DraftKey {
                        id: self.task_drafts[*task],
                        task_id: self.tasks[*task],
                        annotation_id: None,
                    },
                    None => DraftKey {
                        id: self.drafts[*of],
                        task_id: self.tasks[of % TASKS],
                        annotation_id: Some(self.annotations[*of]),
                    },
                },
                submission: Submission {
                    was_cancelled: *is_skipped,
                    ..Submission::default()
                },
            },
        }
    }

    fn change(&self, edit: &Edit, expected_version: Option<i32>) -> Change {
        let region = |x: i32| RegionChanges {
            upsert: Patch::Set(vec![format!(r#"{{"id":"a","value":{{"x":{x}}}}}"#)]),
            ..RegionChanges::default()
        };
        let author = |is_admin: bool| if is_admin { 1 } else { self.actor.id() };
        Change {
            result: patch(edit.result.map(str::to_owned)),
            regions: patch(edit.region.map(region)),
            task_id: patch(edit.target.map(|task| self.tasks[task])),
            completed_by_id: patch(edit.by_admin.map(author)),
            was_cancelled: patch(edit.is_skipped),
            ground_truth: patch(edit.is_truth),
            lead_time: patch(edit.lead_time),
            expected_version: patch(expected_version),
            on_conflict: patch(edit.is_merge.then_some(ConflictPolicy::Merge)),
            ..Change::default()
        }
    }

    /// All that commands with these outcomes left behind.
    pub async fn state(&self, app: &TestApp, outcomes: &[Result<Done>]) -> Value {
        let app = &app.app;
        let mut annotations = self.annotations.clone();
        let mut told = Vec::new();
        for outcome in outcomes {
            match outcome {
                Err(error) => told.push(refusal(error)),
                Ok(done) => {
                    let id = done.annotation.id;
                    if !annotations.contains(&id) {
                        annotations.push(id);
                    }
                    told.push(json!("accepted"));
                }
            }
        }
        let mut states = Vec::new();
        for id in &annotations {
            states.push(self.annotation(app, *id, &annotations).await);
        }
        json!({ "outcomes": told, "annotations": states, "tasks": self.task_states(app).await })
    }

    async fn annotation(&self, app: &App, id: i64, annotations: &[i64]) -> Value {
        let db = app.db.writer();
        let row = annotation::Entity::find_by_id(id).one(db).await.unwrap();
        let tombstone = annotation_tombstone::Entity::find_by_id(id).one(db).await;
        let reviews = annotation_review::Entity::find()
            .filter(annotation_review::Column::AnnotationId.eq(id))
            .all(db)
            .await
            .unwrap();
        let reviews = reviews.iter().map(|row| {
            let reviewer = row.reviewer_id.map(|id| self.user(id));
            json!([
                reviewer,
                format!("{:?}", row.verdict),
                row.version,
                row.comment
            ])
        });
        let terms = annotation_term::Entity::find()
            .filter(annotation_term::Column::AnnotationId.eq(id))
            .all(db)
            .await
            .unwrap();
        let mut history = Vec::new();
        for revision in revisions(app, id).await {
            let mut changes: Value = serde_json::from_str(&revision.changes).unwrap();
            for (field, value) in changes.as_object_mut().unwrap() {
                if ["task", "project", "completedBy", "updatedBy"].contains(&field.as_str()) {
                    *value = json!(value.is_null());
                }
            }
            history.push(json!([
                revision.version,
                format!("{:?} {:?}", revision.event, revision.action),
                self.task(revision.task_id),
                revision.from_task_id.map(|id| self.task(id)),
                revision.actor_id.map(|id| self.user(id)),
                revision.updated_by_id.map(|id| self.user(id)),
                changes,
                revision.result,
            ]));
        }
        json!({
            "row": row.map(|row| self.row(&row, annotations)),
            "hasTombstone": tombstone.unwrap().is_some(),
            "reviews": reviews.collect::<Vec<_>>(),
            "history": history,
            "terms": terms.iter().map(|row| row.term).collect::<Vec<_>>(),
        })
    }

    fn row(&self, row: &annotation::Model, annotations: &[i64]) -> Value {
        let place = |id: i64| annotations.iter().position(|other| *other == id);
        json!({
            "task": self.task(row.task_id),
            "result": row.result,
            "regions": row.region_count,
            "flags": [row.was_cancelled, row.ground_truth],
            "leadTime": row.lead_time,
            "completedBy": row.completed_by_id.map(|id| self.user(id)),
            "updatedBy": row.updated_by_id.map(|id| self.user(id)),
            "action": row.last_action.map(|action| format!("{action:?}")),
            "hasDraftDate": row.draft_created_at.is_some(),
            "parent": row.parent_annotation_id.map(place),
            "version": row.version,
        })
    }

    async fn task_states(&self, app: &App) -> Value {
        let mut states = Vec::new();
        for id in &self.tasks {
            let row = task::Entity::find_by_id(*id).one(app.db.writer()).await;
            let row = row.unwrap().unwrap();
            let drafts = annotation_draft::Entity::find()
                .filter(annotation_draft::Column::TaskId.eq(*id))
                .order_by_asc(annotation_draft::Column::Result)
                .all(app.db.writer())
                .await
                .unwrap();
            let drafts = drafts.iter().map(|draft| {
                let of = draft.annotation_id;
                let of = of.and_then(|id| self.annotations.iter().position(|it| *it == id));
                json!([of, draft.result, draft.lead_time, draft.is_autosave])
            });
            let mut drafts: Vec<String> = drafts.map(|draft| draft.to_string()).collect();
            drafts.sort_unstable();
            states.push(json!([
                row.total_annotations,
                row.cancelled_annotations,
                row.is_labeled,
                drafts,
            ]));
        }
        json!(states)
    }

    fn task(&self, id: i64) -> Option<usize> {
        self.tasks.iter().position(|task| *task == id)
    }

    fn user(&self, id: i64) -> &'static str {
        match id {
            1 => "admin",
            id if id == self.actor.id() => "actor",
            _ => "nobody",
        }
    }
}

async fn revisions(app: &App, id: i64) -> Vec<annotation_revision::Model> {
    annotation_revision::Entity::find()
        .filter(annotation_revision::Column::AnnotationId.eq(id))
        .order_by_asc(annotation_revision::Column::Version)
        .all(app.db.writer())
        .await
        .unwrap()
}

fn ids(texts: &[String]) -> Vec<i64> {
    texts.iter().map(|id| id.parse().unwrap()).collect()
}

fn patch<T>(value: Option<T>) -> Patch<T> {
    value.map_or(Patch::Keep, Patch::Set)
}
