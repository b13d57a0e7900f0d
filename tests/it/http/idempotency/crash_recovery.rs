//! Requests whose server died or timed out before the response.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use annograph::domain::{
    annotation::{self, New},
    idempotency::{self, Claim, Found, Request},
    token,
};
use axum::http::{StatusCode, header};
use each_database::each_database;
use entity::{annotation as annotation_row, idempotency_key::Answer as Kept};
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{KEY, assert_refused, count, creation, is_replayed, keys, post};
use crate::{
    cli::program::Program,
    support::{Client, TestApp},
};

/// A server that claims the key, as if it had received the request.
async fn claim(app: &TestApp, body: &str, lease: Duration) -> Claim {
    let actor = token::sign_in(&app.app, &app.admin.token).await.unwrap();
    let request = Request::new(actor.id(), KEY.as_bytes(), body.as_bytes());
    let found = idempotency::claim(&app.app, &actor, &request, lease).await;
    match found.unwrap() {
        Found::Claimed(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// The mutation that the claim is for, in a task of its own as a request may spawn it; whether it went through.
async fn run(app: &TestApp, claim: &Claim, task: &str) -> bool {
    let actor = token::sign_in(&app.app, &app.admin.token).await.unwrap();
    let new = New {
        result: "[]".to_owned(),
        ..New::default()
    };
    let task = task.parse().unwrap();
    let fenced = idempotency::fenced(&app.app, claim);
    let run = async move { annotation::create(&fenced, &actor, task, new, false).await };
    tokio::spawn(run).await.unwrap().is_ok()
}

#[each_database]
async fn what_died_before_it_changed_anything_runs_anew(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let claim = claim(&app, &creation(&task), Duration::ZERO).await;
    let answer = post(&app.admin, KEY, &creation(&task)).await.ok();
    assert!(!is_replayed(&answer));
    // The first run was only slow: the fence refuses its write.
    assert!(!run(&app, &claim, &task).await);
    assert_eq!(count(&app).await, 1);
    assert!(!idempotency::release(&app.app, &claim).await.unwrap());
    let again = post(&app.admin, KEY, &creation(&task)).await.ok();
    assert_eq!(again.text, answer.text);
}

#[each_database]
async fn what_died_after_it_changed_something_is_not_run_again(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let claim = claim(&app, &creation(&task), Duration::ZERO).await;
    assert!(run(&app, &claim, &task).await);
    assert!(!idempotency::release(&app.app, &claim).await.unwrap());
    let before = app.dump().await;
    for _ in 0..2 {
        let answer = post(&app.admin, KEY, &creation(&task)).await;
        assert_refused(&answer, StatusCode::CONFLICT, "CONFLICT");
        assert_eq!(answer.error()["extensions"]["reason"], "ANSWER_LOST");
        assert_eq!(answer.headers.get(header::RETRY_AFTER), None);
    }
    assert_eq!(app.dump().await, before);
    // The first run was only slow: its answer is stored late, and replayed.
    let late = Kept {
        status: 200,
        media_type: Some("application/json; charset=utf-8".to_owned()),
        text: Some(r#"{"data":{}}"#.to_owned()),
    };
    idempotency::answer(&app.app, &claim, &late).await.unwrap();
    let answer = post(&app.admin, KEY, &creation(&task)).await;
    assert_eq!(answer.text, r#"{"data":{}}"#);
    assert!(is_replayed(&answer));
}

#[each_database]
async fn writes_of_spawned_tasks_are_fenced(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let before = claim(&app, &creation(&task), Duration::ZERO).await;
    // Its lease is over: another run takes the key over.
    let hour = Duration::from_secs(3_600);
    let claim = claim(&app, &creation(&task), hour).await;
    assert!(!run(&app, &before, &task).await);
    assert_eq!((count(&app).await, keys(&app).await[0].writes), (0, 0));
    for writes in 1..=2 {
        assert!(run(&app, &claim, &task).await);
        assert_eq!(keys(&app).await[0].writes, writes);
    }
    assert_eq!(count(&app).await, 2);
}

#[each_database]
async fn who_waits_too_long_is_told_to_come_back(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let hour = Duration::from_secs(3_600);
    let claim = claim(&app, &creation(&task), hour).await;
    let router = app.router_with(&["--timeout", "1"]);
    let hasty = Client {
        router,
        ..app.admin.clone()
    };
    let answer = post(&hasty, KEY, &creation(&task)).await;
    assert_refused(&answer, StatusCode::CONFLICT, "CONFLICT");
    assert_eq!(answer.error()["extensions"]["reason"], "IN_PROGRESS");
    assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    assert_eq!(count(&app).await, 0);
    // The run that holds the key releases it without a write.
    assert!(idempotency::release(&app.app, &claim).await.unwrap());
    assert_eq!(keys(&app).await, []);
    post(&hasty, KEY, &creation(&task)).await.ok();
}

/// Requests of the test that kills.
const REQUESTS: usize = 60;

#[each_database(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_killed_makes_nothing_run_twice_or_get_lost(app: TestApp) {
    let (_, task) = app.project_with_task().await;
    let killed = Program::on(&app.url).serve(&["--timeout", "1"]);
    let other = Program::on(&app.url).serve(&["--timeout", "1"]);
    let answered = Arc::<AtomicUsize>::default();
    let mut first = JoinSet::new();
    for number in 0..REQUESTS {
        let (base, token) = (killed.base.clone(), app.admin.token.clone());
        let (task, answered) = (task.clone(), answered.clone());
        first.spawn(async move {
            let answer = send(&base, &token, &task, number).await;
            answered.fetch_add(1, Ordering::SeqCst);
            (number, answer)
        });
    }
    while answered.load(Ordering::SeqCst) < REQUESTS / 4 {
        tokio::task::yield_now().await;
    }
    drop(killed);
    let mut told = vec![None; REQUESTS];
    while let Some(ended) = first.join_next().await {
        let (number, answer): (usize, Option<Value>) = ended.unwrap();
        // A client that was answered 503 for want of time sends the request again, and is told its outcome then.
        let is_over =
            |answer: &Value| answer["errors"][0]["extensions"]["code"] != "SERVICE_UNAVAILABLE";
        told[number] = answer.filter(is_over);
    }
    for (number, told) in told.into_iter().enumerate() {
        let answer = insisted(&other.base, &app.admin.token, &task, number).await;
        match told {
            Some(told) => assert_eq!(answer, told),
            None if answer["errors"].is_null() => {}
            None => {
                let reason = &answer["errors"][0]["extensions"]["reason"];
                assert_eq!(reason, "ANSWER_LOST", "{answer}");
            }
        }
    }
    let rows = annotation_row::Entity::find();
    let rows = rows.all(app.app.db.writer()).await.unwrap();
    let mut numbers: Vec<f64> = rows.iter().filter_map(|row| row.lead_time).collect();
    numbers.sort_by(f64::total_cmp);
    let expected: Vec<f64> = (0..REQUESTS).map(|number| number as f64).collect();
    assert_eq!(numbers, expected);
}

/// Creates an annotation that bears the number, under a key that does; `None` when nobody answers.
async fn send(base: &str, token: &str, task: &str, number: usize) -> Option<Value> {
    let query = format!(
        "mutation {{ createAnnotation(taskId: {task}, input: {{ result: [], leadTime: {number} }}) {{ id }} }}"
    );
    let request = reqwest::Client::new().post(format!("{base}graphql"));
    let request = request.header("idempotency-key", format!("key-{number}"));
    let request = request.bearer_auth(token).json(&json!({ "query": query }));
    request.send().await.ok()?.json().await.ok()
}

/// Sends a request until it is not under way any more.
async fn insisted(base: &str, token: &str, task: &str, number: usize) -> Value {
    loop {
        let answer = send(base, token, task, number).await.unwrap();
        if answer["errors"][0]["extensions"]["reason"] != "IN_PROGRESS" {
            return answer;
        }
    }
}
