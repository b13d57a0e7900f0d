//! Imports Label Studio's JSON into a project, a whole file or nothing (`docs/decisions/0006-imports-are-whole.md`).
//!
//! The file is read twice, a chunk of items at a time. The first pass checks everything. The second pass writes
//! batches, each in its own transaction, so that other writers never wait long. Until the last batch is committed, a
//! record marks the import's tasks, so that an import that dies midway can be rolled back.

mod batch;
mod chunks;
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
mod rows;
mod second_pass;

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use entity::import_job;
use label_studio::config::Config;
use sea_orm::EntityTrait;

use self::{
    batch::Import, first_pass::read_first_pass, job::Job, parents::Parents, people::Resolved,
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
    /// The import failed, and its rollback failed too: [`keep_settled`] and [`recover()`] try again.
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
/// and when the process dies, [`keep_settled`] and [`recover()`] roll the import back later.
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
    let checking = read_first_pass(source, result_check, |done| told(Phase::Check, done));
    let (source, first_pass) = checking.await?;
    let first_pass = first_pass.map_err(Failure::Refused)?;
    let mut notes = Notes::default();
    let at = instant::now();
    let (job, people, row) = start(app, options, first_pass.people, at).await?;
    let import = Import::new(Some(job.id), job.project_id, people.ids, at);
    let import = Arc::new(import);
    let parents = Parents::new(first_pass.wanted);
    // Counts tasks handed to the database, for [`Failure::Left`]: a failed rollback has to report them.
    let expected = first_pass.counts;
    let mut tasks = 0;
    let writing = second_pass::write(
        app,
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
