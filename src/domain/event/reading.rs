//! Reads events with the rows that viewers need: a fixed number of statements for any number of viewers.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use chrono::{DateTime, Utc};
use entity::{
    annotation::{self, Action},
    annotation_revision, api_token, event, project_member, task,
    user::{self, Role},
};
use futures_util::{FutureExt, future::BoxFuture};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Iterable, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, Func},
};

use super::{
    super::{
        access::{self, Actor},
        history,
    },
    Filter, Kind,
};
use crate::{
    app::App,
    db::{Database, Reader, is_any},
    error::Result,
    events::{Batch, Event, TaskRef},
    instant,
};

/// Maximum number of events per batch.
const MAX_BATCH: u64 = 100;
/// Characters of the longest result read with a batch. Batches wait in memory for slow subscribers, so longer results
/// are read on demand.
const LONGEST_RESULT: i32 = 4_096;
/// Bytes of all results read with a batch. Results beyond the limit are left out and read on demand.
const RESULTS: usize = 64 << 10;

/// Columns of a revision without the result: events never show the revision's result.
const COLUMNS: [annotation_revision::Column; 11] = {
    use annotation_revision::Column::*;
    [
        AnnotationId,
        Version,
        Event,
        Action,
        TaskId,
        ProjectId,
        FromTaskId,
        FromProjectId,
        ActorId,
        CreatedAt,
        Changes,
    ]
};

/// Event as stored in the log.
#[derive(FromQueryResult)]
struct Row {
    seq: i64,
    annotation_id: i64,
    version: i32,
    event: Kind,
    action: Action,
    task_id: i64,
    project_id: i64,
    from_task_id: Option<i64>,
    from_project_id: Option<i64>,
    actor_id: Option<i64>,
    created_at: DateTime<Utc>,
    changes: String,
}

/// Reads the next events for all viewers.
pub fn for_all(
    db: Database,
    after: i64,
    since: DateTime<Utc>,
) -> BoxFuture<'static, Result<Batch>> {
    /// Distinguishes the reads of this process.
    static READS: AtomicU64 = AtomicU64::new(0);
    async move {
        let batch = read(db.reader(), access::every_event(), after, since).await?;
        Ok(Batch {
            number: Some(READS.fetch_add(1, Ordering::Relaxed)),
            ..batch
        })
    }
    .boxed()
}

/// Reads the next events that an actor could see and that could match the filter.
pub async fn for_one(
    app: &App,
    actor: &Actor,
    filter: &Filter,
    after: i64,
    since: DateTime<Utc>,
) -> Result<Batch> {
    let select = access::visible_events(actor).filter(filter.condition());
    read(app.db.reader(), select, after, since).await
}

/// Finds the position right before the first event in `after..=end` that is from this instant or later; `end` when no
/// event is.
pub async fn before_first_of(
    app: &App,
    after: i64,
    end: i64,
    instant: DateTime<Utc>,
) -> Result<i64> {
    let first: Option<i64> = access::every_event()
        .column(event::Column::Seq)
        .filter(event::Column::Seq.gt(after))
        .filter(event::Column::Seq.lte(end))
        .filter(annotation_revision::Column::CreatedAt.gte(instant))
        .order_by_asc(event::Column::Seq)
        .into_tuple()
        .one(app.db.reader())
        .await?;
    Ok(first.map_or(end, |first| first - 1))
}

async fn read(
    db: &Reader,
    select: Select<event::Entity>,
    after: i64,
    since: DateTime<Utc>,
) -> Result<Batch> {
    let rows: Vec<Row> = select
        .column(event::Column::Seq)
        .columns(COLUMNS)
        .filter(event::Column::Seq.gt(after))
        .order_by_asc(event::Column::Seq)
        .limit(MAX_BATCH)
        .into_model()
        .all(db)
        .await?;
    if rows.is_empty() {
        return Ok(Batch::default());
    }
    // Reads memberships last: a member who left during the reads does not see events of the project.
    let annotations = annotations(db, &rows).await?;
    let tasks = tasks(db, &rows).await?;
    let named = named_users(&rows, annotations.values());
    let (users, admins) = users(db, &named).await?;
    let members = members(db, &rows, &named, annotations.values()).await?;
    let ended_tokens = ended_tokens(db, since).await?;
    let place = |task_id, project_id| TaskRef {
        task_id,
        project_id,
        has_task: tasks.contains(&task_id),
    };
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let from = row.from_task_id.zip(row.from_project_id);
        events.push(Event {
            seq: row.seq,
            cursor: OnceLock::new(),
            annotation_id: row.annotation_id,
            version: row.version,
            kind: row.event,
            action: row.action,
            to: place(row.task_id, row.project_id),
            from: from.map(|(task_id, project_id)| place(task_id, project_id)),
            actor_id: row.actor_id,
            at: row.created_at,
            changed_fields: history::changed_fields(&row.changes)?.into(),
            annotation: annotations.get(&row.annotation_id).cloned(),
        });
    }
    Ok(Batch {
        number: None,
        has_more: events.len() as u64 >= MAX_BATCH,
        events,
        members,
        admins,
        users,
        ended_tokens,
    })
}

