//! Rules of valid configs beyond XML, as Label Studio checks on saving a project: required attributes and labels,
//! unique names, and `toName`s that exist.
//!
//! Sources: <https://github.com/HumanSignal/label-studio/blob/develop/label_studio/core/label_config.py>,
//! <https://github.com/HumanSignal/label-studio/blob/develop/label_studio/core/utils/schema/label_config_schema.json>.

use std::collections::{HashMap, HashSet};

use problem::LineIndex;
use roxmltree::{Document, Node};

use super::{
    Diagnostic,
    reading::{in_any_case, is_control, is_object, tag_of},
    xml::quoted,
};

/// Most diagnostics per config.
const MAX_FAULTS: usize = 1_000;
/// Playback speeds of a video (<https://labelstud.io/tags/video>).
const SPEEDS: std::ops::RangeInclusive<f64> = 0.05..=10.0;

/// Refuses an invalid config, with all diagnostics.
pub fn check(document: &Document<'_>, lines: &LineIndex<'_>) -> Result<(), Vec<Diagnostic>> {
    let names = document
        .descendants()
        .filter_map(|node| node.attribute("name"));
    let mut rules = Rules {
        lines,
        names: names.collect(),
        owners: HashMap::new(),
        diagnostics: Vec::new(),
    };
    let root = document.root_element();
    let inside = match tag_of(root) {
        "View" => Inside::Root,
        _ => Inside::Other,
    };
    // Label Studio's schema describes the children of the root `View`; names and videos are checked for every tag.
    rules.names_of(root);
    rules.video(root);
    rules.children(root, inside);
    if rules.diagnostics.is_empty() {
        return Ok(());
    }
    rules
        .diagnostics
        .sort_by_key(|diagnostic| diagnostic.location);
    Err(rules.diagnostics)
}

struct Rules<'a> {
    lines: &'a LineIndex<'a>,
    names: HashSet<&'a str>,
    /// Offset of the first attribute with each name.
    owners: HashMap<&'a str, usize>,
    diagnostics: Vec<Diagnostic>,
}

/// Parent of a tag, as far as Label Studio's rules distinguish parents.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    /// The outermost `View`.
    Root,
    /// `View` within a `View`.
    View,
    Choices,
    Labels,
    Other,
}

impl Inside {
    fn of(self, tag: &str) -> Self {
        match (self, tag) {
            // The schema does not look into unknown tags, so the tags within are free.
            (Self::Other, _) => Self::Other,
            (_, "View") => Self::View,
            (Self::Root | Self::View, "Choices") => Self::Choices,
            (Self::Root | Self::View, "Labels") => Self::Labels,
            _ => Self::Other,
        }
    }
}

impl<'a> Rules<'a> {
    /// Checks the children of a tag. Recursion is bounded by the nesting limit of configs.
    fn children(&mut self, node: Node<'a, 'a>, inside: Inside) {
        for child in node.children().filter(Node::is_element) {
            if self.diagnostics.len() >= MAX_FAULTS {
                return;
            }
            let tag = tag_of(child);
            self.tag(child, tag, inside);
            self.names_of(child);
            self.video(child);
            self.children(child, inside.of(tag));
        }
    }

    fn tag(&mut self, node: Node<'a, 'a>, tag: &str, inside: Inside) {
        match (inside, tag) {
            (Inside::Root | Inside::View, "Choices") => self.list(node, tag, "Choice"),
            (Inside::Root | Inside::View, "Labels") => self.list(node, tag, "Label"),
            (Inside::Root | Inside::View, "TextArea" | "Number") => {
                self.needs(node, tag, &["name", "toName"]);
            }
            (Inside::Root | Inside::View, "Image" | "Text" | "HyperText") => {
                self.needs(node, tag, &["name"]);
                match (
                    node.attribute("value").is_some(),
                    node.attribute("valueList").is_some(),
                ) {
                    (true, true) => self.refuse(
                        node.range().start,
                        format!("`<{tag}>` can't have both a `value` and a `valueList`"),
                    ),
                    (false, false) => self.needs(node, tag, &["value"]),
                    _ => {}
                }
            }
            (Inside::View, "Choice" | "Label")
            | (Inside::Choices, "Choice")
            | (Inside::Labels, "Label") => self.needs(node, tag, &["value"]),
            _ => {}
        }
    }

