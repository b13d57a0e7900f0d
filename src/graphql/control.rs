//! What the labelling config of a project offers: its controls, with their labels and objects.

mod kind;
mod repeater;

use std::{collections::HashSet, sync::Arc};

use async_graphql::{Context, Enum, Object, Result};
use label_studio::config::{self, Choice, Condition, Config, Kind, Label};

pub use self::{kind::ControlKind, repeater::ControlRepeater};
use super::{context::ContextExt, region::Spending, scalar::JsonObject};
use crate::error;

/// A tag of a labelling config that makes regions.
pub struct Control {
    config: Arc<Config>,
    index: usize,
}

impl Control {
    /// The controls of a config, in the order of its text.
    pub fn all(config: &Arc<Config>) -> Vec<Self> {
        let control = |index| Self {
            config: config.clone(),
            index,
        };
        (0..config.controls.len()).map(control).collect()
    }

    fn inner(&self) -> &config::Control {
        &self.config.controls[self.index]
    }
}

/// A tag of a labelling config that makes regions.
#[Object]
impl Control {
    /// Its name, unique among the tags of the config: the `from_name` of its regions. Within a `Repeater` it holds
    /// the flags of `repeaters`: `labels_{{idx}}` stands for `labels_0`, `labels_1`, …, one for each item.
    async fn name(&self) -> &str {
        &self.inner().name
    }

    /// Repeaters that enclose it, outermost first: it repeats for each item of their lists. Empty when it does not
    /// repeat.
    async fn repeaters(&self) -> Vec<ControlRepeater> {
        ControlRepeater::all(&self.config, &self.inner().repeaters)
    }

    /// The tag as it is written: `RectangleLabels`.
    async fn tag(&self) -> &str {
        &self.inner().tag
    }

    /// Which of the known tags it is.
    async fn kind(&self) -> ControlKind {
        self.inner().kind.into()
    }

    /// The `type` of its regions: `rectanglelabels`.
    async fn region_type(&self) -> String {
        self.inner().region_type()
    }

    /// What it labels, each object once, in the order of its `toName`. What is named there and shows nothing is
    /// left out.
    async fn objects(&self) -> Vec<ConfigObject> {
        let mut seen = HashSet::new();
        let names = self.inner().to_names.iter();
        names
            .filter_map(|name| ConfigObject::named(&self.config, name))
            .filter(|object| seen.insert(object.index))
            .collect()
    }

    /// What it offers, in the order of the config; choices in choices come after the ones around them. Of
    /// labels that are stored alike the last one counts.
    async fn labels(&self, ctx: &Context<'_>) -> error::Result<Vec<ControlLabel>> {
        let label = |index| ControlLabel {
            config: self.config.clone(),
            control: Some(self.index),
            index,
        };
        let labels = self.inner().labels.len();
        ctx.charge_items(labels)?;
        Ok((0..labels).map(label).collect())
    }

    /// Whether more labels come from the task's data or from another server (`value="$x"`, `apiUrl`).
    async fn has_dynamic_labels(&self) -> bool {
        self.inner().has_dynamic_labels
    }

    /// How many of the labels can be chosen at once. Null for controls that have no such setting, a taxonomy
    /// among them.
    async fn choice(&self) -> Option<ControlChoice> {
        let control = self.inner();
        control.kind.has_choice().then(|| control.choice.into())
    }

    /// Whether something has to be given (`required`), as long as the control is shown.
    async fn is_required(&self) -> bool {
        self.inner().is_required
    }

    /// Whether it says something about single regions (`perRegion`), not about the whole.
    async fn is_per_region(&self) -> bool {
        self.inner().is_per_region
    }

    /// Whether it says something about single items of a list of images (`perItem`).
    async fn is_per_item(&self) -> bool {
        self.inner().is_per_item
    }

    /// When it is shown. Null when it always is.
    async fn condition(&self, ctx: &Context<'_>) -> Option<ControlCondition> {
        if ctx.budget().config.is_overrun() {
            return None;
        }
        let condition = self.inner().condition.clone()?;
        Some(ControlCondition(condition))
    }

    /// The least number that can be given (`min`). Null when there is no such bound.
    async fn min(&self) -> Option<f64> {
        self.inner().min
    }

    /// The greatest number that can be given (`max`). Null when there is no such bound.
    async fn max(&self) -> Option<f64> {
        self.inner().max
    }

