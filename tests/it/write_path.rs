//! The write path of annotations, held by reading its sources. See docs/decisions/0027-one-write-path.md.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

#[test]
fn annotation_modules_import_each_other_in_no_circle() {
    let imports = imports();
    assert!(imports.len() > 10, "{imports:?}");
    for room in imports.keys() {
        let mut way = vec![room.as_str()];
        assert!(!leads_back(&imports, &mut way), "{}", way.join(" -> "));
    }
}

#[test]
fn commands_import_no_module_of_the_folder() {
    assert_eq!(imports()["command"], BTreeSet::new());
}

#[test]
fn writes_of_annotations_begin_in_one_place() {
    let mut begins = Vec::new();
    for place in [
        "annotation.rs",
        "annotation",
        "draft.rs",
        "draft",
        "review.rs",
    ] {
        for file in files(&domain().join(place)) {
            let code = code(&file);
            let begins_of = |begin: &str| code.matches(begin).count();
            let count = begins_of(".begin()") + begins_of(".begin_shared()");
            let name = file.strip_prefix(domain()).unwrap().display().to_string();
            begins.extend((count > 0).then_some((name, count)));
        }
    }
    begins.sort_unstable();
    let expected = [
        ("annotation/group.rs", 1),
        // Background work on the search index writes no annotation.
        ("annotation/index.rs", 1),
        ("annotation/lock.rs", 1),
        // Drafts alone: of a discarded one, and of replaced contents.
        ("draft/discard.rs", 1),
        ("draft/replaced.rs", 1),
    ];
    assert_eq!(
        begins,
        expected.map(|(name, count)| (name.to_owned(), count))
    );
}

/// Modules of the folder, `annotation` for the parent of all, with the modules that each imports or names by a path.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let folder = domain().join("annotation");
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files(&folder).chain([domain().join("annotation.rs")]) {
        let name = file.strip_prefix(domain()).unwrap().with_extension("");
        let module = name.iter().map(|part| part.to_str().unwrap().to_owned());
        let module: Vec<String> = module.collect();
        let from = room(&module);
        let code = code(&file);
        for path in used_paths(&code).into_iter().chain(full_paths(&code)) {
            let Some(target) = resolve(&module, &path) else {
                continue;
            };
            let is_module = target.len() > 1 && is_room(&folder, &target[1]);
            let to = if is_module { &target[1] } else { "annotation" };
            if to != from {
                imports
                    .entry(from.clone())
                    .or_default()
                    .insert(to.to_owned());
            }
        }
        imports.entry(from).or_default();
    }
    imports
}

/// Extends the way until it comes back to where it began.
fn leads_back<'a>(imports: &'a BTreeMap<String, BTreeSet<String>>, way: &mut Vec<&'a str>) -> bool {
    for next in &imports[*way.last().unwrap()] {
        let is_back = *next == way[0];
        if !is_back && way.contains(&next.as_str()) {
            continue;
        }
        way.push(next);
        if is_back || leads_back(imports, way) {
            return true;
        }
        way.pop();
    }
    false
}

/// The module of the folder that a path lies in.
fn room(module: &[String]) -> String {
    module.get(1).unwrap_or(&module[0]).clone()
}

fn is_room(folder: &Path, name: &str) -> bool {
    folder.join(format!("{name}.rs")).exists()
}

/// An imported path below `domain`; `None` when it is not below `domain::annotation`.
fn resolve(module: &[String], path: &str) -> Option<Vec<String>> {
    let mut target = module.to_vec();
    let mut parts = path.split("::").peekable();
    match *parts.peek()? {
        "super" | "self" => {}
        "crate" => {
            parts.next();
            (parts.next()? == "domain").then_some(())?;
            target.clear();
        }
        _ => return None,
    }
    for part in parts {
        match part {
            "self" => {}
            "super" => {
                target.pop();
            }
            part => target.push(part.to_owned()),
        }
    }
    (target.first()? == "annotation").then_some(target)
}

/// Paths that are imported, each whole.
fn used_paths(code: &str) -> Vec<String> {
    let uses = code.split(";\n").filter_map(|statement| {
        let start = statement.find("use ")?;
        let before = statement[..start].lines().last().unwrap_or_default();
        (before.is_empty() || before.starts_with("pub")).then(|| &statement[start + 4..])
    });
    uses.flat_map(|tree| leaves(tree.trim())).collect()
}

/// Paths in expressions and types that begin at the crate or at a module, such as
/// `crate::domain::annotation::lock::tasks`, up to the tests of the module: in an inner module `super` is the file.
fn full_paths(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let code = code.replace("::<", "<");
    let paths =
        code.split(|character: char| !(character.is_alphanumeric() || "_:".contains(character)));
    let roots = ["crate::", "self::", "super::"];
    let paths = paths.filter(|path| roots.iter().any(|root| path.starts_with(root)));
    // Leaves out the beginning of a tree of `use`, whose leaves are read as `use`.
    let paths = paths.filter(|path| !path.ends_with("::"));
    paths.map(str::to_owned).collect()
}

#[test]
fn paths_are_found_in_expressions_too() {
    let code = "use super::{lock, plan::Plan};\nfn a(b: &crate::domain::annotation::run::C) {\n    super::index::rows::<D>(b);\n    let e = plan::f();\n}\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n";
    let found = ["crate::domain::annotation::run::C", "super::index::rows"];
    assert_eq!(full_paths(code), found);
    assert_eq!(used_paths(code), ["super::lock", "super::plan::Plan"]);
}

/// Paths of a tree such as `a::{b, c::{d, e}}`.
fn leaves(tree: &str) -> Vec<String> {
    let Some((prefix, group)) = tree.split_once('{') else {
        return vec![tree.trim().to_owned()];
    };
    let group = group.trim_end().strip_suffix('}').unwrap();
    let mut depth = 0;
    let members = group.split(|character| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    });
    let members = members.map(str::trim).filter(|member| !member.is_empty());
    members
        .flat_map(leaves)
        .map(|leaf| format!("{}{leaf}", prefix.trim()))
        .collect()
}

/// The text of a file without comments.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Sources at or below a path.
fn files(path: &Path) -> std::vec::IntoIter<PathBuf> {
    let mut found = Vec::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            found.extend(files(&entry.unwrap().path()));
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_owned());
    }
    found.into_iter()
}

fn domain() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain")
}
