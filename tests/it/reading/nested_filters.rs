//! Nested filters (`and`, `or`, `not`, related objects): meaning, visibility and limits.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use super::{filters::four_annotations, ids};
use crate::support::{Client, TestApp};

async fn matches(client: &Client, list: &str, filter: &Value) -> String {
    let ty = format!(
        "{}Filter",
        list[..1].to_uppercase() + &list[1..list.len() - 1]
    );
    let query = format!(
        "query($filter: {ty}) {{ {list}(filter: $filter) {{ totalCount nodes {{ id }} }} }}"
    );
    let answer = client.run_with(&query, json!({ "filter": filter })).await;
    let list = &answer.data()[list];
    assert_eq!(list["totalCount"], ids(list).len(), "{filter}");
    ids(list).join(" ")
}

#[each_database]
async fn filters_combine(app: TestApp) {
    four_annotations(&app).await;
    let one = json!({ "id": { "eq": 1 } });
    let two = json!({ "id": { "eq": 2 } });
    for (filter, expected) in [
        (json!({ "or": [one, two] }), "1 2"),
        (json!({ "and": [one, two] }), ""),
        (json!({ "and": [one, { "taskId": { "eq": 1 } }] }), "1"),
        (json!({ "not": one }), "2 3 4"),
        (json!({ "not": { "not": one } }), "1"),
        (json!({ "not": { "or": [one, two] } }), "3 4"),
        (json!({ "not": { "and": [one, two] } }), "1 2 3 4"),
        (json!({ "or": [one, two], "not": one }), "2"),
        (json!({ "or": [one, two], "wasCancelled": true }), "2"),
        (
            json!({ "or": [{ "and": [one, two] }, { "not": { "projectId": { "eq": 1 } } }] }),
            "4",
        ),
        // Of none.
        (json!({ "and": [] }), "1 2 3 4"),
        (json!({ "or": [] }), ""),
        (json!({ "not": { "or": [] } }), "1 2 3 4"),
        (json!({ "not": { "and": [] } }), ""),
        (json!({ "not": {} }), ""),
        (json!({ "or": [{}, one] }), "1 2 3 4"),
        (json!({ "and": null, "or": null, "not": null }), "1 2 3 4"),
        // Annotation 3 has no lead time, and 2 and 4 came from nowhere or elsewhere.
        (json!({ "leadTime": { "gte": 1.5 } }), "1 2"),
        (json!({ "not": { "leadTime": { "gte": 1.5 } } }), "3 4"),
        (json!({ "not": { "leadTime": { "lt": 1.5 } } }), "1 2 3"),
        (json!({ "leadTime": { "gte": -1 } }), "1 2 4"),
        (json!({ "leadTime": {} }), "1 2 3 4"),
        (json!({ "not": { "importId": { "eq": 100 } } }), "2 3 4"),
        (json!({ "not": { "importId": { "in": [] } } }), "1 2 3 4"),
        (
            json!({ "not": { "not": { "importId": { "eq": 100 } } } }),
            "1",
        ),
        (
            json!({ "or": [{ "not": { "importId": { "eq": 100 } } }, one] }),
            "1 2 3 4",
        ),
        (json!({ "not": { "id": { "eq": "x" } } }), "1 2 3 4"),
        // Regions: each has one, whose type is not known.
        (json!({ "regionCount": { "gte": 1 } }), "1 2 3 4"),
        (json!({ "regionCount": { "gt": 1 } }), ""),
        (json!({ "regionCount": { "lt": 1 } }), ""),
        (json!({ "regionCount": { "lte": 1, "gt": 0 } }), "1 2 3 4"),
        (json!({ "hasRegionType": { "eq": "OTHER" } }), "1 2 3 4"),
        (json!({ "projectId": { "in": [1, 2] } }), "1 2 3 4"),
        (
            json!({ "projectId": { "in": [2, 7] }, "wasCancelled": false }),
            "4",
        ),
        (json!({ "projectId": { "in": [] } }), ""),
        (json!({ "wasCancelled": true }), "2"),
        (json!({ "not": { "wasCancelled": true } }), "1 3 4"),
    ] {
        assert_eq!(
            matches(&app.admin, "annotations", &filter).await,
            expected,
            "{filter}"
        );
    }
    for (list, filter, expected) in [
        (
            "tasks",
            json!({ "or": [{ "id": { "eq": 1 } }, { "projectId": { "eq": 2 } }] }),
            "1 3",
        ),
        ("tasks", json!({ "not": { "id": { "eq": 1 } } }), "2 3"),
        (
            "tasks",
            json!({ "and": [{ "id": { "in": [1, 2] } }, { "not": { "id": { "eq": 1 } } }] }),
            "2",
        ),
        ("tasks", json!({ "or": [] }), ""),
        (
            "projects",
            json!({ "or": [{ "title": { "contains": "car" } }, { "id": { "eq": 9 } }] }),
            "1 2",
        ),
        (
            "projects",
            json!({ "not": { "id": { "eq": 1 } }, "and": [{ "title": { "eq": "Cars" } }] }),
            "2",
        ),
        (
            "users",
            json!({ "not": { "username": { "eq": "admin" } } }),
            "2",
        ),
        (
            "users",
            json!({ "or": [{ "username": { "eq": "admin" } }, { "id": { "eq": 2 } }] }),
            "1 2",
        ),
    ] {
        assert_eq!(
            matches(&app.admin, list, &filter).await,
            expected,
            "{list} {filter}"
        );
    }
}

