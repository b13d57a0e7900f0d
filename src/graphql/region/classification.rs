//! Regions that classify: choices, taxonomy, texts, numbers, rankings; also relations and chat messages.

use async_graphql::{Context, Enum, ID, Result, SimpleObject};
use label_studio::region::{Bucket, ChatMessage, Choices, Direction, Relation, Shape};

use super::{Region, budget::Spending, member::member};
use crate::graphql::scalar::DateTime;

member! {
    /// Choices, about the task or about a region: `choices`.
    ChoicesRegion(Shape::Choices(value) => value): &Choices {
        /// The choices; for a nested choice the innermost level.
        async fn choices(&self) -> Vec<&str> {
            self.value().innermost().collect()
        }

        /// Each choice with the choices around, outermost first.
        async fn paths(&self) -> &[Vec<String>] {
            &self.value().paths
        }
    }
}

member! {
    /// Items of a tree, about the task or about a region: `taxonomy`.
    TaxonomyRegion(Shape::Taxonomy(value) => value): &[Vec<String>] {
        /// Each item with the items around, outermost first.
        async fn paths(&self) -> &[Vec<String>] {
            self.value()
        }
    }
}

member! {
    /// Texts, about the task or about a region: `textarea`.
    TextAreaRegion(Shape::TextArea(value) => value): &[String] {
        /// The texts.
        async fn texts(&self) -> &[String] {
            self.value()
        }
    }
}

member! {
    /// A number, about the task or about a region: `number`.
    NumberRegion(Shape::Number(value) => *value): f64 {
        /// The number.
        async fn number(&self) -> f64 {
            self.value()
        }
    }
}

member! {
    /// A rating, about the task or about a region: `rating`.
    RatingRegion(Shape::Rating(value) => *value): i32 {
        /// Number of stars; 0 for no star.
        async fn rating(&self) -> i32 {
            self.value()
        }
    }
}

member! {
    /// A date, a time, or both, about the task or about a region: `datetime`.
    DateTimeRegion(Shape::DateTime(value) => value): &str {
        /// The text in the format of the control: a year, `2023-04-05`, `10:11`, `2023-04-05T10:11`, or a
        /// custom format.
        async fn date_time(&self) -> &str {
            self.value()
        }
    }
}

member! {
    /// The choice between two objects: `pairwise`.
    PairwiseRegion(Shape::Pairwise(value) => value): &str {
        /// The chosen side, as stored: `left` or `right`.
        async fn selected(&self) -> &str {
            self.value()
        }
    }
}

member! {
    /// An order of items, or buckets of items: `ranker`.
    RankerRegion(Shape::Ranker(value) => value): &[Bucket] {
        /// The buckets; a single bucket for a plain order.
        async fn buckets(&self) -> Vec<RankerBucket> {
            self.value().iter().map(Into::into).collect()
        }
    }
}

member! {
    /// A relation between two regions of the same result: `relation`. `labels` has the kinds of the
    /// relation.
    RelationRegion(Shape::Relation(value) => value): &Relation {
        /// `id` of the first region.
        #[graphql(name = "fromId")]
        async fn first_id(&self) -> ID {
            self.value().from_id.clone().into()
        }

        /// `id` of the second region.
        #[graphql(name = "toId")]
        async fn second_id(&self) -> ID {
            self.value().to_id.clone().into()
        }

        /// Direction of the relation. Null when not stored.
        async fn direction(&self) -> Option<RelationDirection> {
            self.value().direction.map(Into::into)
        }

        /// The first region of the result with the id `fromId`. Null without such a region. LIMIT_EXCEEDED,
        /// once, when an answer's relations have led to 64 MiB of stored regions; null from there on.
        #[graphql(name = "from")]
        async fn first(&self, ctx: &Context<'_>) -> Option<Result<Region>> {
            self.0.other(ctx.budget(), &self.value().from_id)
        }

        /// The first region of the result with the id `toId`. Null without such a region. LIMIT_EXCEEDED, once,
        /// when an answer's relations have led to 64 MiB of stored regions; null from there on.
        #[graphql(name = "to")]
        async fn second(&self, ctx: &Context<'_>) -> Option<Result<Region>> {
            self.0.other(ctx.budget(), &self.value().to_id)
        }
    }
}

member! {
    /// A message in a chat: `chatmessage`.
    ChatMessageRegion(Shape::ChatMessage(value) => value): &ChatMessage {
        /// Role of the speaker, as stored: `user`, `assistant`, or any text; may be empty.
        async fn role(&self) -> &str {
            &self.value().role
        }

        /// Text of the message.
        async fn content(&self) -> &str {
            &self.value().content
        }

        /// Time of the message. Null when not stored.
        #[graphql(name = "createdAt")]
        async fn written_at(&self) -> Option<DateTime> {
            self.value().created_at.map(DateTime)
        }
    }
}

member! {
    /// An entry with an unknown type, or without the keys that its type needs: `raw` has the stored entry.
    OtherRegion(Shape::Other(value) => value.as_deref()): Option<&str> {
        /// The stored `type`. Null when `type` is no text.
        async fn type_name(&self) -> Option<&str> {
            self.value()
        }
    }
}

/// Direction of a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Direction")]
pub enum RelationDirection {
    /// From the second region to the first.
    Left,
    /// From the first region to the second.
    Right,
    /// Both ways.
    Bi,
}

/// A bucket of items.
#[derive(SimpleObject)]
pub struct RankerBucket {
    /// Name of the bucket; for a plain order, the control's name.
    name: String,
    /// Ids of the items in the bucket, best first.
    item_ids: Vec<ID>,
}

impl From<&Bucket> for RankerBucket {
    fn from(bucket: &Bucket) -> Self {
        Self {
            name: bucket.name.clone(),
            item_ids: bucket.item_ids.iter().map(ID::from).collect(),
        }
    }
}
