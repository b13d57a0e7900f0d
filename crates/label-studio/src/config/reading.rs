//! Reads the tags of a checked config into controls, objects and labels.

use std::sync::Arc;

use problem::LineIndex;
use roxmltree::{Document, Node};

use super::{
    Choice, Config, Control, Index, Kind, Label, Object, Repeater, SpanUnit,
    condition::{self, Condition},
    names::{self, Names, Pattern},
};

/// Reads a config without diagnostics.
pub fn read(document: &Document<'_>, lines: &LineIndex<'_>) -> Config {
    let mut reader = Reader {
        lines,
        config: Config::default(),
        relations: Index::default(),
    };
    reader.tag(document.root_element(), &Around::default());
    Config {
        relation_index: reader.relations,
        ..reader.config
    }
}

/// Returns the tag as written, with the prefix.
pub fn tag_of<'a>(node: Node<'a, '_>) -> &'a str {
    // roxmltree drops the prefix of a name.
    let text = &node.document().input_text()[node.range().start + 1..];
    let end = text.find(|it: char| it.is_ascii_whitespace() || matches!(it, '/' | '>'));
    &text[..end.unwrap_or(text.len())]
}

/// Returns the value of an attribute, or `None` when missing or empty.
pub fn filled<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attribute(name).filter(|value| !value.is_empty())
}

/// Value of an attribute, in the documented case or else in lower case, as Label Studio's editor reads it.
pub fn in_any_case<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attribute(name)
        .or_else(|| node.attribute(&*name.to_ascii_lowercase()))
        .filter(|value| !value.trim().is_empty())
}

/// True for a control, which may be an object, too.
pub fn is_control(node: Node<'_, '_>) -> bool {
    let is_named = filled(node, "name").is_some() && filled(node, "toName").is_some();
    // A `Filter` has a `toName`, but filters labels in the editor and makes no regions
    // (https://labelstud.io/tags/filter).
    is_named && tag_of(node) != "Filter"
}

/// True for an object that is no control.
pub fn is_object(node: Node<'_, '_>) -> bool {
    let shows = ["value", "valueList"];
    filled(node, "name").is_some() && shows.iter().any(|name| filled(node, name).is_some())
}

struct Reader<'a> {
    lines: &'a LineIndex<'a>,
    config: Config,
    relations: Index,
}

/// Context from the enclosing tags.
#[derive(Clone, Default)]
struct Around {
    control: Option<usize>,
    /// Enclosing choice, by branch.
    branch: Option<usize>,
    condition: Option<Arc<Condition>>,
    /// Outermost first.
    repeaters: Arc<[usize]>,
}