#[each_database]
async fn lists_below_tasks_and_projects_combine_too(app: TestApp) {
    four_annotations(&app).await;
    let answer = app
            .admin
            .run(
                "{ projects(first: 5) { nodes {
                 annotations(filter: { or: [{ wasCancelled: true }, { groundTruth: true }, { not: { leadTime: { gt: 0 } } }] }) { totalCount nodes { id } }
                 tasks(first: 5, filter: { not: { id: { eq: 2 } } }) { totalCount nodes { id annotations(filter: { not: { id: { eq: 1 } } }) { totalCount nodes { id } } } }
               } } }",
            )
            .await;
    let list = |ids: &[&str]| {
        let nodes: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        json!({ "totalCount": ids.len(), "nodes": nodes })
    };
    let expected = json!([
        { "annotations": list(&["2", "3"]), "tasks": { "totalCount": 1, "nodes": [{ "id": "1", "annotations": list(&["2"]) }] } },
        { "annotations": list(&["4"]), "tasks": { "totalCount": 1, "nodes": [{ "id": "3", "annotations": list(&["4"]) }] } },
    ]);
    assert_eq!(answer.data()["projects"]["nodes"], expected);
}

#[each_database]
async fn people_out_of_sight_are_nobody(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let gone = app.member(&project, "gone", Role::Annotator).await;
    let ann = app.member(&project, "ann", Role::Reviewer).await;
    let theirs = app.annotation(&gone, &task, json!({})).await;
    let own = app.annotation(&ann, &task, json!({})).await;
    // A stranger that ann never met, and somebody whom nobody is.
    let stranger = app.stranger("stranger").await.user_id;
    let remove = format!(
        "mutation {{ removeProjectMember(projectId: {project}, userId: {}) {{ role }} }}",
        gone.user_id
    );
    app.admin.run(&remove).await.ok();
    let both = format!("{theirs} {own}");
    for hidden in [&gone.user_id, &stranger, &"999".to_owned()] {
        for field in ["completedById", "updatedById"] {
            let eq = json!({ field: { "eq": hidden } });
            let seen = json!({ field: { "in": [hidden, ann.user_id] } });
            for (filter, expected) in [
                (eq.clone(), ""),
                (seen.clone(), &own),
                (json!({ "not": eq }), &both),
                (json!({ "not": seen }), &theirs),
                (json!({ "not": { "not": eq } }), ""),
                (json!({ "or": [eq, { "id": { "eq": own } }] }), &own),
                (
                    json!({ "and": [{ "not": eq }, { "not": { "id": { "eq": own } } }] }),
                    &theirs,
                ),
            ] {
                assert_eq!(
                    matches(&ann, "annotations", &filter).await,
                    *expected,
                    "{filter}"
                );
            }
        }
    }
    let eq = json!({ "completedById": { "eq": gone.user_id } });
    assert_eq!(matches(&app.admin, "annotations", &eq).await, theirs);
    assert_eq!(
        matches(&app.admin, "annotations", &json!({ "not": eq })).await,
        own
    );
}

