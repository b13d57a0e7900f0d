//! Entries of a result and the identity of each, without parsing entries in full.

use std::{borrow::Cow, collections::HashMap, fmt};

use json_fidelity::{Cursor, Irregular, Quoted, Token};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Item of a result.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Identity of the entry within the result.
    pub key: Key<'a>,
    /// JSON text of the entry in the result.
    pub text: &'a str,
}

/// Identity of an entry within a result, stable across the versions of the annotation.
///
/// The id of a region is not unique: controls with `perRegion` repeat the id in separate entries. Relations have no id
/// and are identified by both ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key<'a> {
    /// Name, not unique by itself.
    pub name: Name<'a>,
    /// Number of earlier entries with the same name; 0 in results of Label Studio.
    pub nth: usize,
}

/// Identifying fields of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Name<'a> {
    /// Region, answer, or entry without usable fields.
    Region {
        /// `id`
        id: Option<Cow<'a, str>>,
        /// `from_name`: the control.
        from_name: Option<Cow<'a, str>>,
    },
    /// Relation between two regions.
    Relation {
        /// `from_id`: the region at the start.
        from_id: Cow<'a, str>,
        /// `to_id`: the region at the end.
        to_id: Cow<'a, str>,
    },
}

impl Key<'_> {
    /// Copies the borrowed texts.
    pub fn into_owned(self) -> Key<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let name = match self.name {
            Name::Region { id, from_name } => Name::Region {
                id: id.map(owned),
                from_name: from_name.map(owned),
            },
            Name::Relation { from_id, to_id } => Name::Relation {
                from_id: owned(from_id),
                to_id: owned(to_id),
            },
        };
        Key {
            name,
            nth: self.nth,
        }
    }
}

impl Name<'_> {
    /// Ids of the regions of the entry: the region itself, or both ends of a relation.
    pub fn region_ids(&self) -> impl Iterator<Item = &str> {
        let ids = match self {
            Self::Region { id, .. } => [id.as_deref(), None],
            Self::Relation { from_id, to_id } => [Some(&**from_id), Some(&**to_id)],
        };
        ids.into_iter().flatten()
    }

    /// Returns the id of the region, or `None` for a relation or a region without id.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Region { id, .. } => id.as_deref(),
            Self::Relation { .. } => None,
        }
    }
}

/// Entries of a result that [`json_fidelity::check_result`] accepts, in order. Empty for any other text.
pub fn entries(result: &str) -> Vec<Entry<'_>> {
    named_texts(result).unwrap_or_else(|Irregular| parsed(result))
}

/// Numbers entries with equal names.
#[derive(Default)]
struct Numbered<'a> {
    entries: Vec<Entry<'a>>,
    seen: HashMap<Name<'a>, usize>,
}

impl<'a> Numbered<'a> {
    fn push(&mut self, name: Name<'a>, text: &'a str) {
        let count = self.seen.entry(name.clone()).or_default();
        let nth = *count;
        *count += 1;
        let key = Key { name, nth };
        self.entries.push(Entry { key, text });
    }
}

/// Reads the entries of a text without violations in a single pass.
fn named_texts(result: &str) -> Result<Vec<Entry<'_>>, Irregular> {
    let mut numbered = Numbered::default();
    let mut cursor = Cursor::new(result);
    if cursor.read()? != (Token::Open { is_object: false }) {
        return Err(Irregular);
    }
    loop {
        interrupt::check();
        let first = cursor.read()?;
        if first == Token::Close {
            break;
        }
        let start = cursor.start();
        let head = match first {
            Token::Open { is_object: true } => Head::read(&mut cursor)?,
            _ => {
                cursor.skip(first)?;
                Head::default()
            }
        };
        numbered.push(head.name(), cursor.text_from(start));
    }
    match cursor.read()? {
        Token::End => Ok(numbered.entries),
        _ => Err(Irregular),
    }
}

/// Reads the entries of any text.
fn parsed(result: &str) -> Vec<Entry<'_>> {
    // Raw values keep the text of each entry byte by byte: rewritten JSON would show as a change in the history.
    let items: Vec<&RawValue> = serde_json::from_str(result).unwrap_or_default();
    let mut numbered = Numbered::default();
    for item in items {
        interrupt::check();
        numbered.push(name(item.get()), item.get());
    }
    numbered.entries
}

/// Joins entries to a result.
pub fn list<'a>(entries: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for (index, entry) in entries.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(entry);
    }
    text.push(']');
    text
}

/// Reads the name of an entry. A text other than an object has the name of a region without id and control.
pub fn name(entry: &str) -> Name<'_> {
    let head: Head<'_> = serde_json::from_str(entry).unwrap_or_default();
    head.name()
}

/// Identifying keys of an entry. The last of repeated keys counts, and values of types other than string count as
/// absent.
#[derive(Default)]
struct Head<'a> {
    id: Option<Cow<'a, str>>,
    from_name: Option<Cow<'a, str>>,
    from_id: Option<Cow<'a, str>>,
    to_id: Option<Cow<'a, str>>,
    is_relation: bool,
}

