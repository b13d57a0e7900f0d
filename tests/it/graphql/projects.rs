//! Project and membership mutations.

use each_database::each_database;
use entity::project_member::Role;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

const PROJECT: &str =
    "id title description labelConfig checkMode taskCount annotationCount viewerRole
    createdBy { id } members { user { id } role project { id } }";

async fn create_project(by: &Client, input: Value) -> Answer {
    let query = format!(
        "mutation($input: CreateProjectInput!) {{ createProject(input: $input) {{ {PROJECT} }} }}"
    );
    by.run_with(&query, json!({ "input": input })).await
}

async fn update_project(by: &Client, id: &str, input: Value) -> Answer {
    let query = format!(
        "mutation($id: ID!, $input: UpdateProjectInput!) {{ updateProject(id: $id, input: $input) {{ {PROJECT} updatedAt }} }}"
    );
    by.run_with(&query, json!({ "id": id, "input": input }))
        .await
}

async fn add_member(by: &Client, project: &str, user: &str, role: &str) -> Answer {
    by.run_with(
        "mutation($project: ID!, $user: ID!, $role: ProjectRole!) {
           addProjectMember(projectId: $project, userId: $user, role: $role) {
             project { id } user { id } role
           }
         }",
        json!({ "project": project, "user": user, "role": role }),
    )
    .await
}

async fn remove_member(by: &Client, project: &str, user: &str) -> Answer {
    by.run_with(
        "mutation($project: ID!, $user: ID!) {
           removeProjectMember(projectId: $project, userId: $user) { user { id } role }
         }",
        json!({ "project": project, "user": user }),
    )
    .await
}

#[each_database]
async fn whoever_creates_a_project_manages_it(app: TestApp) {
    let ann = app.stranger("ann").await;
    let answer = create_project(&ann, json!({ "title": "Cars" })).await;
    let member = json!({ "user": { "id": "2" }, "role": "MANAGER", "project": { "id": "1" } });
    assert_eq!(
        answer.data(),
        &json!({ "createProject": {
                "id": "1", "title": "Cars", "description": "", "labelConfig": "",
                "checkMode": "STANDARD", "taskCount": 0,
                "annotationCount": 0, "viewerRole": "MANAGER", "createdBy": { "id": "2" },
                "members": [member],
            } })
    );
    let whole = json!({ "title": "é".repeat(255), "description": "d",
            "labelConfig": "<View/>", "checkMode": "STRICT" });
    let answer = create_project(&ann, whole.clone()).await;
    for (field, value) in whole.as_object().unwrap() {
        assert_eq!(&answer.data()["createProject"][field], value);
    }
}

#[each_database]
async fn a_project_without_a_fit_title_is_not_created(app: TestApp) {
    let before = app.dump().await;
    for (input, problems) in [
        (json!({}), vec!["input.title REQUIRED"]),
        (
            json!({ "title": null }),
            vec!["input.title NULL_NOT_ALLOWED"],
        ),
        (json!({ "title": 1 }), vec!["input.title WRONG_TYPE"]),
        (
            json!({ "title": " \n" }),
            vec!["input.title INVALID_FORMAT"],
        ),
        (
            json!({ "title": "é".repeat(256) }),
            vec!["input.title TOO_LONG"],
        ),
        (
            json!({ "title": "a\u{0}", "description": "\u{0}", "labelConfig": "x".repeat((1 << 20) + 1) }),
            vec![
                "input.title INVALID_TEXT",
                "input.description INVALID_TEXT",
                "input.labelConfig TOO_LONG",
            ],
        ),
    ] {
        let answer = create_project(&app.admin, input).await;
        assert_eq!(answer.problems(), problems);
        assert_eq!(app.dump().await, before);
    }
}

#[each_database]
async fn a_project_changes_only_where_it_was_told_to(app: TestApp) {
    let whole = json!({ "title": "Cars", "description": "d", "labelConfig": "<View/>" });
    create_project(&app.admin, whole).await.ok();
    let mut last = Value::Null;
    for (field, value) in [
        ("title", "Boats"),
        ("description", ""),
        ("labelConfig", "<View></View>"),
        ("checkMode", "OFF"),
    ] {
        let answer = update_project(&app.admin, "1", json!({ field: value })).await;
        let after = answer.data()["updateProject"].clone();
        assert_eq!(after[field], value);
        assert_ne!(after["updatedAt"], last["updatedAt"]);
        last = after;
    }
    assert_eq!(
        json!([
            last["title"],
            last["description"],
            last["labelConfig"],
            last["checkMode"]
        ]),
        json!(["Boats", "", "<View></View>", "OFF"])
    );
    let before = app.dump().await;
    for input in [
        json!({}),
        json!({ "title": "Boats", "description": "", "checkMode": "OFF" }),
    ] {
        let answer = update_project(&app.admin, "1", input).await;
        assert_eq!(answer.data()["updateProject"], last);
        assert_eq!(app.dump().await, before);
    }
}

