//! Two servers on one database: events after one server is killed.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use each_database::each_database;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    cli::program::{Program, Server},
    graphql::update,
    support::{Socket, TestApp},
};

const WRITERS: usize = 8;
const SUBSCRIBERS: usize = 6;
/// Accepted changes before the kill.
const BEFORE: usize = 60;
/// The lead time that an annotation ends with.
const LAST: u32 = 1_000_000;

/// Versions that were acknowledged, by annotation.
type Acknowledged = Arc<Mutex<HashMap<String, i64>>>;

#[each_database]
async fn subscribers_of_one_server_miss_nothing_when_the_one_that_writes_is_killed(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let annotations = annotations(&test, &task).await;
    let writing = Program::on(&test.url).serve(&[]);
    let telling = Program::on(&test.url).serve(&[]);
    let token = &test.admin.token;
    let from = beginning(&test, &telling, &task).await;
    let mut subscribers = JoinSet::new();
    for _ in 0..SUBSCRIBERS {
        let events = Events::follow(telling.address(), token, &from).await;
        subscribers.spawn(events.finished());
    }
    let acknowledged = Acknowledged::default();
    let writers = write(&writing.base, token, &annotations, &acknowledged);
    writers.under_way(BEFORE).await;
    // Not asked to stop: killed.
    drop(writing);
    writers.ended().await;
    // The surviving server numbers what the killed server had committed.
    let last = finish(&telling.base, token, &annotations).await;
    for (id, version) in &*acknowledged.lock().unwrap() {
        assert!(*version < last[id], "annotation {id}");
    }
    while let Some(versions) = subscribers.join_next().await {
        assert_whole(&versions.unwrap(), &last);
    }
}

#[each_database]
async fn a_subscriber_goes_on_at_another_server_when_its_own_is_killed(test: TestApp) {
    let (_, task) = test.project_with_task().await;
    let annotations = annotations(&test, &task).await;
    let own = Program::on(&test.url).serve(&[]);
    let other = Program::on(&test.url).serve(&[]);
    let token = &test.admin.token;
    let from = beginning(&test, &own, &task).await;
    let mut events = Events::follow(own.address(), token, &from).await;
    let acknowledged = Acknowledged::default();
    let writers = write(&other.base, token, &annotations, &acknowledged);
    for _ in 0..BEFORE / 2 {
        events.next().await;
    }
    drop(own);
    while events.next_if_any().await {}
    // Changes go on while nobody listens.
    writers.under_way(2 * BEFORE).await;
    let events = events.go_on(other.address(), token).await;
    writers.stop().await;
    let last = finish(&other.base, token, &annotations).await;
    assert_whole(&events.finished().await, &last);
}

async fn annotations(test: &TestApp, task: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..WRITERS {
        ids.push(test.annotation(&test.admin, task, json!({})).await);
    }
    ids
}

/// Writers under way, each on an annotation of its own.
struct Writers {
    tasks: JoinSet<()>,
    count: Arc<AtomicUsize>,
    is_over: tokio_util::sync::CancellationToken,
}

