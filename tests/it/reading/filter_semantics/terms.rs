//! Lists by labels, region types and answers: alone, in each combination with other leaves, in each order, and page by
//! page in both directions.

use annograph::domain::{
    annotation::{Filter, Leaves, OrderKey},
    filter::{AnswerFilter, EnumFilter, IdFilter, Range, Tree},
    page::Ordering,
};
use each_database::each_database;
use entity::{annotation as row, annotation::Action};
use label_studio::region::Kind;

use super::{RESULTS, compare, generated::answer, people, store};
use crate::{reading::instant, support::TestApp};

/// Every task has each of these results, so that every project has pages of the common ones.
fn rows() -> Vec<row::Model> {
    let results: [usize; 6] = [1, 2, 1, 4, 3, 5];
    let row = |index: usize| {
        let task_id = index as i64 % 6 + 1;
        let (result, ..) = RESULTS[results[index / 6]];
        let items: Vec<serde_json::Value> = serde_json::from_str(result).unwrap();
        let at =
            |number: usize| instant(["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"][number % 2]);
        row::Model {
            id: index as i64 + 1,
            unique_id: uuid::Uuid::from_u128(index as u128),
            task_id,
            project_id: (task_id + 1) / 2,
            result: result.to_owned(),
            region_count: items.len() as i32,
            completed_by_id: Some(index as i64 % 4 + 1),
            updated_by_id: None,
            last_created_by_id: None,
            last_action: Some([Action::Submitted, Action::Updated][index / 2 % 2]),
            was_cancelled: index.is_multiple_of(3),
            ground_truth: index < 6,
            lead_time: (!index.is_multiple_of(4)).then_some(index as f64),
            created_at: at(index / 3),
            updated_at: at(index / 4),
            draft_created_at: None,
            import_id: None,
            parent_prediction_id: None,
            parent_annotation_id: None,
            version: 1 + index as i32 % 3,
            extra: None,
        }
    };
    (0..36).map(row).collect()
}

fn of(leaves: Leaves) -> Filter {
    Tree {
        leaves,
        ..Tree::default()
    }
}

fn labels(labels: &[&str]) -> Leaves {
    let labels: Vec<String> = labels.iter().map(|it| (*it).to_owned()).collect();
    Leaves {
        has_label: Some(EnumFilter {
            eq: None,
            is_in: Some(labels),
        }),
        ..Leaves::default()
    }
}

fn kinds(kinds: &[Kind]) -> Option<EnumFilter<Kind>> {
    Some(EnumFilter {
        eq: None,
        is_in: Some(kinds.to_vec()),
    })
}

fn answers(from_name: &str, texts: &[&str]) -> Leaves {
    Leaves {
        has_answer: Some(AnswerFilter {
            from_name: from_name.to_owned(),
            eq: None,
            is_in: Some(texts.iter().map(|text| answer(text)).collect()),
            contains: None,
        }),
        ..Leaves::default()
    }
}

/// Leaves with terms, as the whole of a filter.
fn terms() -> Vec<Filter> {
    let both = |one: Leaves, other: Leaves| Tree {
        and: Some(vec![of(one), of(other)]),
        ..Tree::default()
    };
    vec![
        of(labels(&["b"])),
        of(labels(&["a", "b", "c"])),
        of(labels(&["nowhere"])),
        of(labels(&[])),
        of(Leaves {
            has_region_type: kinds(&[Kind::Choices]),
            ..Leaves::default()
        }),
        of(Leaves {
            has_region_type: kinds(&[Kind::Number, Kind::Other, Kind::Rating]),
            ..labels(&["b", "nowhere"])
        }),
        of(answers("c", &[r#""a""#])),
        of(answers("c", &[r#""a""#, "1", r#""1""#, r#""ÄB""#])),
        both(labels(&["a"]), labels(&["b"])),
        both(labels(&["a", "c"]), labels(&["b"])),
        both(answers("c", &[r#""a""#, r#""1""#]), labels(&["a", "b"])),
        both(labels(&["a"]), labels(&["c"])),
    ]
}

/// Further conditions of a filter with terms.
fn further() -> Vec<Filter> {
    let leaves = |set: fn(&mut Leaves)| {
        let mut leaves = Leaves::default();
        set(&mut leaves);
        of(leaves)
    };
    let without = |filter: Filter| Tree {
        not: Some(Box::new(filter)),
        ..Tree::default()
    };
    let any = |filters: Vec<Filter>| Tree {
        or: Some(filters),
        ..Tree::default()
    };
    let id = |list: &[&str]| IdFilter {
        eq: None,
        is_in: Some(list.iter().map(|it| (*it).to_owned()).collect()),
    };
    vec![
        Filter::default(),
        leaves(|it| {
            it.created_at = Some(Range {
                gte: None,
                gt: Some(instant("2024-06-01T00:00:00Z")),
                lte: None,
                lt: None,
            });
        }),
        leaves(|it| it.was_cancelled = Some(true)),
        leaves(|it| it.was_cancelled = Some(false)),
        leaves(|it| {
            it.last_action = Some(EnumFilter {
                eq: Some(Action::Updated),
                is_in: None,
            });
        }),
        leaves(|it| {
            it.version = Some(Range {
                gte: Some(2),
                gt: None,
                lte: None,
                lt: None,
            });
        }),
        of(Leaves {
            completed_by_id: Some(id(&["2", "3"])),
            ..Leaves::default()
        }),
        of(Leaves {
            project_id: Some(id(&["1", "3"])),
            ..Leaves::default()
        }),
        without(of(labels(&["c"]))),
        without(of(answers("c", &[r#""a""#]))),
        any(vec![of(labels(&["a"])), of(answers("c", &["1"]))]),
    ]
}

#[each_database]
async fn lists_of_terms_are_those_of_a_loop(test: TestApp) {
    let (_, actors) = people(&test).await;
    let rows = rows();
    store(&test.app, &rows).await;
    let (mut number, mut found_some) = (0_usize, 0);
    for term in terms() {
        for more in further() {
            let filter = Tree {
                and: Some(vec![term.clone(), more]),
                ..Tree::default()
            };
            let by_time = (OrderKey::CreatedAt, false);
            let orders = [(OrderKey::Id, false), (OrderKey::Id, true), by_time];
            // Some cases order by time, in which the index of terms is never walked.
            let orders = &orders[..2 + usize::from(number % 7 == 0)];
            for &(key, descending) in orders {
                let order = Ordering { key, descending };
                let (size, backwards) = ([2, 5, 9][number % 3], number % 4 < 2);
                let case = (filter.clone(), order, size, backwards);
                found_some += compare(&test.app, &actors, &rows, case, 0).await;
                number += 1;
            }
        }
    }
    // Three of the twelve filters with terms find nothing.
    assert!(found_some > number / 2, "{found_some} of {number}");
}
