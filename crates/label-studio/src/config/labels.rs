//! Index of a control's labels, by stored text and by the path of the enclosing choices.

use std::{borrow::Cow, collections::HashMap};

use super::{
    Control, Label,
    names::{Indices, Names, Pattern},
};

/// Index of a control's labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Index {
    by_stored: Names,
    /// Labels by enclosing branch. A label can appear in several branches.
    branches: Vec<Branch>,
    by_place: HashMap<(Option<usize>, usize), usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Branch {
    /// Parent branch.
    parent: Option<usize>,
    label: usize,
}

impl Index {
    /// Adds a label below a branch and returns the new branch. A label with the stored text of an earlier label
    /// replaces the earlier label in place, as in a Python dict
    /// (<https://docs.python.org/3/library/stdtypes.html#dict>). `pattern` is compiled from the stored text.
    pub(super) fn add(
        &mut self,
        labels: &mut Vec<Label>,
        mut label: Label,
        pattern: Option<&Pattern>,
        parent: Option<usize>,
    ) -> usize {
        let known = self.by_stored.written(&label.stored);
        let index = known.unwrap_or(labels.len());
        if known.is_none() {
            self.by_stored.add(&label.stored, pattern, index);
        }
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
        // The replacing label moves to the later branch; the earlier branch stays for paths.
        label.branch = branch;
        match labels.get_mut(index) {
            Some(earlier) => *earlier = label,
            None => labels.push(label),
        }
        branch
    }

    /// True when a label stores this text, given the indices of the Repeaters.
    pub(super) fn has(&self, stored: &str, indices: &Indices) -> bool {
        self.by_stored.find(stored, indices).is_some()
    }
}

impl Control {
    /// Finds a label by stored text, as written in the config.
    pub fn label(&self, stored: &str) -> Option<&Label> {
        let index = self.index.by_stored.written(stored)?;
        Some(&self.labels[index])
    }

    /// True when the control offers this label, given the indices of the enclosing Repeaters. Always true for dynamic
    /// or missing labels.
    pub fn offers(&self, label: &str, indices: &Indices) -> bool {
        self.labels_are_open() || self.index.has(label, indices)
    }

    /// Stored texts of the labels, with the indices filled in; unchanged where an index is missing.
    pub fn labels_at(&self, indices: &Indices) -> impl ExactSizeIterator<Item = Cow<'_, str>> {
        self.labels.iter().map(|label| {
            let pattern = self.index.by_stored.pattern(&label.stored);
            let filled = pattern.and_then(|pattern| pattern.filled(indices));
            filled.map_or(Cow::Borrowed(&*label.stored), Cow::Owned)
        })
    }

    /// True when the control offers this path of nested choices, outermost first, or has dynamic choices.
    pub fn offers_path<'a>(
        &self,
        path: impl IntoIterator<Item = &'a str>,
        indices: &Indices,
    ) -> bool {
        if self.labels_are_open() {
            return true;
        }
        let mut branch = None;
        for stored in path {
            let Some((label, _)) = self.index.by_stored.find(stored, indices) else {
                return false;
            };
            branch = self.index.by_place.get(&(branch, label)).copied();
            if branch.is_none() {
                return false;
            }
        }
        true
    }

    /// Stored texts of the choices around a label, outermost first; empty for flat choices. Uses the last position of a
    /// label with several positions.
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
    use super::super::{
        Indices,
        tests::{around_text, stored},
    };

    #[test]
    fn of_labels_that_are_stored_alike_the_last_counts() {
        let config = around_text(
            r#"<Labels name="l" toName="t"><Label value="a" hotkey="1"/><Label value="b"/><Label value="A" alias="a"/></Labels>"#,
        );
        let control = config.control("l").unwrap();
        assert_eq!(stored(&control.labels), ["a", "b"]);
        assert_eq!(control.label("a").unwrap().value.as_deref(), Some("A"));
        assert_eq!(control.labels[0].hotkey, None);
        assert!(
            control.offers("b", &Indices::default()) && !control.offers("A", &Indices::default())
        );
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
            assert!(
                control.offers_path(path.iter().copied(), &Indices::default()),
                "{path:?}"
            );
        }
        for path in [
            &["Other"][..],
            &["Plant", "cat"],
            &["cat", "Animal"],
            &["x"],
        ] {
            assert!(
                !control.offers_path(path.iter().copied(), &Indices::default()),
                "{path:?}"
            );
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
        assert!(choices.has_dynamic_labels && choices.offers("b", &Indices::default()));
        assert!(
            taxonomy.has_dynamic_labels && taxonomy.offers_path(["b", "c"], &Indices::default())
        );
        assert!(!text.has_dynamic_labels);
    }
}
