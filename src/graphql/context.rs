//! What a resolver reaches through its context.

use async_graphql::Context;

use super::loader::Loaders;
use crate::{app::App, domain::access::Actor};

pub trait ContextExt<'a> {
    fn app(&self) -> &'a App;
    fn actor(&self) -> &'a Actor;
    fn loader(&self) -> &'a Loaders;
    /// A field below this one is asked for, at any of these paths.
    fn wants(&self, paths: &[&[&str]]) -> bool;
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
        paths.iter().any(|path| {
            path.iter()
                .fold(self.look_ahead(), |ahead, name| ahead.field(name))
                .exists()
        })
    }
}
