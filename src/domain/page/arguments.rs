//! Arguments of a page (<https://relay.dev/graphql/connections.htm>).

/// Default size of a page of a root list.
pub const DEFAULT_SIZE: i32 = 50;
/// Default size of a page below an object; smaller, since sizes of nested pages multiply.
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
    /// The list is a field of an object, not of the query.
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
