//! Updates of several requests in a single transaction: a group takes as many statements as an update, and one commit.
//!
//! Updates wait in a queue, without a timer. A writer takes the updates that are there, locks and reads their rows in a
//! statement, decides on each as its own actor, and writes all. An update that the group does not fit, and each update
//! of a group that fails before its commit, runs on the path of all commands, in a transaction of its own.
//!
//! Decision: docs/decisions/0031-grouped-updates.md.

mod queue;
mod read;

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use entity::annotation;
use futures_util::FutureExt;
use sea_orm::DbBackend;
use tokio::sync::oneshot;

use self::{
    queue::{Job, Outcome, Queue},
    read::Row,
};
use super::{
    check,
    command::{Change, RegionChanges},
    decide::decide,
    facts::{Facts, GroundTruthByTask},
    lock::Locked,
    pending::{Pending, PendingUpdate},
    plan::Plan,
    result_validation,
};
use crate::{
    app::App,
    db::{Database, SHARED_WRITES, WriteTxn},
    domain::{
        access::{self, Actor},
        labelling::{self, Labelling},
        version,
    },
    error::{Error, Reason, Result, Unavailable},
    fair::{FairSemaphore, Permit},
    id,
};

/// Bytes of a result, sent or stored, up to which an update is written in a group: others wait while it is read.
const MAX_BYTES: usize = 32 << 10;
/// Updates in the queue and in groups at once; further updates wait for a permit, which users share fairly.
const MAX_QUEUED: usize = 64;
/// Longest time of a step of a group on PostgreSQL.
const STEP: Duration = Duration::from_secs(10);

/// State of the groups of a program.
struct Groups {
    queue: Arc<Queue>,
    permits: FairSemaphore,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            queue: Arc::default(),
            permits: FairSemaphore::new(MAX_QUEUED),
        }
    }
}

/// Writes an update in a group. Returns the change if the update has to run in a transaction of its own.
pub async fn update(
    app: &App,
    actor: &Actor,
    id: i64,
    change: Change,
) -> std::result::Result<Result<annotation::Model>, Change> {
    if !fits(app, id, &change) {
        return Err(change);
    }
    if let Err(refusal) = check::check_change(&change) {
        return Ok(Err(refusal));
    }
    let groups = app.extensions.get::<Groups>();
    let permit = groups.permits.acquire(actor.id()).await;
    let (sender, receiver) = oneshot::channel();
    let job = Job {
        db: app.db.clone(),
        actor: actor.clone(),
        annotation_id: id,
        change,
        outcome: sender,
        permit,
    };
    let writers = match app.db.backend() {
        DbBackend::Postgres => SHARED_WRITES,
        _ => 1,
    };
    if groups.queue.push(job, writers as usize) {
        tokio::spawn(write_groups(app.background(), groups.queue.clone()));
    }
    match receiver.await {
        Ok(Outcome::Decided(outcome)) => Ok(*outcome),
        Ok(Outcome::Separate(change)) => Err(*change),
        // The runtime shuts down, or the writer panicked.
        Err(_) => Ok(Err(Error::Unavailable(
            Unavailable::from(Reason::Stopping).unknown(),
        ))),
    }
}

/// Says whether an update can be written in a group: changes of result, flags and lead time alone, which depend on no
/// further rows.
fn fits(app: &App, id: i64, change: &Change) -> bool {
    let edited = change.regions.value().map_or(0, size_of_edits);
    let bytes = change.result.value().map_or(0, String::len) + edited;
    id::possible(id).is_some()
        && bytes <= MAX_BYTES
        // A fence has to be part of the update's own transaction.
        && !app.db.is_fenced()
        && change.draft.is_none()
        && change.review.is_none()
        && !(change.task_id.is_sent()
            || change.project_id.is_sent()
            || change.completed_by_id.is_sent()
            || change.updated_by_id.is_sent()
            || change.ground_truth.is_sent())
}

/// Bytes of edits, with the bytes that each takes besides its text.
fn size_of_edits(edits: &RegionChanges) -> usize {
    const EACH: usize = 64;
    let upserted = edits.upsert.value().into_iter().flatten();
    let removed = edits.remove.value().into_iter().flatten();
    let entries = edits.remove_entries.value().into_iter().flatten();
    let texts = upserted.chain(removed).map(|text| text.len() + EACH);
    let pairs = entries.map(|(region, control)| region.len() + control.len() + EACH);
    texts.chain(pairs).sum()
}

