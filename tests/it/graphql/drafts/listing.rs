//! Lists of drafts: each user's own.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use super::saved;
use crate::support::{Client, TestApp};

async fn ids(by: &Client, arguments: &str) -> Value {
    let arguments = match arguments {
        "" => String::new(),
        some => format!("({some})"),
    };
    let query = format!(
        "{{ drafts{arguments} {{ totalCount nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let answer = by.run(&query).await;
    let list = &answer.data()["drafts"];
    let ids: Vec<&Value> = list["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| &node["id"])
        .collect();
    json!([ids, list["totalCount"], list["pageInfo"]["hasNextPage"]])
}

#[each_database]
async fn everybody_lists_their_own(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let (other_project, other) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    let id = app.annotation(&ann, &task, json!({})).await;
    let mut own = Vec::new();
    for of in [
        json!({ "taskId": task }),
        json!({ "annotationId": id }),
        json!({ "taskId": other }),
    ] {
        let mut input = of;
        input["result"] = json!([]);
        own.push(saved(&app.admin, input).await);
    }
    let anns = saved(&ann, json!({ "taskId": task, "result": [] })).await;
    assert_eq!(ids(&ann, "").await, json!([[anns], 1, false]));
    assert_eq!(ids(&app.admin, "").await, json!([own, 3, false]));
    for (filter, which) in [
        (format!("taskId: {{ eq: {task} }}"), vec![0, 1]),
        (format!("annotationId: {{ in: [{id}, 99] }}"), vec![1]),
        (format!("projectId: {{ eq: {other_project} }}"), vec![2]),
        ("hasAnnotation: true".to_owned(), vec![1]),
        ("hasAnnotation: false".to_owned(), vec![0, 2]),
        (format!("id: {{ eq: {anns} }}"), vec![]),
        (
            "updatedAt: { lt: \"2000-01-01T00:00:00Z\" }".to_owned(),
            vec![],
        ),
    ] {
        let expected: Vec<&String> = which.iter().map(|at| &own[*at]).collect();
        let found = ids(&app.admin, &format!("filter: {{ {filter} }}")).await;
        assert_eq!(found, json!([expected, which.len(), false]), "{filter}");
    }
    assert_eq!(
        ids(&app.admin, "first: 2").await,
        json!([own[..2], 3, true])
    );
    assert_eq!(ids(&app.admin, "last: 1").await[0], json!([own[2]]));
    let page = "{ drafts(first: 1) { edges { cursor node { id result } } } }";
    let answer = app.admin.run(page).await;
    let cursor = &answer.data()["drafts"]["edges"][0]["cursor"];
    assert_eq!(
        ids(&app.admin, &format!("first: 1, after: {cursor}")).await[0],
        json!([own[1]])
    );

    // By id, managers see drafts of others, too.
    let one = async |by: &Client, id: &str| {
        let query = format!("{{ draft(id: {id}) {{ id }} }}");
        by.run(&query).await.data()["draft"]["id"].clone()
    };
    assert_eq!(one(&ann, &anns).await, json!(anns));
    assert_eq!(one(&app.admin, &anns).await, json!(anns));
    assert_eq!(one(&ann, &own[0]).await, Value::Null);
    assert_eq!(one(&ann, "99").await, Value::Null);
    // Who left the project has nothing there any more.
    let remove = "mutation($id: ID!, $user: ID!) { removeProjectMember(projectId: $id, userId: $user) { role } }";
    app.admin
        .run_with(remove, json!({ "id": project, "user": ann.user_id }))
        .await
        .ok();
    assert_eq!(ids(&ann, "").await, json!([[], 0, false]));
    assert_eq!(one(&ann, &anns).await, Value::Null);
}