fn write(base: &str, token: &str, ids: &[String], acknowledged: &Acknowledged) -> Writers {
    let mut tasks = JoinSet::new();
    let count = Arc::<AtomicUsize>::default();
    let is_over = tokio_util::sync::CancellationToken::new();
    for id in ids {
        let (base, token, id) = (base.to_owned(), token.to_owned(), id.clone());
        let (count, acknowledged, is_over) = (count.clone(), acknowledged.clone(), is_over.clone());
        tasks.spawn(async move {
            for time in 1_u32.. {
                if is_over.is_cancelled() {
                    return;
                }
                let Some(version) = change(&base, &token, &id, time).await else {
                    // The server is gone.
                    return;
                };
                acknowledged.lock().unwrap().insert(id.clone(), version);
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    Writers {
        tasks,
        count,
        is_over,
    }
}

impl Writers {
    /// Resolves once so many changes were accepted.
    async fn under_way(&self, count: usize) {
        while self.count.load(Ordering::SeqCst) < count {
            tokio::task::yield_now().await;
        }
    }

    async fn ended(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }

    async fn stop(self) {
        self.is_over.cancel();
        self.ended().await;
    }
}

/// Changes an annotation; answers with its new version, or nothing when nobody answers.
async fn change(base: &str, token: &str, id: &str, time: u32) -> Option<i64> {
    let query = format!(
        "mutation {{ updateAnnotation(id: {id}, input: {{ leadTime: {time} }}) {{ version }} }}"
    );
    let request = reqwest::Client::new().post(format!("{base}graphql"));
    let request = request.bearer_auth(token).json(&json!({ "query": query }));
    let answer: Value = request.send().await.ok()?.json().await.ok()?;
    let version = &answer["data"]["updateAnnotation"]["version"];
    Some(version.as_i64().unwrap_or_else(|| panic!("{answer}")))
}

/// A last change of each annotation, by which subscribers know the end; their versions then.
async fn finish(base: &str, token: &str, ids: &[String]) -> HashMap<String, i64> {
    let mut last = HashMap::new();
    for id in ids {
        let version = change(base, token, id, LAST).await.unwrap();
        last.insert(id.clone(), version);
    }
    last
}

/// What one subscriber has heard.
struct Events {
    socket: Socket,
    cursor: String,
    /// By annotation, in the order in which they came.
    versions: HashMap<String, Vec<i64>>,
    /// Annotations whose last change has come.
    ended: HashSet<String>,
}

impl Events {
    /// Everything behind a cursor.
    async fn follow(address: SocketAddr, token: &str, after: &str) -> Self {
        let mut socket = Socket::signed_in(address, token).await;
        let query = format!(
            "subscription {{ annotationEvents(after: {after:?}) {{
               cursor annotationId version annotation {{ version leadTime }}
             }} }}"
        );
        socket.subscribe("1", &query).await;
        Self {
            socket,
            cursor: after.to_owned(),
            versions: HashMap::new(),
            ended: HashSet::new(),
        }
    }

    /// Goes on from the last event, at another server.
    async fn go_on(self, address: SocketAddr, token: &str) -> Self {
        let next = Self::follow(address, token, &self.cursor).await;
        Self {
            socket: next.socket,
            ..self
        }
    }

    async fn next(&mut self) {
        assert!(self.next_if_any().await, "the server is gone");
    }

    /// Takes in the next event; false when there is none because the server is gone.
    async fn next_if_any(&mut self) -> bool {
        let Some(message) = self.socket.hear_any().await else {
            return false;
        };
        assert_eq!(message["type"], "next", "{message}");
        let event = &message["payload"]["data"]["annotationEvents"];
        self.cursor = event["cursor"].as_str().unwrap().to_owned();
        let id = event["annotationId"].as_str().unwrap().to_owned();
        let version = event["version"].as_i64().unwrap();
        let now = &event["annotation"];
        if now["version"] == version && now["leadTime"] == f64::from(LAST) {
            self.ended.insert(id.clone());
        }
        self.versions.entry(id).or_default().push(version);
        true
    }

    async fn finished(mut self) -> HashMap<String, Vec<i64>> {
        while self.ended.len() < WRITERS {
            self.next().await;
        }
        self.versions
    }
}

/// The cursor of an event that a server tells of, behind all that was done before.
async fn beginning(test: &TestApp, server: &Server, task: &str) -> String {
    let probe = test.annotation(&test.admin, task, json!({})).await;
    let mut socket = Socket::signed_in(server.address(), &test.admin.token).await;
    let query = format!(
        "subscription {{ annotationEvents(filter: {{ annotationId: {{ eq: {probe} }} }}) {{ cursor }} }}"
    );
    socket.subscribe("1", &query).await;
    for time in 1.. {
        let input = json!({ "leadTime": time });
        update(&test.admin, &probe, input).await.ok();
        // The subscription may begin behind this change, and then tells of the next.
        let heard = tokio::time::timeout(Duration::from_millis(500), socket.hear_any());
        if let Ok(Some(message)) = heard.await {
            let cursor = &message["payload"]["data"]["annotationEvents"]["cursor"];
            return cursor.as_str().unwrap().to_owned();
        }
    }
    unreachable!("the loop has no end")
}

/// Each subscriber heard of each version once, in their order.
#[track_caller]
fn assert_whole(versions: &HashMap<String, Vec<i64>>, last: &HashMap<String, i64>) {
    for (id, last) in last {
        let expected: Vec<i64> = (2..=*last).collect();
        assert_eq!(versions[id], expected, "annotation {id}");
    }
}
