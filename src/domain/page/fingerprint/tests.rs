use chrono::DateTime;
use entity::{annotation::Action, project::CheckMode, user::Role};
use label_studio::region::{Answer, Kind};
use serde_json::json;

use super::{super::Scope, *};
use crate::domain::{
    annotation, draft,
    filter::{AnswerFilter, DateTimeRange, EnumFilter, IdFilter, Range, StringFilter, Tree},
    page::{OrderKey, Ordering},
    project, task, user,
};

fn id(text: &str) -> Option<IdFilter> {
    Some(IdFilter {
        eq: Some(text.to_owned()),
        is_in: Some(vec!["1".to_owned(), "2".to_owned()]),
    })
}

fn one_of<T>(eq: T, other: T) -> Option<EnumFilter<T>> {
    Some(EnumFilter {
        eq: Some(eq),
        is_in: Some(vec![other]),
    })
}

fn text(eq: &str) -> Option<StringFilter> {
    Some(StringFilter {
        eq: Some(eq.to_owned()),
        is_in: Some(vec!["a".to_owned()]),
        contains: Some("B".to_owned()),
    })
}

fn range<T>(gte: T, lt: T) -> Option<Range<T>> {
    Some(Range {
        gte: Some(gte),
        gt: None,
        lte: None,
        lt: Some(lt),
    })
}

fn instants() -> Option<DateTimeRange> {
    let at = |micros| DateTime::from_timestamp_micros(micros).unwrap();
    range(at(1_767_225_600_000_000), at(1_767_225_600_123_456))
}

fn tree<L>(leaves: L) -> Tree<L> {
    Tree {
        leaves,
        and: None,
        or: None,
        not: None,
    }
}

fn scope<L: Serialize, K: Serialize>(filter: &Tree<L>, order: Ordering<K>) -> (String, u32) {
    let scope = Scope { filter, order };
    (canonical(&scope), of(&scope))
}

#[track_caller]
fn assert_is(scope: &impl Serialize, text: &str, fingerprint: u32) {
    assert_eq!(canonical(scope), text);
    assert_eq!(of(scope), fingerprint);
}

