//! Caseless search of texts, and filters by users that the caller can't see.

use casefold::fold;
use each_database::each_database;
use entity::{annotation, project, project_member::Role, task, user};
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    EntityTrait,
};
use serde_json::{Value, json};

use super::{ids, set};
use crate::{
    import::import_text,
    support::{Client, TestApp},
};

async fn found(client: &Client, list: &str, filter: &Value) -> String {
    let kind = match list {
        "users" => "UserFilter",
        "tasks" => "TaskFilter",
        _ => "ProjectFilter",
    };
    let query = format!(
        "query($filter: {kind}) {{ {list}(filter: $filter) {{ totalCount nodes {{ id }} }} }}"
    );
    let answer = client.run_with(&query, json!({ "filter": filter })).await;
    let list = &answer.data()[list];
    assert_eq!(list["totalCount"], ids(list).len(), "{filter}");
    ids(list).join(" ")
}

/// Every folded copy is that of its text.
async fn check_copies(app: &TestApp) {
    let db = app.app.db.writer();
    for row in project::Entity::find().all(db).await.unwrap() {
        assert_eq!(row.title_folded, fold(&row.title));
    }
    for row in user::Entity::find().all(db).await.unwrap() {
        assert_eq!(row.username_folded, fold(&row.username));
        assert_eq!(row.display_name_folded, fold(&row.display_name));
    }
}

async fn people(app: &TestApp) {
    for (username, display_name, email) in [
        ("Jürgen", "Jürgen Groß", "Juergen@Example.com"),
        ("ΣΟΦΙΑ", "Σοφίας", "sofia@example.com"),
        ("ilker", "İlker IŞIK", "ilker@example.com"),
    ] {
        let create = "mutation($input: CreateUserInput!) { createUser(input: $input) { id } }";
        let input = json!({ "username": username, "displayName": display_name, "email": email });
        app.admin
            .run_with(create, json!({ "input": input }))
            .await
            .ok();
    }
}

#[each_database]
async fn case_does_not_count_beyond_ascii_either(app: TestApp) {
    people(&app).await;
    for (filter, expected) in [
        (json!({ "username": { "contains": "JÜR" } }), "2"),
        (json!({ "username": { "contains": "ju\u{308}r" } }), "2"),
        (json!({ "username": { "contains": "jur" } }), ""),
        (json!({ "username": { "contains": "σοφια" } }), "3"),
        (json!({ "username": { "eq": "jürgen" } }), ""),
        (json!({ "displayName": { "contains": "GROSS" } }), "2"),
        (json!({ "displayName": { "contains": "groß" } }), "2"),
        (json!({ "displayName": { "contains": "ΟΦΊΑΣ" } }), "3"),
        (
            json!({ "displayName": { "contains": "i\u{307}LKER" } }),
            "4",
        ),
        (json!({ "displayName": { "contains": "işik" } }), "4"),
        (json!({ "displayName": { "contains": "ışık" } }), ""),
        (json!({ "displayName": { "eq": "Jürgen Groß" } }), "2"),
        (json!({ "displayName": { "in": ["Σοφίας", ""] } }), "1 3"),
        (json!({ "email": { "eq": "JUERGEN@example.COM" } }), "2"),
        (
            json!({ "email": { "in": ["sofia@example.com", "x", "\u{0}"] } }),
            "3",
        ),
        (json!({ "role": { "eq": "ADMIN" } }), "1"),
        (json!({ "role": { "in": ["MEMBER"] } }), "2 3 4"),
        (json!({ "canSignIn": false }), ""),
        (
            json!({ "createdAt": { "gt": "2024-01-01T00:00:00Z" }, "role": { "eq": "ADMIN" } }),
            "1",
        ),
    ] {
        assert_eq!(
            found(&app.admin, "users", &filter).await,
            expected,
            "{filter}"
        );
    }
    let rename =
        r#"mutation { updateUser(id: 2, input: { username: "ÖZ", displayName: "ÉTÉ" }) { id } }"#;
    app.admin.run(rename).await.ok();
    assert_eq!(
        found(
            &app.admin,
            "users",
            &json!({ "username": { "contains": "öz" } })
        )
        .await,
        "2"
    );
    assert_eq!(
        found(
            &app.admin,
            "users",
            &json!({ "displayName": { "contains": "te\u{301}" } })
        )
        .await,
        "2"
    );
    assert_eq!(
        found(
            &app.admin,
            "users",
            &json!({ "username": { "contains": "jür" } })
        )
        .await,
        ""
    );
    let create = r#"mutation { createProject(input: { title: "STRASSEN" }) { id } }"#;
    app.admin.run(create).await.ok();
    assert_eq!(
        found(
            &app.admin,
            "projects",
            &json!({ "title": { "contains": "straße" } })
        )
        .await,
        "1"
    );
    let change = r#"mutation { updateProject(id: 1, input: { title: "Größe" }) { id } }"#;
    app.admin.run(change).await.ok();
    assert_eq!(
        found(
            &app.admin,
            "projects",
            &json!({ "title": { "contains": "straße" } })
        )
        .await,
        ""
    );
    assert_eq!(
        found(
            &app.admin,
            "projects",
            &json!({ "title": { "contains": "GRÖSS" } })
        )
        .await,
        "1"
    );
    let by = json!({ "id": 9, "first_name": "ÅSA", "last_name": "Ö" });
    let file = json!([{ "data": {}, "annotations": [{ "result": [], "completed_by": by }] }]);
    import_text(&app.app, file.to_string()).await.unwrap();
    assert_eq!(
        found(
            &app.admin,
            "users",
            &json!({ "displayName": { "contains": "åsa ö" } })
        )
        .await,
        "5"
    );
    check_copies(&app).await;
}

