//! Mapping of the people in a file to users.

use std::{collections::BTreeMap, io::Cursor};

use annograph::domain::import::{self, Failure, MatchKind, Summary, Unmapped};
use each_database::each_database;
use entity::{project_member, user};
use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder};
use serde_json::json;

use super::{annotations, import_text, into_new_project};
use crate::support::TestApp;

fn file() -> String {
    json!([
        { "data": {}, "annotations": [
            { "result": [], "completed_by": 1, "updated_by": { "email": "Carol@example.com" } },
            { "result": [], "completed_by": { "id": 2, "email": "bob@example.com",
                                              "first_name": "Bob", "last_name": "B." } },
        ] },
        { "data": {}, "updated_by": [{ "user_id": 2 }],
          "drafts": [{ "result": [], "user": "bob@example.com" }] },
    ])
    .to_string()
}

fn found(summary: &Summary) -> Vec<(Option<i64>, Option<&str>, &str, MatchKind)> {
    summary
        .users
        .iter()
        .map(|user| {
            let email = user.source_email.as_deref();
            (user.source_id, email, user.username.as_str(), user.kind)
        })
        .collect()
}

async fn users(test: &TestApp) -> Vec<user::Model> {
    let rows = user::Entity::find().order_by_asc(user::Column::Id);
    rows.all(test.app.db.writer()).await.unwrap()
}

#[each_database]
async fn strangers_become_users_without_sign_in_once_per_source(test: TestApp) {
    let summary = import_text(&test.app, file()).await.unwrap();
    let bob = Some("bob@example.com");
    let carol = Some("carol@example.com");
    assert_eq!(
        found(&summary),
        [
            (Some(1), None, "imported-1", MatchKind::Created),
            (Some(2), bob, "bob", MatchKind::Created),
            (None, carol, "carol", MatchKind::Created),
        ]
    );
    let rows = users(&test).await;
    assert_eq!(rows.len(), 4, "the admin, who has id 1 too, and three more");
    assert!(rows[1..].iter().all(|row| !row.can_sign_in));
    assert_eq!((rows[1].import_id, rows[2].import_id), (Some(1), Some(2)));
    assert_eq!(rows[2].display_name, "Bob B.");
    assert_eq!(
        annotations(&test.app).await[0].completed_by_id,
        Some(rows[1].id)
    );
    let members = project_member::Entity::find()
        .all(test.app.db.writer())
        .await
        .unwrap();
    let roles = members.iter().map(|member| (member.user_id, member.role));
    let annotator = project_member::Role::Annotator;
    let expected = rows[1..].iter().map(|row| (row.id, annotator));
    assert_eq!(roles.collect::<Vec<_>>(), expected.collect::<Vec<_>>());

    let again = import_text(&test.app, file()).await.unwrap();
    let kinds: Vec<_> = again.users.iter().map(|user| user.kind).collect();
    assert_eq!(
        kinds,
        [MatchKind::Known, MatchKind::Email, MatchKind::Email]
    );
    assert_eq!(users(&test).await.len(), 4);
    let members = project_member::Entity::find().count(test.app.db.writer());
    assert_eq!(members.await.unwrap(), 6);
}

#[each_database]
async fn a_name_that_holds_an_address_is_dropped(test: TestApp) {
    let person = |id: i64, first: &str, last: &str| {
        let who = json!({ "id": id, "first_name": first, "last_name": last });
        json!({ "result": [], "completed_by": who })
    };
    let annotations = [
        person(1, "bob@example.com", ""),
        person(2, "Carol", "carol@example.com"),
        // Another item knows better.
        person(3, "dan@example.com", ""),
        person(3, "Dan", "D."),
    ];
    let file = json!([{ "data": {}, "annotations": annotations }]).to_string();
    import_text(&test.app, file).await.unwrap();
    let rows = users(&test).await;
    let names = rows.iter().map(|row| row.display_name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["", "", "", "Dan D."]);
    let query = "{ annotations { nodes { createdUsername completedBy { displayName } } } }";
    let answer = test.admin.run(query).await;
    answer.data();
    assert!(!answer.text.contains('@'), "{}", answer.text);
}

#[each_database]
async fn a_map_and_e_mail_addresses_lead_to_our_users(test: TestApp) {
    let (ann, _bob) = (test.stranger("ann").await, test.stranger("bob").await);
    let mut options = into_new_project();
    options.unmapped = Unmapped::Refuse;
    let source = || Cursor::new(file());
    let run = async |options: &import::Options| {
        let before = test.dump().await;
        let imported = import::run(&test.app, source(), options, |_| {}).await;
        if imported.is_err() {
            assert_eq!(test.dump().await, before);
        }
        imported
    };
    let Err(Failure::Refused(problems)) = run(&options).await else {
        panic!("expected a refusal");
    };
    let told: Vec<_> = problems
        .told
        .iter()
        .map(|problem| &*problem.message)
        .collect();
    assert_eq!(
        told,
        [
            "names a user by the id 1, whom no user of ours is mapped to",
            "names a user by carol@example.com, whom no user of ours is mapped to",
        ]
    );
    options.user_map = BTreeMap::from([
        ("1".to_owned(), ann.user_id.clone()),
        ("carol@example.com".to_owned(), "nobody".to_owned()),
    ]);
    let Err(Failure::Refused(problems)) = run(&options).await else {
        panic!("expected a refusal");
    };
    assert_eq!(problems.told[0].message, "there is no user nobody");

    options
        .user_map
        .insert("carol@example.com".to_owned(), "admin".to_owned());
    let summary = run(&options).await.unwrap();
    let kinds: Vec<_> = summary
        .users
        .iter()
        .map(|user| (&*user.username, user.kind))
        .collect();
    let expected = [
        ("ann", MatchKind::Mapped),
        ("bob", MatchKind::Email),
        ("admin", MatchKind::Mapped),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(users(&test).await.len(), 3);
    let members = project_member::Entity::find().count(test.app.db.writer());
    assert_eq!(members.await.unwrap(), 0, "an import gives nobody access");
}
