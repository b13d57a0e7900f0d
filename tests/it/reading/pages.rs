//! Keyset pages: each row exactly once, forwards and backwards.

use each_database::each_database;
use entity::annotation;
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};

use super::{ids, instant, set};
use crate::support::TestApp;

const COUNT: usize = 13;

/// Annotations of one task that share few instants, so that ids have to break the ties.
async fn crowded_instants(app: &TestApp) {
    let (_, task) = app.project_with_task().await;
    for number in 0..COUNT {
        let id = app.annotation(&app.admin, &task, json!({})).await;
        let at = |step: usize| {
            Set(instant(
                [
                    "2024-01-01T00:00:00Z",
                    "2024-01-01T00:00:00.000001Z",
                    "1969-12-31T23:59:59.999999Z",
                ][step % 3],
            ))
        };
        let columns = annotation::ActiveModel {
            created_at: at(number),
            updated_at: at(number * 7 / 4),
            lead_time: Set([None, Some(0.0), Some(0.1), Some(1e300)][number % 4]),
            ..Default::default()
        };
        set(app, &id, columns).await;
    }
}

/// The ids of a whole list, page by page; and what `cut` of each page says about more on either side.
async fn walk(app: &TestApp, list: &str, backwards: bool, size: usize) -> Vec<String> {
    let (size_name, cursor_name, end) = match backwards {
        false => ("first", "after", "endCursor"),
        true => ("last", "before", "startCursor"),
    };
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let from = cursor
            .as_ref()
            .map(|cursor| format!(", {cursor_name}: {cursor:?}"))
            .unwrap_or_default();
        let arguments = format!("{size_name}: {size}{from}");
        let query = list.replace('%', &arguments).replace('#', "edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }");
        let answer = app.admin.run(&query).await;
        let page = innermost(answer.data());
        let page_ids = ids(page);
        let edges = page["edges"].as_array().unwrap();
        assert_eq!(
            edges
                .iter()
                .map(|edge| edge["node"]["id"].as_str().unwrap())
                .collect::<Vec<_>>(),
            page_ids
        );
        let info = &page["pageInfo"];
        assert_eq!(
            edges.first().map(|edge| &edge["cursor"]),
            Some(&info["startCursor"]).filter(|_| !edges.is_empty())
        );
        assert_eq!(
            edges.last().map(|edge| &edge["cursor"]),
            Some(&info["endCursor"]).filter(|_| !edges.is_empty())
        );
        let (ahead, behind) = match backwards {
            false => (&info["hasNextPage"], &info["hasPreviousPage"]),
            true => (&info["hasPreviousPage"], &info["hasNextPage"]),
        };
        assert_eq!(behind, &json!(cursor.is_some()), "{query}");
        let page_ids = if backwards {
            page_ids.into_iter().rev().collect()
        } else {
            page_ids
        };
        assert!(page_ids.len() <= size);
        all.extend(page_ids);
        if ahead != &json!(true) {
            return all;
        }
        assert!(all.len() < 100, "the walk does not end");
        cursor = Some(info[end].as_str().unwrap().to_owned());
    }
}

fn innermost(value: &Value) -> &Value {
    match value.get("nodes") {
        Some(_) => value,
        None => innermost(value.as_object().unwrap().values().next().unwrap()),
    }
}

#[each_database]
async fn no_walk_loses_or_doubles_a_row(app: TestApp) {
    crowded_instants(&app).await;
    for field in ["ID", "CREATED_AT", "UPDATED_AT", "LEAD_TIME"] {
        for direction in ["ASC", "DESC"] {
            let order = format!("orderBy: {{ field: {field}, direction: {direction} }}");
            for list in [
                format!("{{ annotations({order}, %) {{ # }} }}"),
                format!("{{ task(id: 1) {{ annotations({order}, %) {{ # }} }} }}"),
                format!("{{ project(id: 1) {{ annotations({order}, %) {{ # }} }} }}"),
            ] {
                let whole = walk(&app, &list, false, 100).await;
                let mut sorted = whole.clone();
                sorted.sort_by_key(|id| id.parse::<usize>().unwrap());
                assert_eq!(
                    sorted,
                    (1..=COUNT).map(|id| id.to_string()).collect::<Vec<_>>(),
                    "{list}"
                );
                for size in [1, 4, COUNT - 1, COUNT] {
                    assert_eq!(
                        walk(&app, &list, false, size).await,
                        whole,
                        "{list} by {size}"
                    );
                    let mut back = walk(&app, &list, true, size).await;
                    back.reverse();
                    assert_eq!(back, whole, "{list} backwards by {size}");
                }
            }
        }
    }
}

