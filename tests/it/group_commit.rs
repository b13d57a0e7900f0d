//! Group commit of SQLite: waiting writes succeed or fail independently.

use std::{future::poll_fn, pin::pin, task::Poll};

use annograph::{app::App, instant};
use each_database::each_database;
use entity::user;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, QueryOrder,
    QuerySelect,
};

use crate::support::TestApp;

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_that_fails_takes_no_other_with_it(app: TestApp) {
    let first = app.app.db.begin().await.unwrap();
    insert(&first, "first").await;
    let writers: Vec<_> = (0..32)
        .map(|number| tokio::spawn(write(app.app.clone(), number)))
        .collect();
    first.commit().await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    let mut names: Vec<String> = (0..32)
        .step_by(4)
        .map(|number| format!("writer-{number:02}"))
        .collect();
    names.splice(0..0, ["admin".to_owned(), "first".to_owned()]);
    assert_eq!(usernames(&app.app).await, names);
}

/// One in four commits; the others end in each of the ways in which a write leaves no trace.
async fn write(app: App, number: usize) {
    let txn = app.db.begin().await.unwrap();
    insert(&txn, &format!("writer-{number:02}")).await;
    match number % 4 {
        0 => {
            txn.commit().await.unwrap();
            // What was answered is there for every reader.
            let name = format!("writer-{number:02}");
            assert!(usernames(&app).await.contains(&name));
        }
        1 => txn.rollback().await.unwrap(),
        2 => drop(txn),
        _ => {
            let twice = txn.execute_unprepared("INSERT INTO no_such_table VALUES (1)");
            assert!(twice.await.is_err());
        }
    }
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_gives_up_waiting_holds_up_nobody(app: TestApp) {
    let first = app.app.db.begin().await.unwrap();
    insert(&first, "first").await;
    let committed = {
        let mut impatient = pin!(app.app.db.begin());
        // Takes its place in the queue, and is gone before its turn.
        let has_begun = poll_once(impatient.as_mut()).await;
        // Where every write has a connection of its own, nobody waits.
        assert!(!has_begun || app.app.db.backend() == DbBackend::Postgres);
        let committed = tokio::spawn(first.commit());
        tokio::task::yield_now().await;
        committed
    };
    committed.await.unwrap().unwrap();
    let second = app.app.db.begin().await.unwrap();
    insert(&second, "second").await;
    second.commit().await.unwrap();
    assert_eq!(usernames(&app.app).await, ["admin", "first", "second"]);
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_gives_up_beginning_takes_nobody_along(app: TestApp) {
    for polls in 1..16 {
        let first = app.app.db.begin().await.unwrap();
        let name = format!("first-{polls:02}");
        insert(&first, &name).await;
        let mut impatient = Box::pin(app.app.db.begin());
        let mut has_begun = poll_once(impatient.as_mut()).await;
        let committed = tokio::spawn(first.commit());
        for _ in 0..polls {
            tokio::task::yield_now().await;
            has_begun = has_begun || poll_once(impatient.as_mut()).await;
        }
        drop(impatient);
        committed.await.unwrap().unwrap();
        assert!(
            usernames(&app.app).await.contains(&name),
            "after {polls} polls"
        );
    }
}

/// Whether the future is done.
async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    poll_fn(|ctx| Poll::Ready(future.as_mut().poll(ctx).is_ready())).await
}

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_write_saw_of_others_lasts_once_it_is_taken_back(app: TestApp) {
    for number in 0..20 {
        let first = app.app.db.begin().await.unwrap();
        insert(&first, &format!("first-{number:02}")).await;
        let other = app.app.clone();
        let second = tokio::spawn(async move {
            let write = other.db.begin().await.unwrap();
            let seen = user::Entity::find().count(&write).await.unwrap();
            write.rollback().await.unwrap();
            assert!(usernames(&other).await.len() as u64 >= seen);
        });
        tokio::task::yield_now().await;
        first.commit().await.unwrap();
        second.await.unwrap();
    }
}

#[each_database]
async fn what_is_not_committed_is_seen_by_nobody(app: TestApp) {
    let write = app.app.db.begin().await.unwrap();
    insert(&write, "unseen").await;
    assert_eq!(usernames(&app.app).await, ["admin"]);
    drop(write);
    let write = app.app.db.begin().await.unwrap();
    assert_eq!(user::Entity::find().count(&write).await.unwrap(), 1);
}

async fn insert(db: &impl ConnectionTrait, name: &str) {
    let row = user::ActiveModel {
        username: Set(name.to_owned()),
        display_name: Set(String::new()),
        role: Set(user::Role::Member),
        can_sign_in: Set(true),
        created_at: Set(instant::now()),
        ..Default::default()
    };
    user::Entity::insert(row)
        .exec_without_returning(db)
        .await
        .unwrap();
}

async fn usernames(app: &App) -> Vec<String> {
    user::Entity::find()
        .select_only()
        .column(user::Column::Username)
        .order_by_asc(user::Column::Username)
        .into_tuple()
        .all(app.db.reader())
        .await
        .unwrap()
}
