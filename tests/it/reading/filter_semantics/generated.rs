//! Random annotations, filters and pages.

use std::collections::HashSet;

use annograph::domain::{
    annotation::{Filter, Leaves, OrderKey},
    filter::{AnswerFilter, EnumFilter, IdFilter, Range, Tree},
    page::Ordering,
};
use chrono::{DateTime, Utc};
use entity::{annotation as row, annotation::Action};
use label_studio::region::{Answer, Kind};
use proptest::{
    collection::vec, option, prelude::*, sample::select, strategy::ValueTree,
    test_runner::TestRunner,
};
use uuid::Uuid;

use super::super::instant;

const ROWS: usize = 40;
pub const FILTERS: usize = 120;

/// A result with the labels, kinds and answers that it is found by. An answer is a control and the answer as JSON.
type Told = (
    &'static str,
    &'static [&'static str],
    &'static [Kind],
    &'static [(&'static str, &'static str)],
);

pub const RESULTS: [Told; 6] = [
    ("[]", &[], &[], &[]),
    (
        r#"[{"from_name":"c","type":"choices","value":{"choices":["a"],"labels":["a","b"]}}]"#,
        &["a", "b"],
        &[Kind::Choices],
        &[("c", r#""a""#)],
    ),
    (
        r#"[{"from_name":"n","type":"number","value":{"number":1,"labels":["b"]}},{"type":"?","value":{"labels":["c"]}}]"#,
        &["b", "c"],
        &[Kind::Number, Kind::Other],
        &[("n", "1")],
    ),
    (
        r#"[{"from_name":"c","type":"rating","value":{"rating":1}},{},{}]"#,
        &[],
        &[Kind::Rating, Kind::Other],
        &[("c", "1")],
    ),
    (
        r#"[{"from_name":"t","type":"taxonomy","value":{"taxonomy":[["A","b"],["Äb"]]}},{"from_name":"c","type":"choices","value":{"choices":["1"]}}]"#,
        &[],
        &[Kind::Taxonomy, Kind::Choices],
        &[
            ("t", r#"["A","b"]"#),
            ("t", r#""b""#),
            ("t", r#""Äb""#),
            ("c", r#""1""#),
        ],
    ),
    (
        r#"[{"from_name":"c","type":"textarea","value":{"text":["a b%","ÄB"]}},{"from_name":"t","type":"datetime","value":{"datetime":"2024-01-01"}},{"from_name":"n","type":"number","value":{"number":-0.0}}]"#,
        &[],
        &[Kind::TextArea, Kind::DateTime, Kind::Number],
        &[
            ("c", r#""a b%""#),
            ("c", r#""ÄB""#),
            ("t", r#""2024-01-01""#),
            ("n", "0"),
        ],
    ),
];

const ANSWERS: [&str; 9] = [
    r#""a""#,
    "1",
    r#""1""#,
    r#"["A","b"]"#,
    r#""b""#,
    r#""Äb""#,
    r#""ÄB""#,
    "0",
    r#"["b","A"]"#,
];
const PARTS: [&str; 7] = ["", "a", "B", "äb", "%", "2024", "1"];

pub fn answer(json: &str) -> Answer {
    match serde_json::from_str(json).unwrap() {
        serde_json::Value::String(text) => Answer::Text(text),
        serde_json::Value::Number(number) => Answer::Number(number.as_f64().unwrap()),
        levels => Answer::path(serde_json::from_value(levels).unwrap()).unwrap(),
    }
}
const INSTANTS: [&str; 3] = [
    "2024-01-01T00:00:00Z",
    "2024-01-01T00:00:00.000001Z",
    "2025-01-01T00:00:00Z",
];
const SECONDS: [f64; 4] = [0.0, 0.1, 2.5, 1e300];
const KEYS: [OrderKey; 4] = [
    OrderKey::Id,
    OrderKey::CreatedAt,
    OrderKey::UpdatedAt,
    OrderKey::LeadTime,
];
const ACTIONS: [Action; 3] = [Action::Submitted, Action::Updated, Action::Rejected];

fn at(index: usize) -> DateTime<Utc> {
    instant(INSTANTS[index])
}

/// Everything random about an annotation.
fn annotations() -> impl Strategy<Value = Vec<row::Model>> {
    let one = (
        (1..=6_i64, 0..RESULTS.len(), 0..3_usize, 0..3_usize),
        (option::of(1..=4_i64), option::of(1..=4_i64)),
        (
            option::of(select(&ACTIONS[..])),
            any::<bool>(),
            option::of(select(&SECONDS[..])),
        ),
        option::of(1..=3_i64),
        (option::of(1..=4_i64), option::of(0..3_usize), 1..=3_i32),
    );
    vec(one, ROWS).prop_map(|rows| {
        let mut truths = HashSet::new();
        let rows = rows.into_iter().enumerate().map(|(index, row)| {
            let (
                places,
                (completed_by_id, updated_by_id),
                (last_action, is, lead_time),
                import_id,
                (last_created_by_id, draft_created, version),
            ) = row;
            let (task_id, result, created, updated) = places;
            let (result, ..) = RESULTS[result];
            let items: Vec<serde_json::Value> = serde_json::from_str(result).unwrap();
            row::Model {
                id: index as i64 + 1,
                unique_id: Uuid::from_u128(index as u128),
                task_id,
                project_id: (task_id + 1) / 2,
                result: result.to_owned(),
                region_count: items.len() as i32,
                completed_by_id,
                updated_by_id,
                last_created_by_id,
                last_action,
                was_cancelled: is,
                ground_truth: is && truths.insert(task_id),
                lead_time,
                created_at: at(created),
                updated_at: at(updated),
                draft_created_at: draft_created.map(at),
                import_id,
                parent_prediction_id: None,
                parent_annotation_id: None,
                version,
                extra: None,
            }
        });
        rows.collect()
    })
}

fn ids(max: i64) -> impl Strategy<Value = Option<IdFilter>> {
    let id = move || (0..=max).prop_map(|id| id.to_string());
    let filter = (option::of(id()), option::weighted(0.3, vec(id(), 0..3)));
    option::weighted(0.1, filter.prop_map(|(eq, is_in)| IdFilter { eq, is_in }))
}

fn values<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Option<EnumFilter<T>>> {
    let filter = (
        option::of(value.clone()),
        option::weighted(0.3, vec(value, 0..3)),
    );
    option::weighted(0.1, filter.prop_map(|(eq, is_in)| EnumFilter { eq, is_in }))
}

fn range<T: Clone + std::fmt::Debug>(
    bound: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Option<Range<T>>> {
    let bound = || option::weighted(0.3, bound.clone());
    let range = (bound(), bound(), bound(), bound());
    option::weighted(
        0.1,
        range.prop_map(|(gte, gt, lte, lt)| Range { gte, gt, lte, lt }),
    )
}

fn answers() -> impl Strategy<Value = Option<AnswerFilter>> {
    let one = || select(&ANSWERS[..]).prop_map(answer);
    let part = select(&PARTS[..]).prop_map(str::to_owned);
    let filter = (
        select(&["c", "n", "t", "C"][..]),
        option::of(one()),
        option::weighted(0.3, vec(one(), 0..5)),
        option::weighted(0.4, part),
    );
    let filter = filter.prop_map(|(from_name, eq, is_in, contains)| AnswerFilter {
        from_name: from_name.to_owned(),
        eq,
        is_in,
        contains,
    });
    option::weighted(0.08, filter)
}

fn leaves() -> impl Strategy<Value = Leaves> {
    let instant = (0..3_usize).prop_map(at);
    let instants = instant.clone();
    let label = select(&["a", "b", "c", "d"][..]).prop_map(str::to_owned);
    let kind = select(&[Kind::Choices, Kind::Number, Kind::Other, Kind::Brush][..]);
    let seconds = select(&[-1.0, 0.0, 0.1, 2.5, 1e300][..]);
    let unique = (0..ROWS as u128).prop_map(Uuid::from_u128);
    (
        (
            ids(ROWS as i64),
            values(unique),
            ids(7),
            ids(4),
            ids(5),
            ids(5),
        ),
        (
            option::weighted(0.1, any::<bool>()),
            option::weighted(0.1, any::<bool>()),
        ),
        (
            values(select(&ACTIONS[..])),
            range(instant.clone()),
            range(instant),
            range(seconds),
            ids(4),
        ),
        (values(label), values(kind), range(0..4_i32)),
        // One of them at a time, for filters of many leaves find nothing.
        (0..3, ids(5), range(instants), range(0..4_i32)).prop_map(
            |(which, people, drafts, versions)| {
                (
                    people.filter(|_| which == 0),
                    drafts.filter(|_| which == 1),
                    versions.filter(|_| which == 2),
                )
            },
        ),
        answers(),
    )
        .prop_map(|(ids, flags, others, regions, more, has_answer)| Leaves {
            id: ids.0,
            unique_id: ids.1,
            task_id: ids.2,
            project_id: ids.3,
            completed_by_id: ids.4,
            updated_by_id: ids.5,
            was_cancelled: flags.0,
            ground_truth: flags.1,
            last_action: others.0,
            created_at: others.1,
            updated_at: others.2,
            lead_time: others.3,
            import_id: others.4,
            has_label: regions.0,
            has_region_type: regions.1,
            region_count: regions.2,
            last_created_by_id: more.0,
            draft_created_at: more.1,
            parent_prediction_id: None,
            parent_annotation_id: None,
            version: more.2,
            has_answer,
        })
}

fn filters() -> impl Strategy<Value = Filter> {
    let leaf = || {
        leaves().prop_map(|leaves| Tree {
            leaves,
            ..Tree::default()
        })
    };
    leaf().prop_recursive(3, 12, 3, move |inner| {
        let list = || option::weighted(0.4, vec(inner.clone(), 0..3));
        let not = option::weighted(0.5, inner.clone().prop_map(Box::new));
        (leaves(), list(), list(), not).prop_map(|(leaves, and, or, not)| Tree {
            leaves,
            and,
            or,
            not,
        })
    })
}

pub type Case = (Filter, Ordering<OrderKey>, i32, bool);

/// What to look for, and from time to time other annotations to look among.
pub fn cases() -> Vec<(Option<Vec<row::Model>>, Case)> {
    let make = || {
        let mut runner = TestRunner::default();
        let order = (select(&KEYS[..]), any::<bool>())
            .prop_map(|(key, descending)| Ordering { key, descending });
        let cases = (filters(), order, select(&[1, 7, 100][..]), any::<bool>());
        let mut case = |number| {
            let rows =
                (number % 30 == 0).then(|| annotations().new_tree(&mut runner).unwrap().current());
            (rows, cases.new_tree(&mut runner).unwrap().current())
        };
        (0..FILTERS).map(&mut case).collect()
    };
    // Strategies of this size want a larger stack than that of a test.
    let thread = std::thread::Builder::new().stack_size(64 << 20);
    thread.spawn(make).unwrap().join().unwrap()
}
