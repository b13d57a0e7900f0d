//! Doc comments of public items, those that no other crate reaches included: rustc's lint `missing_docs` passes over
//! `pub` items of private modules.

use std::path::Path;

use super::{files, root};

#[test]
fn public_items_have_doc_comments() {
    let mut count = 0;
    let mut missing = Vec::new();
    for folder in ["src", "crates"] {
        for file in files(&root().join(folder), "rs") {
            let is_test = file.iter().any(|part| part == "tests" || part == "benches");
            if is_test || file.ends_with("tests.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let items = public_items(&text);
            count += items.len();
            missing.extend(
                items
                    .into_iter()
                    .filter(|item| !item.is_documented)
                    .map(|Item { line, text, .. }| format!("{}:{line}: {text}", shown(&file))),
            );
        }
    }
    assert!(count > 800, "the items were not found: {count}");
    assert!(
        missing.is_empty(),
        "without a doc comment:\n{}",
        missing.join("\n")
    );
}

/// A public function, type, trait or constant.
#[derive(Debug, PartialEq)]
struct Item<'a> {
    /// Number of the line, from 1.
    line: usize,
    text: &'a str,
    is_documented: bool,
}

/// Finds the public items of formatted code, up to the tests of the module. Items of macros have a name with `$` and
/// are left out.
fn public_items(text: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut is_documented = false;
    // Indentation of an attribute that spans lines; its last line has the same indentation.
    let mut attribute: Option<usize> = None;
    for (index, line) in text.lines().enumerate() {
        let text = line.trim_start();
        let indentation = line.len() - text.len();
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        if let Some(outer) = attribute {
            if indentation == outer && text.ends_with(']') {
                attribute = None;
            }
        } else if text.starts_with("#[") {
            attribute = (!text.ends_with(']')).then_some(indentation);
        } else if text.starts_with("///") {
            is_documented = true;
        } else {
            if is_public_item(text) {
                items.push(Item {
                    line: index + 1,
                    text,
                    is_documented,
                });
            }
            is_documented = false;
        }
    }
    items
}

fn is_public_item(line: &str) -> bool {
    const KINDS: [&str; 7] = ["fn", "struct", "enum", "trait", "const", "static", "type"];
    let Some(rest) = line.strip_prefix("pub ") else {
        return false;
    };
    let mut words = rest.split(' ').peekable();
    while words
        .next_if(|word| ["async", "unsafe"].contains(word))
        .is_some()
    {}
    let is_item = words.next().is_some_and(|word| KINDS.contains(&word));
    is_item && words.next().is_some_and(|name| !name.starts_with('$'))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root())
        .unwrap_or(file)
        .display()
        .to_string()
}

#[test]
fn attributes_stand_between_a_comment_and_its_item() {
    let code = "/// Documented.\n#[derive(Clone)]\n#[graphql(\n    name = \"A\",\n    list = [1]\n)]\npub struct A;\n\npub fn b() {}\n    pub const C: u8 = 1;\npub(crate) fn d() {}\npub struct $name;\n#[cfg(test)]\nmod tests {\npub fn e() {}\n";
    let item = |line, text, is_documented| Item {
        line,
        text,
        is_documented,
    };
    assert_eq!(
        public_items(code),
        [
            item(7, "pub struct A;", true),
            item(9, "pub fn b() {}", false),
            item(10, "pub const C: u8 = 1;", false),
        ]
    );
}
