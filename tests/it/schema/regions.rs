//! Region types: a type for each kind, and all types in one selection.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::{ast::FieldDefinition, schema::ExtendedType};

use super::{fields, published};

/// The types that implement `Region`.
fn members() -> BTreeSet<String> {
    let schema = published();
    let implementers = schema.implementers_map();
    let members = implementers["Region"].objects.iter();
    members.map(ToString::to_string).collect()
}

/// `KEY_POINT` as `KeyPoint`.
fn camel(name: &str) -> String {
    let word = |word: &str| format!("{}{}", &word[..1], word[1..].to_lowercase());
    name.split('_').map(word).collect()
}

#[test]
fn each_kind_of_region_has_a_type_of_its_own() {
    let schema = published();
    let ExtendedType::Enum(kinds) = &schema.types["RegionType"] else {
        panic!("RegionType is an enum");
    };
    let expected = kinds
        .values
        .keys()
        .map(|kind| format!("{}Region", camel(kind)));
    assert_eq!(members(), expected.collect());
    assert_eq!(members().len(), 24);
}

/// A client may ask for any fields of all members at once, without aliases.
#[test]
fn fields_of_one_name_have_one_type_in_all_regions() {
    let schema = published();
    let mut types: BTreeMap<&str, String> = BTreeMap::new();
    for member in members() {
        for field in fields(&schema.types[member.as_str()]) {
            let ty = field.ty.to_string();
            let known = types.entry(field.name.as_str()).or_insert(ty.clone());
            assert_eq!(*known, ty, "{member}.{}", field.name);
        }
    }
}

/// The search for arguments that differ rests on it.
#[test]
fn nothing_below_an_interface_has_arguments() {
    let schema = published();
    let mut waiting: Vec<String> = members().into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        for field in fields(&schema.types[name.as_str()]) {
            assert!(field.arguments.is_empty(), "{name}.{}", field.name);
            let inner = field.ty.inner_named_type().to_string();
            if seen.insert(inner.clone()) {
                waiting.push(inner);
            }
        }
    }
    let interfaces = schema.types.values().filter(|ty| ty.is_interface());
    assert_eq!(interfaces.count(), 1, "Region is the only interface");
}

#[test]
fn the_interface_says_of_its_fields_what_its_members_say() {
    let schema = published();
    let words = |field: &FieldDefinition| {
        let text = field.description.as_deref().unwrap_or_default();
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for field in fields(&schema.types["Region"]) {
        for member in members() {
            let own = fields(&schema.types[member.as_str()]);
            let own = own.iter().find(|own| own.name == field.name).unwrap();
            assert_eq!(words(own), words(field), "{member}.{}", field.name);
        }
    }
}
