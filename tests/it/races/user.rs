//! Deletion of users during writes that name them.

use std::collections::HashMap;

use annograph::domain::token;
use each_database::{each_database, postgres_only};
use entity::{api_token, project_member::Role, user};
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, TransactionTrait,
    sea_query::LockType,
};

use super::{MANY, at_once, codes};
use crate::support::TestApp;

#[postgres_only]
async fn users_come_and_go_while_others_write_in_the_name_of_an_admin(app: TestApp) {
    // SQLite has one writer.
    let (project, task) = app.project_with_task().await;
    let ann = app.member(&project, "ann", Role::Annotator).await;
    app.annotation(&ann, &task, serde_json::json!({})).await;
    // What a reference to the admin takes, until whoever writes it is done.
    let writing = app.app.db.writer().begin().await.unwrap();
    let admin: i64 = app.admin.user_id.parse().unwrap();
    let named = user::Entity::find().filter(user::Column::Id.eq(admin));
    let named = named.lock(LockType::KeyShare).one(&writing).await.unwrap();
    assert!(named.is_some());
    for change in [
        format!("updateUser(id: {}, input: {{ role: ADMIN }})", ann.user_id),
        format!("deleteUser(id: {})", ann.user_id),
    ] {
        let document = format!("mutation {{ {change} {{ id }} }}");
        app.admin.run(&document).await.ok();
    }
    writing.commit().await.unwrap();
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_deleted_is_no_member(app: TestApp) {
    let ann = app.stranger("ann").await.user_id;
    let mut projects = vec![];
    for _ in 0..4 {
        projects.push(app.project_with_task().await.0);
    }
    let answers = at_once((0..MANY).map(|number| {
            let (by, project, ann) = (app.admin.clone(), projects[number % 4].clone(), ann.clone());
            async move {
                let document = match number {
                    32 => format!("mutation {{ deleteUser(id: {ann}) {{ id }} }}"),
                    _ => format!(
                        "mutation {{ addProjectMember(projectId: {project}, userId: {ann}, role: ANNOTATOR) {{ role }} }}"
                    ),
                };
                by.run(&document).await
            }
        }))
        .await;
    answers[32].data();
    let outcomes = codes(&answers);
    let unknown = outcomes.get("BAD_USER_INPUT").copied().unwrap_or(0);
    assert_eq!(outcomes["ok"] + unknown, MANY, "{outcomes:?}");
    let list = "{ projects { nodes { members { user { username } } } } }";
    let left = app.admin.run(list).await;
    assert!(!left.ok().text.contains("ann"));
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_that_are_made_at_once_keep_to_their_bound(app: TestApp) {
    let admin = user::Entity::find_by_id(1).one(app.app.db.writer()).await;
    let admin = admin.unwrap().unwrap();
    // 69 tokens beside the token of the admin's client.
    for _ in 0..69 {
        token::create(&app.app, &admin, "", None).await.unwrap();
    }
    let answers = at_once((0..MANY).map(|_| {
        let by = app.admin.clone();
        async move { by.run("mutation { createToken(input: {}) { text } }").await }
    }))
    .await;
    let expected = HashMap::from([
        ("ok".to_owned(), 30),
        ("BAD_USER_INPUT".to_owned(), MANY - 30),
    ]);
    assert_eq!(codes(&answers), expected);
    let tokens = api_token::Entity::find().count(app.app.db.writer()).await;
    assert_eq!(tokens.unwrap(), 100);
}