impl Reader<'_> {
    /// Reads a tag and the content. Recursion is bounded by the nesting limit of configs.
    fn tag(&mut self, node: Node<'_, '_>, around: &Around) {
        let tag = tag_of(node);
        let mut inner = around.clone();
        if condition::hides_content(node) {
            inner.condition = condition::read(node, around.condition.as_ref());
        }
        if tag.eq_ignore_ascii_case("Repeater") {
            inner.repeaters = self.add_repeater(node, around);
        }
        // Label Studio's chat and user-defined controls are control and object in a single tag.
        let labels_itself = ["chat", "reactcode"]
            .iter()
            .any(|known| tag.eq_ignore_ascii_case(known));
        let is_named = filled(node, "name").is_some();
        if is_control(node) {
            inner.control = Some(self.add_control(node, around));
            inner.branch = None;
            if labels_itself {
                self.add_object(node, around);
            }
        } else if is_object(node) || (is_named && labels_itself) {
            self.add_object(node, around);
            if labels_itself {
                self.add_control(node, around);
            }
        } else if matches!(tag, "Label" | "Choice" | "Relation") {
            self.add_label(node, &mut inner);
        }
        for child in node.children().filter(Node::is_element) {
            self.tag(child, &inner);
        }
    }

    /// Adds a `Repeater`. Returns the Repeaters around the content.
    fn add_repeater(&mut self, node: Node<'_, '_>, around: &Around) -> Arc<[usize]> {
        let variable = in_any_case(node, "on").and_then(variable);
        let repeater = Repeater {
            pattern: variable.and_then(|path| self.pattern(path, around)),
            variable: variable.map(str::to_owned),
            index_flag: in_any_case(node, "indexFlag")
                .unwrap_or(names::DEFAULT_FLAG)
                .to_owned(),
        };
        let place = self.config.repeaters.len();
        self.config.repeaters.push(repeater);
        around.repeaters.iter().copied().chain([place]).collect()
    }

    /// Compiles the value of an attribute with the flags of the enclosing Repeaters.
    fn pattern(&self, text: &str, around: &Around) -> Option<Pattern> {
        let repeaters = around.repeaters.iter().take(names::MAX_DEPTH);
        let flags = repeaters.map(|place| (*place, &*self.config.repeaters[*place].index_flag));
        Pattern::of(text, &flags.collect::<Vec<_>>())
    }

    fn add_control(&mut self, node: Node<'_, '_>, around: &Around) -> usize {
        let name = node.attribute("name").unwrap_or_default();
        let to_name = filled(node, "toName").unwrap_or(name);
        let tag = tag_of(node);
        let kind = Kind::of(tag);
        // Labels from elsewhere: from the task's data (`$`), or from a server while the editor runs.
        let has_source = filled(node, "apiUrl").is_some()
            || filled(node, "value").is_some_and(|value| value.starts_with('$'));
        let is = |attribute| {
            in_any_case(node, attribute).is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        let number = |attribute| in_any_case(node, attribute)?.trim().parse::<f64>().ok();
        let count = |attribute| in_any_case(node, attribute)?.trim().parse::<u64>().ok();
        let mut labelled = Names::default();
        let mut to_names: Vec<String> = Vec::new();
        for name in to_name.split(',') {
            if labelled.written(name).is_none() {
                let pattern = self.pattern(name, around);
                labelled.add(name, pattern.as_ref(), to_names.len());
                to_names.push(name.to_owned());
            }
        }
        let pattern = self.pattern(name, around);
        let index = self.config.controls.len();
        self.config.control_names.add(name, pattern.as_ref(), index);
        self.config.controls.push(Control {
            name: name.to_owned(),
            tag: tag.to_owned(),
            kind,
            to_names,
            labelled,
            labels: Vec::new(),
            has_dynamic_labels: has_source && kind.takes_labels_from_elsewhere(),
            choice: match in_any_case(node, "choice") {
                Some("multiple") => Choice::Multiple,
                _ => Choice::Single,
            },
            is_required: is("required"),
            is_per_region: is("perRegion"),
            is_per_item: is("perItem"),
            condition: condition::read(node, around.condition.as_ref()),
            // Rust parses `inf` and `nan`, which bound no number.
            min: number("min").filter(|bound| bound.is_finite()),
            max: number("max").filter(|bound| bound.is_finite()),
            max_rating: in_any_case(node, "maxRating")
                .and_then(|value| value.trim().parse().ok())
                .unwrap_or(5),
            max_submissions: count("maxSubmissions"),
            max_usages: count("maxUsages"),
            attributes: attributes(node),
            location: self.lines.location(node.range().start),
            repeaters: around.repeaters.clone(),
            pattern,
            index: Index::default(),
        });
        index
    }

    fn add_object(&mut self, node: Node<'_, '_>, around: &Around) {
        let name = node.attribute("name").unwrap_or_default();
        let value = node
            .attribute("valueList")
            .or_else(|| node.attribute("value"));
        let variable = value.and_then(variable);
        let name_pattern = self.pattern(name, around);
        let variable_pattern = variable.and_then(|path| self.pattern(path, around));
        let index = self.config.objects.len();
        let names = &mut self.config.object_names;
        names.add(name, name_pattern.as_ref(), index);
        self.config.objects.push(Object {
            name: name.to_owned(),
            tag: tag_of(node).to_owned(),
            value: value.map(str::to_owned),
            variable: variable.map(str::to_owned),
            span_unit: SpanUnit::of(tag_of(node)),
            attributes: attributes(node),
            location: self.lines.location(node.range().start),
            repeaters: around.repeaters.clone(),
            name_pattern,
            variable_pattern,
        });
    }

    /// Adds a label to the enclosing control. Skips a label with an empty stored text.
    fn add_label(&mut self, node: Node<'_, '_>, inner: &mut Around) {
        let Some(stored) = filled(node, "alias").or_else(|| node.attribute("value")) else {
            return;
        };
        let text = |name| node.attribute(name).map(str::to_owned);
        let pattern = self.pattern(stored, inner);
        let pattern = pattern.as_ref();
        let label = Label {
            stored: stored.to_owned(),
            value: text("value"),
            alias: text("alias"),
            background: text("background"),
            hotkey: text("hotkey"),
            branch: 0,
        };
        // Relations have no control: all `Relation` tags of a config form a single list.
        if tag_of(node) == "Relation" {
            let labels = &mut self.config.relation_labels;
            self.relations.add(labels, label.clone(), pattern, None);
        }
        if let Some(control) = inner.control {
            let control = &mut self.config.controls[control];
            let labels = &mut control.labels;
            let branch = control.index.add(labels, label, pattern, inner.branch);
            inner.branch = Some(branch);
        }
    }
}

/// Reads the path of a variable: `text` of `$text`. Returns `None` unless the value is a single variable.
fn variable(value: &str) -> Option<&str> {
    let path = value.strip_prefix('$')?;
    (!path.is_empty() && !path.contains([',', ' '])).then_some(path)
}

