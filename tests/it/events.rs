//! Subscriptions without a transport: content, recipients, order and start of the events.

mod access;
mod cursors;
mod filters;
mod processes;
mod regions;
mod resume;
mod servers;
mod shared_answers;
mod slow_subscribers;

use std::{pin::Pin, sync::Arc, time::Duration};

use annograph::{
    app::App,
    domain::token,
    endpoint::{
        engine::{Answer, Engine},
        envelope::{self, Envelope},
    },
};
use async_graphql::parser::types::OperationType;
use each_database::each_database;
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};

use crate::{
    graphql::{delete, update},
    import::import_text,
    support::{self, Client, TestApp},
};

const EVENT: &str = "cursor action annotationId annotation { id version } task { id }
    actor { username } version changedFields at";

type Answers = Pin<Box<dyn Stream<Item = Arc<Answer>> + Send>>;

/// Somebody who follows events.
pub struct Follower(Answers);

impl Follower {
    /// Follows `annotationEvents` with these arguments, brackets included, and takes what comes at once.
    pub async fn new(app: &App, engine: &Engine, by: &Client, arguments: &str) -> Self {
        let query = format!("subscription {{ annotationEvents{arguments} {{ {EVENT} }} }}");
        Self::of(app, engine, by, &query).await
    }

    /// Follows any subscription, and takes what comes at once.
    pub async fn of(app: &App, engine: &Engine, by: &Client, query: &str) -> Self {
        Self::with(app, engine, by, request(query)).await
    }

    /// Follows by a request with variables, and takes what comes at once.
    pub async fn with(app: &App, engine: &Engine, by: &Client, envelope: Envelope) -> Self {
        let mut answers = Self::sent(app, engine, by, envelope).await.0;
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(answer) = tokio::select! {
                answer = answers.next() => answer,
                () = sender.closed() => None,
            } {
                let _ = sender.send(answer);
            }
        });
        let answers = futures_util::stream::unfold(receiver, async |mut receiver| {
            Some((receiver.recv().await?, receiver))
        });
        Self(Box::pin(answers))
    }

    /// Follows any subscription, and takes what comes when it is asked to.
    pub async fn lazy(app: &App, engine: &Engine, by: &Client, query: &str) -> Self {
        Self::sent(app, engine, by, request(query)).await
    }

    async fn sent(app: &App, engine: &Engine, by: &Client, envelope: Envelope) -> Self {
        let actor = token::sign_in(app, &by.token).await.unwrap();
        let prepared = engine.prepare(envelope).await.unwrap();
        assert_eq!(prepared.operation, OperationType::Subscription);
        Self(Box::pin(engine.subscribe(actor, prepared)))
    }

    /// The next answer as it is shared; `None` at the end.
    async fn next(&mut self) -> Option<Arc<Answer>> {
        let next = tokio::time::timeout(Duration::from_secs(60), self.0.next());
        next.await.expect("something comes")
    }

    /// The next answer as it is shared.
    pub async fn shared(&mut self) -> Arc<Answer> {
        self.next().await.expect("the stream goes on")
    }

    /// The next answer; `None` at the end.
    pub async fn answer(&mut self) -> Option<Value> {
        let answer = self.next().await;
        answer.map(|answer| serde_json::from_slice(&answer.chunks().concat()).unwrap())
    }

    /// The next event.
    pub async fn event(&mut self) -> Value {
        let answer = self.answer().await.expect("the stream goes on");
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["annotationEvents"].clone()
    }

    /// The next event in short: `UPDATED 1 v2`.
    pub async fn short(&mut self) -> String {
        short(&self.event().await)
    }

    /// The error that ends the stream.
    pub async fn error(&mut self) -> Value {
        let answer = self.answer().await.expect("an error comes");
        assert_eq!(answer["data"], Value::Null, "{answer}");
        assert_eq!(self.answer().await, None);
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{answer}");
        assert_eq!(errors[0].get("path"), None, "{answer}");
        errors[0].clone()
    }
}

/// Makes the followers live: each has received the creation of an annotation, whose id is returned.
pub async fn make_live(test: &TestApp, task: &str, followers: &mut [Follower]) -> String {
    let id = test.annotation(&test.admin, task, json!({})).await;
    for follower in followers {
        follower.event().await;
    }
    id
}

/// Counts the statements from an update until each follower has the event, which is checked.
pub async fn statements_of_update(
    test: &TestApp,
    task: &str,
    followers: &mut [Follower],
    check: impl Fn(&Value),
) -> usize {
    let id = make_live(test, task, followers).await;
    let (statements, ()) = test
        .statements(async {
            update(&test.admin, &id, json!({ "leadTime": 1 }))
                .await
                .ok();
            for follower in followers {
                check(&follower.event().await);
            }
        })
        .await;
    statements
}

