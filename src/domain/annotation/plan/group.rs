//! Writes the plan of a group on PostgreSQL in one statement, whose text is the same for any number of updates.

use entity::annotation_revision::ActiveModel as Revision;
use sea_orm::{ActiveEnum, ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};

use super::{super::index, Plan, PlannedRows};
use crate::{domain::task as tasks, error::Result};

/// Writes annotations, terms, drafts, tasks and revisions from arrays. All parts see the same snapshot, so a term that
/// stays is neither deleted nor inserted: a part can't insert a key that another part deletes
/// (<https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING>).
///
/// A result that stays is written as it is stored, which leaves a large text in place. No array holds nulls: a lead time
/// that is NaN stands for null.
const WRITE: &str = "\
WITH d AS (
    SELECT * FROM unnest(
        $1::bigint[], $2::bigint[], $3::text[], $4::boolean[], $5::integer[], $6::boolean[],
        $7::double precision[], $8::text[], $9::integer[], $10::timestamptz[], $11::text[],
        $12::bigint[], $13::bigint[])
    AS d(id, actor_id, result, has_result, region_count, was_cancelled, lead_time, action, version,
        updated_at, changes, task_id, project_id)
), written AS (
    UPDATE annotation a SET
        result = CASE WHEN d.has_result THEN d.result ELSE a.result END,
        region_count = d.region_count, was_cancelled = d.was_cancelled,
        lead_time = nullif(d.lead_time, 'NaN'), updated_by_id = d.actor_id,
        last_created_by_id = d.actor_id, last_action = d.action, version = d.version,
        updated_at = d.updated_at
    FROM d WHERE a.id = d.id
), terms AS (
    SELECT * FROM unnest($14::bigint[], $15::bigint[], $16::bigint[])
    AS terms(term, project_id, annotation_id)
), outdated AS (
    DELETE FROM annotation_term o WHERE o.annotation_id = ANY($17) AND NOT EXISTS (
        SELECT FROM terms n WHERE n.annotation_id = o.annotation_id
        AND n.term = o.term AND n.project_id = o.project_id)
), indexed AS (
    INSERT INTO annotation_term (term, project_id, annotation_id)
    SELECT term, project_id, annotation_id FROM terms ON CONFLICT DO NOTHING
), submitted AS (
    DELETE FROM annotation_draft o
    USING unnest($18::bigint[], $19::bigint[]) AS s(annotation_id, user_id)
    WHERE o.annotation_id = s.annotation_id AND o.user_id = s.user_id
), touched AS (
    UPDATE task t SET updated_at = greatest(t.updated_at, $20), updated_by_id = u.user_id
    FROM unnest($21::bigint[], $22::bigint[]) AS u(id, user_id) WHERE t.id = u.id
)
INSERT INTO annotation_revision (annotation_id, version, event, action, task_id, project_id,
    actor_id, updated_by_id, created_at, changes, result)
SELECT id, version, 'updated', action, task_id, project_id, actor_id, actor_id, $20, changes,
    CASE WHEN has_result THEN result END
FROM d ORDER BY id";

/// Columns of the written annotations, as arrays.
#[derive(Default)]
struct Columns {
    ids: Vec<i64>,
    actors: Vec<i64>,
    results: Vec<String>,
    have_results: Vec<bool>,
    region_counts: Vec<i32>,
    were_cancelled: Vec<bool>,
    lead_times: Vec<f64>,
    actions: Vec<String>,
    versions: Vec<i32>,
    updated_at: Vec<chrono::DateTime<chrono::Utc>>,
    changes: Vec<String>,
    tasks: Vec<i64>,
    projects: Vec<i64>,
}

impl Plan {
    /// Writes a plan that has changes of results, flags and lead times alone, at most one of each annotation and by the
    /// actor as the last updater.
    pub async fn write_group(mut self, txn: &DatabaseTransaction) -> Result<PlannedRows> {
        let backend = txn.get_database_backend();
        if backend != DbBackend::Postgres {
            return self.write(txn).await;
        }
        let results = self.rows.values().filter(|row| row.has_new_result);
        let results: Vec<_> = results.map(|row| (Some(&row.before), &row.after)).collect();
        let (mut stale_rows, mut new) = index::differences(&results, &self.configs).await;
        let columns = self.take_columns();
        let (recounted, touched): (Vec<_>, Vec<_>) = std::mem::take(&mut self.tasks)
            .into_values()
            .partition(|touched| touched.recount);
        let terms = std::mem::take(&mut new.terms);
        let stale_terms = std::mem::take(&mut stale_rows.terms);
        let (draft_annotations, draft_users): (Vec<i64>, Vec<i64>) =
            std::mem::take(&mut self.submitted_drafts_of)
                .into_iter()
                .unzip();
        let values: [Value; 22] = [
            columns.ids.into(),
            columns.actors.into(),
            columns.results.into(),
            columns.have_results.into(),
            columns.region_counts.into(),
            columns.were_cancelled.into(),
            columns.lead_times.into(),
            columns.actions.into(),
            columns.versions.into(),
            columns.updated_at.into(),
            columns.changes.into(),
            columns.tasks.into(),
            columns.projects.into(),
            Vec::from_iter(terms.iter().map(|row| *row.term.as_ref())).into(),
            Vec::from_iter(terms.iter().map(|row| *row.project_id.as_ref())).into(),
            Vec::from_iter(terms.iter().map(|row| *row.annotation_id.as_ref())).into(),
            stale_terms.into(),
            draft_annotations.into(),
            draft_users.into(),
            self.at.into(),
            Vec::from_iter(touched.iter().map(|touched| touched.task.id)).into(),
            Vec::from_iter(touched.iter().map(|touched| touched.actor_id)).into(),
        ];
        let statement = Statement::from_sql_and_values(backend, WRITE, values);
        txn.execute_raw(statement).await?;
        // Answers and counters change seldom.
        index::replace(txn, stale_rows, new).await?;
        tasks::touch(txn, recounted, self.at).await?;
        let changed = self.rows.into_values().map(|planned| planned.after);
        Ok(PlannedRows {
            created: Vec::new(),
            changed: changed.collect(),
            drafts: Vec::new(),
        })
    }

    /// Takes out the revisions, and collects the columns of their rows.
    fn take_columns(&mut self) -> Columns {
        let mut columns = Columns::default();
        for revision in std::mem::take(&mut self.revisions) {
            let Revision {
                annotation_id,
                actor_id,
                action,
                changes,
                result,
                ..
            } = revision;
            let id = annotation_id.unwrap();
            let row = &self.rows[&id].after;
            columns.ids.push(id);
            columns.actors.push(actor_id.unwrap().unwrap_or_default());
            let result = result.unwrap();
            columns.have_results.push(result.is_some());
            columns.results.push(result.unwrap_or_default());
            columns.region_counts.push(row.region_count);
            columns.were_cancelled.push(row.was_cancelled);
            columns.lead_times.push(row.lead_time.unwrap_or(f64::NAN));
            columns.actions.push(action.unwrap().to_value());
            columns.versions.push(row.version);
            columns.updated_at.push(row.updated_at);
            columns.changes.push(changes.unwrap());
            columns.tasks.push(row.task_id);
            columns.projects.push(row.project_id);
        }
        columns
    }
}