/// Writes groups until the queue is empty.
async fn write_groups(app: App, queue: Arc<Queue>) {
    while let Some((jobs, taken)) = queue.take() {
        // A panic is a bug, and loses its group only: the outcomes of the updates are unknown to their callers.
        let written = AssertUnwindSafe(write(&app, jobs)).catch_unwind().await;
        if written.is_err() {
            tracing::error!("a group of updates ended in a panic");
        }
        drop(taken);
    }
}

/// Update whose change was decided on.
struct Decided {
    annotation_id: i64,
    outcome: oneshot::Sender<Outcome>,
    /// Row as the change leaves it; without its result if the plan writes the row.
    row: Result<annotation::Model>,
    /// Copy of the change, for a transaction of its own if the group fails.
    change: Change,
    /// Handle of the request.
    db: Database,
    /// Held until the outcome is told.
    _permit: Permit,
}

/// Failure of a group.
enum Failure {
    /// Nothing is written.
    BeforeCommit,
    OfCommit(Error),
}

/// Writes a group, and tells each update its outcome.
async fn write(app: &App, jobs: Vec<Job>) {
    let Some(Ok((txn, rows))) = within(app, begin(app, &jobs)).await else {
        return jobs.into_iter().for_each(separate);
    };
    let (decided, plan) = decide_all(app, jobs, rows).await;
    let written = match plan {
        Some(plan) => commit(app, txn, plan, &decided).await,
        None => Err(roll_back(app, txn).await),
    };
    match written {
        Ok(rows) => {
            let rows = rows.into_iter().map(|row| (row.id, row));
            let mut rows: HashMap<i64, annotation::Model> = rows.collect();
            for decided in decided {
                let written = rows.remove(&decided.annotation_id);
                decided.tell(|decision| written.map_or(decision, Ok));
            }
        }
        Err(Failure::BeforeCommit) => decided.into_iter().for_each(Decided::separate),
        Err(Failure::OfCommit(failure)) => {
            for decided in decided {
                decided.tell(|decision| Err(without_commit(app, decision, &failure)));
            }
        }
    }
}

/// Bounds a step of a group on PostgreSQL: a connection whose peer is gone may never answer, and would occupy its
/// writer. `None` once the time is over. A step on SQLite takes its turn at the writer, and ends by itself.
async fn within<T>(app: &App, step: impl Future<Output = T>) -> Option<T> {
    match app.db.backend() {
        DbBackend::Postgres => tokio::time::timeout(STEP, step).await.ok(),
        _ => Some(step.await),
    }
}

/// Begins the transaction of a group, and locks its rows.
async fn begin(app: &App, jobs: &[Job]) -> Result<(WriteTxn, HashMap<i64, Row>)> {
    let txn = app.db.begin_shared().await?;
    let rows = read::lock(&txn, jobs).await?;
    Ok((txn, rows))
}

/// Decides on the updates whose rows are locked, each as its own actor, and tells the others to run separately. Returns
/// no plan if a decision failed.
async fn decide_all(
    app: &App,
    jobs: Vec<Job>,
    mut rows: HashMap<i64, Row>,
) -> (Vec<Decided>, Option<Plan>) {
    let mut joined = Vec::with_capacity(jobs.len());
    let (mut roles, mut labellings) = (HashMap::new(), HashMap::new());
    for job in jobs {
        let row = rows.remove(&job.annotation_id);
        match row.filter(|row| is_decidable(app, row, &job.change, &mut labellings)) {
            Some(row) => {
                let role = access::role_of(&job.actor, row.membership);
                let key = (job.actor.id(), row.annotation.project_id);
                roles.extend(role.map(|role| (key, role)));
                joined.push((job, row));
            }
            None => separate(job),
        }
    }
    let facts = Facts::of_changes(roles, labellings);
    let mut plan = Plan::new(GroundTruthByTask::new(), facts.configs());
    let mut decided = Vec::with_capacity(joined.len());
    let mut has_failed = false;
    for (job, row) in joined {
        let copy = job.change.clone();
        let pending = pending(row, job.change);
        let is_awaited = job.db.is_awaited() && !job.outcome.is_closed();
        let decided_on = catch_unwind(AssertUnwindSafe(|| match is_awaited {
            true => decide(&job.actor, &facts, &mut plan, pending),
            // The answer at the deadline is out already, saying that nothing was changed.
            false => Err(Error::unavailable(Reason::Timeout)),
        }));
        // A panic is a bug, which fails its update alone once each runs separately.
        has_failed |= decided_on.is_err();
        let row = decided_on.unwrap_or_else(|_| Err(Error::busy()));
        has_failed |= matches!(row, Err(Error::Internal(_)));
        decided.push(Decided {
            annotation_id: job.annotation_id,
            outcome: job.outcome,
            row,
            change: copy,
            db: job.db,
            _permit: job.permit,
        });
        // Lets other requests run between two decisions.
        tokio::task::yield_now().await;
    }
    (decided, (!has_failed).then_some(plan))
}

