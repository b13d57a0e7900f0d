//! Looks for PostgreSQL, so that tests which need it are counted as left out where there is none.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Debian keeps the programs of each version in a folder of its own, and none of them on the path.
const DEBIAN: &str = "/usr/lib/postgresql";

fn main() {
    println!("cargo::rustc-check-cfg=cfg(has_postgres)");
    for name in [
        "ANNOGRAPH_TEST_POSTGRES",
        "ANNOGRAPH_TEST_POSTGRES_URL",
        "PATH",
    ] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    // Cargo would run this anew at each build for a folder that is not there.
    if Path::new(DEBIAN).is_dir() {
        println!("cargo::rerun-if-changed={DEBIAN}");
    }
    if is_required() || env::var_os("ANNOGRAPH_TEST_POSTGRES_URL").is_some() || is_installed() {
        println!("cargo::rustc-cfg=has_postgres");
    }
}

/// The tests are run, and fail where they find no server.
fn is_required() -> bool {
    env::var("ANNOGRAPH_TEST_POSTGRES").is_ok_and(|value| value == "required")
}

fn is_installed() -> bool {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = env::split_paths(&path).collect();
    debian
        .chain(on_path)
        .any(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}
