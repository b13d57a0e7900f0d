//! Imports Label Studio's JSON into a project, a whole file or nothing (`docs/decisions/0006-imports-are-whole.md`).
//!
//! The file is read twice, an item at a time. The first pass checks everything. The second pass writes batches, each
//! in its own transaction, so that other writers never wait long. Until the last batch is committed, a record marks
//! the import's tasks, so that an import that dies midway can be rolled back.

mod batch;
mod fields;
mod first_pass;
mod import_lock;
mod import_tasks;
mod item;
mod job;
mod keys;
mod parents;
mod people;
mod person;
mod problems;
mod reader;
mod recover;
mod result_check;

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
    time::Instant,
};

use chrono::{DateTime, Utc};
use entity::import_job;
use label_studio::config::Config;
use sea_orm::EntityTrait;
use tokio::sync::mpsc;

use self::{
    batch::Import,
    first_pass::{FirstPass, read_first_pass},
    job::Job,
    parents::Parents,
    people::Resolved,
    result_check::ResultCheck,
};
pub use self::{
    fields::Fields,
    first_pass::Counts,
    import_tasks::{Imported, import_tasks},
    keys::{ANNOTATIONS, COMPLETIONS},
    people::{Match, MatchKind, Unmapped},
    problems::{Note, Notes, Place, Problems},
    reader::{Fault, Reader},
    recover::{Recovered, keep_settled, recover},
};
use super::{
    labelling::{self, Rules},
    project,
};
use crate::{app::App, error::Error, instant};

/// Limits of a batch; the item that reaches a limit ends the batch.
const BATCH_TASKS: usize = 1_000;
const BATCH_ROWS: usize = 1_000;
const BATCH_BYTES: usize = 4 << 20;

/// Parameters of an import besides the file.
#[derive(Clone, Debug)]
pub struct Options {
    pub target: Target,
    /// Maps a user's id or e-mail address in the file to the username or id of an existing user.
    pub user_map: BTreeMap<String, String>,
    pub unmapped: Unmapped,
    pub misfits: Misfits,
}

/// Treatment of annotations and predictions whose result does not fit the project's labelling config.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Misfits {
    /// Imports the result unchanged and notes the misfit.
    #[default]
    Note,
    /// Refuses the whole file.
    Refuse,
    /// Imports the result without a check.
    Ignore,
}

/// Project that receives the tasks.
#[derive(Clone, Debug)]
pub enum Target {
    Project(i64),
    /// Project that the import creates.
    New {
        project: project::New,
        /// First manager of the project, if any.
        created_by_id: Option<i64>,
    },
}

/// Progress of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub phase: Phase,
    /// Bytes of the file processed so far.
    pub done: u64,
    pub total: u64,
}

/// Pass of an import over the file: all items are checked before the first is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Check,
    Write,
}

/// Result of an import.
#[derive(Clone, Debug)]
pub struct Summary {
    pub project_id: i64,
    pub counts: Counts,
    /// Users that the file names.
    pub users: Vec<Match>,
    /// Notes on changed values, then on results that do not fit the labelling config, then on lenient readings.
    pub notes: Notes,
}

/// Cause of a failed import. The database is unchanged, except after [`Failure::Left`].
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Problems of the file, each with index and path.
    #[error("the file has {} problems", .0.count())]
    Refused(Problems),
    #[error("can't read the file: {0}")]
    Read(#[from] io::Error),
    #[error("the file changed while it was read")]
    Changed,
    #[error(transparent)]
    Other(#[from] Error),
    /// The import failed, and its rollback failed too: [`keep_settled`] and [`recover`] try again.
    #[error("{cause}")]
    Left {
        cause: Box<Failure>,
        /// Tasks of the import that are in the database.
        tasks: usize,
        /// The write of the final record alone is in doubt: the import will be completed or rolled back.
        is_whole: bool,
    },
}

impl From<sea_orm::DbErr> for Failure {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Other(error.into())
    }
}

