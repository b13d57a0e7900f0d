//! Regions: typed view of a `result` (`docs/decisions/0025-regions-are-read-by-the-config.md`).

mod budget;
mod classification;
mod drawing;
mod geometry;
mod image;
mod member;
mod span;

use std::{collections::HashSet, sync::Arc};

use async_graphql::{Context, Enum, ID, Interface, Result};
use label_studio::{
    config::Config,
    region::{self, Kind, Regions, Shape},
};
use tokio::sync::OnceCell;

use super::{context::ContextExt, list::List, scalar::JsonObject};
use crate::{app::compute, error};

pub use self::budget::{Budget, Spending};
use self::{
    classification::{
        ChatMessageRegion, ChoicesRegion, DateTimeRegion, NumberRegion, OtherRegion,
        PairwiseRegion, RankerRegion, RatingRegion, RelationRegion, TaxonomyRegion, TextAreaRegion,
    },
    image::{
        BitmaskRegion, BrushRegion, EllipseRegion, KeyPointRegion, PolygonRegion, RectangleRegion,
        VectorRegion,
    },
    span::{
        AudioRegion, HyperTextSpanRegion, TextSpanRegion, TimeSeriesRegion, TimelineRegion,
        VideoRegion,
    },
};

/// Type of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Kind")]
pub enum RegionType {
    /// A rectangle of an image: RectangleRegion.
    Rectangle,
    /// An ellipse of an image: EllipseRegion.
    Ellipse,
    /// A polygon of an image: PolygonRegion.
    Polygon,
    /// A point of an image: KeyPointRegion.
    KeyPoint,
    /// Painted pixels of an image: BrushRegion.
    Brush,
    /// Pixels of an image, as a mask image: BitmaskRegion.
    Bitmask,
    /// A path of an image: VectorRegion.
    Vector,
    /// Characters of a plain text: TextSpanRegion.
    TextSpan,
    /// Characters of a page or of a dialogue: HyperTextSpanRegion.
    HyperTextSpan,
    /// A stretch of a recording: AudioRegion.
    Audio,
    /// A stretch of a time series: TimeSeriesRegion.
    TimeSeries,
    /// Stretches of a video: TimelineRegion.
    Timeline,
    /// An object that moves through a video: VideoRegion.
    Video,
    /// Choices that were made: ChoicesRegion.
    Choices,
    /// Items of a tree: TaxonomyRegion.
    Taxonomy,
    /// Texts that were written: TextAreaRegion.
    TextArea,
    /// A number: NumberRegion.
    Number,
    /// A rating: RatingRegion.
    Rating,
    /// A date, a time, or both: DateTimeRegion.
    DateTime,
    /// The choice between two objects: PairwiseRegion.
    Pairwise,
    /// An order of items: RankerRegion.
    Ranker,
    /// A relation between two regions: RelationRegion.
    Relation,
    /// A message of a chat: ChatMessageRegion.
    ChatMessage,
    /// An unknown type, or an entry without the needed keys: OtherRegion.
    Other,
}