    /// Requires labels, or a source of labels, for controls that offer a list.
    fn list(&mut self, node: Node<'a, 'a>, tag: &str, item: &str) {
        self.needs(node, tag, &["name", "toName"]);
        // Label Studio's schema accepts any `View` in place of labels, without a look at the content.
        let has_items = node.attribute("value").is_some()
            || node
                .children()
                .filter(Node::is_element)
                .any(|child| matches!(tag_of(child), "View") || tag_of(child) == item);
        if !has_items {
            self.refuse(
                node.range().start,
                format!("`<{tag}>` needs a `<{item}>`, or a `value` that leads to a list of them"),
            );
        }
    }

    fn needs(&mut self, node: Node<'a, 'a>, tag: &str, attributes: &[&str]) {
        for attribute in attributes {
            if node.attribute(*attribute).is_none() {
                let message = format!("`<{tag}>` needs the attribute `{attribute}`");
                self.refuse(node.range().start, message);
            }
        }
    }

    /// Requires unique names, and a `toName` with existing names.
    fn names_of(&mut self, node: Node<'a, 'a>) {
        if let Some(attribute) = node.attribute_node("name") {
            let start = attribute.range().start;
            let first = *self.owners.entry(attribute.value()).or_insert(start);
            if first != start {
                let line = self.lines.location(first).line;
                let name = quoted(attribute.value());
                self.refuse(
                    start,
                    format!("the name {name} is taken by a tag in line {line}"),
                );
            }
        }
        if let Some(attribute) = node.attribute_node("toName") {
            for name in attribute.value().split(',') {
                if self.diagnostics.len() >= MAX_FAULTS {
                    return;
                }
                if !self.names.contains(name) {
                    let message = format!("no tag has the name {}", quoted(name));
                    self.refuse(attribute.range().start, message);
                }
            }
        }
    }

    fn video(&mut self, node: Node<'a, 'a>) {
        let is_video = tag_of(node).eq_ignore_ascii_case("video");
        if !is_video || is_control(node) || !is_object(node) {
            return;
        }
        let [default, least] = ["defaultPlaybackSpeed", "minPlaybackSpeed"].map(|attribute| {
            let text = in_any_case(node, attribute)?;
            let speed = text.trim().parse::<f64>().ok();
            if !speed.is_some_and(|speed| SPEEDS.contains(&speed)) {
                self.refuse(
                    node.range().start,
                    format!("`{attribute}` of a video is a number from 0.05 to 10"),
                );
            }
            speed
        });
        if let (Some(default), Some(least)) = (default, least)
            && least > default
        {
            self.refuse(
                node.range().start,
                "`minPlaybackSpeed` of a video can't be more than its `defaultPlaybackSpeed`",
            );
        }
    }

    fn refuse(&mut self, offset: usize, message: impl Into<String>) {
        if self.diagnostics.len() < MAX_FAULTS {
            self.diagnostics.push(Diagnostic {
                message: message.into(),
                location: self.lines.location(offset),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::diagnostics;

    #[test]
    fn every_fault_is_told_in_the_order_of_the_text() {
        let xml = "<View>\n  <Text name=\"t\"/>\n  <é/><Choices name=\"t\" toName='u,t,w'/>\n\
                   <View><Labels toName=\"t\"><Label/></Labels><Choice/></View>\n\
                   <Panel><Choices/></Panel><Video name=\"v\" value=\"$v\" defaultPlaybackSpeed=\"20\"/></View>";
        insta::assert_snapshot!(diagnostics(xml), @r"
    2:3 `<Text>` needs the attribute `value`
    3:7 `<Choices>` needs a `<Choice>`, or a `value` that leads to a list of them
    3:16 the name `t` is taken by a tag in line 2
    3:25 no tag has the name `u`
    3:25 no tag has the name `w`
    4:7 `<Labels>` needs the attribute `name`
    4:26 `<Label>` needs the attribute `value`
    4:43 `<Choice>` needs the attribute `value`
    5:26 `defaultPlaybackSpeed` of a video is a number from 0.05 to 10
    ");
    }
}
