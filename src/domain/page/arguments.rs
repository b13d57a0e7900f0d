//! The arguments of a page.

/// Default size of a page at the root.
pub const DEFAULT_SIZE: i32 = 50;
/// Default size of a page below an object. Sizes of nested pages multiply, so it is smaller.
pub const NESTED_DEFAULT_SIZE: i32 = 20;
/// Maximum size of a page.
pub const MAX_SIZE: i32 = 100;

/// `first`, `after`, `last`, `before` as sent by the client, and the position of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Arguments {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
    /// Whether the list is a field of an object, not of the query.
    pub is_nested: bool,
}

impl Arguments {
    pub(super) fn default_size(&self) -> i32 {
        match self.is_nested {
            true => NESTED_DEFAULT_SIZE,
            false => DEFAULT_SIZE,
        }
    }
}
