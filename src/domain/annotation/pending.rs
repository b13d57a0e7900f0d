//! Pending commands: commands with their locked rows.

use std::collections::HashMap;

use entity::{annotation, annotation_draft, task};
use sea_orm::{DatabaseTransaction, EntityTrait, QuerySelect, sea_query::LockType};

use super::{
    check,
    command::{Change, Command, DraftKey, New, Submission},
    lock::{DeletedAnnotation, Locked, LockedRows},
};
use crate::{
    app::{compute, memory::Lease},
    domain::{access::Actor, version},
    error::{Error, Result},
};

/// Command with its locked rows.
pub enum Pending {
    Create(PendingCreate),
    Update(Box<PendingUpdate>),
    Delete(Box<PendingDelete>),
    Revert(Box<PendingRevert>),
    Undelete(PendingUndelete),
}

/// New annotation of a locked task.
pub struct PendingCreate {
    pub task: task::Model,
    pub new: New,
    pub region_count: usize,
}

/// Change of a locked annotation.
pub struct PendingUpdate {
    pub locked: Locked,
    pub change: Change,
}

/// Deletion of a locked annotation.
pub struct PendingDelete {
    pub locked: Locked,
    pub expected_version: Option<i32>,
    pub into_draft: bool,
}

/// Restoration of a live annotation.
pub struct PendingRevert {
    pub locked: Locked,
    pub version: i32,
    pub expected_version: Option<i32>,
}

/// Restoration of a deleted annotation.
pub struct PendingUndelete {
    pub id: i64,
    pub deleted: DeletedAnnotation,
    pub version: i32,
    pub expected_version: Option<i32>,
}

/// Command whose input passed the checks.
pub struct Checked {
    /// Index in the request.
    pub index: usize,
    pub command: Command,
    /// Number of regions of a new annotation.
    pub region_count: usize,
}

impl Pending {
    /// Returns the locked annotation, or nothing for new and deleted annotations.
    pub fn locked_mut(&mut self) -> Option<&mut Locked> {
        match self {
            Self::Update(pending) => Some(&mut pending.locked),
            Self::Delete(pending) => Some(&mut pending.locked),
            Self::Revert(pending) => Some(&mut pending.locked),
            Self::Create(_) | Self::Undelete(_) => None,
        }
    }
}

impl PendingUpdate {
    /// The version that the change was made to, if the annotation has moved on since.
    pub fn stale_version(&self) -> Option<i32> {
        version::missed(&self.change.expected_version, self.locked.version())
    }

    /// The task that gets a new ground truth by the change.
    pub fn claims_ground_truth(&self) -> Option<i64> {
        let Locked {
            annotation: row,
            target,
            ..
        } = &self.locked;
        let is_truth = *self
            .change
            .ground_truth
            .value()
            .unwrap_or(&row.ground_truth);
        // Moving a ground truth takes the ground truth of the target task.
        let task_id = target.as_ref().map_or(row.task_id, |target| target.id);
        let changes = !row.ground_truth || task_id != row.task_id;
        (is_truth && changes).then_some(task_id)
    }
}

/// Joins commands with their rows, by index in the request. Refuses commands whose rows the actor does not see. Adds
/// the bytes of further texts to the lease: of submitted drafts, and of results that conflicts show.
pub async fn join(
    txn: &DatabaseTransaction,
    actor: &Actor,
    rows: &mut LockedRows,
    commands: Vec<Checked>,
    version_bumps: &HashMap<i64, i32>,
    lease: &mut Lease,
) -> Result<Vec<(usize, Result<Pending>)>> {
    let ids = commands.iter();
    let ids: Vec<i64> = ids.filter_map(|it| it.command.annotation_id()).collect();
    let mut annotations = match ids.as_slice() {
        [] => HashMap::new(),
        ids => rows.take_annotations(txn, actor, ids).await?,
    };
    let is_stale = |it: &&Checked| is_stale_deletion(&it.command, &annotations, version_bumps);
    let stale = commands.iter().filter(is_stale);
    let stale: Vec<i64> = stale.filter_map(|it| it.command.annotation_id()).collect();
    read_results(txn, rows, &mut annotations, &stale, lease).await?;
    let mut rows = Rows {
        locked: rows,
        annotations,
        version_bumps,
        lease,
    };
    let mut joined = Vec::with_capacity(commands.len());
    for checked in commands {
        let Checked {
            index,
            command,
            region_count,
        } = checked;
        joined.push((index, rows.join(txn, command, region_count).await));
    }
    Ok(joined)
}

struct Rows<'a> {
    locked: &'a mut LockedRows,
    annotations: HashMap<i64, annotation::Model>,
    version_bumps: &'a HashMap<i64, i32>,
    lease: &'a mut Lease,
}