async fn annotations(db: &Reader, rows: &[Row]) -> Result<HashMap<i64, Arc<annotation::Listed>>> {
    use annotation::Column;
    let result = Expr::col((annotation::Entity, Column::Result));
    // Compares lengths in the statement, so that a long result never leaves the database.
    let length = Expr::expr(Func::char_length(result.clone()));
    let result = Expr::case(length.lte(LONGEST_RESULT), result);
    let found = annotation::Entity::find()
        .select_only()
        .columns(Column::iter().filter(|column| !matches!(column, Column::Result | Column::Extra)))
        .expr_as(result, Column::Result)
        .filter(is_any(
            db.get_database_backend(),
            Column::Id,
            unique(rows.iter().map(|row| row.annotation_id)),
        ))
        .into_model::<annotation::Listed>()
        .all(db)
        .await?;
    let mut room = RESULTS;
    let bounded = found.into_iter().map(|mut row| {
        row.result = row.result.filter(|result| {
            let left = room.checked_sub(result.len());
            room = left.unwrap_or(room);
            left.is_some()
        });
        (row.id, Arc::new(row))
    });
    Ok(bounded.collect())
}

/// Reads which of the tasks exist.
async fn tasks(db: &Reader, rows: &[Row]) -> Result<HashSet<i64>> {
    let ids = rows
        .iter()
        .flat_map(|row| [Some(row.task_id), row.from_task_id])
        .flatten();
    let found: Vec<i64> = task::Entity::find()
        .select_only()
        .column(task::Column::Id)
        .filter(is_any(
            db.get_database_backend(),
            task::Column::Id,
            unique(ids),
        ))
        .into_tuple()
        .all(db)
        .await?;
    Ok(found.into_iter().collect())
}

/// Ids of the users who made the changes, and of the users that the annotations name.
fn named_users<'a>(
    rows: &[Row],
    annotations: impl Iterator<Item = &'a Arc<annotation::Listed>>,
) -> HashSet<i64> {
    let actors = rows.iter().filter_map(|row| row.actor_id);
    actors
        .chain(annotations.flat_map(|row| super::named_users(row)))
        .collect()
}

/// Reads the named users, and the ids of all admins.
async fn users(
    db: &Reader,
    named: &HashSet<i64>,
) -> Result<(HashMap<i64, Arc<user::Model>>, HashSet<i64>)> {
    // Includes admins who made no change here: visibility checks need the ids of all admins.
    let found = user::Entity::find()
        .filter(
            Condition::any()
                .add(is_any(
                    db.get_database_backend(),
                    user::Column::Id,
                    named.iter().copied(),
                ))
                .add(user::Column::Role.eq(Role::Admin)),
        )
        .all(db)
        .await?;
    let admins = found.iter().filter(|user| user.role == Role::Admin);
    let admins = admins.map(|user| user.id).collect();
    let users = found.into_iter().filter(|user| named.contains(&user.id));
    let users = users.map(|user| (user.id, Arc::new(user)));
    Ok((users.collect(), admins))
}

/// Reads the members of the events' projects, of the annotations' current projects, and of all projects of the named
/// users.
async fn members(
    db: &Reader,
    rows: &[Row],
    named: &HashSet<i64>,
    annotations: impl Iterator<Item = &Arc<annotation::Listed>>,
) -> Result<HashMap<i64, HashSet<i64>>> {
    use project_member::Column::{ProjectId, UserId};
    let projects = rows
        .iter()
        .flat_map(|row| [Some(row.project_id), row.from_project_id])
        .flatten()
        .chain(annotations.map(|row| row.project_id));
    // Two users see each other through any shared project, so the projects of those users count whole.
    let of_named = project_member::Entity::find()
        .select_only()
        .column(ProjectId)
        .filter(is_any(
            db.get_database_backend(),
            UserId,
            named.iter().copied(),
        ))
        .into_query();
    let found: Vec<(i64, i64)> = project_member::Entity::find()
        .select_only()
        .columns([ProjectId, UserId])
        .filter(
            Condition::any()
                .add(is_any(
                    db.get_database_backend(),
                    ProjectId,
                    unique(projects),
                ))
                .add(ProjectId.in_subquery(of_named)),
        )
        .into_tuple()
        .all(db)
        .await?;
    let mut members: HashMap<i64, HashSet<i64>> = HashMap::new();
    for (project_id, user_id) in found {
        members.entry(project_id).or_default().insert(user_id);
    }
    Ok(members)
}

/// Reads API tokens that may have been valid at that instant and are invalid now.
async fn ended_tokens(db: &Reader, since: DateTime<Utc>) -> Result<HashSet<i64>> {
    use api_token::Column::{ExpiresAt, Id, RevokedAt};
    let ended: Vec<i64> = api_token::Entity::find()
        .select_only()
        .column(Id)
        .filter(
            Condition::any()
                .add(RevokedAt.gte(since))
                .add(ExpiresAt.between(since, instant::now())),
        )
        .into_tuple()
        .all(db)
        .await?;
    Ok(ended.into_iter().collect())
}

fn unique(ids: impl Iterator<Item = i64>) -> HashSet<i64> {
    ids.collect()
}