/// Says whether the change can be decided on with its row alone: it is not stale, and its project's config was parsed
/// before and promises nothing about the task's data. Adds the labelling of a project in which a result changes.
fn is_decidable(
    app: &App,
    row: &Row,
    change: &Change,
    labellings: &mut HashMap<i64, Labelling>,
) -> bool {
    let annotation = &row.annotation;
    if version::missed(&change.expected_version, annotation.version).is_some() {
        return false;
    }
    if !result_validation::needs_validation(change, annotation) {
        return true;
    }
    let project_id = annotation.project_id;
    let (mode, version) = (row.check_mode, row.config_version);
    let Some(labelling) = labelling::parsed(app, project_id, mode, version) else {
        return false;
    };
    let is_strict = labelling.rules().is_some_and(|rules| rules.is_strict());
    labellings.insert(project_id, labelling);
    !is_strict
}

fn pending(row: Row, change: Change) -> Pending {
    Pending::Update(Box::new(PendingUpdate {
        locked: Locked {
            task: row.task,
            annotation: row.annotation,
            target: None,
            version_bumps: 0,
        },
        change,
    }))
}

/// Writes and commits a plan. Returns the changed rows.
async fn commit(
    app: &App,
    txn: WriteTxn,
    plan: Plan,
    decided: &[Decided],
) -> std::result::Result<Vec<annotation::Model>, Failure> {
    if plan.is_empty() {
        // On SQLite the rows may be of another transaction of the group commit, whose end the rollback waits for.
        return match within(app, txn.rollback()).await {
            Some(Err(failure)) => Err(Failure::OfCommit(failure)),
            Some(Ok(())) | None => Ok(Vec::new()),
        };
    }
    let Some(Ok(rows)) = within(app, plan.write_group(&txn)).await else {
        return Err(roll_back(app, txn).await);
    };
    let mut accepted = decided.iter().filter(|decided| decided.row.is_ok());
    if !accepted.all(|decided| decided.db.may_commit()) {
        // A request was answered meanwhile, saying that nothing was changed.
        return Err(roll_back(app, txn).await);
    }
    let late = || Error::Unavailable(Unavailable::from(Reason::Timeout).unknown());
    let committed = within(app, txn.commit()).await;
    committed
        .unwrap_or_else(|| Err(late()))
        .map_err(Failure::OfCommit)?;
    Ok(rows.changed)
}

/// Releases the locks of a failed group, for which its updates ask next.
async fn roll_back(app: &App, txn: WriteTxn) -> Failure {
    // After a failure to roll back the transaction is gone with its connection.
    drop(within(app, txn.rollback()).await);
    Failure::BeforeCommit
}

/// Outcome of an update in a group whose commit failed. A refusal on PostgreSQL stands, since it was decided on committed
/// rows; on SQLite the rows may have been of another transaction of the group commit.
fn without_commit(app: &App, decision: Result<annotation::Model>, failure: &Error) -> Error {
    match decision {
        Ok(_) => failure.clone(),
        Err(refusal) if app.db.backend() == DbBackend::Postgres => refusal,
        Err(_) => failure.clone().not_done(),
    }
}

fn separate(job: Job) {
    // Fails for a caller that has left.
    drop(job.outcome.send(Outcome::Separate(Box::new(job.change))));
}

impl Decided {
    fn separate(self) {
        let change = Box::new(self.change);
        drop(self.outcome.send(Outcome::Separate(change)));
    }

    /// Tells the outcome that follows from the decision.
    fn tell(self, outcome: impl FnOnce(Result<annotation::Model>) -> Result<annotation::Model>) {
        let told = Box::new(outcome(self.row));
        drop(self.outcome.send(Outcome::Decided(told)));
    }
}
