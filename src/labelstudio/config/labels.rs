//! The labels of a control, found by what they store and by the path of the choices that lead to them.

use std::collections::HashMap;

use super::{Control, Label};

/// How the labels of one control can be found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Index {
    by_stored: HashMap<String, usize>,
    /// Labels by the choices around them. The same label can be at several places.
    branches: Vec<Branch>,
    by_place: HashMap<(Option<usize>, usize), usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Branch {
    /// The branch that it grows from.
    parent: Option<usize>,
    label: usize,
}

impl Index {
    /// Adds a label below a branch and answers with its own branch. One that is stored like an earlier label
    /// takes its place, as in a Python dict.
    pub(super) fn add(
        &mut self,
        labels: &mut Vec<Label>,
        mut label: Label,
        parent: Option<usize>,
    ) -> usize {
        let index = *self
            .by_stored
            .entry(label.stored.clone())
            .or_insert(labels.len());
        let branch = *self
            .by_place
            .entry((parent, index))
            .or_insert(self.branches.len());
        if branch == self.branches.len() {
            self.branches.push(Branch {
                parent,
                label: index,
            });
        }
        label.branch = branch;
        match labels.get_mut(index) {
            Some(earlier) => *earlier = label,
            None => labels.push(label),
        }
        branch
    }
}

impl Control {
    /// The label that is stored like this.
    pub fn label(&self, stored: &str) -> Option<&Label> {
        let index = self.index.by_stored.get(stored)?;
        Some(&self.labels[*index])
    }

    /// The control offers this label, or does not know here which ones it offers.
    pub fn offers(&self, label: &str) -> bool {
        self.labels_are_open() || self.index.by_stored.contains_key(label)
    }

    /// The control has these choices in one another, outermost first, or does not know here which ones it has.
    pub fn offers_path<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> bool {
        if self.labels_are_open() {
            return true;
        }
        let mut branch = None;
        for stored in path {
            let Some(label) = self.index.by_stored.get(stored) else {
                return false;
            };
            branch = self.index.by_place.get(&(branch, *label)).copied();
            if branch.is_none() {
                return false;
            }
        }
        true
    }

    /// What the choices around one of its labels store, outermost first; empty unless choices are nested.
    /// Of a label at several places it is the last one.
    pub fn parents(&self, label: &Label) -> Vec<&str> {
        let parent = |branch: usize| {
            let branch = self.index.branches.get(branch)?;
            branch.parent
        };
        let mut parents: Vec<_> = std::iter::successors(parent(label.branch), |it| parent(*it))
            .map(|branch| {
                self.labels[self.index.branches[branch].label]
                    .stored
                    .as_str()
            })
            .collect();
        parents.reverse();
        parents
    }

    fn labels_are_open(&self) -> bool {
        self.labels.is_empty() || self.has_dynamic_labels
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{around_text, stored};

    #[test]
    fn of_labels_that_are_stored_alike_the_last_counts() {
        let config = around_text(
            r#"<Labels name="l" toName="t"><Label value="a" hotkey="1"/><Label value="b"/><Label value="A" alias="a"/></Labels>"#,
        );
        let control = config.control("l").unwrap();
        assert_eq!(stored(&control.labels), ["a", "b"]);
        assert_eq!(control.label("a").unwrap().value.as_deref(), Some("A"));
        assert_eq!(control.labels[0].hotkey, None);
        assert!(control.offers("b") && !control.offers("A"));
    }

    #[test]
    fn nested_choices_know_their_parents() {
        let config = around_text(
            r#"<Taxonomy name="x" toName="t">
                 <Choice value="Animal"><View><Choice value="Cat" alias="cat"/></View><Choice value="Other"/></Choice>
                 <Choice value="Plant"><Choice value="Other"/></Choice>
               </Taxonomy>"#,
        );
        let control = config.control("x").unwrap();
        assert_eq!(control.parents(control.label("cat").unwrap()), ["Animal"]);
        assert_eq!(control.parents(control.label("Other").unwrap()), ["Plant"]);
        assert!(control.parents(control.label("Plant").unwrap()).is_empty());
        for path in [
            &["Animal"][..],
            &["Animal", "Other"],
            &["Plant", "Other"],
            &[],
        ] {
            assert!(control.offers_path(path.iter().copied()), "{path:?}");
        }
        for path in [
            &["Other"][..],
            &["Plant", "cat"],
            &["cat", "Animal"],
            &["x"],
        ] {
            assert!(!control.offers_path(path.iter().copied()), "{path:?}");
        }
    }

    #[test]
    fn labels_from_elsewhere_are_not_known() {
        let config = around_text(
            r#"<Choices name="c" toName="t" value="$x"><Choice value="a"/></Choices>
               <Taxonomy name="x" toName="t" apiUrl="http://example.com"/>
               <TextArea name="a" toName="t" value="$text"/>"#,
        );
        let [choices, taxonomy, text] = &config.controls[..] else {
            panic!("three controls");
        };
        assert!(choices.has_dynamic_labels && choices.offers("b"));
        assert!(taxonomy.has_dynamic_labels && taxonomy.offers_path(["b", "c"]));
        assert!(!text.has_dynamic_labels);
    }
}
