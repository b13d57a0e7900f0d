//! The built binary as a process: arguments, output and exit codes.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use annograph::{app::App, db::Database};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
pub struct Program {
    folder: Option<PathBuf>,
    variables: Vec<(&'static str, String)>,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A server under way. Dropping it kills it.
pub struct Server {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    /// `http://127.0.0.1:port/`
    pub base: String,
}

impl Program {
    pub fn on(url: &str) -> Self {
        Self::default().with("ANNOGRAPH_DATABASE_URL", url)
    }

    pub fn in_folder(folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
            ..Self::default()
        }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annograph"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ANNOGRAPH_")) {
            command.env_remove(name);
        }
        command.args(arguments).envs(self.variables.iter().cloned());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().unwrap();
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts a server on a port of its own; returns once it has said where it is.
    pub fn serve(&self, arguments: &[&str]) -> Server {
        self.serve_with_log(arguments, Stdio::null())
    }

    /// The same, with its log in a file.
    pub fn serve_with_log(&self, arguments: &[&str], log: impl Into<Stdio>) -> Server {
        let mut command =
            self.command(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat());
        let mut child = command.stderr(log).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let base = line.trim_end().strip_prefix("Annograph is at ");
        let base = base
            .unwrap_or_else(|| panic!("the first line is {line:?}"))
            .to_owned();
        assert!(
            base.starts_with("http://127.0.0.1:") && !base.contains(":0/"),
            "{base}"
        );
        Server { child, out, base }
    }
}

impl Ended {
    /// What a command that went well printed.
    #[track_caller]
    pub fn ok(&self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out.clone()
    }

    /// What a command that was refused said.
    #[track_caller]
    pub fn refused(&self) -> String {
        assert_eq!(
            (self.code, self.out.as_str()),
            (Some(1), ""),
            "{}",
            self.err
        );
        self.err.clone()
    }
}

impl Server {
    /// Runs a document on behalf of a token.
    pub async fn run(&self, token: &str, query: &str) -> (StatusCode, Value) {
        let request = reqwest::Client::new().post(format!("{}graphql", self.base));
        let body = json!({ "query": query });
        let answer = request.bearer_auth(token).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub async fn get(&self, path: &str) -> (StatusCode, HeaderMap) {
        let answer = reqwest::get(format!("{}{path}", self.base)).await.unwrap();
        (answer.status(), answer.headers().clone())
    }

    pub fn address(&self) -> std::net::SocketAddr {
        let address = self.base.strip_prefix("http://").unwrap();
        address.trim_end_matches('/').parse().unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to stop, as a service manager does.
    pub fn terminate(&self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// The rest of what it printed, and how it ended.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (status.code(), rest)
    }

    /// Asks it to stop, and waits until it has: the rest of what it printed.
    pub async fn stop(self) -> String {
        self.terminate();
        let (code, rest) = self.ended().await;
        assert_eq!(code, Some(0));
        rest
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same database, seen from the test.
pub async fn app_on(url: &str) -> App {
    let db = Database::connect(&annograph::db::Options::new(url))
        .await
        .unwrap();
    App::new(db)
}
