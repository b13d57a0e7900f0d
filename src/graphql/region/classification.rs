//! Regions that answer a question, in the graph, and those that relate others.

use async_graphql::{Context, Enum, ID, Result, SimpleObject};
use label_studio::region::{Bucket, ChatMessage, Choices, Direction, Relation, Shape};

use super::{Region, budget::Spending, member::member};
use crate::graphql::scalar::DateTime;

member! {
    /// Choices that were made, about the task or about a region: `choices`.
    ChoicesRegion(Shape::Choices(value) => value): &Choices {
        /// The choices; of a nested one the innermost.
        async fn choices(&self) -> Vec<&str> {
            self.value().innermost().collect()
        }

        /// Each choice with those around it, outermost first.
        async fn paths(&self) -> &[Vec<String>] {
            &self.value().paths
        }
    }
}

member! {
    /// Items of a tree, about the task or about a region: `taxonomy`.
    TaxonomyRegion(Shape::Taxonomy(value) => value): &[Vec<String>] {
        /// Each item with those around it, outermost first.
        async fn paths(&self) -> &[Vec<String>] {
            self.value()
        }
    }
}

member! {
    /// Texts that were written, about the task or about a region: `textarea`.
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
        /// How many stars; 0 for none.
        async fn rating(&self) -> i32 {
            self.value()
        }
    }
}

member! {
    /// A date, a time, or both, about the task or about a region: `datetime`.
    DateTimeRegion(Shape::DateTime(value) => value): &str {
        /// As the control writes it: a year, `2023-04-05`, `10:11`, `2023-04-05T10:11`, or in a format of its own.
        async fn date_time(&self) -> &str {
            self.value()
        }
    }
}

member! {
    /// One of two that were compared: `pairwise`.
    PairwiseRegion(Shape::Pairwise(value) => value): &str {
        /// The side that was chosen: `left` or `right`; as it is stored.
        async fn selected(&self) -> &str {
            self.value()
        }
    }
}

member! {
    /// An order of items, or buckets that they were put into: `ranker`.
    RankerRegion(Shape::Ranker(value) => value): &[Bucket] {
        /// The buckets; what is only ordered is in one.
        async fn buckets(&self) -> Vec<RankerBucket> {
            self.value().iter().map(Into::into).collect()
        }
    }
}

member! {
    /// A relation between two regions of the same result: `relation`. Its `labels` say which one.
    RelationRegion(Shape::Relation(value) => value): &Relation {
        /// The id of the region that it leads from.
        #[graphql(name = "fromId")]
        async fn first_id(&self) -> ID {
            self.value().from_id.clone().into()
        }

        /// The id of the region that it leads to.
        #[graphql(name = "toId")]
        async fn second_id(&self) -> ID {
            self.value().to_id.clone().into()
        }

        /// Which way it points. Null when nobody says.
        async fn direction(&self) -> Option<RelationDirection> {
            self.value().direction.map(Into::into)
        }

        /// The first region of the result that has the id `fromId`. Null when none has. LIMIT_EXCEEDED, once, when
        /// an answer's relations have led to 64 MiB of regions, as they are stored; null from there on.
        #[graphql(name = "from")]
        async fn first(&self, ctx: &Context<'_>) -> Option<Result<Region>> {
            self.0.other(ctx.budget(), &self.value().from_id)
        }

        /// The first region of the result that has the id `toId`. Null when none has. LIMIT_EXCEEDED, once, when
        /// an answer's relations have led to 64 MiB of regions, as they are stored; null from there on.
        #[graphql(name = "to")]
        async fn second(&self, ctx: &Context<'_>) -> Option<Result<Region>> {
            self.0.other(ctx.budget(), &self.value().to_id)
        }
    }
}

member! {
    /// A message that was written into a chat: `chatmessage`.
    ChatMessageRegion(Shape::ChatMessage(value) => value): &ChatMessage {
        /// Role of the speaker, as stored: `user`, `assistant`, or another; may be empty.
        async fn role(&self) -> &str {
            &self.value().role
        }

        /// Text of the message.
        async fn content(&self) -> &str {
            &self.value().content
        }

        /// Time of the message. Null when the entry has none.
        #[graphql(name = "createdAt")]
        async fn written_at(&self) -> Option<DateTime> {
            self.value().created_at.map(DateTime)
        }
    }
}

member! {
    /// A region of a type that is not known, or one that lacks what its type needs: `raw` has all there is.
    OtherRegion(Shape::Other(value) => value.as_deref()): Option<&str> {
        /// Its `type`, as it is stored. Null when that is no text.
        async fn type_name(&self) -> Option<&str> {
            self.value()
        }
    }
}

/// Which way a relation points.
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

/// A place that items were put into.
#[derive(SimpleObject)]
pub struct RankerBucket {
    /// Its name; of what is only ordered, the control's own.
    name: String,
    /// The ids of its items, best ones first.
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
