//! Input checks: all problems of a command that need no database.

use super::{
    command::{Change, Command, ConflictPolicy, New, RegionChanges, ReviewAction, ReviewNote},
    new_result,
};
use crate::{
    domain::{Patch, not_cleared},
    error::{Error, Problem, ProblemCode, Result},
};

/// Longest comment of a review, in characters.
pub const MAX_COMMENT: usize = 10_000;

/// Checks a command. Returns the number of regions of a new annotation, and 0 for other commands. Drafts are checked
/// once their content is read.
pub fn check(command: &Command) -> Result<usize> {
    match command {
        Command::Create { new, .. } => check_new(new),
        Command::Update { change, .. } => check_change(change).map(|()| 0),
        Command::Delete { .. } | Command::Restore { .. } | Command::Submit { .. } => Ok(0),
    }
}

/// Checks a new annotation. Returns the number of its regions.
pub fn check_new(new: &New) -> Result<usize> {
    let at = ["input".into(), "result".into()];
    let checked = json_fidelity::check_result(&new.result, &at);
    let lead_time = check_lead_time(new.lead_time, ["input", "leadTime"]);
    match (checked, lead_time) {
        (Ok(region_count), None) => Ok(region_count),
        (checked, lead_time) => {
            let mut problems = checked.err().unwrap_or_default();
            problems.extend(lead_time);
            Err(Error::BadInput(problems))
        }
    }
}

/// Checks a change, and the review that belongs to the change.
pub fn check_change(change: &Change) -> Result<()> {
    let mut problems: Vec<Problem> = [
        ("result", change.result.is_null()),
        ("regions", change.regions.is_null()),
        ("taskId", change.task_id.is_null()),
        ("projectId", change.project_id.is_null()),
        ("completedById", change.completed_by_id.is_null()),
        ("updatedById", change.updated_by_id.is_null()),
        ("wasCancelled", change.was_cancelled.is_null()),
        ("groundTruth", change.ground_truth.is_null()),
        ("expectedVersion", change.expected_version.is_null()),
        ("onConflict", change.on_conflict.is_null()),
    ]
    .into_iter()
    .filter(|(_, null)| *null)
    .map(|(field, _)| not_cleared(&["input", field]))
    .collect();
    if let Some(text) = change.result.value() {
        let checked = json_fidelity::check_result(text, &["input".into(), "result".into()]);
        problems.extend(checked.err().unwrap_or_default());
    }
    if let Some(regions) = change.regions.value() {
        problems.extend(new_result::check_edits(regions));
        // Edits apply to the stored result, which a whole result would replace.
        if change.result.is_sent() {
            problems.push(Problem::new(
                ["input", "regions"],
                ProblemCode::NotTogether,
                "send either the whole result or edits of its regions",
            ));
        }
    }
    // A merge compares three states, so the change has to name its base version.
    if change.on_conflict == Patch::Set(ConflictPolicy::Merge)
        && change.expected_version == Patch::Keep
    {
        problems.push(Problem::new(
            ["input", "expectedVersion"],
            ProblemCode::Required,
            "a merge needs the version that the change was made to",
        ));
    }
    problems.extend(check_lead_time(
        change.lead_time.value().copied(),
        ["input", "leadTime"],
    ));
    if let Some(review) = &change.review {
        problems.extend(check_review(review, change));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::BadInput(problems))
    }
}

/// Problems of a review, and of a missing or unexpected fix.
fn check_review(review: &ReviewNote, fix: &Change) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |field, code, message: &str| {
        problems.push(Problem::new(["input", field], code, message));
    };
    // An empty edit of regions counts as absent: forms send empty lists.
    let edits = fix.regions.value();
    let is_empty = edits.is_some_and(|edits| *edits == RegionChanges::default());
    let sent = [
        ("result", fix.result.is_sent()),
        ("regions", fix.regions.is_sent() && !is_empty),
    ];
    let sent = sent.into_iter().filter(|(_, is_sent)| *is_sent);
    if review.action != ReviewAction::FixAndAccept {
        for (field, _) in sent {
            let message = "only FIX_AND_ACCEPT comes with a fix";
            problem(field, ProblemCode::NotTogether, message);
        }
    } else if sent.count() == 0 {
        let message = "say what the fix is, as a whole or by `regions`";
        problem("result", ProblemCode::Required, message);
    }
    let comment = review.comment.as_deref().unwrap_or_default();
    if comment.chars().count() > MAX_COMMENT {
        let message = format!("a comment has at most {MAX_COMMENT} characters");
        problem("comment", ProblemCode::TooLong, &message);
    }
    // PostgreSQL refuses NUL in a text.
    if comment.contains('\0') {
        let message = "a comment holds no NUL character";
        problem("comment", ProblemCode::InvalidText, message);
    }
    problems
}

/// Checks a lead time, if given. Null and absent have different meanings in different inputs, and pass.
pub fn check_lead_time(seconds: Option<f64>, path: [&str; 2]) -> Option<Problem> {
    // JSON allows no infinite number, but a literal such as 1e999 parses to infinity.
    let seconds = seconds?;
    (!seconds.is_finite() || seconds < 0.0).then(|| {
        Problem::new(
            path,
            ProblemCode::OutOfBounds,
            "a lead time is a number of seconds, zero or more",
        )
    })
}
