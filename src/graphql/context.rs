//! Extension of the resolver context: app, actor, loader, and look-ahead at the selection.

use std::sync::Arc;

use async_graphql::{
    Context, Lookahead, Positioned,
    parser::types::{Selection, SelectionSet},
};

use super::{
    loader::{Current, Loaders},
    viewer::Viewer,
};
use crate::{app::App, domain::access::Actor, error::Result};

/// Approximate bytes of an answer's field, besides a text that the field may hold.
const FIELD: u64 = 160;
/// Approximate bytes of typed regions per byte of the result.
const REGIONS: u64 = 3;

/// Objects that a field leads to.
#[derive(Clone, Copy)]
pub enum At {
    /// Object of the field, or each object of its list.
    Object,
    /// The items of the page that the field answers with.
    Page,
}

/// Data of the request and look-ahead, for resolvers.
pub trait ContextExt<'a> {
    fn app(&self) -> &'a App;
    fn actor(&self) -> &'a Actor;
    fn loader(&self) -> Arc<Loaders>;
    /// Keeps the answer from being stored for its `Idempotency-Key`.
    fn no_store(&self);
    /// Says whether a field below the present field is selected, at any of these paths.
    fn wants(&self, paths: &[&[&str]]) -> bool;
    /// Counts the selections of these fields per object.
    fn times(&self, at: At, fields: &[&str]) -> u64;
    /// Counts the copies of a result per object, as `result` or as `regions`.
    fn results(&self, at: At) -> u64;
    /// Charges the selected fields of this many items of the present field.
    fn charge_items(&self, items: usize) -> Result<()>;
}

impl<'a> ContextExt<'a> for Context<'a> {
    fn app(&self) -> &'a App {
        self.data_unchecked()
    }

    fn actor(&self) -> &'a Actor {
        self.data_unchecked::<Viewer>().actor()
    }

    fn loader(&self) -> Arc<Loaders> {
        self.data_unchecked::<Current>().loaders()
    }

    fn no_store(&self) {
        self.app().notes.no_store();
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

/// Counts the fields of an item. A nested list counts as a single item, since nested lists charge their own items.
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
