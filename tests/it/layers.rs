//! Layers of the sources: allowed imports between modules.

use std::path::{Path, PathBuf};

/// Each module of the library with its height; a module knows those below it and itself, but neighbours of
/// one height don't know each other. The ground floor is one height that knows itself.
const HEIGHTS: &[(&str, u8)] = &[
    ("cli", 8),
    ("server", 7),
    ("endpoint", 6),
    ("graphql", 5),
    ("auth", 4),
    ("domain", 3),
    ("app", 2),
    ("config", 0),
    ("db", 0),
    ("error", 0),
    ("events", 0),
    ("fair", 0),
    ("id", 0),
    ("instant", 0),
    ("telemetry", 0),
];

/// Starts of a query, or of anything else that belongs into the domain.
const QUERIES: &[&str] = &[
    "::find(",
    "::find_by_",
    "::insert(",
    "::insert_many(",
    "::update_many(",
    "::delete_many(",
    "::delete_by_id(",
    ".reader()",
    ".counter()",
    ".writer()",
    ".begin()",
    "Statement::",
    "QueryFilter",
    "EntityTrait",
    "ActiveModel",
];

#[test]
fn modules_know_only_what_lies_below_them() {
    for source in sources("src") {
        let layer = source.layer.as_str();
        if matches!(layer, "lib" | "main") {
            continue;
        }
        let height = height(layer);
        for known in source.modules_of_ours() {
            let below = self::height(&known) < height || known == layer;
            let ground = height == 0 && self::height(&known) == 0;
            assert!(below || ground, "{} knows crate::{known}", source.name);
        }
    }
}

#[test]
fn the_domain_knows_no_door() {
    for source in sources("src").filter(|source| source.layer == "domain") {
        for door in ["axum", "async_graphql", "tower_http", "hyper"] {
            assert!(!source.mentions(door), "{} knows {door}", source.name);
        }
    }
}

#[test]
fn the_schema_and_its_endpoint_never_start_a_query() {
    for source in sources("src").filter(|source| matches!(&*source.layer, "endpoint" | "graphql")) {
        for query in QUERIES {
            assert!(!source.text.contains(query), "{} has {query}", source.name);
        }
    }
}

#[test]
fn the_schema_and_its_endpoint_reach_the_database_through_the_domain() {
    for source in sources("src").filter(|source| matches!(&*source.layer, "endpoint" | "graphql")) {
        let known = source.modules_of_ours();
        assert!(!known.contains(&"db".to_owned()), "{}", source.name);
    }
}

#[test]
fn entities_and_migrations_know_their_library_only() {
    // Folded copies of texts are computed where rows are saved, and by the migration that adds them.
    let fold = "casefold";
    for (folder, library) in [
        ("entity/src", "sea_orm"),
        ("migration/src", "sea_orm_migration"),
    ] {
        for source in sources(folder) {
            for line in source.text.lines().map(str::trim_start) {
                let line = line.strip_prefix("pub ").unwrap_or(line);
                let Some(path) = line.strip_prefix("use ") else {
                    continue;
                };
                let root = path.split([':', ';']).next().unwrap();
                assert!(
                    [library, fold, "super", "crate"].contains(&root),
                    "{}: {line}",
                    source.name
                );
            }
        }
        let manifest = root().join(folder).join("../Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
        let mut dependencies: Vec<String> = dependencies
            .lines()
            .take_while(|line| !line.starts_with('['))
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .filter(|name| !name.is_empty())
            .map(|name| name.trim_start_matches("annograph-").replace('-', "_"))
            .collect();
        dependencies.sort_unstable();
        assert_eq!(dependencies, [fold, library], "{folder}");
    }
}

#[test]
fn crates_of_pure_functions_need_no_runtime_and_no_database() {
    let manifests = std::fs::read_dir(root().join("crates")).unwrap();
    let manifests: Vec<PathBuf> = manifests
        .map(|folder| folder.unwrap().path().join("Cargo.toml"))
        .collect();
    assert!(manifests.len() >= 5);
    for path in manifests {
        let manifest = std::fs::read_to_string(&path).unwrap();
        for stranger in [
            "tokio",
            "sea-orm",
            "axum",
            "async-graphql",
            "annograph-entity",
        ] {
            let depends = |line: &str| line.starts_with(stranger);
            assert!(!manifest.lines().any(depends), "{path:?}: {stranger}");
        }
    }
}

struct Source {
    name: String,
    /// The module below the crate that the file belongs to.
    layer: String,
    /// Without comments.
    text: String,
}

impl Source {
    /// The crate's own modules that the file names, however it spells their path.
    fn modules_of_ours(&self) -> Vec<String> {
        let mut modules = self.after("crate::");
        // The way out that starts from within: `super::` up to the crate.
        let way_out = "super::".repeat(self.name.matches('/').count() + 1);
        let is_module = |name: &String| HEIGHTS.iter().any(|(module, _)| module == name);
        modules.extend(self.after(&way_out).into_iter().filter(is_module));
        modules
    }

    /// What follows a prefix: a name, or the names at the outer level of a group.
    fn after(&self, prefix: &str) -> Vec<String> {
        let mut names = Vec::new();
        for (at, _) in self.text.match_indices(prefix) {
            let rest = &self.text[at + prefix.len()..];
            let Some(group) = rest.strip_prefix('{') else {
                names.push(word(rest));
                continue;
            };
            let mut depth = 0;
            let mut start = true;
            for (at, character) in group.char_indices() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => start = true,
                    c if start && depth == 0 && !c.is_whitespace() => {
                        names.push(word(&group[at..]));
                        start = false;
                    }
                    _ => {}
                }
            }
        }
        // `super::super::` also reads as `super::` before another `super`.
        names.retain(|name| !matches!(name.as_str(), "" | "super" | "self"));
        names
    }

    fn mentions(&self, name: &str) -> bool {
        self.text.contains(&format!("{name}::")) || self.text.contains(&format!("use {name}"))
    }
}

fn sources(folder: &str) -> impl Iterator<Item = Source> {
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files);
    assert!(!files.is_empty(), "{folder}");
    let folder = root().join(folder);
    files.into_iter().map(move |file| {
        let whole = std::fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(&folder).unwrap();
        let first = path
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap();
        Source {
            name: path.to_str().unwrap().to_owned(),
            layer: first.trim_end_matches(".rs").to_owned(),
            text: whole
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n"),
        }
    })
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn height(module: &str) -> u8 {
    let found = HEIGHTS.iter().find(|(name, _)| *name == module);
    found
        .unwrap_or_else(|| panic!("which layer is crate::{module}?"))
        .1
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