/// A typed view of an entry of `result`. The object that `toName` names in the project's current
/// labelling config decides the type of labelled spans; without such an object the type is guessed from
/// the value. Reading never fails: an entry that fits no type is an OtherRegion, and `raw` has every
/// entry as stored.
#[derive(Interface)]
#[expect(
    clippy::duplicated_attributes,
    reason = "fields of one type are not one field"
)]
#[graphql(
    field(
        name = "region_id",
        ty = "Option<ID>",
        desc = "The region's `id` in `result`. The id is unique only within that result, and entries that describe the \
                same region share the id. Null for an entry without an id."
    ),
    field(
        name = "fromName",
        method = "control",
        ty = "&str",
        desc = "Name of the labelling config's control that made the region. Empty for an entry without a control, such as a relation."
    ),
    field(
        name = "toName",
        method = "object",
        ty = "&str",
        desc = "Name of the labelling config's object that the region is on. Empty for an entry without an object, such as a relation."
    ),
    field(
        name = "type",
        method = "kind",
        ty = "RegionType",
        desc = "Type of the region."
    ),
    field(
        name = "labels",
        ty = "&[String]",
        desc = "The labels under the key of the entry's labels, like `rectanglelabels`, or under `labels`. Empty without \
                labels; choices and texts are no labels."
    ),
    field(
        name = "score",
        ty = "Option<f64>",
        desc = "Confidence of a model in the region, usually from 0 to 1. Null when not stored."
    ),
    field(
        name = "origin",
        ty = "Option<&str>",
        desc = "Origin of the region: `manual`, `prediction`, or `prediction-changed`. Null when not stored."
    ),
    field(
        name = "parent_id",
        ty = "Option<ID>",
        desc = "Id of the parent region. Null without a parent."
    ),
    field(
        name = "item_index",
        ty = "Option<i32>",
        desc = "Index of the region's image in a list of images, from 0. Null outside of a list."
    ),
    field(
        name = "raw",
        ty = "JsonObject",
        desc = "The entry as stored in `result`. LIMIT_EXCEEDED when the answer has no room for the entry."
    )
)]
pub enum Region {
    Rectangle(RectangleRegion),
    Ellipse(EllipseRegion),
    Polygon(PolygonRegion),
    KeyPoint(KeyPointRegion),
    Brush(BrushRegion),
    Bitmask(BitmaskRegion),
    Vector(VectorRegion),
    TextSpan(TextSpanRegion),
    HyperTextSpan(HyperTextSpanRegion),
    Audio(AudioRegion),
    TimeSeries(TimeSeriesRegion),
    Timeline(TimelineRegion),
    Video(VideoRegion),
    Choices(ChoicesRegion),
    Taxonomy(TaxonomyRegion),
    TextArea(TextAreaRegion),
    Number(NumberRegion),
    Rating(RatingRegion),
    DateTime(DateTimeRegion),
    Pairwise(PairwiseRegion),
    Ranker(RankerRegion),
    Relation(RelationRegion),
    ChatMessage(ChatMessageRegion),
    Other(OtherRegion),
}

/// Conditions on the listed regions. An item of each given list has to match, so an empty list matches no region.
pub struct Filter {
    ids: Option<HashSet<String>>,
    labels: Option<HashSet<String>>,
    kinds: Option<HashSet<Kind>>,
}

impl Filter {
    /// Condition on ids, labels and types; absent parts match every region, empty lists none.
    pub fn new(
        ids: Option<Vec<ID>>,
        labels: Option<Vec<String>>,
        types: Option<Vec<RegionType>>,
    ) -> Self {
        Self {
            ids: ids.map(|ids| ids.into_iter().map(|id| id.0).collect()),
            labels: labels.map(|labels| labels.into_iter().collect()),
            kinds: types.map(|types| types.into_iter().map(Kind::from).collect()),
        }
    }

    fn matches(&self, region: &region::Region) -> bool {
        let has_id = |ids: &HashSet<String>| region.id.as_ref().is_some_and(|id| ids.contains(id));
        let has_label =
            |labels: &HashSet<String>| region.labels.iter().any(|label| labels.contains(label));
        self.ids.as_ref().is_none_or(has_id)
            && self.labels.as_ref().is_none_or(has_label)
            && self
                .kinds
                .as_ref()
                .is_none_or(|kinds| kinds.contains(&region.shape.kind()))
    }
}

/// Reads a stored result by the labelling config of its project.
pub async fn of_result(
    ctx: &Context<'_>,
    result: &str,
    config: &Config,
    filter: &Filter,
) -> error::Result<List<Region>> {
    // Parsing a large result blocks a thread, so the operation moves to a worker.
    compute::charge(result.len()).await;
    let all = Regions::read(result, config);
    // A cell per region: three fields of a brush share its area.
    let areas = all.all.iter().map(|_| OnceCell::new()).collect();
    let stored = Arc::new(Stored { all, areas });
    // All regions stay alive behind the listed regions: a relation may lead to a region outside the filter.
    let regions = stored.all.all.iter().enumerate();
    let regions = regions.filter(|(_, region)| filter.matches(region));
    let regions = regions.map(|(index, _)| {
        let stored = stored.clone();
        Region::of(RegionRef { stored, index })
    });
    let regions: Vec<Region> = regions.collect();
    ctx.charge_items(regions.len())?;
    Ok(regions.into())
}

