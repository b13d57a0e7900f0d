//! Extension of the resolver context: app, actor, loader, and look-ahead at the selection.

use async_graphql::{
    Context, Lookahead, Positioned,
    parser::types::{Selection, SelectionSet},
};

use super::loader::Loaders;
use crate::{app::App, domain::access::Actor, error::Result};

/// Bytes that a field of an answer takes beside the text that it may have, about.
const FIELD: u64 = 160;
/// Bytes that typed regions take for each byte of the result that they are read from, about.
const REGIONS: u64 = 3;

/// Objects that a field leads to.
#[derive(Clone, Copy)]
pub enum At {
    /// The object, or each of the list, that the field answers with.
    Object,
    /// The items of the page that the field answers with.
    Page,
}

pub trait ContextExt<'a> {
    fn app(&self) -> &'a App;
    fn actor(&self) -> &'a Actor;
    fn loader(&self) -> &'a Loaders;
    /// A field below this one is asked for, at any of these paths.
    fn wants(&self, paths: &[&[&str]]) -> bool;
    /// How often the answer has one of these fields of each object.
    fn times(&self, at: At, fields: &[&str]) -> u64;
    /// How often the answer holds the result of each object, as `result` or as `regions`.
    fn results(&self, at: At) -> u64;
    /// Charges the fields of so many items that this field answers with.
    fn charge_items(&self, items: usize) -> Result<()>;
}

impl<'a> ContextExt<'a> for Context<'a> {
    fn app(&self) -> &'a App {
        self.data_unchecked()
    }

    fn actor(&self) -> &'a Actor {
        self.data_unchecked()
    }

    fn loader(&self) -> &'a Loaders {
        self.data_unchecked()
    }

    fn wants(&self, paths: &[&[&str]]) -> bool {
        paths.iter().any(|path| ahead(self, path).exists())
    }

    fn times(&self, at: At, fields: &[&str]) -> u64 {
        // Relay's two forms of a page: `nodes`, and `edges` with `node`. https://relay.dev/graphql/connections.htm
        let objects: &[&[&str]] = match at {
            At::Object => &[&[]],
            At::Page => &[&["nodes"], &["edges", "node"]],
        };
        let objects = objects.iter().map(|path| ahead(self, path));
        let times = objects.flat_map(|object| {
            // An alias selects the field again and holds its bytes once more, so each selection counts.
            let times = |name: &&str| object.field(name).selection_fields().len();
            fields.iter().map(times).collect::<Vec<_>>()
        });
        times.sum::<usize>() as u64
    }

    fn results(&self, at: At) -> u64 {
        self.times(at, &["result"]) + REGIONS * self.times(at, &["regions"])
    }

    fn charge_items(&self, items: usize) -> Result<()> {
        // Charges the selected fields of all items before these are resolved: a long list fails early.
        let fields = fields(self, &self.item.node.selection_set.node);
        let bytes = FIELD.saturating_mul(fields).saturating_mul(items as u64);
        self.app().budget.charge(bytes)
    }
}

fn ahead<'a>(ctx: &'a Context<'_>, path: &[&str]) -> Lookahead<'a> {
    let fields = path.iter();
    fields.fold(ctx.look_ahead(), |ahead, name| ahead.field(name))
}

/// The fields of one item. Lists in it count as one item: they charge their own.
fn fields(ctx: &Context<'_>, selected: &SelectionSet) -> u64 {
    let each = |selection: &Positioned<Selection>| match &selection.node {
        Selection::Field(field) => 1 + fields(ctx, &field.node.selection_set.node),
        Selection::InlineFragment(inline) => fields(ctx, &inline.node.selection_set.node),
        Selection::FragmentSpread(spread) => {
            // Counts the fields of fragments as well: cost must not depend on the way of writing a selection.
            let fragments = &ctx.query_env.fragments;
            let fragment = fragments.get(&spread.node.fragment_name.node);
            fragment.map_or(0, |it| fields(ctx, &it.node.selection_set.node))
        }
    };
    selected.items.iter().map(each).sum()
}