/// A filter within so many others.
fn within(levels: usize, key: &str, inner: Value) -> Value {
    (0..levels).fold(inner, |inner, _| match key {
        "not" => json!({ "not": inner }),
        key => json!({ key: [inner] }),
    })
}

async fn problems(app: &TestApp, list: &str, ty: &str, filter: &Value) -> Vec<String> {
    let query =
        format!("query($f: {ty}, $n: Int) {{ {list}(filter: $f, first: $n) {{ totalCount }} }}");
    let variables = app.admin.run_with(&query, json!({ "f": filter })).await;
    let problems = match variables.json.get("errors") {
        None => vec![],
        Some(_) => variables.problems(),
    };
    let literal = format!("{{ {list}(filter: {}) {{ totalCount }} }}", graphql(filter));
    // Documents are bounded, too.
    if literal.len() < 10_000 {
        let literal = app.admin.run(&literal).await;
        if problems.is_empty() {
            literal.ok();
        } else {
            assert_eq!(literal.problems(), problems, "{filter}");
        }
    }
    problems
}

/// A literal.
fn graphql(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{key}: {}", graphql(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(graphql).collect::<Vec<_>>().join(", ")
            )
        }
        other => other.to_string(),
    }
}

#[each_database]
async fn filters_have_a_size(app: TestApp) {
    let one = || json!({ "id": { "eq": 1 } });
    for (list, ty) in [
        ("annotations", "AnnotationFilter"),
        ("tasks", "TaskFilter"),
        ("projects", "ProjectFilter"),
        ("users", "UserFilter"),
    ] {
        for key in ["not", "and", "or"] {
            assert!(
                problems(&app, list, ty, &within(9, key, one()))
                    .await
                    .is_empty()
            );
            let step = if key == "not" {
                ".not"
            } else {
                &format!(".{key}.0")
            };
            let expected = format!("filter{} TOO_DEEP", step.repeat(10));
            let found = problems(&app, list, ty, &within(10, key, one())).await;
            assert_eq!(found, [expected.as_str()], "{key}");
            // However deep: as deep as JSON and documents go.
            let levels = if key == "not" { 60 } else { 30 };
            let found = problems(&app, list, ty, &within(levels, key, one())).await;
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].ends_with(" TOO_DEEP"), "{found:?}");
        }
        let many = |count| json!({ "or": vec![one(); count] });
        assert!(problems(&app, list, ty, &many(99)).await.is_empty());
        assert_eq!(
            problems(&app, list, ty, &many(100)).await,
            ["filter TOO_LONG"]
        );
        let long = |items: usize| json!({ "id": { "in": vec![1; items] } });
        assert_eq!(
            problems(&app, list, ty, &json!({ "or": [one(), long(1001)] })).await,
            ["filter.or.1.id.in TOO_LONG"]
        );
        let whole = |count| json!({ "not": { "and": vec![long(1000); count] } });
        assert!(problems(&app, list, ty, &whole(10)).await.is_empty());
        assert_eq!(
            problems(&app, list, ty, &whole(11)).await,
            ["filter TOO_LONG"]
        );
    }
    // All problems at once, with those of the page.
    let query = "query($f: AnnotationFilter, $n: Int) { annotations(filter: $f, first: $n) { totalCount } }";
    let filter = json!({ "or": vec![within(9, "not", one()); 12] });
    let answer = app
        .admin
        .run_with(query, json!({ "f": filter, "n": 101 }))
        .await;
    let mut expected: Vec<String> = (0..12)
        .map(|index| format!("filter.or.{index}{} TOO_DEEP", ".not".repeat(9)))
        .collect();
    expected.extend(["filter TOO_LONG", "first OUT_OF_BOUNDS"].map(str::to_owned));
    assert_eq!(answer.problems(), expected);
    // Variables within literals are no way around.
    let query = format!(
        "query($f: AnnotationFilter) {{ annotations(filter: {}) {{ totalCount }} }}",
        within(8, "not", json!("$f")).to_string().replace('"', "")
    );
    let answer = app
        .admin
        .run_with(&query, json!({ "f": within(8, "not", one()) }))
        .await;
    assert_eq!(
        answer.problems(),
        [format!("filter{} TOO_DEEP", ".not".repeat(10))]
    );
    app.admin
        .run_with(&query, json!({ "f": { "not": {} } }))
        .await
        .ok();
}