/// Says whether a command deletes an annotation whose version is not the expected version, in which case the conflict
/// shows the whole row. Other deletions need no result; a conversion to a draft has its result already.
fn is_stale_deletion(
    command: &Command,
    annotations: &HashMap<i64, annotation::Model>,
    version_bumps: &HashMap<i64, i32>,
) -> bool {
    let Command::Delete {
        id,
        expected_version: Some(expected),
        into_draft: false,
    } = command
    else {
        return false;
    };
    let bumps = version_bumps.get(id).copied().unwrap_or_default();
    let row = annotations.get(id);
    row.is_some_and(|row| row.version - bumps != *expected)
}

/// Completes rows that were read without their results.
async fn read_results(
    txn: &DatabaseTransaction,
    rows: &LockedRows,
    annotations: &mut HashMap<i64, annotation::Model>,
    ids: &[i64],
    lease: &mut Lease,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    // Known before the read in a batch, and 0 for a single command, whose result is leased after the read.
    let known: u64 = ids.iter().map(|id| rows.stored_bytes(*id)).sum();
    lease.grow(known)?;
    let results = rows.results(txn, ids).await?;
    let read: usize = results.iter().map(|(_, result)| result.len()).sum();
    lease.grow((read as u64).saturating_sub(known))?;
    for (id, result) in results {
        if let Some(row) = annotations.get_mut(&id) {
            row.result = result;
        }
    }
    Ok(())
}

impl Rows<'_> {
    async fn join(
        &mut self,
        txn: &DatabaseTransaction,
        command: Command,
        region_count: usize,
    ) -> Result<Pending> {
        Ok(match command {
            Command::Create { task_id, new } => {
                let task = self.locked.task(task_id).cloned();
                Pending::Create(PendingCreate {
                    task: task.ok_or(Error::NotFound("task"))?,
                    new,
                    region_count,
                })
            }
            Command::Update { id, change } => {
                let locked = self.locked(id, change.task_id.value().copied())?;
                Pending::Update(Box::new(PendingUpdate { locked, change }))
            }
            Command::Delete {
                id,
                expected_version,
                into_draft,
            } => Pending::Delete(Box::new(PendingDelete {
                locked: self.locked(id, None)?,
                expected_version,
                into_draft,
            })),
            Command::Restore {
                id,
                version,
                expected_version,
                // Deleted or live as of the locks: other writers may have restored or deleted the annotation meanwhile.
            } => match self.locked.take_deleted(id) {
                Some(deleted) => Pending::Undelete(PendingUndelete {
                    id,
                    deleted,
                    version,
                    expected_version,
                }),
                None => Pending::Revert(Box::new(PendingRevert {
                    locked: self.locked(id, None)?,
                    version,
                    expected_version,
                })),
            },
            Command::Submit { draft, submission } => self.submit(txn, draft, submission).await?,
        })
    }

    /// Reads the draft under its task's lock, and turns the draft into a new annotation or a change.
    async fn submit(
        &mut self,
        txn: &DatabaseTransaction,
        key: DraftKey,
        submission: Submission,
    ) -> Result<Pending> {
        match key.annotation_id {
            None => {
                let task = self.locked.task(key.task_id).cloned();
                let task = task.ok_or(Error::NotFound("draft"))?;
                let new = submission.into_new(self.lock_draft(txn, key.id).await?);
                // The content was not part of the request, so its checks run here.
                let region_count = check::check_new(&new)?;
                Ok(Pending::Create(PendingCreate {
                    task,
                    new,
                    region_count,
                }))
            }
            Some(id) => {
                let locked = self.locked(id, None)?;
                let change = submission.into_change(self.lock_draft(txn, key.id).await?);
                check::check_change(&change)?;
                Ok(Pending::Update(Box::new(PendingUpdate { locked, change })))
            }
        }
    }

    fn locked(&mut self, id: i64, target: Option<i64>) -> Result<Locked> {
        let row = self.annotations.remove(&id);
        let locked = row.and_then(|row| self.locked.lock(row, target));
        let mut locked = locked.ok_or(Error::NotFound("annotation"))?;
        // Clients know the version before the request, while earlier commands may have raised the version.
        locked.version_bumps = self.version_bumps.get(&id).copied().unwrap_or_default();
        Ok(locked)
    }

    /// Reads and locks a draft. Of two requests that submit the same draft, the second finds no draft.
    async fn lock_draft(
        &mut self,
        txn: &DatabaseTransaction,
        id: i64,
    ) -> Result<annotation_draft::Model> {
        let draft = annotation_draft::Entity::find_by_id(id)
            .lock(LockType::Update)
            .one(txn)
            .await?;
        let draft = draft.ok_or(Error::NotFound("draft"))?;
        // The result was not part of the request, so nothing has been leased for it, or charged for its checks.
        self.lease.grow(draft.result.len() as u64)?;
        compute::charge(draft.result.len()).await;
        Ok(draft)
    }
}
