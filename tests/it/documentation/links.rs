//! Relative links of Markdown pages: the file and the heading of an anchor exist.

use std::collections::HashSet;
use std::fs::read_to_string;
use std::path::Path;

use super::{pages, root, without_code};

#[test]
fn relative_links_lead_to_files_and_headings() {
    let mut broken = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = without_code(&read_to_string(&page).unwrap());
        for link in targets(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            if !resolves(&page, link) {
                let page = page.strip_prefix(root()).unwrap();
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
    assert!(count > 100, "only {count} links were found");
}

#[test]
fn every_page_is_linked_from_another_page() {
    let mut linked = HashSet::new();
    for page in pages() {
        let text = without_code(&read_to_string(&page).unwrap());
        for link in targets(&text) {
            let (file, _) = link.split_once('#').unwrap_or((link, ""));
            if let Ok(target) = page.parent().unwrap().join(file).canonicalize()
                && target != page.canonicalize().unwrap()
            {
                linked.insert(target);
            }
        }
    }
    let decisions = root().join("docs/decisions").canonicalize().unwrap();
    assert!(linked.contains(&decisions), "no page links the decisions");
    for page in pages() {
        let page = page.canonicalize().unwrap();
        let is_entry = page.parent() == Some(root()) || page.starts_with(&decisions);
        assert!(
            is_entry || linked.contains(&page),
            "no page links {}",
            page.display()
        );
    }
}

#[test]
fn named_files_and_folders_exist() {
    const TOPS: &[&str] = &[
        "src",
        "crates",
        "entity",
        "migration",
        "tests",
        "benches",
        "fuzz",
        "web",
        "demo",
        "docs",
    ];
    let mut missing = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = without_code(&read_to_string(&page).unwrap());
        for path in text.split('`').skip(1).step_by(2) {
            let is_path = |sign: char| sign.is_ascii_alphanumeric() || "_-./".contains(sign);
            let Some((top, _)) = path.split_once('/') else {
                continue;
            };
            if !TOPS.contains(&top) || !path.chars().all(is_path) {
                continue;
            }
            count += 1;
            if !root().join(path).exists() {
                let page = page.strip_prefix(root()).unwrap();
                missing.push(format!("{}: {path}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "missing files:\n{}", missing.join("\n"));
    assert!(count > 50, "only {count} paths were found");
}

/// The last column of the tables of `docs/security.md` names tests: modules, or functions in a module.
#[test]
fn tests_of_the_security_page_exist() {
    let page = read_to_string(root().join("docs/security.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_suffix(" |"));
    let cells = rows.filter_map(|row| row.rsplit_once("| ").map(|(_, last)| last));
    let mut missing = Vec::new();
    let mut count = 0;
    for test in cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        if test.contains('/') {
            continue;
        }
        count += 1;
        let path = root().join("tests/it").join(test.replace("::", "/"));
        let is_module = path.with_extension("rs").exists();
        let name = test.rsplit("::").next().unwrap_or_default();
        let file = path.parent().map(|module| module.with_extension("rs"));
        let is_function = file
            .and_then(|file| read_to_string(file).ok())
            .is_some_and(|code| code.contains(&format!("fn {name}(")));
        if !is_module && !is_function {
            missing.push(test);
        }
    }
    assert!(missing.is_empty(), "missing tests: {missing:#?}");
    assert!(count > 40, "only {count} tests were found");
}

/// Targets of inline links, `[text](target)`, and of images.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

fn resolves(page: &Path, link: &str) -> bool {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() {
        page.to_owned()
    } else {
        page.parent().unwrap().join(file)
    };
    if !target.exists() {
        return false;
    }
    anchor.is_empty() || anchors(&read_to_string(&target).unwrap_or_default()).contains(anchor)
}

/// Anchors of a page's headings as GitHub makes them: lower case, without punctuation, spaces as hyphens,
/// and a number behind a repeated heading.
fn anchors(text: &str) -> HashSet<String> {
    let mut anchors = HashSet::new();
    for line in without_code(text).lines() {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let anchor: String = title
            .trim()
            .chars()
            .flat_map(char::to_lowercase)
            .filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_'))
            .map(|sign| if sign == ' ' { '-' } else { sign })
            .collect();
        let mut unique = anchor.clone();
        let mut number = 0;
        while !anchors.insert(unique.clone()) {
            number += 1;
            unique = format!("{anchor}-{number}");
        }
    }
    anchors
}

#[test]
fn anchors_are_those_of_github() {
    let page = "# `a` and b_c: D?\n```sh\n# none\n```\n## Twice\n## Twice\n#none\n";
    let expected = ["a-and-b_c-d", "twice", "twice-1"];
    assert_eq!(anchors(page), expected.map(str::to_owned).into());
}
