//! The write path of annotations: checks commands, locks their rows, reads facts, decides, and writes the plan.
//!
//! A single command is a batch of a single item. Large batches run chunk by chunk in a single transaction, so that a
//! thousand large results are never in memory at once (docs/decisions/0027-one-write-path.md).

use std::{
    collections::{HashMap, HashSet},
    iter::Peekable,
};

use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::{
    check,
    command::Command,
    decide::decide,
    facts::Facts,
    lock::{self, LockedRows, Wanted},
    outcome::{Done, Mode, Outcomes, Progress},
    pending::{self, Checked, Pending},
    plan::Plan,
};
use crate::{
    app::App,
    domain::access::Actor,
    error::{Error, Problem, ProblemCode, Result},
};

/// Commands decided and written together.
const CHUNK: usize = 100;
/// Bytes of stored results in a chunk, unless a single one has more.
const CHUNK_BYTES: u64 = 16 << 20;
/// Copies of a stored result that a chunk holds at once: the text in the row, which moves into the plan, and the text
/// in the statement, which writes the results of all rows once a single result of the chunk changes. New results belong
/// to the request, whose body is leased.
const COPIES: u64 = 2;

/// Runs a single command. A trial returns the annotation as it would be, and writes nothing.
pub async fn run_one(app: &App, actor: &Actor, command: Command, is_trial: bool) -> Result<Done> {
    let mut outcomes = run(app, actor, vec![command], Mode::Single { is_trial }).await?;
    let outcome = outcomes.pop().expect("each command has an outcome");
    Ok(outcome?.expect("no other command was refused"))
}

/// Runs commands in a single transaction, in their order. An annotation can be named once.
///
/// Facts are read once for a chunk. Commands of a chunk see how earlier commands changed ground truths, and must not
/// depend on each other in any further way: no command may refer to a parent, unique id or draft of an earlier command.
pub async fn run(
    app: &App,
    actor: &Actor,
    commands: Vec<Command>,
    mode: Mode,
) -> Result<Outcomes<Done>> {
    let mut progress = Progress::new(mode, commands.len())?;
    let commands = check_all(commands, &mut progress);
    if commands.is_empty() {
        return Ok(progress.into_outcomes());
    }
    let wanted = wanted(&commands, progress.is_batch());
    let (txn, mut rows) = lock::begin(app, actor, &wanted).await?;
    match write_all(app, &txn, actor, &mut rows, commands, &mut progress).await {
        Ok(true) if !progress.will_roll_back() => txn.commit().await?,
        // A change without an effect is rolled back, and does not count as a write for idempotency keys.
        Ok(_) => txn.rollback().await?,
        Err(failure) => {
            txn.rollback().await?;
            return Err(failure);
        }
    }
    Ok(progress.into_outcomes())
}

/// Checks the input of all commands. Refuses commands with problems, and commands that repeat an earlier id.
fn check_all(commands: Vec<Command>, progress: &mut Progress) -> Vec<Checked> {
    let mut named = Named::default();
    let mut checked = Vec::with_capacity(commands.len());
    for (index, command) in commands.into_iter().enumerate() {
        let repeated = named.add(&command);
        match (check::check(&command), repeated) {
            (Ok(region_count), None) => checked.push(Checked {
                index,
                command,
                region_count,
            }),
            (Err(Error::BadInput(mut problems)), repeated) => {
                problems.extend(repeated);
                progress.refuse(index, Error::BadInput(problems));
            }
            (Err(refusal), None) => progress.refuse(index, refusal),
            (_, Some(problem)) => progress.refuse(index, problem.into()),
        }
    }
    checked
}

/// Ids that commands of the request have named.
#[derive(Default)]
struct Named {
    annotations: HashSet<i64>,
    unique_ids: HashSet<Uuid>,
    drafts: HashSet<i64>,
}

impl Named {
    /// Adds the ids of a command. Reports a problem if an earlier command names the same id.
    fn add(&mut self, command: &Command) -> Option<Problem> {
        let repeated = |field: &[&str], noun: &str| {
            let message = format!("another item names this {noun} already");
            Problem::new(field.iter().copied(), ProblemCode::Repeated, message)
        };
        if let Command::Create { new, .. } = command {
            let is_first = new.unique_id.is_none_or(|id| self.unique_ids.insert(id));
            return (!is_first).then(|| repeated(&["input", "uniqueId"], "unique id"));
        }
        if let Command::Submit { draft, .. } = command
            && !self.drafts.insert(draft.id)
        {
            return Some(repeated(&["id"], "draft"));
        }
        let id = command.annotation_id()?;
        (!self.annotations.insert(id)).then(|| repeated(&["id"], "annotation"))
    }
}

/// Collects the rows that the commands touch.
fn wanted(commands: &[Checked], is_batch: bool) -> Wanted {
    let mut wanted = Wanted {
        is_single: commands.len() == 1,
        ..Wanted::default()
    };
    for Checked { command, .. } in commands {
        wanted.annotations.extend(command.annotation_id());
        match command {
            Command::Create { task_id, new } => {
                wanted.tasks.push(*task_id);
                wanted.unique_ids.extend(new.unique_id.filter(|_| is_batch));
            }
            Command::Update { change, .. } => wanted.targets.extend(change.task_id.value()),
            Command::Delete { id, into_draft, .. } => {
                wanted.without_result.extend((!into_draft).then_some(*id));
            }
            Command::Restore { .. } => wanted.deleted.extend(command.annotation_id()),
            Command::Submit { draft, .. } => {
                let is_new = draft.annotation_id.is_none();
                wanted.tasks.extend(is_new.then_some(draft.task_id));
            }
        }
    }
    wanted
}

