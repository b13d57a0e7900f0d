//! Brings Label Studio's JSON into a project, all of a file or nothing of it.
//!
//! The file is read twice, an item at a time: first everything is checked, then it is written in batches,
//! each a transaction of its own so that other writers never wait for long. Until the last batch is in, a
//! record tells which tasks are the import's, so that one that dies midway can be taken back.

mod batch;
mod call;
mod fields;
mod fitting;
mod item;
mod job;
mod keys;
mod others;
mod parents;
mod people;
mod person;
mod problems;
mod reader;
mod recover;
mod survey;

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
    fitting::Fitting,
    job::Job,
    parents::Parents,
    people::Resolved,
    survey::{Survey, survey},
};
pub use self::{
    call::{Imported, call},
    fields::Fields,
    keys::{ANNOTATIONS, COMPLETIONS},
    people::{Match, MatchKind, Unmapped},
    problems::{Note, Notes, Place, Problems},
    reader::{Fault, Reader},
    recover::{Recovered, keep_settled, recover},
    survey::Counts,
};
use super::{
    labelling::{self, Rules},
    project,
};
use crate::{app::App, error::Error, instant};

/// A batch ends with the item that reaches one of these.
const BATCH_TASKS: usize = 1_000;
const BATCH_ROWS: usize = 1_000;
const BATCH_BYTES: usize = 4 << 20;

/// What an import needs to know besides its file.
#[derive(Clone, Debug)]
pub struct Options {
    pub target: Target,
    /// From a user's id or e-mail address in the file to the username or id of one of ours.
    pub user_map: BTreeMap<String, String>,
    pub unmapped: Unmapped,
    pub misfits: Misfits,
}

/// What becomes of annotations and predictions whose result does not fit the project's labelling config.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Misfits {
    /// They are imported as they are, and noted.
    #[default]
    Note,
    /// Nothing is imported.
    Refuse,
    /// They are imported; nobody looks.
    Ignore,
}

/// The project that the tasks go to.
#[derive(Clone, Debug)]
pub enum Target {
    Project(i64),
    /// A project that the import makes.
    New {
        project: project::New,
        /// Its first manager, if anybody.
        created_by_id: Option<i64>,
    },
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub phase: Phase,
    /// Bytes of the file.
    pub done: u64,
    pub total: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Check,
    Write,
}

/// What came of an import.
#[derive(Clone, Debug)]
pub struct Summary {
    pub project_id: i64,
    pub counts: Counts,
    /// Everybody whom the file names.
    pub users: Vec<Match>,
    /// Changes made on the way in, results that do not fit the labelling config, and lenient readings, in this order.
    pub notes: Notes,
}

/// Why a file was not imported. Nothing of it is in the database, but after [`Failure::Left`].
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What is wrong with the file, each with its index and path.
    #[error("the file has {} problems", .0.count())]
    Refused(Problems),
    #[error("can't read the file: {0}")]
    Read(#[from] io::Error),
    #[error("the file changed while it was read")]
    Changed,
    #[error(transparent)]
    Other(#[from] Error),
    /// The import failed, and so did taking back what it had written: [`keep_settled`] and [`recover`] try again.
    #[error("{cause}")]
    Left {
        cause: Box<Failure>,
        /// Tasks in the database that are the import's.
        tasks: usize,
        /// Only the record that everything was written is in doubt: it is completed or taken back.
        is_whole: bool,
    },
}

impl From<sea_orm::DbErr> for Failure {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Other(error.into())
    }
}

/// Imports a file. When it fails, nothing of it is left in the database, unless the database takes no writes: then
/// and when the process dies, [`keep_settled`] and [`recover`] see to that.
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
    let fitting = rules.map(|rules| Fitting {
        rules,
        misfits: options.misfits,
    });
    let total = source.seek(SeekFrom::End(0))?;
    let mut told = |phase, done| observe(Progress { phase, done, total });
    let (source, survey) = check(source, fitting, |done| told(Phase::Check, done)).await?;
    let survey = survey.map_err(Failure::Refused)?;
    let mut notes = Notes::default();
    let at = instant::now();
    let (job, people, row) = start(app, options, survey.people, at).await?;
    let import = Import {
        app,
        job_id: Some(job.id),
        project_id: job.project_id,
        users: &people.ids,
        at,
    };
    let parents = Parents::new(survey.wanted);
    let expected = survey.counts;
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
    let is_whole = written.is_ok();
    let written = match written {
        Ok(()) => job.mark_written(app).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = written {
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
    notes.append(survey.misfits);
    notes.append(survey.readings);
    let project_id = job.project_id;
    // What is left undone here, the next start does: the import has happened.
    if let Err(error) = job.finish(app).await {
        tracing::warn!(%error, "an import is complete, but its record could not be removed");
    }
    Ok(Summary {
        project_id,
        counts: survey.counts,
        users: people.matches,
        notes,
    })
}

/// The first reading, off the async threads.
async fn check<R>(
    mut source: R,
    fitting: Option<Fitting>,
    mut observe: impl FnMut(u64),
) -> Result<(R, Result<Survey, Problems>), Failure>
where
    R: Read + Seek + Send + 'static,
{
    let (tell, mut told) = mpsc::channel(1);
    let reading = tokio::task::spawn_blocking(move || {
        let survey = survey(&mut source, fitting.as_ref(), |done| {
            // Progress that nobody has looked at yet is not worth waiting for.
            let _ = tell.try_send(done);
        });
        (source, survey)
    });
    while let Some(done) = told.recv().await {
        observe(done);
    }
    let (source, survey) = reading
        .await
        .map_err(|error| Error::Internal(Arc::new(error)))?;
    Ok((source, survey?))
}

/// Makes the project, the users and the record, in one transaction.
async fn start(
    app: &App,
    options: &Options,
    people: people::People,
    at: DateTime<Utc>,
) -> Result<(Job, Resolved, import_job::Model), Failure> {
    let txn = app.db.begin().await?;
    others::lock(&txn).await?;
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

/// The second reading, off the async threads, and the writing beside it. `observe` is told how many tasks were
/// written, and how far in the file they reach.
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
    let (send, mut batches) = mpsc::channel(1);
    let reading = tokio::task::spawn_blocking(move || read_batches(source, &send));
    let mut counts = Counts::default();
    while let Some(Batch { tasks, position }) = batches.recv().await {
        for task in &tasks {
            counts.add(task);
            let mut sources = task.mentions.iter().map(|mention| &mention.source);
            if !sources.all(|source| import.users.contains_key(source)) {
                return Err(Failure::Changed);
            }
        }
        let (begun, more) = (Instant::now(), tasks.len());
        import.write(tasks, &mut parents, notes).await?;
        observe(more, position);
        others::make_way(import.app, begun).await;
    }
    reading
        .await
        .map_err(|error| Error::Internal(Arc::new(error)))??;
    if counts != expected {
        return Err(Failure::Changed);
    }
    parents.settle(import.app, notes).await?;
    Ok(())
}

/// Tasks that are written together, and how far in the file they reach.
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
    // The first reading told both.
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