pub fn short(event: &Value) -> String {
    let text = |field: &str| event[field].as_str().unwrap().to_owned();
    format!(
        "{} {} v{}",
        text("action"),
        text("annotationId"),
        event["version"]
    )
}

fn request(query: &str) -> Envelope {
    envelope::from_json(&json!({ "query": query }).to_string()).unwrap()
}

fn after(event: &Value) -> String {
    format!("(after: {})", event["cursor"])
}

#[each_database]
async fn every_change_is_told_once_and_in_order(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    test.annotation(&test.admin, &task, json!({})).await;
    let engine = support::engine(&test.app);
    // What is committed before the first answer is asked for counts, and nothing from before.
    let query = format!("subscription {{ annotationEvents {{ {EVENT} }} }}");
    let mut follower = Follower::lazy(&test.app, &engine, &test.admin, &query).await;
    let id = test.annotation(&test.admin, &task, json!({})).await;
    update(
        &test.admin,
        &id,
        json!({ "leadTime": 1.5, "wasCancelled": true }),
    )
    .await
    .ok();
    let mut created = follower.event().await;
    assert!(created["cursor"].take().is_string());
    assert!(created["at"].take().is_string());
    // The annotation is what it is by now.
    let version = created["annotation"]["version"].take();
    assert!(version == 1 || version == 2);
    assert_eq!(
        created,
        json!({
            "cursor": null, "action": "CREATED", "annotationId": id,
            "annotation": { "id": id, "version": null }, "task": { "id": task },
            "actor": { "username": "admin" }, "version": 1, "at": null,
            "changedFields": [
                "completedBy", "groundTruth", "leadTime", "project", "result", "task", "wasCancelled"
            ],
        })
    );
    let updated = follower.event().await;
    assert_eq!(short(&updated), format!("UPDATED {id} v2"));
    assert_eq!(
        updated["changedFields"],
        json!(["leadTime", "wasCancelled"])
    );
    assert_eq!(updated["annotation"]["version"], 2);

    delete(&test.admin, &id).await.ok();
    let deleted = follower.event().await;
    assert_eq!(short(&deleted), format!("DELETED {id} v3"));
    assert_eq!(deleted["annotation"], Value::Null);
    assert_eq!(deleted["changedFields"], json!([]));
    assert_eq!(deleted["task"]["id"], *task);
}

#[each_database]
async fn imports_are_told_too(test: TestApp) {
    let engine = support::engine(&test.app);
    let mut follower = Follower::new(&test.app, &engine, &test.admin, "").await;
    let annotations = json!([{ "result": [] }, { "result": [] }]);
    let file = json!([{ "data": { "text": "a" }, "annotations": annotations }]);
    import_text(&test.app, file.to_string()).await.unwrap();
    for id in ["1", "2"] {
        assert_eq!(follower.short().await, format!("CREATED {id} v1"));
    }
}

#[each_database]
async fn an_import_of_before_is_not_told_when_commits_race_with_the_beginning(test: TestApp) {
    let annotation = json!({ "result": [], "created_at": "2020-01-02T03:04:05Z" });
    let file = json!([{ "data": { "text": "a" }, "annotations": [annotation] }]);
    import_text(&test.app, file.to_string()).await.unwrap();
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    // Nothing has been read here, and something is committed between the beginning and the first look.
    let query = format!("subscription {{ annotationEvents {{ {EVENT} }} }}");
    let mut follower = Follower::lazy(&test.app, &engine, &test.admin, &query).await;
    let id = test.annotation(&test.admin, &task, json!({})).await;
    assert_eq!(follower.short().await, format!("CREATED {id} v1"));
}

#[each_database]
async fn deeper_fields_and_large_results_are_read_when_asked_for(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let query = "subscription { e: annotationEvents {
                   annotation { result task { id totalAnnotations } project { title } } } }";
    let mut follower = Follower::of(&test.app, &engine, &test.admin, query).await;
    for size in [10, 100_000] {
        let result = json!([{ "id": "r1", "value": { "text": "x".repeat(size) } }]);
        test.annotation(&test.admin, &task, json!({ "result": result }))
            .await;
        let answer = follower.answer().await.unwrap();
        let annotation = &answer["data"]["e"]["annotation"];
        assert_eq!(annotation["result"], result);
        assert_eq!(annotation["project"]["title"], "Cars");
        assert_eq!(annotation["task"]["id"], *task);
    }
}