/// Region of a result, by index.
#[derive(Clone)]
pub struct RegionRef {
    stored: Arc<Stored>,
    index: usize,
}

struct Stored {
    all: Regions,
    /// Number of pixels that each region paints, computed at the first use; `None` without a mask.
    areas: Vec<OnceCell<Option<u64>>>,
}

impl RegionRef {
    fn region(&self) -> &region::Region {
        &self.stored.all.all[self.index]
    }

    fn area(&self) -> &OnceCell<Option<u64>> {
        &self.stored.areas[self.index]
    }

    fn raw(&self, ctx: &Context<'_>) -> error::Result<JsonObject> {
        let raw = &self.region().raw;
        // Charges the copy: `raw` repeats text of a result that may be charged only once.
        ctx.app().budget.charge(raw.len() as u64)?;
        Ok(JsonObject(raw.clone()))
    }

    /// First region of the result with this id.
    fn other(&self, budget: &Budget, id: &str) -> Option<Result<Region>> {
        let index = self.stored.all.position(id)?;
        let stored = self.stored.clone();
        let at = Self { stored, index };
        // Charges the bytes of the target: thousands of relations can lead to the same large region.
        match budget.relations.spend(at.region().raw.len() as u64) {
            Ok(()) => Some(Ok(Region::of(at))),
            Err(overrun) => overrun.error_once().map(Err),
        }
    }
}

impl Region {
    fn of(at: RegionRef) -> Self {
        match at.region().shape {
            Shape::Rectangle(_) => Self::Rectangle(RectangleRegion(at)),
            Shape::Ellipse(_) => Self::Ellipse(EllipseRegion(at)),
            Shape::Polygon(_) => Self::Polygon(PolygonRegion(at)),
            Shape::KeyPoint(_) => Self::KeyPoint(KeyPointRegion(at)),
            Shape::Brush(_) => Self::Brush(BrushRegion(at)),
            Shape::Bitmask(_) => Self::Bitmask(BitmaskRegion(at)),
            Shape::Vector(_) => Self::Vector(VectorRegion(at)),
            Shape::TextSpan(_) => Self::TextSpan(TextSpanRegion(at)),
            Shape::HyperTextSpan(_) => Self::HyperTextSpan(HyperTextSpanRegion(at)),
            Shape::Audio(_) => Self::Audio(AudioRegion(at)),
            Shape::TimeSeries(_) => Self::TimeSeries(TimeSeriesRegion(at)),
            Shape::Timeline(_) => Self::Timeline(TimelineRegion(at)),
            Shape::Video(_) => Self::Video(VideoRegion(at)),
            Shape::Choices(_) => Self::Choices(ChoicesRegion(at)),
            Shape::Taxonomy(_) => Self::Taxonomy(TaxonomyRegion(at)),
            Shape::TextArea(_) => Self::TextArea(TextAreaRegion(at)),
            Shape::Number(_) => Self::Number(NumberRegion(at)),
            Shape::Rating(_) => Self::Rating(RatingRegion(at)),
            Shape::DateTime(_) => Self::DateTime(DateTimeRegion(at)),
            Shape::Pairwise(_) => Self::Pairwise(PairwiseRegion(at)),
            Shape::Ranker(_) => Self::Ranker(RankerRegion(at)),
            Shape::Relation(_) => Self::Relation(RelationRegion(at)),
            Shape::ChatMessage(_) => Self::ChatMessage(ChatMessageRegion(at)),
            Shape::Other(_) => Self::Other(OtherRegion(at)),
        }
    }
}
