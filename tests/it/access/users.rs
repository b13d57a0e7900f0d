//! Visibility of users to each other.

use annograph::{domain::user, error::Error};
use each_database::each_database;
use entity::user::Role;
use serde_json::{Value, json};

use super::World;
use crate::support::{Client, TestApp};

async fn usernames(by: &Client) -> Vec<String> {
    let answer = by.run("{ users { totalCount nodes { username } } }").await;
    let users = &answer.data()["users"];
    let nodes = users["nodes"].as_array().unwrap();
    assert_eq!(users["totalCount"], nodes.len());
    nodes
        .iter()
        .map(|user| user["username"].as_str().unwrap().to_owned())
        .collect()
}

#[each_database]
async fn members_see_those_who_share_a_project_with_them(app: TestApp) {
    let world = World::new(&app).await;
    assert_eq!(usernames(&world.sue).await, ["sue"]);
    // The admin created the projects, and so is their first manager.
    let companions = ["admin", "rita", "max", "vic", "ann", "otto"];
    assert_eq!(usernames(&world.vic).await, companions);
    assert_eq!(usernames(&world.max).await, companions);
    let everybody = ["admin", "rita", "max", "sue", "vic", "ann", "otto"];
    assert_eq!(usernames(&app.admin).await, everybody);

    let ask = async |by: &Client, id: &str| -> Value {
        let query = "query($id: ID!, $all: [_Any!]!) {
            user(id: $id) { username } _entities(representations: $all) { ... on User { username } }
            users(filter: { id: { eq: $id } }) { nodes { username } }
        }";
        let all = json!([{ "__typename": "User", "id": id }]);
        by.run_with(query, json!({ "id": id, "all": all }))
            .await
            .data()
            .clone()
    };
    let hidden = json!({ "user": null, "_entities": [null], "users": { "nodes": [] } });
    assert_eq!(ask(&world.max, &world.sue.user_id).await, hidden);
    assert_eq!(ask(&world.sue, "1").await, hidden);
    let sue = json!({ "username": "sue" });
    let shown = json!({ "user": sue, "_entities": [sue], "users": { "nodes": [sue] } });
    assert_eq!(ask(&world.sue, &world.sue.user_id).await, shown);
    assert_eq!(ask(&app.admin, &world.sue.user_id).await, shown);
}

#[each_database]
async fn e_mail_addresses_are_for_their_owners_and_admins(app: TestApp) {
    let world = World::new(&app).await;
    let id = app.annotation(&world.ann, &world.car, json!({})).await;
    let query = "query($id: ID!, $ann: ID!) {
        viewer { email }
        user(id: $ann) { email }
        annotation(id: $id) { completedBy { email } updatedBy { email } createdUsername }
    }";
    for (who, own, anns) in [
        (&world.vic, "vic@example.com", Value::Null),
        (&world.max, "max@example.com", Value::Null),
        (&world.ann, "ann@example.com", json!("ann@example.com")),
        (&app.admin, "admin@example.com", json!("ann@example.com")),
    ] {
        let answer = who
            .run_with(query, json!({ "id": id, "ann": world.ann.user_id }))
            .await;
        assert_eq!(
            answer.data(),
            &json!({
                "viewer": { "email": own }, "user": { "email": anns },
                "annotation": {
                    "completedBy": { "email": anns }, "updatedBy": { "email": anns },
                    "createdUsername": "ann",
                },
            })
        );
    }
    let all = world
        .max
        .run("{ projects { nodes { members { user { email } } } } users { nodes { email } } }")
        .await;
    assert_eq!(all.text.matches('@').count(), 3, "{}", all.text);
    assert_eq!(all.text.matches("max@example.com").count(), 3);
}

#[each_database]
async fn no_name_of_a_user_holds_an_address(app: TestApp) {
    let before = app.dump().await;
    let new = |username: &str, display_name: &str| user::New {
        username: username.to_owned(),
        display_name: display_name.to_owned(),
        email: None,
        role: Role::Member,
    };
    let refused = user::create(&app.app, new("ann@example.com", "ann@example.com")).await;
    let Err(Error::BadInput(problems)) = refused else {
        panic!("expected problems, not {refused:?}");
    };
    let told: Vec<Value> = problems
        .iter()
        .map(|problem| json!([problem.path, problem.code]))
        .collect();
    let expected = [
        json!([["username"], "INVALID_FORMAT"]),
        json!([["displayName"], "INVALID_FORMAT"]),
    ];
    assert_eq!(told, expected);
    assert_eq!(app.dump().await, before);
    let row = user::create(&app.app, new("ann", "Ann Lee")).await.unwrap();
    assert_eq!(row.display_name, "Ann Lee");
}