#[each_database]
async fn results_of_many_events_at_once_are_told_in_full(test: TestApp) {
    let engine = support::engine(&test.app);
    let query = "subscription { annotationEvents { annotation { result } } }";
    let mut follower = Follower::of(&test.app, &engine, &test.admin, query).await;
    let result = json!([{ "id": "r1", "value": { "text": "x".repeat(3_000) } }]);
    let annotations = vec![json!({ "result": result }); 40];
    let file = json!([{ "data": { "text": "a" }, "annotations": annotations }]);
    import_text(&test.app, file.to_string()).await.unwrap();
    for _ in 0..40 {
        let event = follower.event().await;
        assert_eq!(event["annotation"]["result"], result);
    }
}

#[each_database]
async fn a_subscription_may_cost_a_hundredth(test: TestApp) {
    let engine = support::engine(&test.app);
    let request = |size: u32| {
        request(&format!(
                "subscription {{ annotationEvents {{ task {{
               annotations(first: 99) {{ nodes {{ task {{ annotations(first: {size}) {{ nodes {{ id }} }} }} }} }}
             }} }} }}"
            ))
    };
    assert!(engine.prepare(request(40)).await.is_ok());
    let Err(refused) = engine.prepare(request(50)).await else {
        panic!("it is prepared");
    };
    let values = refused[0].extensions.as_ref().unwrap();
    assert_eq!(values.get("code"), Some(&"LIMIT_EXCEEDED".into()));
    assert_eq!(values.get("max"), Some(&5_000.into()));
}

#[each_database]
async fn fragments_at_the_root_are_followed(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let query = "subscription S { ...F }
                 fragment F on Subscription { ... { ... on Subscription { annotationEvents { ...E } } } }
                 fragment E on AnnotationEvent { annotationId }";
    let mut follower = Follower::of(&test.app, &engine, &test.admin, query).await;
    let id = test.annotation(&test.admin, &task, json!({})).await;
    assert_eq!(follower.event().await, json!({ "annotationId": id }));
}

#[each_database]
async fn a_root_field_in_several_parts_is_one_stream(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let query = "subscription S { annotationEvents(filter: {}) { version ...E } ...F ...F }
                 fragment F on Subscription { annotationEvents(filter: {}) { annotation { id } version } ... { annotationEvents(filter: {}) { annotation { version } } } }
                 fragment E on AnnotationEvent { annotationId }";
    let mut follower = Follower::of(&test.app, &engine, &test.admin, query).await;
    for number in 1..=2 {
        let id = test.annotation(&test.admin, &task, json!({})).await;
        let event =
            json!({ "version": 1, "annotationId": id, "annotation": { "id": id, "version": 1 } });
        assert_eq!(follower.event().await, event, "{number}");
    }
}

#[each_database]
async fn a_subscription_has_one_root_field_and_no_answer_over_http(test: TestApp) {
    let engine = support::engine(&test.app);
    for query in [
        "subscription { a: annotationEvents { at } b: annotationEvents { at } }",
        "subscription { annotationEvents { at } ...F } fragment F on Subscription { x: annotationEvents { at } }",
        "subscription { annotationEvents { at } annotationEvents(after: \"x\") { at } }",
        "subscription { annotationEvents { at } annotationEvents { nonsense } }",
        "subscription { annotationEvents { at } annotationEvents @skip(if: false) { at } }",
        "subscription { __typename }",
    ] {
        let Err(refused) = engine.prepare(request(query)).await else {
            panic!("{query} is prepared");
        };
        let code = refused[0].extensions.as_ref().unwrap().get("code").unwrap();
        assert_eq!(code.to_string(), "\"GRAPHQL_VALIDATION_FAILED\"", "{query}");
    }
    let answer = test
        .admin
        .run("subscription { annotationEvents { at } }")
        .await;
    assert_eq!(answer.code(), "BAD_REQUEST");
    assert_eq!(answer.json.get("data"), None);
}

#[each_database]
async fn a_server_that_stops_ends_its_streams(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let engine = support::engine(&test.app);
    let mut follower = Follower::new(&test.app, &engine, &test.admin, "").await;
    test.annotation(&test.admin, &task, json!({})).await;
    assert_eq!(follower.short().await, "CREATED 1 v1");
    test.app.events.stop();
    assert_eq!(
        follower.error().await["extensions"]["code"],
        "SERVICE_UNAVAILABLE"
    );
    let mut late = Follower::new(&test.app, &engine, &test.admin, "").await;
    assert_eq!(
        late.error().await["extensions"]["code"],
        "SERVICE_UNAVAILABLE"
    );
}
