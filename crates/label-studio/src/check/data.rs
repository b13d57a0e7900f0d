//! Task data that strict checks need: lengths of the lists of Repeaters, lengths of texts.

use std::{collections::HashMap, ops::ControlFlow};

use super::value::{Items, Value};
use crate::config::{Config, Control, Indices, Object};

/// List items visited per control; bounds lists of empty lists.
const MAX_STEPS: usize = 100_000;

/// The data of a task, parsed at the first use.
pub struct Data<'a> {
    config: &'a Config,
    text: Option<&'a str>,
    value: Option<Value<'a>>,
    /// Text lengths by path.
    lengths: HashMap<String, Option<usize>>,
}

impl<'a> Data<'a> {
    /// Data of a task as JSON text, parsed at the first use; without a text no length is known.
    pub fn new(config: &'a Config, text: Option<&'a str>) -> Self {
        Self {
            config,
            text,
            value: None,
            lengths: HashMap::new(),
        }
    }

    /// Parses the text once.
    fn read(&mut self) {
        if let Some(text) = self.text.take() {
            self.value = serde_json::from_str(text).ok();
        }
    }

    /// Counts UTF-16 units of the text that an object shows, as browsers do
    /// (<https://tc39.es/ecma262/#sec-ecmascript-language-types-string-type>). Code points are never more, so offsets
    /// in code points pass, too. Returns `None` for an unknown text.
    pub fn text_length(&mut self, object: &Object, indices: &Indices) -> Option<usize> {
        let path = object.path(indices)?.into_owned();
        self.read();
        let Self { value, lengths, .. } = self;
        let text = || at(value.as_ref()?, &path)?.text();
        let length = || text().map(|text| text.encode_utf16().count());
        // Cached: counting takes time in proportion to the text, and every span of the text asks.
        if let Some(known) = lengths.get(&path) {
            return *known;
        }
        let length = length();
        lengths.insert(path, length);
        length
    }

    /// Calls a function with each name of a control in results of this task until the function breaks: the plain name,
    /// or a name for each item of the lists of the Repeaters. Skips lists that the data does not have.
    pub fn each_name(&mut self, control: &Control, mut take: impl FnMut(&str) -> ControlFlow<()>) {
        if control.repeaters.is_empty() {
            let _ = take(&control.name);
            return;
        }
        self.read();
        let Some(value) = &self.value else { return };
        // Nested lists multiply: three lists of a thousand items make a billion names.
        let mut steps = MAX_STEPS;
        let repeated = Repeated {
            config: self.config,
            value,
            control,
        };
        let _ = repeated.each(
            &control.repeaters,
            &Indices::default(),
            &mut steps,
            &mut take,
        );
    }
}

struct Repeated<'d> {
    config: &'d Config,
    value: &'d Value<'d>,
    control: &'d Control,
}

impl Repeated<'_> {
    /// Recurses once for each nested Repeater.
    fn each(
        &self,
        repeaters: &[usize],
        indices: &Indices,
        steps: &mut usize,
        take: &mut impl FnMut(&str) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some((first, others)) = repeaters.split_first() else {
            return match self.control.name_at(indices) {
                Some(name) => take(&name),
                None => ControlFlow::Continue(()),
            };
        };
        let path = self.config.repeaters[*first].path(indices);
        let list = path.and_then(|path| at(self.value, &path)?.items());
        let count = list.map_or(0, Items::len);
        for index in 0..u32::try_from(count).unwrap_or(u32::MAX) {
            let Some(left) = steps.checked_sub(1) else {
                return ControlFlow::Break(());
            };
            *steps = left;
            self.each(others, &indices.with(*first, index), steps, take)?;
        }
        ControlFlow::Continue(())
    }
}

/// Resolves a path like `pages[0].url`, as lodash's `get` does (<https://lodash.com/docs/#get>): a key equal to the
/// whole path goes first.
fn at<'v, 'a>(data: &'v Value<'a>, path: &str) -> Option<&'v Value<'a>> {
    if let Some(found) = data.get(path) {
        return Some(found);
    }
    let steps = path.split(['.', '[']);
    steps
        .map(|step| step.strip_suffix(']').unwrap_or(step))
        .try_fold(data, |value, step| match value {
            Value::List(items) => items.get(step.parse::<usize>().ok()?),
            value => value.get(step),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(data: &str) -> Vec<String> {
        let config = Config::parse(
            r#"<View><Repeater on="$pages"><Repeater on="$pages[{{idx}}].lines" indexFlag="%">
                 <Text name="t_{{idx}}_%" value="$pages[{{idx}}].lines[%]"/>
                 <Choices name="c_{{idx}}_%" toName="t_{{idx}}_%"><Choice value="a"/></Choices>
               </Repeater></Repeater></View>"#,
        )
        .unwrap();
        let mut names = Vec::new();
        Data::new(&config, Some(data)).each_name(&config.controls[0], |name| {
            names.push(name.to_owned());
            ControlFlow::Continue(())
        });
        names
    }

    #[test]
    fn controls_repeat_for_each_item_of_the_lists_around_them() {
        let data = r#"{"pages":[{"lines":["a","b"]},{"lines":[]},{"lines":[1]},{}]}"#;
        assert_eq!(names(data), ["c_0_0", "c_0_1", "c_2_0"]);
        for unknown in [
            "",
            "[]",
            "{}",
            r#"{"pages":"ab"}"#,
            r#"{"pages":{"lines":[1]}}"#,
        ] {
            assert!(names(unknown).is_empty(), "{unknown}");
        }
        let many = format!(
            r#"{{"pages":[{}{{"lines":[1]}}]}}"#,
            "{},".repeat(MAX_STEPS)
        );
        assert!(names(&many).is_empty());
    }
}
