//! Updates of several requests in a single transaction: few statements, and an outcome for each.

use std::pin::Pin;

use annograph::{
    app::{App, Fate},
    db::WriteTxn,
    domain::{
        Patch,
        access::Actor,
        annotation::{self, Change},
    },
    error::{Error, Outcome, Result},
};
use each_database::{each_database, postgres_only};
use entity::{annotation as annotation_row, project_member::Role, user};
use futures_util::future::{join_all, poll_immediate};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait};
use serde_json::json;

use crate::{
    graphql::{revisions, row},
    support::{Client, TestApp},
};

type Update = Pin<Box<dyn Future<Output = Result<annotation_row::Model>> + Send>>;

/// Updates of a group; a writer takes 16 at most.
const MANY: usize = 33;

async fn actor(app: &App, client: &Client) -> Actor {
    let id: i64 = client.user_id.parse().unwrap();
    let user = user::Entity::find_by_id(id).one(app.db.reader()).await;
    Actor {
        user: user.unwrap().unwrap(),
        token_id: 0,
        token_expires_at: None,
    }
}

fn lead_time(seconds: f64) -> Change {
    Change {
        lead_time: Patch::Set(seconds),
        ..Change::default()
    }
}

fn result(text: &str) -> Change {
    Change {
        result: Patch::Set(text.to_owned()),
        ..Change::default()
    }
}

fn update(app: &App, actor: &Actor, id: &str, change: Change) -> Update {
    let (app, actor, id) = (app.clone(), actor.clone(), id.parse().unwrap());
    Box::pin(async move { annotation::update(&app, &actor, id, change, false).await })
}

/// Takes all connections on which groups are written.
async fn occupied(app: &App) -> Vec<WriteTxn> {
    let mut taken = vec![app.db.begin_shared().await.unwrap()];
    if app.db.backend() == DbBackend::Postgres {
        taken.push(app.db.begin_shared().await.unwrap());
    }
    taken
}

async fn release(taken: Vec<WriteTxn>) {
    for txn in taken {
        txn.rollback().await.unwrap();
    }
}

/// Queues all updates before the first is written, so that they are written in groups.
async fn in_groups(app: &App, mut updates: Vec<Update>) -> Vec<Result<annotation_row::Model>> {
    let taken = occupied(app).await;
    for update in &mut updates {
        assert!(poll_immediate(update).await.is_none());
    }
    release(taken).await;
    join_all(updates).await
}