impl<'a> Head<'a> {
    /// Reads the members of an object behind the `{`, and the `}`.
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Irregular> {
        let mut head = Self::default();
        while let Token::Key(key) = cursor.read()? {
            let value = cursor.read()?;
            cursor.skip(value)?;
            let text = match value {
                Token::Text(text) => Some(text),
                _ => None,
            };
            match &*key.text() {
                "id" => head.id = text.map(Quoted::text),
                "from_name" => head.from_name = text.map(Quoted::text),
                "from_id" => head.from_id = text.map(Quoted::text),
                "to_id" => head.to_id = text.map(Quoted::text),
                "type" => head.is_relation = text.map(Quoted::text).as_deref() == Some("relation"),
                _ => {}
            }
        }
        Ok(head)
    }

    fn name(self) -> Name<'a> {
        // A relation without both ends is identified like a region, by whatever id and control the entry has.
        match self {
            Head {
                is_relation: true,
                from_id: Some(from_id),
                to_id: Some(to_id),
                ..
            } => Name::Relation { from_id, to_id },
            Head { id, from_name, .. } => Name::Region { id, from_name },
        }
    }
}

impl<'de> Deserialize<'de> for Head<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Head<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Head<'de>, M::Error> {
                let mut head = Head::default();
                while let Some(Text(key)) = map.next_key()? {
                    match &*key {
                        "id" => head.id = text(map.next_value()?),
                        "from_name" => head.from_name = text(map.next_value()?),
                        "from_id" => head.from_id = text(map.next_value()?),
                        "to_id" => head.to_id = text(map.next_value()?),
                        "type" => {
                            let kind = text(map.next_value()?);
                            head.is_relation = kind.as_deref() == Some("relation");
                        }
                        _ => {
                            // Skipped without allocation: the value can be a mask of megabytes.
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(head)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let text: Option<Text<'_>> = serde_json::from_str(value.get()).ok();
    text.map(|Text(text)| text)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    #[test]
    fn entries_are_told_apart_by_id_and_control_or_by_their_ends() {
        let result = r#"[
            {"id": "a", "from_name": "box", "value": {"id": "x", "from_name": "y"}},
            {"id": "a", "from_name": "note"},
            {"id": "a", "from_name": "box"},
            {"\u0069d": "b", "id": "c", "from_name": 1},
            {"type": "relation", "from_id": "a", "to_id": "c"},
            {"type": "relation", "from_id": "a", "to_id": "c"},
            {"type": "relation", "from_id": "a"},
            {}
        ]"#;
        let region = |id: Option<&'static str>, from_name: Option<&'static str>| Name::Region {
            id: id.map(Cow::from),
            from_name: from_name.map(Cow::from),
        };
        let relation = || Name::Relation {
            from_id: "a".into(),
            to_id: "c".into(),
        };
        let found = entries(result).into_iter().map(|entry| entry.key);
        let expected = [
            (region(Some("a"), Some("box")), 0),
            (region(Some("a"), Some("note")), 0),
            (region(Some("a"), Some("box")), 1),
            (region(Some("c"), None), 0),
            (relation(), 0),
            (relation(), 1),
            (region(None, None), 0),
            (region(None, None), 1),
        ];
        let expected = expected.map(|(name, nth)| Key { name, nth });
        assert!(found.eq(expected));
        assert!(entries("{}").is_empty());
    }

    proptest! {
        #[test]
        fn a_single_pass_finds_what_parsing_finds(
            entries in prop::collection::vec(
                prop::collection::vec((select(KEYS.to_vec()), select(VALUES.to_vec())), 0..5),
                0..6,
            ),
        ) {
            let entries = entries.iter().map(|members| {
                let members = members.iter().map(|(key, value)| format!("\"{key}\" : {value} "));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            });
            let result = format!("[ {} ] ", entries.chain(["1 ".to_owned(), "[]".to_owned()]).collect::<Vec<_>>().join(" ,"));
            let content = |entries: Vec<Entry<'_>>| -> Vec<_> {
                let pairs = entries.into_iter().map(|entry| (entry.key.into_owned(), entry.text.to_owned()));
                pairs.collect()
            };
            match named_texts(&result) {
                Ok(found) => prop_assert_eq!(content(found), content(parsed(&result))),
                Err(Irregular) => prop_assert!(result.contains("ud83d")),
            }
        }
    }

    const KEYS: [&str; 7] = [
        "id",
        r"\u0069d",
        "from_name",
        "from_id",
        "to_id",
        "type",
        "value",
    ];
    const VALUES: [&str; 7] = [
        "\"a\"",
        r#""\u0061""#,
        "\"relation\"",
        "1",
        "null",
        r#"[{"id": "b"}]"#,
        r#""\ud83d""#,
    ];
}
