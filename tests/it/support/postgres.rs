//! PostgreSQL databases: a migrated template, copied for each test.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use annograph::db::{Database, Options};
use migration::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;
use tokio::sync::{Mutex, OnceCell};

/// Server with a migrated template database.
struct Server {
    /// URL up to the name of the database.
    base: String,
    template: String,
}

static SERVER: OnceCell<Option<Server>> = OnceCell::const_new();
/// Serialises copies of the template.
static COPYING: Mutex<()> = Mutex::const_new(());

/// Creates a database for a test. Returns the URL, or `None` without PostgreSQL.
pub async fn database() -> Option<String> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let server = SERVER.get_or_init(start).await.as_ref()?;
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let name = format!("{}_{number}", server.template);
    let _alone = COPYING.lock().await;
    let create = format!("CREATE DATABASE {name} TEMPLATE {}", server.template);
    run(&format!("{}/postgres", server.base), &create).await;
    Some(format!("{}/{name}", server.base))
}

/// Removes a test's database.
pub async fn drop_database(url: &str) {
    let (base, name) = url.rsplit_once('/').unwrap();
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    run(&format!("{base}/postgres"), &drop).await;
}

async fn run(url: &str, sql: &str) {
    let db = Database::connect(&Options {
        pool: 2,
        ..Options::new(url)
    })
    .await
    .unwrap();
    db.writer().execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

async fn start() -> Option<Server> {
    let base = match std::env::var("ANNOGRAPH_TEST_POSTGRES_URL") {
        Ok(url) => url.trim_end_matches('/').to_owned(),
        Err(_) => start_cluster(&binaries()?),
    };
    let template = format!("annograph_test_{}", std::process::id());
    run(
        &format!("{base}/postgres"),
        &format!("DROP DATABASE IF EXISTS {template}"),
    )
    .await;
    run(
        &format!("{base}/postgres"),
        &format!("CREATE DATABASE {template}"),
    )
    .await;
    let db = Database::connect(&Options::new(format!("{base}/{template}")))
        .await
        .unwrap();
    Migrator::up(db.writer(), None).await.unwrap();
    db.close().await.unwrap();
    Some(Server { base, template })
}

/// Finds the folder of PostgreSQL's programs: on the path, or in Debian's place.
fn binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    debian.sort();
    debian
        .into_iter()
        .rev()
        .chain(on_path)
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// Starts a temporary cluster that ends with this process. Returns the URL.
#[expect(clippy::zombie_processes, reason = "it ends after this process")]
fn start_cluster(binaries: &Path) -> String {
    let folder = tempfile::Builder::new()
        .prefix("annograph-postgres-")
        .tempdir()
        .unwrap()
        .keep();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    // PostgreSQL refuses to run as root: there the user `postgres` of its package runs it.
    let as_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if as_root {
        let owner = Command::new("chown")
            .arg("postgres")
            .arg(&folder)
            .status()
            .unwrap();
        assert!(
            owner.success(),
            "can't hand {} to the user postgres",
            folder.display()
        );
    }
    let script = r#"
        set -e
        "$1/initdb" --pgdata "$2/data" --username postgres --auth trust --no-sync --no-locale --encoding UTF8 >"$2/log" 2>&1
        "$1/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$2" \
            -c fsync=off -c full_page_writes=off -c max_connections=400 >>"$2/log" 2>&1 &
        server=$!
        # The server ends with the tests, however these end.
        while kill -0 "$4" 2>/dev/null || [ -d "/proc/$4" ]; do sleep 0.5; done
        kill -INT "$server"; wait "$server" || true
        rm -rf "$2"
    "#;
    let mut command = if as_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    command
        .args(["-c", script, "sh"])
        .arg(binaries)
        .arg(&folder)
        .arg(port.to_string())
        .arg(std::process::id().to_string())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..300 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
            && std::fs::read_to_string(folder.join("log"))
                .is_ok_and(|log| log.contains("ready to accept connections"))
        {
            return format!("postgres://postgres@127.0.0.1:{port}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    panic!("PostgreSQL did not start: {log}");
}
