//! Conditions of visibility, from the attributes of tags, as in Label Studio's editor
//! (<https://github.com/HumanSignal/label-studio/blob/develop/web/libs/editor/src/mixins/Visibility.js>).

use std::sync::Arc;

use roxmltree::Node;

use super::reading::in_any_case;

/// Condition under which a control is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `visibleWhen` as written. Without `visibleWhen`, a choice equal to `whenChoiceValue` in any control shows the
    /// tag.
    pub visible_when: Option<String>,
    /// `whenTagName`
    pub tag_names: Vec<String>,
    /// `whenLabelValue`
    pub label_values: Vec<String>,
    /// `whenChoiceValue`, split at commas; a single value without a `visibleWhen`.
    pub choice_values: Vec<String>,
    /// Condition of the nearest enclosing tag that hides content; both have to hold.
    pub around: Option<Arc<Self>>,
}

/// True for a tag that hides the content while the condition does not hold. `whenTagName` and `whenLabelValue` alone
/// hide no content.
pub fn hides_content(node: Node<'_, '_>) -> bool {
    let mut attributes = ["visibleWhen", "whenChoiceValue"].iter();
    attributes.any(|name| in_any_case(node, name).is_some())
}

/// Reads the condition of a tag. Returns the enclosing condition for a tag without attributes of visibility.
pub fn read(node: Node<'_, '_>, around: Option<&Arc<Condition>>) -> Option<Arc<Condition>> {
    let list = |name| -> Vec<String> {
        in_any_case(node, name)
            .map(|values| values.split(',').map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let visible_when = in_any_case(node, "visibleWhen");
    let choice_values = match visible_when {
        // Without `visibleWhen` the editor compares the whole attribute, commas included.
        Some(_) => list("whenChoiceValue"),
        None => Vec::from_iter(in_any_case(node, "whenChoiceValue").map(str::to_owned)),
    };
    let condition = Condition {
        visible_when: visible_when.map(str::to_owned),
        tag_names: list("whenTagName"),
        label_values: list("whenLabelValue"),
        choice_values,
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

#[cfg(test)]
mod tests {
    use super::super::tests::around_text;

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
    fn containers_without_visible_when_hide_by_a_choice_alone() {
        for container in ["View", "Repeater", "Collapse", "Panel"] {
            let config = around_text(&format!(
                r#"<{container} whenChoiceValue="a,b"><View><TextArea name="x" toName="t"/></View></{container}>
                   <{container} whenTagName="c" whenLabelValue="L"><TextArea name="y" toName="t"/></{container}>"#
            ));
            let condition = config.controls[0].condition.as_deref().unwrap();
            assert_eq!(condition.visible_when, None);
            assert_eq!(condition.choice_values, ["a,b"]);
            assert_eq!(config.controls[1].condition, None);
        }
    }
}
