//! References in commands: ids of tasks, projects, users and parents that do not exist, or that the actor may not
//! see.

use super::super::{
    command::{Change, New},
    facts::Facts,
    lock::Locked,
    plan,
};
use crate::error::{Problem, ProblemCode};

/// Reports the problems of a new annotation's references, including its unique id.
pub fn check_new(facts: &Facts, task_id: i64, new: &New) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(id) = new.completed_by_id
        && !facts.visible_users.contains(&id)
    {
        problems.push(unknown(["input", "completedById"], "user"));
    }
    let parents = [
        (
            "parentPredictionId",
            "prediction",
            new.parent_prediction_id,
            &facts.prediction_tasks,
        ),
        (
            "parentAnnotationId",
            "annotation",
            new.parent_annotation_id,
            &facts.annotation_tasks,
        ),
    ];
    for (field, noun, id, tasks) in parents {
        let Some(id) = id else { continue };
        match tasks.get(&id) {
            None => problems.push(unknown(["input", field], noun)),
            Some(other) if *other != task_id => problems.push(Problem::new(
                ["input", field],
                ProblemCode::TaskMismatch,
                format!("the {noun} belongs to another task"),
            )),
            Some(_) => {}
        }
    }
    if new
        .unique_id
        .is_some_and(|id| facts.used_unique_ids.contains(&id))
    {
        problems.push(plan::used_unique_id());
    }
    problems
}

/// Reports the problems of a change's references.
pub fn check_change(facts: &Facts, change: &Change, locked: &Locked) -> Vec<Problem> {
    let mut problems = Vec::new();
    let target = locked.target.as_ref();
    if change.task_id.is_sent() && target.is_none() {
        problems.push(unknown(["input", "taskId"], "task"));
    }
    // The project of an unknown task is unknown too.
    let destination = match target {
        None if change.task_id.is_sent() => None,
        target => Some(target.unwrap_or(&locked.task).project_id),
    };
    if let Some(project_id) = change.project_id.value().copied()
        && destination != Some(project_id)
    {
        if !facts.visible_projects.contains(&project_id) {
            problems.push(unknown(["input", "projectId"], "project"));
        } else if let Some(destination) = destination {
            problems.push(Problem::new(
                ["input", "projectId"],
                ProblemCode::ProjectMismatch,
                format!(
                    "the task belongs to project {destination}: an annotation changes its project by moving to a task of it",
                ),
            ));
        }
    }
    let people = [
        ("completedById", change.completed_by_id.value()),
        ("updatedById", change.updated_by_id.value()),
    ];
    for (field, id) in people {
        if id.is_some_and(|id| !facts.visible_users.contains(id)) {
            problems.push(unknown(["input", field], "user"));
        }
    }
    problems
}

/// Builds the problem of an unknown or invisible reference.
fn unknown(path: [&str; 2], noun: &str) -> Problem {
    Problem::new(
        path,
        ProblemCode::UnknownId,
        format!("there is no such {noun}, or you may not see it"),
    )
}