    /// The best rating (`maxRating`), 5 unless the config says otherwise. Null unless it is a rating.
    async fn max_rating(&self) -> Option<i32> {
        let control = self.inner();
        let best = control.max_rating.clamp(i32::MIN.into(), i32::MAX.into());
        let best = i32::try_from(best).unwrap_or(i32::MAX);
        (control.kind == Kind::Rating).then_some(best)
    }

    /// How many texts can be given (`maxSubmissions`). Null when there is no such bound.
    async fn max_submissions(&self) -> Option<i32> {
        self.inner().max_submissions.map(count)
    }

    /// How many regions can have the same label (`maxUsages`). Null when there is no such bound.
    async fn max_usages(&self) -> Option<i32> {
        self.inner().max_usages.map(count)
    }

    /// All attributes of the tag as they are written: an object of strings. LIMIT_EXCEEDED once an answer
    /// repeats 16 MiB of configs.
    async fn attributes(&self, ctx: &Context<'_>) -> Result<JsonObject> {
        object(ctx, &self.inner().attributes)
    }
}

/// A tag of a labelling config that shows a part of the task.
pub struct ConfigObject {
    config: Arc<Config>,
    index: usize,
}

impl ConfigObject {
    /// The objects of a config, in the order of its text.
    pub fn all(config: &Arc<Config>) -> Vec<Self> {
        let object = |index| Self {
            config: config.clone(),
            index,
        };
        (0..config.objects.len()).map(object).collect()
    }

    fn named(config: &Arc<Config>, name: &str) -> Option<Self> {
        let named = config.object(name)?;
        // Objects are in the order of the text.
        let place = |object: &config::Object| object.location;
        let index = config
            .objects
            .binary_search_by_key(&named.location, place)
            .ok()?;
        let config = config.clone();
        Some(Self { config, index })
    }

    fn inner(&self) -> &config::Object {
        &self.config.objects[self.index]
    }
}

/// A tag of a labelling config that shows a part of the task. LIMIT_EXCEEDED once an answer repeats 16 MiB of
/// configs.
#[Object]
impl ConfigObject {
    /// Repeaters that enclose it, outermost first: it repeats for each item of their lists. Empty when it does not
    /// repeat.
    async fn repeaters(&self) -> Vec<ControlRepeater> {
        ControlRepeater::all(&self.config, &self.inner().repeaters)
    }

    /// Its name, unique among the tags of the config: the `to_name` of regions on it. Within a `Repeater` it holds
    /// the flags of `repeaters`.
    async fn name(&self, ctx: &Context<'_>) -> Result<&str> {
        text(ctx, &self.inner().name)
    }

    /// The tag as it is written: `Image`.
    async fn tag(&self, ctx: &Context<'_>) -> Result<&str> {
        text(ctx, &self.inner().tag)
    }

    /// What it shows (`valueList`, else `value`): as a rule a variable, `$image`. Null for a chat that has none.
    async fn value(&self, ctx: &Context<'_>) -> Option<Result<&str>> {
        text_or_null(ctx, self.inner().value.as_deref()?)
    }

    /// Path of the shown value in the task's `data`: `image` of `$image`; within a `Repeater` including the flags of
    /// `repeaters`. Null when the value is no single variable.
    async fn variable(&self, ctx: &Context<'_>) -> Option<Result<&str>> {
        text_or_null(ctx, self.inner().variable.as_deref()?)
    }

    /// All attributes of the tag as they are written: an object of strings.
    async fn attributes(&self, ctx: &Context<'_>) -> Result<JsonObject> {
        object(ctx, &self.inner().attributes)
    }
}

/// Something that a control offers, a `Label` or a `Choice`; or a `Relation`, a label of relations.
pub struct ControlLabel {
    config: Arc<Config>,
    /// None of a label of relations.
    control: Option<usize>,
    index: usize,
}

impl ControlLabel {
    /// What relations can be labelled with, in the order of the config's text.
    pub fn of_relations(config: &Arc<Config>) -> Vec<Self> {
        let label = |index| Self {
            config: config.clone(),
            control: None,
            index,
        };
        (0..config.relation_labels.len()).map(label).collect()
    }

    fn control(&self) -> Option<&config::Control> {
        Some(&self.config.controls[self.control?])
    }

    fn inner(&self) -> &Label {
        let labels = match self.control() {
            Some(control) => &control.labels,
            None => &self.config.relation_labels,
        };
        &labels[self.index]
    }
}