#[each_database]
async fn updates_of_many_requests_take_the_statements_of_few(test: TestApp) {
    let (project, task) = test.project_with_task().await;
    let max = test.member(&project, "max", Role::Manager).await;
    let actors = [
        actor(&test.app, &test.admin).await,
        actor(&test.app, &max).await,
    ];
    let mut ids = Vec::new();
    for number in 0..MANY {
        // Some of the annotations share their task.
        let task = match number % 3 {
            0 => task.clone(),
            _ => test.task(&project).await,
        };
        ids.push(test.annotation(&test.admin, &task, json!({})).await);
    }
    let updates = ids.iter().enumerate().map(|(number, id)| {
        let change = Change {
            was_cancelled: Patch::Set(number % 4 == 0),
            ..match number % 2 {
                0 => result(&format!(r#"[{{"id":"r{number}"}}]"#)),
                _ => lead_time(number as f64),
            }
        };
        update(&test.app, &actors[number % 2], id, change)
    });
    // The config of the project is parsed once, for an update of its own.
    update(&test.app, &actors[0], &ids[0], result("[]"))
        .await
        .unwrap();
    let updates = updates.collect();
    let (statements, outcomes) = test.statements(in_groups(&test.app, updates)).await;
    assert!(statements < 2 * MANY, "{statements}");
    for (number, (id, outcome)) in ids.iter().zip(outcomes).enumerate() {
        let answered = outcome.unwrap();
        let stored = row(&test, id).await;
        assert_eq!(answered, stored);
        assert_eq!(stored.version, if number == 0 { 3 } else { 2 });
        assert_eq!(stored.was_cancelled, number % 4 == 0);
        assert_eq!(stored.updated_by_id, Some(actors[number % 2].id()));
        let revision = revisions(&test, id).await.pop().unwrap();
        assert_eq!(revision.version, stored.version);
        assert_eq!(revision.actor_id, Some(actors[number % 2].id()));
        match number % 2 {
            0 => {
                let text = format!(r#"[{{"id":"r{number}"}}]"#);
                assert_eq!((&stored.result, stored.region_count), (&text, 1));
                assert_eq!(revision.result, Some(text));
            }
            _ => {
                assert_eq!(stored.lead_time, Some(number as f64));
                assert_eq!(stored.result, r#"[{"id":"r1","value":{"x":1}}]"#);
                assert_eq!(revision.result, None);
            }
        }
    }
    crate::races::assert_consistent(&test).await;
}

#[each_database]
async fn each_update_of_a_group_has_an_outcome_as_if_alone(test: TestApp) {
    let (project, task) = test.project_with_task().await;
    let ann = actor(
        &test.app,
        &test.member(&project, "ann", Role::Annotator).await,
    )
    .await;
    let sam = actor(&test.app, &test.stranger("sam").await).await;
    let admin = actor(&test.app, &test.admin).await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(test.annotation(&test.admin, &task, json!({})).await);
    }
    let stale = Change {
        expected_version: Patch::Set(7),
        ..lead_time(4.0)
    };
    let malformed = result(r#"[{"id": 1}, 2]"#);
    let updates = vec![
        update(&test.app, &admin, &ids[0], lead_time(1.0)),
        update(&test.app, &ann, &ids[1], lead_time(2.0)),
        update(&test.app, &sam, &ids[2], lead_time(3.0)),
        update(&test.app, &admin, &ids[3], stale),
        // Without an effect.
        update(&test.app, &admin, &ids[4], Change::default()),
        update(&test.app, &admin, "999999", lead_time(5.0)),
    ];
    let refused = annotation::update(&test.app, &admin, ids[5].parse().unwrap(), malformed, false);
    assert!(matches!(refused.await, Err(Error::BadInput(_))));
    let outcomes = in_groups(&test.app, updates).await;
    assert_eq!(outcomes[0].as_ref().unwrap().lead_time, Some(1.0));
    assert!(matches!(outcomes[1], Err(Error::Forbidden(_))));
    assert!(matches!(outcomes[2], Err(Error::NotFound("annotation"))));
    assert!(matches!(outcomes[3], Err(Error::Conflict(_))));
    assert_eq!(outcomes[4].as_ref().unwrap().version, 1);
    assert!(matches!(outcomes[5], Err(Error::NotFound("annotation"))));
    for (number, id) in ids.iter().enumerate() {
        let versions = if number == 0 { 2 } else { 1 };
        assert_eq!(row(&test, id).await.version, versions);
        assert_eq!(revisions(&test, id).await.len(), versions as usize);
    }
    crate::races::assert_consistent(&test).await;
}

#[each_database]
async fn an_update_that_the_database_refuses_takes_no_other_with_it(test: TestApp) {
    let (project, _) = test.project_with_task().await;
    let admin = actor(&test.app, &test.admin).await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        let task = test.task(&project).await;
        ids.push(test.annotation(&test.admin, &task, json!({})).await);
    }
    let refuse: &[&str] = match test.app.db.backend() {
        DbBackend::Sqlite => &[
            "CREATE TRIGGER refuse BEFORE UPDATE ON annotation WHEN NEW.lead_time = 5 \
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        ],
        _ => &[
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE 'refused'; END $$",
            "CREATE TRIGGER refuse BEFORE UPDATE ON annotation FOR EACH ROW \
             WHEN (NEW.lead_time = 5) EXECUTE FUNCTION refuse()",
        ],
    };
    for statement in refuse {
        let writer = test.app.db.writer();
        writer.execute_unprepared(statement).await.unwrap();
    }
    let updates = ids.iter().enumerate();
    let updates =
        updates.map(|(number, id)| update(&test.app, &admin, id, lead_time(number as f64)));
    let outcomes = in_groups(&test.app, updates.collect()).await;
    for (number, (id, outcome)) in ids.iter().zip(outcomes).enumerate() {
        let stored = row(&test, id).await;
        if number == 5 {
            assert!(outcome.is_err());
            assert_eq!((stored.version, stored.lead_time), (1, None));
        } else {
            assert_eq!(outcome.unwrap().version, 2);
            assert_eq!(stored.lead_time, Some(number as f64));
        }
    }
    crate::races::assert_consistent(&test).await;
}

#[each_database]
async fn an_update_whose_request_was_answered_is_not_written(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let admin = actor(&test.app, &test.admin).await;
    let late = test.annotation(&test.admin, &task, json!({})).await;
    let left = test.annotation(&test.admin, &task, json!({})).await;
    let kept = test.annotation(&test.admin, &task, json!({})).await;
    let fate = std::sync::Arc::new(Fate::default());
    let app = test.app.with_db(test.app.db.for_request(fate.clone()));

    let taken = occupied(&test.app).await;
    let mut first = update(&app, &admin, &late, lead_time(1.0));
    let mut second = update(&test.app, &admin, &left, lead_time(2.0));
    let mut third = update(&test.app, &admin, &kept, lead_time(3.0));
    for update in [&mut first, &mut second, &mut third] {
        assert!(poll_immediate(update).await.is_none());
    }
    // The deadline of the first passes, and the client of the second leaves.
    assert_eq!(fate.close(), Outcome::NotDone);
    drop(second);
    release(taken).await;
    assert!(matches!(first.await, Err(Error::Unavailable(_))));
    assert_eq!(third.await.unwrap().version, 2);
    for id in [&late, &left] {
        assert_eq!(row(&test, id).await.version, 1);
    }
}

#[postgres_only]
async fn an_update_that_waits_for_a_lock_holds_up_no_other(test: TestApp) {
    let (project, task) = test.project_with_task().await;
    let admin = actor(&test.app, &test.admin).await;
    let max = test.member(&project, "max", Role::Manager).await;
    let max_id = max.user_id.clone();
    let max = actor(&test.app, &max).await;
    let locked = test.annotation(&test.admin, &task, json!({})).await;
    let mut free = Vec::new();
    for _ in 0..40 {
        let task = test.task(&project).await;
        free.push(test.annotation(&test.admin, &task, json!({})).await);
    }
    let locks = [
        format!("SELECT FROM task WHERE id = {task} FOR UPDATE"),
        // As the deletion of the user who writes.
        format!(r#"SELECT FROM "user" WHERE id = {max_id} FOR UPDATE"#),
    ];
    for (lock, version) in locks.iter().zip(2..) {
        let holder = test.app.db.begin().await.unwrap();
        holder.execute_unprepared(lock).await.unwrap();
        let seconds = f64::from(version);
        let mut waiting = update(&test.app, &max, &locked, lead_time(seconds));
        let updates = free
            .iter()
            .map(|id| update(&test.app, &admin, id, lead_time(seconds)));
        let mut others = Box::pin(join_all(updates));
        // Both are polled, so that the update that has to wait is the first in the queue.
        let others = std::future::poll_fn(|context| {
            assert!(waiting.as_mut().poll(context).is_pending());
            others.as_mut().poll(context)
        });
        for outcome in others.await {
            assert_eq!(outcome.unwrap().version, version);
        }
        assert!(poll_immediate(&mut waiting).await.is_none());
        holder.rollback().await.unwrap();
        assert_eq!(waiting.await.unwrap().version, version);
    }
}
