//! Streaming reader of a result, a region at a time. Skips keys that no check reads.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::value::{Key, Value};

/// Item of a result, reduced to the keys that checks read. Missing keys are `None`.
#[derive(Debug, Default)]
pub struct Region<'a> {
    pub id: Option<Cow<'a, str>>,
    pub from_name: Option<Value<'a>>,
    pub to_name: Option<Value<'a>>,
    pub region_type: Option<Value<'a>>,
    pub value: Option<Value<'a>>,
    pub direction: Option<Value<'a>>,
    pub from_id: Option<Value<'a>>,
    pub to_id: Option<Value<'a>>,
    pub labels: Option<Value<'a>>,
}

/// Calls a function with the index of each item and the region, or `None` for items other than objects.
pub fn each<'a>(
    result: &'a str,
    take: impl FnMut(usize, Option<Region<'a>>),
) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_str(result);
    json.deserialize_seq(List(take))?;
    json.end()
}

struct List<F>(F);

impl<'de, F: FnMut(usize, Option<Region<'de>>)> Visitor<'de> for List<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of regions")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(Item(region)) = list.next_element()? {
            self.0(index, region);
            index += 1;
        }
        Ok(())
    }
}

struct Item<'a>(Option<Region<'a>>);

impl<'de> Deserialize<'de> for Item<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor).map(Item)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Option<Region<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a region")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut region = Region::default();
        while let Some(Key(key)) = map.next_key()? {
            let field = match &*key {
                "id" => {
                    region.id = match map.next_value()? {
                        Value::Text(id) => Some(id),
                        // An id of a wrong type counts as missing; the scan of the JSON has reported the type.
                        _ => None,
                    };
                    continue;
                }
                "from_name" => &mut region.from_name,
                "to_name" => &mut region.to_name,
                "type" => &mut region.region_type,
                "value" => &mut region.value,
                "direction" => &mut region.direction,
                "from_id" => &mut region.from_id,
                "to_id" => &mut region.to_id,
                "labels" => &mut region.labels,
                _ => {
                    // Skipped without allocation: `meta` can hold megabytes.
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = Some(map.next_value()?);
        }
        Ok(Some(region))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        // Consumes the list: a visitor that leaves items unread is a syntax error to serde_json.
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
}