/// Something that a control offers, a `Label` or a `Choice`; or a `Relation`, a label of relations.
#[Object]
impl ControlLabel {
    /// What a region holds when this was chosen: the alias, else the value. Within a `Repeater` it may hold its
    /// flag, which stands for the index.
    async fn stored(&self) -> &str {
        &self.inner().stored
    }

    /// What people see. Null when the config gives an alias alone.
    async fn value(&self) -> Option<&str> {
        self.inner().value.as_deref()
    }

    /// Its `alias`. Null when it has none.
    async fn alias(&self) -> Option<&str> {
        self.inner().alias.as_deref()
    }

    /// Its `background`, a CSS colour. Null when the config gives none.
    async fn background(&self) -> Option<&str> {
        self.inner().background.as_deref()
    }

    /// Its `hotkey`. Null when it has none.
    async fn hotkey(&self) -> Option<&str> {
        self.inner().hotkey.as_deref()
    }

    /// What the choices around it store, outermost first; empty unless choices are nested, as in a taxonomy.
    /// LIMIT_EXCEEDED once an answer repeats 16 MiB of configs.
    async fn parents(&self, ctx: &Context<'_>) -> Result<Vec<&str>> {
        let Some(control) = self.control() else {
            return Ok(Vec::new());
        };
        let parents = control.parents(self.inner());
        repeat(ctx, &parents)?;
        Ok(parents)
    }
}

/// How many labels can be chosen at once.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Choice")]
pub enum ControlChoice {
    /// One.
    Single,
    /// Any number.
    Multiple,
}

/// When a control is shown. What it says has to hold together.
pub struct ControlCondition(Arc<Condition>);

/// When a control is shown. What it says has to hold together. LIMIT_EXCEEDED, once, when an answer repeats 16 MiB
/// of configs; null from there on.
#[Object]
impl ControlCondition {
    /// `visibleWhen`, as it is written: `region-selected`, `choice-selected`, … Null when only the rest is
    /// asked for: then a choice of `choiceValues` has to be made in any control.
    async fn visible_when(&self, ctx: &Context<'_>) -> Option<Result<&str>> {
        text_or_null(ctx, self.0.visible_when.as_deref()?)
    }

    /// Names of tags of which one has to be concerned (`whenTagName`); empty for any.
    async fn tag_names(&self, ctx: &Context<'_>) -> Result<&[String]> {
        repeat(ctx, &self.0.tag_names)?;
        Ok(&self.0.tag_names)
    }

    /// Labels of which one has to be chosen (`whenLabelValue`); empty for any.
    async fn label_values(&self, ctx: &Context<'_>) -> Result<&[String]> {
        repeat(ctx, &self.0.label_values)?;
        Ok(&self.0.label_values)
    }

    /// Choices of which one has to be chosen (`whenChoiceValue`); empty for any. Without a `visibleWhen` it is one
    /// value, whatever commas it has.
    async fn choice_values(&self, ctx: &Context<'_>) -> Result<&[String]> {
        repeat(ctx, &self.0.choice_values)?;
        Ok(&self.0.choice_values)
    }

    /// The condition of the tag around the control that has one, which has to hold, too. Null when there is
    /// none.
    async fn around(&self, ctx: &Context<'_>) -> Option<Self> {
        if ctx.budget().config.is_overrun() {
            return None;
        }
        self.0.around.clone().map(Self)
    }
}

/// A count as GraphQL has it, with 32 bits: no result gets beyond.
fn count(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn object(ctx: &Context<'_>, attributes: &[(String, String)]) -> Result<JsonObject> {
    let texts: Vec<_> = attributes
        .iter()
        .flat_map(|(name, value)| [name, value])
        .collect();
    repeat(ctx, &texts)?;
    let attributes = attributes
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()));
    let object = serde_json::Value::Object(attributes.collect());
    Ok(JsonObject(object.to_string()))
}

fn text<'a>(ctx: &Context<'_>, text: &'a str) -> Result<&'a str> {
    repeat(ctx, &[text])?;
    Ok(text)
}

fn text_or_null<'a>(ctx: &Context<'_>, text: &'a str) -> Option<Result<&'a str>> {
    if ctx.budget().config.is_overrun() {
        return None;
    }
    Some(self::text(ctx, text))
}

/// Before an answer holds texts that many parts of a config have in common.
fn repeat(ctx: &Context<'_>, texts: &[impl AsRef<str>]) -> Result<()> {
    // Quotes and a comma.
    let bytes = texts.iter().map(|text| text.as_ref().len() as u64 + 3);
    ctx.budget().config.spend(bytes.sum())?;
    Ok(())
}