/// Imports a file. A failed import leaves the database unchanged, unless the database takes no writes: in that case,
/// and when the process dies, [`keep_settled`] and [`recover`] roll the import back later.
pub async fn run<R>(
    app: &App,
    mut source: R,
    options: &Options,
    mut observe: impl FnMut(Progress),
) -> Result<Summary, Failure>
where
    R: Read + Seek + Send + 'static,
{
    let rules = match &options.target {
        Target::Project(id) => {
            let project = entity::project::Entity::find_by_id(*id);
            let project = project.one(app.db.reader()).await?;
            let project = project.ok_or(Error::NotFound("project"))?;
            Rules::new(labelling::config(app, &project).await, project.check_mode)
        }
        Target::New { project, .. } => {
            project::check_new(project).await?;
            let config = Config::parse(&project.label_config).unwrap_or_default();
            Rules::new(Arc::new(config), project.check_mode)
        }
    };
    let result_check = rules.map(|rules| ResultCheck {
        rules,
        misfits: options.misfits,
    });
    let total = source.seek(SeekFrom::End(0))?;
    let mut told = |phase, done| observe(Progress { phase, done, total });
    // Checks the whole file before the first write, so that a refused file leaves no record of an import.
    let (source, first_pass) = check(source, result_check, |done| told(Phase::Check, done)).await?;
    let first_pass = first_pass.map_err(Failure::Refused)?;
    let mut notes = Notes::default();
    let at = instant::now();
    let (job, people, row) = start(app, options, first_pass.people, at).await?;
    let import = Import {
        app,
        job_id: Some(job.id),
        project_id: job.project_id,
        users: &people.ids,
        at,
    };
    let parents = Parents::new(first_pass.wanted);
    // Counts tasks handed to the database, for [`Failure::Left`]: a failed rollback has to report them.
    let expected = first_pass.counts;
    let mut tasks = 0;
    let writing = write(
        &import,
        source,
        parents,
        expected,
        &mut notes,
        |more, done| {
            tasks += more;
            told(Phase::Write, done);
        },
    );
    let written = writing.await;
    // Tells a failure of the last step, after which all tasks are there, from a failure between tasks.
    let is_whole = written.is_ok();
    let written = match written {
        Ok(()) => job.mark_written(app).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = written {
        // The rollback can fail for the same reason as the import, such as a full disk.
        if let Err(error) = recover::take_back(app, job, &row).await {
            tracing::error!(%error, "a failed import could not be taken back");
            return Err(Failure::Left {
                cause: Box::new(failure),
                tasks,
                is_whole,
            });
        }
        return Err(failure);
    }
    // Misfits and readings follow the changes, as documented for `notes`.
    notes.append(first_pass.misfits);
    notes.append(first_pass.readings);
    let project_id = job.project_id;
    // The import is complete. A record that stays is removed by the next start.
    if let Err(error) = job.finish(app).await {
        tracing::warn!(%error, "an import is complete, but its record could not be removed");
    }
    Ok(Summary {
        project_id,
        counts: first_pass.counts,
        users: people.matches,
        notes,
    })
}

/// Runs the first pass outside the async threads: parsing a large file would block other requests.
async fn check<R>(
    mut source: R,
    result_check: Option<ResultCheck>,
    mut observe: impl FnMut(u64),
) -> Result<(R, Result<FirstPass, Problems>), Failure>
where
    R: Read + Seek + Send + 'static,
{
    let (tell, mut told) = mpsc::channel(1);
    let reading = tokio::task::spawn_blocking(move || {
        let first_pass = read_first_pass(&mut source, result_check.as_ref(), |done| {
            // Drops progress reports while the previous report is unread.
            let _ = tell.try_send(done);
        });
        (source, first_pass)
    });
    while let Some(done) = told.recv().await {
        observe(done);
    }
    let (source, first_pass) = reading
        .await
        .map_err(|error| Error::Internal(Arc::new(error)))?;
    Ok((source, first_pass?))
}

/// Creates project, users and the job's record in a single transaction.
async fn start(
    app: &App,
    options: &Options,
    people: people::People,
    at: DateTime<Utc>,
) -> Result<(Job, Resolved, import_job::Model), Failure> {
    let txn = app.db.begin().await?;
    // Locks first: the lookup of people must not miss users that a parallel import is adding.
    import_lock::acquire(&txn).await?;
    let mut people = people
        .resolve(app, &txn, &options.user_map, options.unmapped, None, at)
        .await?;
    let (project_id, created_project) = match &options.target {
        Target::Project(id) => (*id, false),
        Target::New {
            project,
            created_by_id,
        } => {
            let project = project::insert(&txn, project.clone(), *created_by_id).await?;
            (project.id, true)
        }
    };
    people.add_members(&txn, project_id, at).await?;
    let (job, row) = Job::start(app, &txn, project_id, created_project, &people, at).await?;
    txn.commit().await?;
    Ok((job, people, row))
}

/// Runs the second pass outside the async threads and writes the batches meanwhile. Reports to `observe` how many
/// tasks a batch had, and the position reached in the file.
async fn write<R>(
    import: &Import<'_>,
    source: R,
    mut parents: Parents,
    expected: Counts,
    notes: &mut Notes,
    mut observe: impl FnMut(usize, u64),
) -> Result<(), Failure>
where
    R: Read + Seek + Send + 'static,
{
    // A channel of a single batch bounds the memory: the reader waits for the writer.
    let (send, mut batches) = mpsc::channel(1);
    let reading = tokio::task::spawn_blocking(move || read_batches(source, &send));
    let mut counts = Counts::default();
    while let Some(Batch { tasks, position }) = batches.recv().await {
        for task in &tasks {
            counts.add(task);
            let mut sources = task.mentions.iter().map(|mention| &mention.source);
            // The second pass sees an unknown person only if the file changed after the check.
            if !sources.all(|source| import.users.contains_key(source)) {
                return Err(Failure::Changed);
            }
        }
        let (begun, more) = (Instant::now(), tasks.len());
        import.write(tasks, &mut parents, notes).await?;
        observe(more, position);
        import_lock::yield_to_writers(import.app, begun).await;
    }
    reading
        .await
        .map_err(|error| Error::Internal(Arc::new(error)))??;
    // Compares the totals too: a file that was replaced by a valid file would pass the checks per item.
    if counts != expected {
        return Err(Failure::Changed);
    }
    parents.settle(import.app, notes).await?;
    Ok(())
}

/// Tasks written together, and the position reached in the file.
struct Batch {
    tasks: Vec<item::Task>,
    position: u64,
}

fn read_batches<R>(mut source: R, send: &mpsc::Sender<Batch>) -> Result<(), Failure>
where
    R: Read + Seek,
{
    source.rewind()?;
    let mut reader = Reader::new(source);
    // The first pass has reported both.
    let (mut problems, mut readings) = (Problems::default(), Notes::default());
    let (mut text, mut tasks) = (Vec::new(), Vec::new());
    let (mut rows, mut bytes) = (0, 0);
    for index in 0.. {
        let more = match reader.next(&mut text) {
            Ok(more) => more,
            Err(Fault::Io(error)) => return Err(error.into()),
            Err(Fault::Text(..)) => return Err(Failure::Changed),
        };
        if more {
            let location = reader.location();
            let place = Place { index, location };
            let task = item::parse(place, &text, &mut problems, &mut readings);
            let task = task.ok_or(Failure::Changed)?;
            rows += task.annotations.len() + task.predictions.len() + task.drafts.len();
            bytes += text.len();
            tasks.push(task);
        }
        let is_full = tasks.len() >= BATCH_TASKS || rows >= BATCH_ROWS || bytes >= BATCH_BYTES;
        if is_full || (!more && !tasks.is_empty()) {
            let tasks = std::mem::take(&mut tasks);
            let position = reader.position();
            // The writer stopped with an error, which it reports itself.
            if send.blocking_send(Batch { tasks, position }).is_err() {
                return Ok(());
            }
            (rows, bytes) = (0, 0);
        }
        if !more {
            break;
        }
    }
    Ok(())
}
