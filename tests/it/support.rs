//! Support: a whole server per test, on a separate database.

mod client;
mod dump;
mod listening;
mod postgres;
mod sqlite;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use annograph::{
    app::App,
    config::ServeArgs,
    db::{Database, Options},
    domain::{token, user},
    endpoint::engine::Engine,
    server,
};
use axum::Router;
use clap::Parser;
use entity::{project_member, user as user_row};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub use client::{Answer, Client, send};
pub use listening::{Listening, PATIENCE, Socket};

/// Server without a socket, with a signed-in admin.
pub struct TestApp {
    pub app: App,
    pub router: Router,
    /// Client of the admin, user 1.
    pub admin: Client,
    /// URL of the database, for further processes.
    pub url: String,
    statements: Arc<AtomicUsize>,
}

/// Runs a test on SQLite: the `name::sqlite` of `#[each_database]`.
pub async fn on_sqlite(test: impl AsyncFnOnce(TestApp)) {
    let database = sqlite::database().await;
    eprintln!("on {}", database.url);
    test(TestApp::on(&database.url).await).await;
}

/// Runs a test on PostgreSQL: the `name::postgres` of `#[each_database]`.
///
/// `ANNOGRAPH_TEST_POSTGRES_URL` names a server to use, with the right to create databases; without it
/// the tests start a cluster when PostgreSQL is installed. Where the build finds neither, these tests are ignored,
/// unless `ANNOGRAPH_TEST_POSTGRES=required`: then they run, and fail.
pub async fn on_postgres(test: impl AsyncFnOnce(TestApp)) {
    let url = postgres::database().await;
    let url = url.expect("PostgreSQL is running or installed");
    eprintln!("on {url}");
    test(TestApp::on(&url).await).await;
    postgres::drop_database(&url).await;
}

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    serve: ServeArgs,
}

/// Engine with default settings.
pub fn engine(app: &App) -> Engine {
    let args = Defaults::parse_from(["test"]).serve;
    Engine::new(app.clone(), &args.limits, &args.documents).unwrap()
}

impl TestApp {
    /// Starts a server on a migrated, empty database.
    pub async fn on(url: &str) -> Self {
        let statements = Arc::new(AtomicUsize::new(0));
        let mut db = Database::connect(&Options::new(url)).await.unwrap();
        let counter = statements.clone();
        db.observe(move |statement| {
            // Signing in is not what a test counts.
            if !statement.sql.contains("api_token") {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        let app = App::new(db);
        let args = Defaults::parse_from(["test"]).serve;
        let router = server::router(app.clone(), &args, CancellationToken::new()).unwrap();
        let admin = sign_up(&app, &router, "admin", user_row::Role::Admin).await;
        Self {
            app,
            router,
            admin,
            url: url.to_owned(),
            statements,
        }
    }

    /// Starts a server on the same database with other settings.
    pub fn router_with(&self, flags: &[&str]) -> Router {
        self.serving(flags).unwrap().router
    }

    /// Starts another server with these flags on the same database. Returns the admin's client, or the error.
    pub fn serving(&self, flags: &[&str]) -> Result<Client, String> {
        let flags = ["test"].iter().chain(flags);
        let args = Defaults::parse_from(flags).serve;
        let router = server::router(self.app.clone(), &args, CancellationToken::new())
            .map_err(|error| format!("{error:#}"))?;
        let admin = self.admin.clone();
        Ok(Client { router, ..admin })
    }

    /// Starts another server on the same database, whose statements are not counted.
    pub async fn beside(&self) -> App {
        App::new(Database::connect(&Options::new(&self.url)).await.unwrap())
    }

    /// Starts another server on the same database, with separate memory. Returns the admin's client.
    pub async fn client_beside(&self) -> Client {
        let args = Defaults::parse_from(["test"]).serve;
        let app = self.beside().await;
        let router = server::router(app, &args, CancellationToken::new()).unwrap();
        let admin = self.admin.clone();
        Client { router, ..admin }
    }

    /// Creates a user without a project.
    pub async fn stranger(&self, username: &str) -> Client {
        sign_up(&self.app, &self.router, username, user_row::Role::Member).await
    }

    /// Creates a user with a role in a project.
    pub async fn member(
        &self,
        project: &str,
        username: &str,
        role: project_member::Role,
    ) -> Client {
        let client = self.stranger(username).await;
        let role = format!("{role:?}").to_uppercase();
        self.admin
            .run_with(
                "mutation($project: ID!, $user: ID!, $role: ProjectRole!) {
                   addProjectMember(projectId: $project, userId: $user, role: $role) { role }
                 }",
                json!({ "project": project, "user": client.user_id, "role": role }),
            )
            .await
            .ok();
        client
    }

    /// Creates a project with a task. Returns both ids.
    pub async fn project_with_task(&self) -> (String, String) {
        let answer = self
            .admin
            .run(r#"mutation { createProject(input: { title: "Cars" }) { id } }"#)
            .await;
        let project = answer.data()["createProject"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let task = self.task(&project).await;
        (project, task)
    }

    /// Creates a task.
    pub async fn task(&self, project: &str) -> String {
        let answer = self
            .admin
            .run_with(
                r#"mutation($project: ID!) {
                     createTasks(projectId: $project, tasks: [{ data: { text: "a" } }]) { id }
                   }"#,
                json!({ "project": project }),
            )
            .await;
        answer.data()["createTasks"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Creates an annotation. Returns the id.
    pub async fn annotation(&self, by: &Client, task: &str, input: Value) -> String {
        let mut whole = json!({ "result": [{ "id": "r1", "value": { "x": 1 } }] });
        for (key, value) in input.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let answer = by
            .run_with(
                "mutation($task: ID!, $input: CreateAnnotationInput!) {
                   createAnnotation(taskId: $task, input: $input) { id }
                 }",
                json!({ "task": task, "input": whole }),
            )
            .await;
        answer.data()["createAnnotation"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Dumps every row of every table, except the last use of tokens.
    pub async fn dump(&self) -> String {
        dump::everything(&self.app).await
    }

    /// Counts the statements that a future sends to the database, except for authentication.
    pub async fn statements<T>(&self, during: impl Future<Output = T>) -> (usize, T) {
        let before = self.statements.load(Ordering::SeqCst);
        let value = during.await;
        (self.statements.load(Ordering::SeqCst) - before, value)
    }
}

async fn sign_up(app: &App, router: &Router, username: &str, role: user_row::Role) -> Client {
    let new = user::New {
        username: username.to_owned(),
        display_name: String::new(),
        email: Some(format!("{username}@example.com")),
        role,
    };
    let row = user::create(app, new).await.unwrap();
    let token = token::create(app, &row, "test", None).await.unwrap().text;
    Client {
        router: router.clone(),
        token,
        user_id: row.id.to_string(),
    }
}