/// Writes all chunks. Returns whether any row was written.
async fn write_all(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    rows: &mut LockedRows,
    commands: Vec<Checked>,
    progress: &mut Progress,
) -> Result<bool> {
    let mut version_bumps = HashMap::new();
    let mut has_written = false;
    let mut commands = commands.into_iter().peekable();
    loop {
        let chunk = next_chunk(&mut commands, rows);
        if chunk.is_empty() {
            return Ok(has_written);
        }
        let named = chunk.iter().filter_map(|it| it.command.annotation_id());
        let bytes: u64 = named.map(|id| rows.taken_bytes(id)).sum();
        // The single lease for stored results, held until they are written. The results of a batch are not read yet;
        // the row of a single command was read with its lock, which saves the statement for its size.
        let mut lease = app.memory.lease(bytes.saturating_mul(COPIES))?;
        let joined = pending::join(txn, actor, rows, chunk, &version_bumps, &mut lease).await?;
        let (mut indexes, mut pendings) = (Vec::new(), Vec::new());
        for (index, joined) in joined {
            match joined {
                Ok(pending) => {
                    indexes.push(index);
                    pendings.push(pending);
                }
                Err(failure) if is_fatal(&failure) => return Err(failure),
                Err(refusal) => progress.refuse(index, refusal),
            }
        }
        let pendings = (indexes, pendings);
        has_written |= write(app, txn, actor, pendings, &mut version_bumps, progress).await?;
    }
}

/// Takes the next commands, as many as a chunk has room for.
fn next_chunk(
    commands: &mut Peekable<impl Iterator<Item = Checked>>,
    rows: &LockedRows,
) -> Vec<Checked> {
    let bytes_of = |it: &Checked| {
        it.command
            .annotation_id()
            .map_or(0, |id| rows.stored_bytes(id))
    };
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while chunk.len() < CHUNK {
        let has_room = |it: &Checked| chunk.is_empty() || bytes + bytes_of(it) <= CHUNK_BYTES;
        let Some(next) = commands.next_if(has_room) else {
            break;
        };
        bytes += bytes_of(&next);
        chunk.push(next);
    }
    chunk
}

/// Decides on pending commands, each with its place in the request, and writes those that are accepted. Answers with
/// whether anything was written.
async fn write(
    app: &App,
    txn: &DatabaseTransaction,
    actor: &Actor,
    (indexes, pendings): (Vec<usize>, Vec<Pending>),
    version_bumps: &mut HashMap<i64, i32>,
    progress: &mut Progress,
) -> Result<bool> {
    if pendings.is_empty() {
        return Ok(false);
    }
    let (facts, ground_truths) = Facts::read(app, txn, actor, &pendings).await?;
    let mut plan = Plan::new(ground_truths, facts.configs());
    let (mut created, mut converted) = (Vec::new(), Vec::new());
    for (index, mut pending) in indexes.into_iter().zip(pendings) {
        if let Some(locked) = pending.locked_mut() {
            plan.update_locked(locked);
        }
        let is_new = matches!(pending, Pending::Create(_));
        let is_converted = matches!(&pending, Pending::Delete(pending) if pending.into_draft);
        match decide(actor, &facts, &mut plan, pending) {
            Ok(row) => {
                progress.accept(index, row);
                created.extend(is_new.then_some(index));
                converted.extend(is_converted.then_some(index));
            }
            Err(failure) if is_fatal(&failure) => return Err(failure),
            Err(refusal) => progress.refuse(index, app.budget.charge_conflict(refusal)),
        }
        if progress.is_batch() {
            // Lets other requests run between two commands, and lets the deadline end this request.
            tokio::task::yield_now().await;
        }
    }
    if plan.is_empty() {
        return Ok(false);
    }
    // Writes nothing that would be rolled back. Later chunks are decided on all the same, for their problems, and read
    // the rows as stored: no refusal depends on the ground truths that this chunk would have moved.
    let writes = !progress.will_roll_back();
    let rows = if writes {
        // Later chunks read the raised versions, and compare expected versions with the versions before the request.
        for (id, bumps) in plan.version_bumps() {
            *version_bumps.entry(id).or_default() += bumps;
        }
        plan.write(txn).await.map_err(|failure| match failure {
            // A parallel writer took a unique id since the check. A batch can't tell which command is affected; its
            // repetition can.
            Error::BadInput(_) if progress.is_batch() => Error::busy(),
            failure => failure,
        })?
    } else {
        plan.unwritten()
    };
    for (index, row) in created.into_iter().zip(rows.created) {
        progress.accept(index, row);
    }
    for (index, draft) in converted.into_iter().zip(rows.drafts) {
        progress.add_draft(index, draft);
    }
    progress.refresh(rows.changed);
    Ok(writes)
}

/// Says whether an error concerns the whole request.
fn is_fatal(error: &Error) -> bool {
    matches!(error, Error::Internal(_) | Error::Unavailable(_))
}
