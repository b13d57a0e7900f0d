//! Items of a result, each with the members of the entry and of its value, read in a single pass over the text.

use json_fidelity::{Cursor, Irregular, Token};
use serde_json::value::RawValue;

use super::fields::Fields;

/// Item of a result. Items other than objects have no fields, and entries without an object as value no value.
#[derive(Debug, PartialEq)]
pub struct Item<'a> {
    /// JSON of the item.
    pub json: &'a str,
    pub fields: Fields<'a>,
    /// Members of the object under `value`.
    pub value: Fields<'a>,
}

/// Adds the items of a result to a default in order. Returns the default for texts that are not lists.
pub fn fold<'a, T: Default>(result: &'a str, mut add: impl FnMut(&mut T, Item<'a>)) -> T {
    let mut all = T::default();
    if each(result, |item| add(&mut all, item)).is_ok() {
        return all;
    }
    // Starts anew for a text with violations, whose other values count; with a syntax error no item counts.
    let mut all = T::default();
    let items: Vec<&RawValue> = serde_json::from_str(result).unwrap_or_default();
    for item in items {
        interrupt::check();
        add(&mut all, Item::of(item.get()));
    }
    all
}

fn each<'a>(result: &'a str, mut take: impl FnMut(Item<'a>)) -> Result<(), Irregular> {
    let mut cursor = Cursor::new(result);
    if cursor.read()? != (Token::Open { is_object: false }) {
        return Err(Irregular);
    }
    loop {
        interrupt::check();
        match cursor.read()? {
            Token::Close => break,
            first => take(Item::read(&mut cursor, first)?),
        }
    }
    match cursor.read()? {
        Token::End => Ok(()),
        _ => Err(Irregular),
    }
}

impl<'a> Item<'a> {
    fn of(json: &'a str) -> Self {
        let fields = Fields::of(json).unwrap_or_default();
        let value = fields.object("value").unwrap_or_default();
        Self {
            json,
            fields,
            value,
        }
    }

    /// Reads the rest of an item behind its first token.
    fn read(cursor: &mut Cursor<'a>, first: Token<'a>) -> Result<Self, Irregular> {
        let start = cursor.start();
        let (mut fields, mut value) = (Fields::default(), Fields::default());
        if first == (Token::Open { is_object: true }) {
            while let Token::Key(key) = cursor.read()? {
                let key = key.text();
                let first = cursor.read()?;
                let start = cursor.start();
                if key == "value" {
                    value = Fields::default();
                }
                if key == "value" && first == (Token::Open { is_object: true }) {
                    value = Fields::read(cursor)?;
                } else {
                    cursor.skip(first)?;
                }
                fields.push(key, cursor.text_from(start));
            }
        } else {
            cursor.skip(first)?;
        }
        Ok(Self {
            json: cursor.text_from(start),
            fields,
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    /// Members with repeated and escaped keys, and values that serde_json reads or refuses.
    fn entry() -> impl Strategy<Value = String> {
        let keys = vec!["id", "value", r"v\u0061lue", "type", "x", r"\ud83d"];
        let values = vec![
            "1",
            "\"a\"",
            "null",
            "{}",
            r#"{"x" : 1, "y":[{"x":2} ], "x": 3}"#,
            r#"{ "value": {"x":1}}"#,
            "[ {} ]",
            "1e999",
            r#""\ud83d""#,
            r#"{"\ud83d": 1}"#,
        ];
        let member = (select(keys), select(values));
        let entry = prop::collection::vec(member, 0..5).prop_map(|members| {
            let members = members
                .iter()
                .map(|(key, value)| format!("\"{key}\" : {value} "));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        });
        prop_oneof![9 => entry, 1 => select(vec!["1", "null", "[]", "\"a\""]).prop_map(str::to_owned)]
    }

    proptest! {
        #[test]
        fn a_single_pass_reads_what_serde_json_reads(entries in prop::collection::vec(entry(), 0..5)) {
            let result = format!(" [ {} ] ", entries.join(" , "));
            let mut read = Vec::new();
            if each(&result, |item| read.push(item)).is_ok() {
                let fields = |json| serde_json::from_str::<Fields<'_>>(json).unwrap_or_default();
                let parsed = entries.iter().map(|entry| {
                    let fields = fields(entry);
                    let value = fields.parsed::<Fields<'_>>("value").unwrap_or_default();
                    Item { json: entry, fields, value }
                });
                prop_assert_eq!(read, parsed.collect::<Vec<_>>());
            } else {
                let has_violation = result.contains("ud83d") || result.contains("1e999");
                prop_assert!(has_violation);
            }
        }
    }
}