#[each_database]
async fn texts_of_before_are_folded(app: TestApp) {
    let db = app.app.db.writer();
    people(&app).await;
    for title in ["ÄRGER", "cars"] {
        let create = "mutation($title: String!) { createProject(input: { title: $title }) { id } }";
        app.admin
            .run_with(create, json!({ "title": title }))
            .await
            .ok();
    }
    let all = Migrator::migrations();
    let own = |name: &str| name == "m20261127_000040_fold_names";
    let first = all.iter().position(|step| own(step.name())).unwrap();
    let steps = u32::try_from(all.len() - first).unwrap();
    Migrator::down(db, Some(steps)).await.unwrap();
    Migrator::up(db, None).await.unwrap();
    check_copies(&app).await;
    assert_eq!(
        found(
            &app.admin,
            "projects",
            &json!({ "title": { "contains": "ärg" } })
        )
        .await,
        "1"
    );
}

#[each_database]
async fn a_part_that_is_too_long_is_refused_with_its_path(app: TestApp) {
    let long = "ä".repeat(1_001);
    for (list, kind, field) in [
        ("users", "UserFilter", "username"),
        ("users", "UserFilter", "displayName"),
        ("projects", "ProjectFilter", "title"),
    ] {
        let query =
            format!("query($filter: {kind}) {{ {list}(filter: $filter) {{ nodes {{ id }} }} }}");
        let filter = json!({ "or": [{ field: { "contains": long } }] });
        let answer = app
            .admin
            .run_with(&query, json!({ "filter": filter }))
            .await;
        let problem = &answer.json["errors"][0]["extensions"]["problems"][0];
        assert_eq!(
            problem["path"],
            json!(["filter", "or", 0, field, "contains"]),
            "{}",
            answer.text
        );
        assert_eq!(problem["code"], "TOO_LONG");
        let filter = json!({ field: { "contains": "ä".repeat(1_000) } });
        let answer = app
            .admin
            .run_with(&query, json!({ "filter": filter }))
            .await;
        assert_eq!(answer.data()[list]["nodes"], json!([]));
    }
}

#[each_database]
async fn filters_tell_nothing_of_hidden_people(app: TestApp) {
    let (project, _) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    app.stranger("eve").await;
    let remove = "mutation { removeProjectMember(projectId: 1, userId: 1) { role } }";
    app.admin.run(remove).await.ok();
    let by = task::ActiveModel {
        id: Unchanged(1),
        updated_by_id: Set(Some(3)),
        ..Default::default()
    };
    by.update(app.app.db.writer()).await.unwrap();
    let email = user::ActiveModel {
        id: Unchanged(1),
        email: Set(Some("admin@example.com".to_owned())),
        ..Default::default()
    };
    email.update(app.app.db.writer()).await.unwrap();
    for (list, filter, own, all) in [
        ("tasks", json!({ "updatedById": { "eq": 3 } }), "", "1"),
        ("tasks", json!({ "updatedById": { "in": [2, 3] } }), "", "1"),
        (
            "tasks",
            json!({ "not": { "updatedById": { "eq": 3 } } }),
            "1",
            "",
        ),
        ("projects", json!({ "createdById": { "eq": 1 } }), "", "1"),
        (
            "projects",
            json!({ "not": { "createdById": { "eq": 1 } } }),
            "1",
            "",
        ),
        (
            "users",
            json!({ "username": { "contains": "eve" } }),
            "",
            "3",
        ),
        (
            "users",
            json!({ "email": { "eq": "admin@example.com" } }),
            "",
            "1",
        ),
    ] {
        assert_eq!(found(&ann, list, &filter).await, own, "{filter}");
        assert_eq!(found(&app.admin, list, &filter).await, all, "{filter}");
    }
    // A parent in a project that the viewer does not see.
    let (_, hidden) = app.project_with_task().await;
    let parent = app.annotation(&app.admin, &hidden, json!({})).await;
    let child = app.annotation(&ann, "1", json!({})).await;
    let columns = annotation::ActiveModel {
        parent_annotation_id: Set(Some(parent.parse().unwrap())),
        ..Default::default()
    };
    set(&app, &child, columns).await;
    let query = format!(
        "{{ annotations(filter: {{ parentAnnotationId: {{ eq: {parent} }} }}) {{ totalCount }} }}"
    );
    assert_eq!(ann.run(&query).await.data()["annotations"]["totalCount"], 0);
    assert_eq!(
        app.admin.run(&query).await.data()["annotations"]["totalCount"],
        1
    );
    // Of companions the address is as hidden as in their field; the own one is not.
    let add = "mutation { addProjectMember(projectId: 1, userId: 1, role: VIEWER) { role } }";
    app.admin.run(add).await.ok();
    let filter = json!({ "email": { "eq": "admin@example.com" } });
    assert_eq!(found(&ann, "users", &filter).await, "");
    assert_eq!(found(&ann, "users", &json!({ "not": filter })).await, "1 2");
    let own = r#"mutation { updateUser(id: 2, input: { email: "ann@example.com" }) { id } }"#;
    app.admin.run(own).await.ok();
    assert_eq!(
        found(
            &ann,
            "users",
            &json!({ "email": { "in": "ANN@example.com" } })
        )
        .await,
        "2"
    );
}
