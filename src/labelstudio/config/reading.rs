//! From the tags of a checked config to its controls, objects and labels.

use std::{collections::HashSet, sync::Arc};

use roxmltree::{Document, Node};

use super::{Choice, Condition, Config, Control, Index, Kind, Label, Object};
use crate::error::Places;

/// What is understood of a config that has no faults.
pub fn read(document: &Document<'_>, places: &Places<'_>) -> Config {
    let mut reader = Reader {
        places,
        config: Config::default(),
        relations: Index::default(),
    };
    reader.tag(document.root_element(), &Around::default());
    reader.config
}

/// A tag as it is written, with its prefix.
pub fn tag_of<'a>(node: Node<'a, '_>) -> &'a str {
    let text = &node.document().input_text()[node.range().start + 1..];
    let end = text.find(|it: char| it.is_ascii_whitespace() || matches!(it, '/' | '>'));
    &text[..end.unwrap_or(text.len())]
}

/// An attribute that is there and says something.
pub fn filled<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attribute(name).filter(|value| !value.is_empty())
}

/// An attribute in the case that Label Studio documents, else in lower case, as its editor reads it.
pub fn in_any_case<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attribute(name)
        .or_else(|| node.attribute(&*name.to_ascii_lowercase()))
        .filter(|value| !value.trim().is_empty())
}

/// A control, whatever else it may be.
pub fn is_control(node: Node<'_, '_>) -> bool {
    let is_named = filled(node, "name").is_some() && filled(node, "toName").is_some();
    is_named && tag_of(node) != "Filter"
}

/// An object, unless it is a control.
pub fn is_object(node: Node<'_, '_>) -> bool {
    let shows = ["value", "valueList"];
    filled(node, "name").is_some() && shows.iter().any(|name| filled(node, name).is_some())
}

struct Reader<'a> {
    places: &'a Places<'a>,
    config: Config,
    relations: Index,
}

/// What the tags around a tag make of it.
#[derive(Clone, Default)]
struct Around {
    control: Option<usize>,
    /// The choice around it, among those of the control.
    branch: Option<usize>,
    condition: Option<Arc<Condition>>,
}

