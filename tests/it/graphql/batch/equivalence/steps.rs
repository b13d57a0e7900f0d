//! Commands in a scene, all made up, with places instead of ids.

use annograph::domain::annotation::ReviewAction;
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::scene::{DELETED, LIVE, REVIEWED, TASK_DRAFTS, TASKS};

const RESULTS: [&str; 4] = [
    "[]",
    r#"[{"id":"a","value":{"x":7}},{"id":"b"}]"#,
    r#"[{"id":"b","value":{"y":2}},{"id":"c"}]"#,
    r#"[{"id":"r","type":"relation"}]"#,
];

const REVIEWS: [ReviewAction; 3] = [
    ReviewAction::Accept,
    ReviewAction::Reject,
    ReviewAction::FixAndAccept,
];

/// The version that a command expects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    Unasked,
    Current,
    Older,
}

#[derive(Clone, Debug)]
pub enum Step {
    Create {
        task: usize,
        is_truth: bool,
        is_skipped: bool,
        is_copy: bool,
        has_taken_id: bool,
        by_admin: bool,
        lead_time: Option<f64>,
    },
    Update {
        of: usize,
        edit: Edit,
    },
    Review {
        of: usize,
        action: ReviewAction,
        fix: Option<&'static str>,
        seen: Seen,
    },
    Delete {
        of: usize,
        seen: Seen,
        into_draft: bool,
    },
    Restore {
        of: usize,
        version: i32,
        seen: Seen,
    },
    /// Of a draft of a task, or of the annotation's.
    Submit {
        task: Option<usize>,
        of: usize,
        is_skipped: Option<bool>,
    },
}

#[derive(Clone, Debug)]
pub struct Edit {
    pub result: Option<&'static str>,
    /// The region `a` with this value, instead of a result.
    pub region: Option<i32>,
    pub is_truth: Option<bool>,
    pub is_skipped: Option<bool>,
    pub lead_time: Option<f64>,
    pub target: Option<usize>,
    pub by_admin: Option<bool>,
    pub seen: Seen,
    pub is_merge: bool,
}

/// A list of commands that may be run at once: no annotation and no draft comes twice, and they depend on each other
/// by ground truths alone.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 12).prop_map(|steps| {
        let mut annotations = Vec::new();
        let mut drafts = Vec::new();
        let mut converted = Vec::new();
        let mut truths = Vec::new();
        let mut taken = 0;
        let once = |places: &mut Vec<usize>, place| {
            let is_new = !places.contains(&place);
            places.push(place);
            is_new
        };
        let mut steps: Vec<Step> = steps
            .into_iter()
            .filter(|step| match step {
                // A second new ground truth would take it from one that has no history yet.
                Step::Create {
                    task,
                    is_truth,
                    has_taken_id,
                    ..
                } => {
                    taken += usize::from(*has_taken_id);
                    (!is_truth || once(&mut truths, *task)) && taken < 2
                }
                Step::Submit {
                    task: Some(task), ..
                } => once(&mut drafts, *task),
                Step::Delete {
                    of,
                    into_draft: true,
                    ..
                } => once(&mut annotations, *of) && once(&mut converted, of % TASKS),
                Step::Update { of, .. }
                | Step::Review { of, .. }
                | Step::Delete { of, .. }
                | Step::Restore { of, .. }
                | Step::Submit { of, .. } => once(&mut annotations, *of),
            })
            .collect();
        steps.sort_by_key(|step| matches!(step, Step::Create { is_truth: true, .. }));
        steps
    })
}

fn step() -> impl Strategy<Value = Step> {
    let create = (
        (0..TASKS, any::<bool>(), any::<bool>(), any::<bool>()),
        (
            proptest::bool::weighted(0.2),
            proptest::bool::weighted(0.2),
            option::of(select(&[0.5, -1.0, 3.0][..])),
        ),
    );
    let create = create.prop_map(
        |((task, is_truth, is_skipped, is_copy), (has_taken_id, by_admin, lead_time))| {
            Step::Create {
                task,
                is_truth,
                is_skipped,
                is_copy,
                has_taken_id,
                by_admin,
                lead_time,
            }
        },
    );
    let update = (0..LIVE, edit()).prop_map(|(of, edit)| Step::Update { of, edit });
    let fix = option::of(select(&RESULTS[..]));
    let review = (0..LIVE, select(&REVIEWS[..]), fix, seen());
    let review = review.prop_map(|(of, action, fix, seen)| Step::Review {
        of,
        action,
        fix,
        seen,
    });
    let retraction = Just(Step::Review {
        of: REVIEWED,
        action: ReviewAction::DeleteReview,
        fix: None,
        seen: Seen::Unasked,
    });
    let delete = (0..LIVE, seen(), any::<bool>());
    let delete = delete.prop_map(|(of, seen, into_draft)| Step::Delete {
        of,
        seen,
        into_draft,
    });
    let restore = (0..LIVE + DELETED, 0..5_i32, seen());
    let restore = restore.prop_map(|(of, version, seen)| Step::Restore { of, version, seen });
    let submit = (
        option::of(0..TASK_DRAFTS),
        0..LIVE,
        option::of(any::<bool>()),
    );
    let submit = submit.prop_map(|(task, of, is_skipped)| Step::Submit {
        task,
        of,
        is_skipped,
    });
    prop_oneof![
        3 => create,
        5 => update,
        2 => review,
        1 => retraction,
        2 => delete,
        4 => restore,
        2 => submit,
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let edit = (
        option::of(select(&RESULTS[..])),
        option::of(0..3_i32),
        option::of(any::<bool>()),
        option::weighted(0.3, any::<bool>()),
        (
            option::of(select(&[0.0, 2.5, -1.0][..])),
            option::weighted(0.3, 0..TASKS),
            option::weighted(0.2, any::<bool>()),
        ),
        (seen(), any::<bool>()),
    );
    edit.prop_map(|(result, region, is_truth, is_skipped, others, race)| {
        let (lead_time, target, by_admin) = others;
        let (seen, is_merge) = race;
        Edit {
            region: region.filter(|_| result.is_none()),
            result,
            // A ground truth that an earlier command takes is a change of others to a single command alone.
            is_truth: is_truth.filter(|_| seen != Seen::Older),
            is_skipped,
            lead_time,
            target,
            by_admin,
            is_merge: is_merge && seen != Seen::Unasked,
            seen,
        }
    })
}

fn seen() -> impl Strategy<Value = Seen> {
    select(&[Seen::Unasked, Seen::Current, Seen::Current, Seen::Older][..])
}