#[each_database]
async fn every_other_list_walks_as_well(app: TestApp) {
    for _ in 0..5 {
        app.project_with_task().await;
        app.task("1").await;
    }
    for name in ["a", "b", "c", "d"] {
        app.stranger(name).await;
    }
    for (list, count) in [
        ("{ tasks(%) { # } }", 10),
        (
            "{ tasks(orderBy: { field: UPDATED_AT, direction: DESC }, %) { # } }",
            10,
        ),
        ("{ project(id: 1) { tasks(%) { # } } }", 6),
        (
            "{ project(id: 1) { tasks(orderBy: { field: CREATED_AT, direction: DESC }, %) { # } } }",
            6,
        ),
        ("{ projects(%) { # } }", 5),
        (
            "{ projects(orderBy: { field: CREATED_AT, direction: DESC }, %) { # } }",
            5,
        ),
        ("{ users(%) { # } }", 5),
    ] {
        let whole = walk(&app, list, false, 100).await;
        assert_eq!(whole.len(), count, "{list}");
        for size in [1, 2, count] {
            assert_eq!(walk(&app, list, false, size).await, whole, "{list}");
            let mut back = walk(&app, list, true, size).await;
            back.reverse();
            assert_eq!(back, whole, "{list}");
        }
    }
}

#[each_database]
async fn history_pages_by_version(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let id = app.annotation(&app.admin, &task, json!({})).await;
    for lead_time in 1..5 {
        let update = format!(
            "mutation {{ updateAnnotation(id: {id}, input: {{ leadTime: {lead_time} }}) {{ version }} }}"
        );
        app.admin.run(&update).await.ok();
    }
    let versions = async |arguments: &str| {
        let query = format!(
            "{{ annotation(id: {id}) {{ history({arguments}) {{ nodes {{ version }} pageInfo {{ endCursor startCursor hasNextPage hasPreviousPage }} }} }} }}"
        );
        let answer = app.admin.run(&query).await;
        let page = answer.data()["annotation"]["history"].clone();
        let versions: Vec<i64> = page["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["version"].as_i64().unwrap())
            .collect();
        (versions, page["pageInfo"].clone())
    };
    let (first, info) = versions("first: 2").await;
    assert_eq!((first, &info["hasNextPage"]), (vec![1, 2], &json!(true)));
    let (next, info) = versions(&format!("first: 9, after: {}", info["endCursor"])).await;
    assert_eq!((next, &info["hasNextPage"]), (vec![3, 4, 5], &json!(false)));
    let (last, info) = versions("last: 2").await;
    assert_eq!((last, &info["hasPreviousPage"]), (vec![4, 5], &json!(true)));
    let (before, _) = versions(&format!("last: 9, before: {}", info["startCursor"])).await;
    assert_eq!(before, [1, 2, 3]);
}

#[each_database]
async fn rows_that_come_and_go_between_pages_disturb_nothing_else(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    for _ in 0..4 {
        app.annotation(&app.admin, &task, json!({})).await;
    }
    let answer = app
        .admin
        .run("{ annotations(first: 2) { nodes { id } pageInfo { endCursor } } }")
        .await;
    let cursor = answer.data()["annotations"]["pageInfo"]["endCursor"].clone();
    // The very row that the cursor names, and one before it.
    app.admin
        .run("mutation { a: deleteAnnotation(id: 1) { id } b: deleteAnnotation(id: 2) { id } }")
        .await
        .ok();
    app.annotation(&app.admin, &task, json!({})).await;
    let answer = app
        .admin
        .run(&format!(
            "{{ annotations(after: {cursor}) {{ nodes {{ id }} }} }}"
        ))
        .await;
    assert_eq!(ids(&answer.data()["annotations"]), ["3", "4", "5"]);
}

#[each_database]
async fn page_sizes_have_bounds(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    for _ in 0..51 {
        app.annotation(&app.admin, &task, json!({})).await;
    }
    for (arguments, expected) in [
        ("", 50),
        ("(first: null)", 50),
        ("(first: 0)", 0),
        ("(last: 0)", 0),
        ("(first: 100)", 51),
        ("(last: 100)", 51),
        ("(last: 1)", 1),
    ] {
        let query = format!(
            "{{ annotations{arguments} {{ nodes {{ id }} pageInfo {{ startCursor hasNextPage hasPreviousPage }} }} }}"
        );
        let answer = app.admin.run(&query).await;
        let page = &answer.data()["annotations"];
        assert_eq!(ids(page).len(), expected, "{arguments}");
        assert_eq!(
            page["pageInfo"]["startCursor"].is_null(),
            expected == 0,
            "{arguments}"
        );
    }
    let lists = [
        "annotations(%) { totalCount }",
        "tasks(%) { totalCount }",
        "projects(%) { totalCount }",
        "users(%) { totalCount }",
        "task(id: 1) { annotations(%) { totalCount } }",
        "project(id: 1) { tasks(%) { totalCount } }",
        "project(id: 1) { annotations(%) { totalCount } }",
        "annotation(id: 1) { history(%) { totalCount } }",
    ];
    for list in lists {
        for name in ["first", "last"] {
            for size in ["-1", "101", "2147483647", "-2147483648"] {
                let answer = app
                    .admin
                    .run(&format!(
                        "{{ {} }}",
                        list.replace('%', &format!("{name}: {size}"))
                    ))
                    .await;
                assert_eq!(answer.code(), "BAD_USER_INPUT", "{list}");
                assert_eq!(
                    answer.problems(),
                    [format!("{name} OUT_OF_BOUNDS")],
                    "{list}"
                );
                let root = list.split('(').next().unwrap();
                assert_eq!(answer.json["data"], json!({ root: null }), "{list}");
            }
        }
    }
}

#[each_database]
async fn arguments_that_contradict_each_other_are_refused(app: TestApp) {
    app.project_with_task().await;
    let answer = app.admin.run("{ tasks { pageInfo { endCursor } } }").await;
    let cursor = answer.data()["tasks"]["pageInfo"]["endCursor"].clone();
    for (arguments, problems) in [
        ("first: 1, last: 1".to_owned(), vec!["last INVALID_FORMAT"]),
        (
            format!("after: {cursor}, before: {cursor}"),
            vec!["before INVALID_FORMAT"],
        ),
        (
            format!("first: 1, before: {cursor}"),
            vec!["before INVALID_FORMAT"],
        ),
        (
            format!("last: 1, after: {cursor}"),
            vec!["after INVALID_FORMAT"],
        ),
        (
            "first: -1, last: 101, after: \"x\"".to_owned(),
            vec![
                "first OUT_OF_BOUNDS",
                "last OUT_OF_BOUNDS",
                "last INVALID_FORMAT",
                "after INVALID_FORMAT",
                "after INVALID_FORMAT",
            ],
        ),
    ] {
        let answer = app
            .admin
            .run(&format!("{{ tasks({arguments}) {{ nodes {{ id }} }} }}"))
            .await;
        assert_eq!(answer.problems(), problems, "{arguments}");
    }
}

#[each_database]
async fn a_cursor_is_good_for_its_own_list_only(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    for _ in 0..3 {
        app.annotation(&app.admin, &task, json!({})).await;
    }
    let made = "filter: { wasCancelled: false }, orderBy: { field: CREATED_AT, direction: ASC }";
    let answer = app
        .admin
        .run(&format!(
            "{{ annotations({made}) {{ pageInfo {{ startCursor }} }} }}"
        ))
        .await;
    let cursor = answer.data()["annotations"]["pageInfo"]["startCursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = async |arguments: &str, cursor: &str| {
        let query = format!(
            "query($cursor: String) {{ annotations({arguments} after: $cursor) {{ nodes {{ id }} }} }}"
        );
        app.admin
            .run_with(&query, json!({ "cursor": cursor }))
            .await
    };
    assert_eq!(
        ids(&page(made, &cursor).await.data()["annotations"]),
        ["2", "3"]
    );
    // Other page sizes and fields are the same list; another filter, order or table is another.
    let sized = format!("{made}, first: 1");
    let answer = page(&sized, &cursor).await;
    assert_eq!(ids(&answer.data()["annotations"]), ["2"]);
    for other in [
        "",
        "filter: { wasCancelled: true }, orderBy: { field: CREATED_AT, direction: ASC }",
        "filter: { wasCancelled: false }, orderBy: { field: CREATED_AT, direction: DESC }",
        "filter: { wasCancelled: false }, orderBy: { field: UPDATED_AT, direction: ASC }",
        "filter: { wasCancelled: false }",
        "orderBy: { field: CREATED_AT, direction: ASC }",
    ] {
        let answer = page(other, &cursor).await;
        assert_eq!(
            (answer.code(), answer.problems()),
            ("BAD_USER_INPUT", vec!["after INVALID_FORMAT".to_owned()]),
            "{other}"
        );
    }
    let query = "query($cursor: String) { tasks(after: $cursor) { nodes { id } } }";
    let answer = app.admin.run_with(query, json!({ "cursor": cursor })).await;
    assert_eq!(answer.problems(), ["after INVALID_FORMAT"]);
    let cut = &cursor[..cursor.len() - 2];
    let longer = format!("{cursor}AAAA");
    for garbage in [
        "",
        " ",
        "x",
        "0",
        "null",
        "Mjow",
        "ééé",
        "\u{0}",
        "====",
        cut,
        longer.as_str(),
        "Mjo6Og",
        "MjowOjA6OTk5OTk5OTk5OTk5OTk5OTk5OTk5OQ",
    ] {
        let answer = page(made, garbage).await;
        assert_eq!(answer.problems(), ["after INVALID_FORMAT"], "{garbage:?}");
    }
}