#[each_database]
async fn nothing_of_a_project_can_be_cleared(app: TestApp) {
    create_project(&app.admin, json!({ "title": "Cars", "description": "d" }))
        .await
        .ok();
    let before = app.dump().await;
    for (field, kind) in [
        ("title", "String"),
        ("description", "String"),
        ("labelConfig", "String"),
        ("checkMode", "CheckMode"),
    ] {
        let problem = format!("input.{field} NULL_NOT_ALLOWED");
        let answer = update_project(&app.admin, "1", json!({ field: null })).await;
        assert_eq!(answer.problems(), [problem.as_str()]);
        let literal =
            format!("mutation {{ updateProject(id: 1, input: {{ {field}: null }}) {{ id }} }}");
        assert_eq!(app.admin.run(&literal).await.problems(), [problem.as_str()]);
        let variable = format!(
            "mutation($a: {kind}) {{ updateProject(id: 1, input: {{ {field}: $a }}) {{ id }} }}"
        );
        let null = app.admin.run_with(&variable, json!({ "a": null })).await;
        assert_eq!(null.problems(), [problem.as_str()]);
        app.admin.run(&variable).await.ok();
        assert_eq!(app.dump().await, before);
    }
    let wrong =
        json!({ "title": "", "description": null, "labelConfig": "\u{0}", "checkMode": null });
    assert_eq!(
        update_project(&app.admin, "1", wrong).await.problems(),
        [
            "input.title INVALID_FORMAT",
            "input.description NULL_NOT_ALLOWED",
            "input.labelConfig INVALID_TEXT",
            "input.checkMode NULL_NOT_ALLOWED",
        ]
    );
    assert_eq!(
        update_project(&app.admin, "9", json!({})).await.code(),
        "NOT_FOUND"
    );
    assert_eq!(app.dump().await, before);
}

#[each_database]
async fn members_come_change_and_go(app: TestApp) {
    let (project, task) = app.project_with_task().await;
    let ann = app.stranger("ann").await;
    let answer = add_member(&app.admin, &project, &ann.user_id, "VIEWER").await;
    let member = |role: &str| json!({ "project": { "id": project }, "user": { "id": ann.user_id }, "role": role });
    assert_eq!(
        answer.data(),
        &json!({ "addProjectMember": member("VIEWER") })
    );
    let answer = add_member(&app.admin, &project, &ann.user_id, "ANNOTATOR").await;
    assert_eq!(
        answer.data(),
        &json!({ "addProjectMember": member("ANNOTATOR") })
    );
    let id = app.annotation(&ann, &task, json!({})).await;

    let answer = remove_member(&app.admin, &project, &ann.user_id).await;
    assert_eq!(
        answer.data(),
        &json!({ "removeProjectMember": { "user": { "id": ann.user_id }, "role": "ANNOTATOR" } })
    );
    // They are out at once; what they made stays.
    let answer = ann.run("{ projects { nodes { id } } }").await;
    assert_eq!(answer.data(), &json!({ "projects": { "nodes": [] } }));
    let query = "query($id: ID!) { annotation(id: $id) { completedBy { id } } }";
    let answer = app.admin.run_with(query, json!({ "id": id })).await;
    assert_eq!(
        answer.data()["annotation"]["completedBy"]["id"],
        ann.user_id
    );
}

#[each_database]
async fn who_is_nobody_can_not_come_or_go(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let manager = app.member(&project, "max", Role::Manager).await;
    let stranger = app.stranger("sue").await;
    let before = app.dump().await;
    for user in ["99", "abc", "0", "-1"] {
        let answer = add_member(&app.admin, &project, user, "VIEWER").await;
        assert_eq!(answer.problems(), ["userId UNKNOWN_ID"]);
        let answer = remove_member(&app.admin, &project, user).await;
        assert_eq!(answer.problems(), ["userId UNKNOWN_ID"]);
    }
    let answer = remove_member(&app.admin, &project, &stranger.user_id).await;
    assert_eq!(answer.problems(), ["userId UNKNOWN_ID"]);
    let answer = add_member(&manager, &project, &stranger.user_id, "VIEWER").await;
    assert_eq!(answer.problems(), ["userId UNKNOWN_ID"]);
    let answer = add_member(&app.admin, &project, &stranger.user_id, "OWNER").await;
    assert_eq!(answer.problems(), ["role WRONG_TYPE"]);
    assert_eq!(
        add_member(&app.admin, "9", &stranger.user_id, "VIEWER")
            .await
            .code(),
        "NOT_FOUND"
    );
    assert_eq!(app.dump().await, before);
}
