//! Pages beyond the budget of a response: cut when `pageInfo` is selected, refused otherwise.

use each_database::each_database;
use serde_json::{Value, json};

use super::{bounded, result, too_large};
use crate::support::TestApp;

/// Ten annotations of one task, each of which takes a third of an answer.
async fn ten(app: &TestApp) {
    app.project_with_task().await;
    for _ in 0..10 {
        app.annotation(&app.admin, "1", json!({ "result": result(30_000) }))
            .await;
    }
}

fn ids(page: &Value) -> Vec<String> {
    let nodes = page["nodes"].as_array().unwrap().iter();
    nodes
        .map(|node| {
            assert_eq!(node["result"], result(30_000));
            node["id"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[each_database]
async fn a_page_is_refused_as_a_whole_unless_the_answer_tells_of_more(app: TestApp) {
    ten(&app).await;
    let client = bounded(&app);
    for info in [
        "",
        "pageInfo { endCursor }",
        "pageInfo { hasPreviousPage }",
        "totalCount",
    ] {
        let query = format!("{{ annotations {{ nodes {{ id result }} {info} }} }}");
        let answer = client.run(&query).await;
        assert_eq!(answer.error()["extensions"], too_large(), "{info}");
        assert_eq!(answer.error()["path"], json!(["annotations"]));
        assert_eq!(answer.json["data"], json!({ "annotations": null }));
    }
}

#[each_database]
async fn pages_that_are_cut_lead_through_the_whole_list(app: TestApp) {
    ten(&app).await;
    let client = bounded(&app);
    for (list, path) in [
        ("annotations(ARGUMENTS) { FIELDS }", "/annotations"),
        (
            "task(id: 1) { annotations(ARGUMENTS) { FIELDS } }",
            "/task/annotations",
        ),
        (
            "project(id: 1) { annotations(ARGUMENTS) { FIELDS } }",
            "/project/annotations",
        ),
    ] {
        for (size, behind, more, cursor) in [
            ("first", "after", "hasNextPage", "endCursor"),
            ("last", "before", "hasPreviousPage", "startCursor"),
        ] {
            let mut all = Vec::new();
            let mut from = Value::Null;
            loop {
                let arguments = format!("{size}: 10, {behind}: $from");
                let fields = format!("nodes {{ id result }} pageInfo {{ {more} {cursor} }}");
                let list = list
                    .replace("ARGUMENTS", &arguments)
                    .replace("FIELDS", &fields);
                let query = format!("query($from: String) {{ {list} }}");
                let answer = client.run_with(&query, json!({ "from": from })).await;
                let page = answer.data().pointer(path).unwrap().clone();
                let found = ids(&page);
                assert!((1..10).contains(&found.len()), "{query}");
                match size {
                    "first" => all.extend(found),
                    _ => {
                        all.splice(0..0, found);
                    }
                }
                from = page["pageInfo"][cursor].clone();
                if page["pageInfo"][more] == false {
                    break;
                }
            }
            let expected: Vec<String> = (1..=10).map(|id| id.to_string()).collect();
            assert_eq!(all, expected, "{list} {size}");
        }
    }
}

#[each_database]
async fn pages_of_several_parents_are_cut_alike(app: TestApp) {
    app.project_with_task().await;
    app.task("1").await;
    for task in ["1", "1", "1", "2", "2", "2"] {
        app.annotation(&app.admin, task, json!({ "result": result(18_000) }))
            .await;
    }
    let query = "{ tasks { nodes { annotations { nodes { id } pageInfo { hasNextPage } r: nodes { result } } } } }";
    let answer = bounded(&app).run(query).await;
    let tasks = answer.data()["tasks"]["nodes"].as_array().unwrap();
    let lengths = tasks.iter().map(|task| {
        assert_eq!(task["annotations"]["pageInfo"]["hasNextPage"], true);
        task["annotations"]["nodes"].as_array().unwrap().len()
    });
    assert_eq!(lengths.collect::<Vec<_>>(), [2, 2]);
}

#[each_database]
async fn a_page_of_which_not_one_row_fits_is_refused(app: TestApp) {
    app.project_with_task().await;
    app.annotation(&app.admin, "1", json!({ "result": result(150_000) }))
        .await;
    let client = bounded(&app);
    let query = "{ annotations(first: 1) { nodes { result } pageInfo { hasNextPage } } }";
    let answer = client.run(query).await;
    assert_eq!(answer.error()["extensions"], too_large());
    assert_eq!(answer.json["data"], json!({ "annotations": null }));
}

#[each_database]
async fn small_results_come_with_their_rows_and_large_ones_in_one_more_statement(app: TestApp) {
    app.project_with_task().await;
    let query = "{ annotations { nodes { result } } }";
    for _ in 0..5 {
        app.annotation(&app.admin, "1", json!({ "result": result(2_000) }))
            .await;
    }
    let (small, _) = app.statements(app.admin.run(query)).await;
    for _ in 0..5 {
        app.annotation(&app.admin, "1", json!({ "result": result(50_000) }))
            .await;
    }
    let (large, answer) = app.statements(app.admin.run(query)).await;
    assert_eq!(large, small + 1);
    let nodes = answer.data()["annotations"]["nodes"].as_array().unwrap();
    let sizes = nodes
        .iter()
        .map(|node| node["result"][0]["value"]["text"].as_str().unwrap().len());
    assert_eq!(
        sizes.collect::<Vec<_>>(),
        [[2_000; 5], [50_000; 5]].concat()
    );
}