/// Each text and fingerprint is that of cursors which clients hold: none may ever change.
#[test]
fn scopes_stay_as_they_are() {
    let annotations = tree(annotation::Leaves {
        id: id("7"),
        unique_id: one_of(uuid::Uuid::nil(), uuid::Uuid::max()),
        was_cancelled: Some(false),
        last_action: one_of(Action::Submitted, Action::PropagatedAnnotation),
        created_at: instants(),
        lead_time: range(1.0, 2.5),
        has_label: one_of("Car".to_owned(), "é\"".to_owned()),
        has_region_type: one_of(Kind::Rectangle, Kind::ChatMessage),
        region_count: range(1, 3),
        has_answer: Some(AnswerFilter {
            from_name: "mood".to_owned(),
            eq: Some(Answer::Text("good".to_owned())),
            is_in: Some(vec![
                Answer::Path(vec!["Animal".to_owned(), "Cat".to_owned()]),
                Answer::Number(3.0),
            ]),
            contains: None,
        }),
        ..Default::default()
    });
    let by_lead_time = Ordering {
        key: annotation::OrderKey::LeadTime,
        descending: true,
    };
    assert_is(
        &Scope {
            filter: &annotations,
            order: by_lead_time,
        },
        r#"{"filter":{"createdAt":{"gte":"2026-01-01T00:00:00Z","lt":"2026-01-01T00:00:00.123456Z"},"hasAnswer":{"eq":"good","fromName":"mood","in":[["Animal","Cat"],3.0]},"hasLabel":{"eq":"Car","in":["é\""]},"hasRegionType":{"eq":1,"in":[24]},"id":{"eq":"7","in":["1","2"]},"lastAction":{"eq":"submitted","in":["propagated_annotation"]},"leadTime":{"gte":1.0,"lt":2.5},"regionCount":{"gte":1,"lt":3},"uniqueId":{"eq":"00000000-0000-0000-0000-000000000000","in":["ffffffff-ffff-ffff-ffff-ffffffffffff"]},"wasCancelled":false},"order":{"descending":true,"key":"LEAD_TIME"}}"#,
        0x27bc796a,
    );

    let tasks = Tree {
        leaves: task::Leaves {
            project_id: id("3"),
            is_labeled: Some(true),
            updated_at: instants(),
            overlap: range(1, 2),
            ..Default::default()
        },
        and: Some(vec![]),
        or: Some(vec![task::Filter::default()]),
        not: Some(Box::default()),
    };
    let by_update = Ordering {
        key: OrderKey::UpdatedAt,
        descending: false,
    };
    assert_is(
        &Scope {
            filter: &tasks,
            order: by_update,
        },
        r#"{"filter":{"and":[],"isLabeled":true,"not":{},"or":[{}],"overlap":{"gte":1,"lt":2},"projectId":{"eq":"3","in":["1","2"]},"updatedAt":{"gte":"2026-01-01T00:00:00Z","lt":"2026-01-01T00:00:00.123456Z"}},"order":{"descending":false,"key":"UPDATED_AT"}}"#,
        0xed84ab91,
    );

    let projects = tree(project::Leaves {
        title: text("Cars"),
        check_mode: one_of(CheckMode::Off, CheckMode::Strict),
        created_by_id: id("1"),
        ..Default::default()
    });
    assert_is(
        &Scope {
            filter: &projects,
            order: <Ordering>::default(),
        },
        r#"{"filter":{"checkMode":{"eq":"off","in":["strict"]},"createdById":{"eq":"1","in":["1","2"]},"title":{"contains":"B","eq":"Cars","in":["a"]}},"order":{"descending":false,"key":"ID"}}"#,
        0x64c5c69d,
    );

    let users = tree(user::Leaves {
        username: text("ann"),
        email: one_of("ann@example.com".to_owned(), "b@example.com".to_owned()),
        role: one_of(Role::Admin, Role::Member),
        can_sign_in: Some(true),
        ..Default::default()
    });
    assert_is(
        &Scope {
            filter: &users,
            order: <Ordering>::default(),
        },
        r#"{"filter":{"canSignIn":true,"email":{"eq":"ann@example.com","in":["b@example.com"]},"role":{"eq":"admin","in":["member"]},"username":{"contains":"B","eq":"ann","in":["a"]}},"order":{"descending":false,"key":"ID"}}"#,
        0x2b802fd5,
    );

    let drafts = draft::Filter {
        task_id: id("9"),
        has_annotation: Some(false),
        updated_at: instants(),
        ..Default::default()
    };
    assert_is(
        &drafts,
        r#"{"hasAnnotation":false,"taskId":{"eq":"9","in":["1","2"]},"updatedAt":{"gte":"2026-01-01T00:00:00Z","lt":"2026-01-01T00:00:00.123456Z"}}"#,
        0x0274ba26,
    );

    assert_is(&"history", r#""history""#, 0xbb36ccae);
    let nothing = annotation::Filter::default();
    let order = Ordering::<annotation::OrderKey>::default();
    assert_is(
        &Scope {
            filter: &nothing,
            order,
        },
        r#"{"filter":{},"order":{"descending":false,"key":"ID"}}"#,
        0xaa56faf8,
    );
}

/// A release with one leaf more, which this request does not use.
#[test]
fn optional_members_change_nothing_until_they_are_used() {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Later {
        a_new_one: Option<IdFilter>,
        is_labeled: Option<bool>,
        project_id: Option<IdFilter>,
    }
    let later = |a_new_one| Later {
        a_new_one,
        is_labeled: Some(true),
        project_id: id("3"),
    };
    let now = task::Leaves {
        project_id: id("3"),
        is_labeled: Some(true),
        ..Default::default()
    };
    let now = scope(&tree(now), <Ordering>::default());
    assert_eq!(scope(&tree(later(None)), <Ordering>::default()), now);
    assert_ne!(scope(&tree(later(id("1"))), <Ordering>::default()), now);
}

#[test]
fn what_is_given_tells_scopes_apart() {
    let of = |value: serde_json::Value| super::of(&value);
    assert_ne!(
        of(json!({ "id": { "eq": "1" } })),
        of(json!({ "id": { "eq": "2" } }))
    );
    assert_ne!(of(json!({ "and": [] })), of(json!({ "or": [] })));
    assert_ne!(of(json!({ "and": [] })), of(json!({})));
    assert_eq!(of(json!({ "a": 1, "b": 2 })), of(json!({ "b": 2, "a": 1 })));
}