fn attributes(node: Node<'_, '_>) -> Vec<(String, String)> {
    let text = node.document().input_text();
    node.attributes()
        .map(|attribute| {
            // The name as written, with the prefix.
            let name = text
                .get(attribute.range_qname())
                .unwrap_or(attribute.name());
            (name.to_owned(), attribute.value().to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{around_text, stored};
    use super::*;

    #[test]
    fn controls_and_objects_are_told_by_their_attributes() {
        let config = around_text(
            r#"<Labels name="l" toName="t"><Label value="a"/></Labels>
               <Foo name="f" toName="t,l,t"/>
               <Filter name="filter" toName="l"/>
               <Style name="s"/>
               <Choice name="both" toName="t" value="$x"/>
               <Choice name="shown" value="x"/>
               <labels name="low" toName="t"/>"#,
        );
        let controls: Vec<_> = config
            .controls
            .iter()
            .map(|it| (it.name.as_str(), it.tag.as_str(), it.kind))
            .collect();
        assert_eq!(
            controls,
            [
                ("l", "Labels", Kind::Labels),
                ("f", "Foo", Kind::Other),
                ("both", "Choice", Kind::Other),
                ("low", "labels", Kind::Labels),
            ]
        );
        assert_eq!(config.control("f").unwrap().to_names, ["t", "l"]);
        let objects: Vec<_> = config.objects.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(objects, ["t", "shown"]);
        assert!(config.control("t").is_none() && config.object("l").is_none());
    }

    #[test]
    fn a_chat_labels_itself() {
        let config = Config::parse(
            r#"<View><Chat name="c" value="$d"/><ReactCode name="r" toName="r" data="$x"/><Chat name="bare"/></View>"#,
        )
        .unwrap();
        for (name, region_type) in [
            ("c", "chatmessage"),
            ("r", "reactcode"),
            ("bare", "chatmessage"),
        ] {
            let control = config.control(name).unwrap();
            assert_eq!(control.to_names, [name]);
            assert_eq!(control.region_type(), region_type);
            assert!(config.object(name).is_some());
        }
        assert_eq!(config.object("c").unwrap().variable.as_deref(), Some("d"));
        assert_eq!(config.object("bare").unwrap().value, None);
    }

    #[test]
    fn labels_belong_to_the_nearest_control_above() {
        let config = around_text(
            r#"<Choices name="c" toName="t">
                 <View name="v"><Choice value="a"/></View>
                 <Bar name="inner" toName="t"><Label value="b"/><label value="no"/></Bar>
                 <Label alias="" value="c"/><Label alias="d" value="dee"/><Label/><Label alias=""/><Label value=""/>
               </Choices>
               <Relations><Relation value="r"/><Relation value="s" alias="S"/></Relations>"#,
        );
        assert_eq!(
            stored(&config.control("c").unwrap().labels),
            ["a", "c", "d", ""]
        );
        assert_eq!(stored(&config.control("inner").unwrap().labels), ["b"]);
        assert_eq!(stored(&config.relation_labels), ["r", "S"]);
    }

    #[test]
    fn settings_are_read_and_nonsense_is_the_default() {
        let config = around_text(
            r#"<Number name="n" toName="t" min="-1.5" max=" 2 " required="True" perRegion="true" peritem="true"/>
               <Number name="m" toName="t" min="abc" max="inf" required="1"/>
               <Rating name="r" toName="t" maxRating="abc"/><Rating name="q" toName="t" maxRating="10"/>
               <TextArea name="a" toName="t" maxSubmissions="3" maxUsages="-1"/>
               <Choices name="c" toName="t" choice="multiple" maxusages="2"><Choice value="a"/></Choices>"#,
        );
        let control = |name| config.control(name).unwrap();
        let n = control("n");
        assert_eq!((n.min, n.max), (Some(-1.5), Some(2.0)));
        assert!(n.is_required && n.is_per_region && n.is_per_item);
        assert_eq!((control("m").min, control("m").max), (None, None));
        assert!(!control("m").is_required);
        assert_eq!((control("r").max_rating, control("q").max_rating), (5, 10));
        let text = control("a");
        assert_eq!((text.max_submissions, text.max_usages), (Some(3), None));
        assert_eq!(control("c").choice, Choice::Multiple);
        assert_eq!(control("c").max_usages, Some(2));
        assert_eq!(text.choice, Choice::Single);
        assert_eq!(
            text.attributes[2],
            ("maxSubmissions".to_owned(), "3".to_owned())
        );
    }

    #[test]
    fn variables_are_single_keys() {
        let config = Config::parse(
            r#"<View><Image name="i" value="$a" /><A name="a" value="$x, $y"/><A name="b" value="x"/><A name="c" value="$l" valueList=""/><A name="d" value="$"/></View>"#,
        )
        .unwrap();
        let variables: Vec<_> = config
            .objects
            .iter()
            .map(|it| it.variable.as_deref())
            .collect();
        assert_eq!(variables, [Some("a"), None, None, None, None]);
        assert_eq!(config.object("c").unwrap().value.as_deref(), Some(""));
    }
}
