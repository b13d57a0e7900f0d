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
            /// The region's `id` in `result`. It names the region within that result alone, and entries that
            /// describe one region share it. Null when the entry has none.
            pub async fn region_id(&self) -> Option<async_graphql::ID> {
                self.0.region().id.clone().map(async_graphql::ID)
            }

            /// The control of the labelling config that made it. Empty when it names none, as relations do.
            #[graphql(name = "fromName")]
            pub async fn control(&self) -> &str {
                &self.0.region().from_name
            }

            /// The object of the labelling config that it is about. Empty when it names none, as relations do.
            #[graphql(name = "toName")]
            pub async fn object(&self) -> &str {
                &self.0.region().to_name
            }

            /// What kind of region it is.
            #[graphql(name = "type")]
            pub async fn kind(&self) -> $crate::graphql::region::RegionType {
                self.0.region().shape.kind().into()
            }

            /// Its labels: what stands under the key of its kind of labels, like `rectanglelabels`, or under
            /// `labels`. Empty when it has none; what was chosen or written is no label.
            pub async fn labels(&self) -> &[String] {
                &self.0.region().labels
            }

            /// How sure a model is of it, usually from 0 to 1. Null when nobody says.
            pub async fn score(&self) -> Option<f64> {
                self.0.region().score
            }

            /// Where it comes from: `manual`, `prediction`, or `prediction-changed`. Null when nobody says.
            pub async fn origin(&self) -> Option<&str> {
                self.0.region().origin.as_deref()
            }

            /// The id of the region that it is a part of. Null when it is part of none.
            pub async fn parent_id(&self) -> Option<async_graphql::ID> {
                self.0.region().parent_id.clone().map(async_graphql::ID)
            }

            /// Which item of a list of images it is on, from 0. Null when it is on no list.
            pub async fn item_index(&self) -> Option<i32> {
                self.0.region().item_index
            }

            /// The entry, as `result` has it. LIMIT_EXCEEDED when the answer has no room for it.
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
