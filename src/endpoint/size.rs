//! Size of a document, fragments spread: measured on syntax alone, before validation.
//!
//! Measures each fragment once, so that a few lines that expand to billions of fields are as fast as any.

use std::collections::HashMap;

use apollo_compiler::{
    Name,
    ast::{Definition, Document, Field, FragmentDefinition, OperationType, Selection},
};
use async_graphql::ServerError;

use crate::config::LimitArgs;
use crate::graphql::error::limit_error;

/// Maximum depth of fields below `__schema` and `__type`: the introspection queries of common tools fit.
const INTROSPECTION_DEPTH: u64 = 30;

/// Maximum nesting of selection sets, those of fragments included. Bounds the recursion of all later passes; allows a
/// fragment per level of fields.
pub fn max_nesting(limits: &LimitArgs) -> u64 {
    2 * limits.max_depth.max(INTROSPECTION_DEPTH)
}

/// Refuses a document that exceeds a limit.
pub fn check(document: &Document, limits: &LimitArgs) -> Result<(), ServerError> {
    let fragments = document.definitions.iter().filter_map(|definition| {
        let Definition::FragmentDefinition(fragment) = definition else {
            return None;
        };
        Some((&fragment.name, &**fragment))
    });
    let mut measure = Measure {
        fragments: fragments.collect(),
        known: HashMap::new(),
        max_nesting: max_nesting(limits),
    };
    // Sums over all operations: each is validated, though a single one runs.
    let mut whole = Size::default();
    for definition in &document.definitions {
        let Definition::OperationDefinition(operation) = definition else {
            continue;
        };
        let mut size = measure.set(&operation.selection_set, 1);
        let variables = operation.variables.iter();
        size.directives += operation.directives.len() as u64;
        size.directives += variables.map(|it| it.directives.len() as u64).sum::<u64>();
        if operation.operation_type == OperationType::Mutation {
            size.mutations = size.width;
        }
        whole.add(size);
    }
    refuse(&whole, limits)
}

fn refuse(size: &Size, limits: &LimitArgs) -> Result<(), ServerError> {
    // Nesting first: beyond the bound the walk stopped, so all other sizes are incomplete.
    let bounds = [
        (
            "nesting",
            size.nesting,
            max_nesting(limits),
            "selection sets in one another",
        ),
        (
            "fields",
            size.fields,
            limits.max_fields,
            "fields, fragments spread",
        ),
        ("depth", size.depth, limits.max_depth, "levels of fields"),
        (
            "aliases",
            size.aliases,
            limits.max_aliases,
            "aliases, fragments spread",
        ),
        (
            "directives",
            size.directives,
            limits.max_directives,
            "directives, fragments spread",
        ),
        (
            "mutations",
            size.mutations,
            limits.max_mutations,
            "root fields of a mutation",
        ),
        (
            "introspectionDepth",
            size.introspection_lists,
            limits.max_introspection_depth,
            "lists of introspection in one another",
        ),
        (
            "introspectionDepth",
            size.introspection_depth,
            INTROSPECTION_DEPTH,
            "levels of introspection",
        ),
    ];
    for (limit, actual, max, of_what) in bounds {
        if actual > max {
            return Err(limit_error(limit, max, actual, of_what));
        }
    }
    Ok(())
}

/// Size of a selection set, fragments spread.
#[derive(Clone, Copy, Default)]
struct Size {
    fields: u64,
    aliases: u64,
    directives: u64,
    /// Number of fields directly in the set.
    width: u64,
    mutations: u64,
    depth: u64,
    /// Nesting of selection sets, of fields and fragments alike.
    nesting: u64,
    /// Levels of fields with the names of introspection lists, inside or outside of introspection.
    lists: u64,
    introspection_lists: u64,
    introspection_depth: u64,
}

impl Size {
    fn add(&mut self, other: Self) {
        for (sum, one) in [
            (&mut self.fields, other.fields),
            (&mut self.aliases, other.aliases),
            (&mut self.directives, other.directives),
            (&mut self.width, other.width),
        ] {
            *sum = sum.saturating_add(one);
        }
        for (most, one) in [
            (&mut self.mutations, other.mutations),
            (&mut self.depth, other.depth),
            (&mut self.nesting, other.nesting),
            (&mut self.lists, other.lists),
            (&mut self.introspection_lists, other.introspection_lists),
            (&mut self.introspection_depth, other.introspection_depth),
        ] {
            *most = one.max(*most);
        }
    }
}

struct Measure<'a> {
    fragments: HashMap<&'a Name, &'a FragmentDefinition>,
    /// Sizes of measured fragments. A fragment in progress counts as empty, which ends cycles; validation reports
    /// them.
    known: HashMap<&'a Name, Size>,
    max_nesting: u64,
}

impl<'a> Measure<'a> {
    fn set(&mut self, selections: &'a [Selection], level: u64) -> Size {
        let mut sum = Size::default();
        if level > self.max_nesting {
            // Stops the recursion: the document is refused, so its exact size no longer matters.
            sum.nesting = 1;
            return sum;
        }
        for selection in selections {
            sum.add(match selection {
                Selection::Field(field) => self.field(field, level),
                Selection::InlineFragment(inner) => Size {
                    directives: inner.directives.len() as u64,
                    ..Size::default()
                }
                .with(self.set(&inner.selection_set, level + 1)),
                Selection::FragmentSpread(spread) => Size {
                    directives: spread.directives.len() as u64,
                    ..Size::default()
                }
                .with(self.fragment(&spread.fragment_name, level + 1)),
            });
        }
        sum.nesting += 1;
        sum
    }

    fn fragment(&mut self, name: &'a Name, level: u64) -> Size {
        if let Some(size) = self.known.get(name) {
            return *size;
        }
        let Some(fragment) = self.fragments.get(name).copied() else {
            return Size::default();
        };
        // Entered before recursion: a cycle through this fragment finds the empty size and ends.
        self.known.insert(name, Size::default());
        let mut size = self.set(&fragment.selection_set, level);
        size.directives += fragment.directives.len() as u64;
        self.known.insert(name, size);
        size
    }

    fn field(&mut self, field: &'a Field, level: u64) -> Size {
        let inner = match &field.selection_set {
            Some(set) => self.set(set, level + 1),
            None => Size::default(),
        };
        let own = Size {
            fields: 1,
            aliases: u64::from(field.alias.is_some()),
            directives: field.directives.len() as u64,
            ..Size::default()
        };
        let mut size = own.with(inner);
        size.width = 1;
        match field.name.as_str() {
            "__schema" | "__type" => {
                // Introspection has its own limits and counts as a single level: tools send deep introspection
                // queries.
                size.introspection_lists = inner.lists;
                size.introspection_depth = inner.depth;
                size.lists = 0;
                size.depth = 1;
            }
            name => {
                let is_list = matches!(
                    name,
                    "fields" | "interfaces" | "possibleTypes" | "inputFields"
                );
                size.lists += u64::from(is_list);
                size.depth += 1;
            }
        }
        size
    }
}

impl Size {
    fn with(mut self, inner: Self) -> Self {
        self.add(inner);
        self
    }
}