#[each_database]
async fn the_largest_filters_are_answered(app: TestApp) {
    four_annotations(&app).await;
    let ann = app.stranger("zoe").await;
    let add = format!(
        "mutation {{ a: addProjectMember(projectId: 1, userId: {0}, role: VIEWER) {{ role }} b: addProjectMember(projectId: 2, userId: {0}, role: VIEWER) {{ role }} }}",
        ann.user_id
    );
    app.admin.run(&add).await.ok();
    let labels: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    let list = json!({ "in": labels });
    let leaf = json!({
        "id": list, "taskId": list, "projectId": list, "completedById": list, "updatedById": list,
        "importId": list, "hasLabel": list, "lastAction": { "in": ["SUBMITTED"] }, "leadTime": { "gte": 0 },
    });
    let bare = json!({ "hasLabel": { "eq": "x" }, "hasRegionType": { "eq": "OTHER" }, "leadTime": { "gte": 0, "gt": 0, "lte": 9, "lt": 9 } });
    let deep = json!({ "or": [{ "not": leaf }, { "and": vec![bare; 90] }] });
    for client in [&app.admin, &ann] {
        assert_eq!(matches(client, "annotations", &deep).await, "1 2 3 4");
        let query = "query($f: AnnotationFilter) { projects(first: 5) { nodes { tasks(first: 5) { nodes { annotations(filter: $f) { totalCount nodes { id } } } } annotations(filter: $f) { totalCount nodes { id } } } } }";
        let answer = client.run_with(query, json!({ "f": deep })).await;
        assert_eq!(
            ids(&answer.data()["projects"]["nodes"][0]["annotations"]).join(" "),
            "1 2 3"
        );
    }
}

#[each_database]
async fn lists_are_counted_only_when_asked(app: TestApp) {
    four_annotations(&app).await;
    let ann = app.stranger("zoe").await;
    let add = format!(
        "mutation {{ addProjectMember(projectId: 1, userId: {}, role: VIEWER) {{ role }} }}",
        ann.user_id
    );
    app.admin.run(&add).await.ok();
    for filter in [
        "{}",
        "{ hasLabel: { eq: \"x\" } }",
        "{ not: { regionCount: { gt: 3 } } }",
    ] {
        for list in [
            "annotations(filter: #)",
            "project(id: 1) { annotations(filter: #)",
            "task(id: 1) { annotations(filter: #)",
        ] {
            let query = |total: &str| {
                let close = if list.contains('{') { "}" } else { "" };
                format!(
                    "{{ {} {{ {total} nodes {{ id }} pageInfo {{ hasNextPage }} }} {close} }}",
                    list.replace('#', filter)
                )
            };
            for client in [&app.admin, &ann] {
                let (with, answer) = app.statements(client.run(&query("totalCount"))).await;
                answer.ok();
                let (without, _) = app.statements(client.run(&query(""))).await;
                assert_eq!(with, without + 1, "{list} {filter}");
            }
        }
    }
}