impl Reader<'_> {
    /// Reads a tag and what is in it. Goes as deep as tags may be nested.
    fn tag(&mut self, node: Node<'_, '_>, around: &Around) {
        let tag = tag_of(node);
        let mut inner = around.clone();
        if filled(node, "visibleWhen").is_some() || filled(node, "visiblewhen").is_some() {
            inner.condition = condition(node, around.condition.as_ref());
        }
        let labels_itself = ["chat", "reactcode"]
            .iter()
            .any(|known| tag.eq_ignore_ascii_case(known));
        let is_named = filled(node, "name").is_some();
        if is_control(node) {
            inner.control = Some(self.add_control(node, around));
            inner.branch = None;
            if labels_itself {
                self.add_object(node);
            }
        } else if is_object(node) || (is_named && labels_itself) {
            self.add_object(node);
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

    fn add_control(&mut self, node: Node<'_, '_>, around: &Around) -> usize {
        let name = node.attribute("name").unwrap_or_default();
        let to_name = filled(node, "toName").unwrap_or(name);
        let tag = tag_of(node);
        let kind = Kind::of(tag);
        let has_source = filled(node, "apiUrl").is_some()
            || filled(node, "value").is_some_and(|value| value.starts_with('$'));
        let is = |attribute| {
            in_any_case(node, attribute).is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        let number = |attribute| in_any_case(node, attribute)?.trim().parse::<f64>().ok();
        let count = |attribute| in_any_case(node, attribute)?.trim().parse::<u64>().ok();
        let mut labelled = HashSet::new();
        let mut to_names: Vec<_> = to_name.split(',').map(str::to_owned).collect();
        to_names.retain(|name| labelled.insert(name.clone()));
        let control = Control {
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
            condition: condition(node, around.condition.as_ref()),
            min: number("min").filter(|bound| bound.is_finite()),
            max: number("max").filter(|bound| bound.is_finite()),
            max_rating: in_any_case(node, "maxRating")
                .and_then(|value| value.trim().parse().ok())
                .unwrap_or(5),
            max_submissions: count("maxSubmissions"),
            max_usages: count("maxUsages"),
            attributes: attributes(node),
            location: self.places.at(node.range().start),
            index: Index::default(),
        };
        let index = self.config.controls.len();
        self.config.controls_by_name.insert(name.to_owned(), index);
        self.config.controls.push(control);
        index
    }

    fn add_object(&mut self, node: Node<'_, '_>) {
        let name = node.attribute("name").unwrap_or_default();
        let value = node
            .attribute("valueList")
            .or_else(|| node.attribute("value"));
        let variable = value
            .and_then(|value| value.strip_prefix('$'))
            .filter(|key| !key.is_empty() && !key.contains([',', ' ']));
        let index = self.config.objects.len();
        self.config.objects_by_name.insert(name.to_owned(), index);
        self.config.objects.push(Object {
            name: name.to_owned(),
            tag: tag_of(node).to_owned(),
            value: value.map(str::to_owned),
            variable: variable.map(str::to_owned),
            attributes: attributes(node),
            location: self.places.at(node.range().start),
        });
    }

    /// Adds a label to the control around it. One that stores nothing is none.
    fn add_label(&mut self, node: Node<'_, '_>, inner: &mut Around) {
        let Some(stored) = filled(node, "alias").or_else(|| node.attribute("value")) else {
            return;
        };
        let text = |name| node.attribute(name).map(str::to_owned);
        let label = Label {
            stored: stored.to_owned(),
            value: text("value"),
            alias: text("alias"),
            background: text("background"),
            hotkey: text("hotkey"),
            branch: 0,
        };
        if tag_of(node) == "Relation" {
            let labels = &mut self.config.relation_labels;
            self.relations.add(labels, label.clone(), None);
        }
        if let Some(control) = inner.control {
            let control = &mut self.config.controls[control];
            let branch = control.index.add(&mut control.labels, label, inner.branch);
            inner.branch = Some(branch);
        }
    }
}

/// What a tag says of when it is shown.
fn condition(node: Node<'_, '_>, around: Option<&Arc<Condition>>) -> Option<Arc<Condition>> {
    let list = |name| -> Vec<String> {
        in_any_case(node, name)
            .map(|values| values.split(',').map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let condition = Condition {
        visible_when: in_any_case(node, "visibleWhen").map(str::to_owned),
        tag_names: list("whenTagName"),
        label_values: list("whenLabelValue"),
        choice_values: list("whenChoiceValue"),
        around: around.cloned(),
    };
    let says_nothing = condition.visible_when.is_none()
        && condition.tag_names.is_empty()
        && condition.label_values.is_empty()
        && condition.choice_values.is_empty();
    if says_nothing {
        return around.cloned();
    }
    Some(Arc::new(condition))
}

fn attributes(node: Node<'_, '_>) -> Vec<(String, String)> {
    let text = node.document().input_text();
    node.attributes()
        .map(|attribute| {
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
    fn conditions_of_the_views_around_hold_too() {
        let config = around_text(
            r#"<View visibleWhen="choice-selected" whenTagName="c" whenChoiceValue="a,b">
                 <View><TextArea name="x" toName="t"/></View>
                 <TextArea name="y" toName="t" perRegion="true" whenLabelValue="L"/>
               </View>
               <View whenTagName="c"><TextArea name="z" toName="t"/></View>"#,
        );
        let condition = |name| config.control(name).unwrap().condition.as_deref();
        let outer = condition("x").unwrap();
        assert_eq!(outer.visible_when.as_deref(), Some("choice-selected"));
        assert_eq!(outer.choice_values, ["a", "b"]);
        let inner = condition("y").unwrap();
        assert_eq!(inner.label_values, ["L"]);
        assert_eq!(inner.around.as_deref(), Some(outer));
        assert_eq!(condition("z"), None);
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
