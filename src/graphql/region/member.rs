//! What every type of region has, written once: an object of the library lists all of its fields itself.

/// An object of the interface `Region`: what makes its regions its own, what a region of it says, and its own
/// fields beside those of the interface.
macro_rules! member {
    (
        $(#[doc = $doc:literal])*
        $name:ident($pattern:pat => $value:expr): $type:ty { $($fields:tt)* }
    ) => {
        $(#[doc = $doc])*
        pub struct $name(pub(super) $crate::graphql::region::RegionRef);

        impl $name {
            fn value(&self) -> $type {
                match &self.0.region().shape {
                    $pattern => $value,
                    other => unreachable!("{other:?} is not of this type"),
                }
            }
        }

        $(#[doc = $doc])*
        #[async_graphql::Object]
        impl $name {
            /// The region's `id` in `result`. The id is unique only within that result, and entries that describe
            /// the same region share the id. Null for an entry without an id.
            pub async fn region_id(&self) -> Option<async_graphql::ID> {
                self.0.region().id.clone().map(async_graphql::ID)
            }

            /// Name of the labelling config's control that made the region. Empty for an entry without a control,
            /// such as a relation.
            #[graphql(name = "fromName")]
            pub async fn control(&self) -> &str {
                &self.0.region().from_name
            }

            /// Name of the labelling config's object that the region is on. Empty for an entry without an object,
            /// such as a relation.
            #[graphql(name = "toName")]
            pub async fn object(&self) -> &str {
                &self.0.region().to_name
            }

            /// Type of the region.
            #[graphql(name = "type")]
            pub async fn kind(&self) -> $crate::graphql::region::RegionType {
                self.0.region().shape.kind().into()
            }

            /// The labels under the key of the entry's labels, like `rectanglelabels`, or under `labels`. Empty
            /// without labels; choices and texts are no labels.
            pub async fn labels(&self) -> &[String] {
                &self.0.region().labels
            }

            /// Confidence of a model in the region, usually from 0 to 1. Null when not stored.
            pub async fn score(&self) -> Option<f64> {
                self.0.region().score
            }

            /// Origin of the region: `manual`, `prediction`, or `prediction-changed`. Null when not stored.
            pub async fn origin(&self) -> Option<&str> {
                self.0.region().origin.as_deref()
            }

            /// Id of the parent region. Null without a parent.
            pub async fn parent_id(&self) -> Option<async_graphql::ID> {
                self.0.region().parent_id.clone().map(async_graphql::ID)
            }

            /// Index of the region's image in a list of images, from 0. Null outside of a list.
            pub async fn item_index(&self) -> Option<i32> {
                self.0.region().item_index
            }

            /// The entry as stored in `result`. LIMIT_EXCEEDED when the answer has no room for the entry.
            pub async fn raw(
                &self,
                ctx: &async_graphql::Context<'_>,
            ) -> $crate::error::Result<$crate::graphql::scalar::JsonObject> {
                self.0.raw(ctx)
            }

            $($fields)*
        }
    };
}

pub(super) use member;
