//! Controls of a project's labelling config, with labels and objects (<https://labelstud.io/tags/>).

mod kind;
mod repeater;

use std::{collections::HashSet, sync::Arc};

use async_graphql::{Context, Enum, Object, Result};
use label_studio::config::{self, Choice, Condition, Config, Kind, Label};

pub use self::{kind::ControlKind, repeater::ControlRepeater};
use super::{
    context::ContextExt,
    list::List,
    region::Spending,
    scalar::{JsonObject, int},
};
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
    /// Name, unique among the tags of the config: the `from_name` of the control's regions. Inside a
    /// `Repeater` the name holds the flags of `repeaters`: `labels_{{idx}}` stands for `labels_0`,
    /// `labels_1`, …, a name for each item.
    async fn name(&self) -> &str {
        &self.inner().name
    }

    /// Repeaters around the tag, outermost first: the tag repeats for each item of their lists. Empty when
    /// the tag does not repeat.
    async fn repeaters(&self) -> List<ControlRepeater> {
        ControlRepeater::all(&self.config, &self.inner().repeaters).into()
    }

    /// The tag as written: `RectangleLabels`.
    async fn tag(&self) -> &str {
        &self.inner().tag
    }

    /// Known kind of the tag.
    async fn kind(&self) -> ControlKind {
        self.inner().kind.into()
    }

    /// The `type` of the control's regions: `rectanglelabels`.
    async fn region_type(&self) -> String {
        self.inner().region_type()
    }

    /// The labelled objects, each once, in the order of `toName`. A name without an object is left out.
    async fn objects(&self) -> List<ConfigObject> {
        // `toName` may name an object twice; each object is listed once, in the order of the names.
        let mut seen = HashSet::new();
        let names = self.inner().to_names.iter();
        names
            .filter_map(|name| ConfigObject::named(&self.config, name))
            .filter(|object| seen.insert(object.index))
            .collect()
    }

    /// The offered labels, in the order of the config; nested choices come after their outer choices. Of
    /// labels with the same stored value the last counts.
    async fn labels(&self, ctx: &Context<'_>) -> error::Result<List<ControlLabel>> {
        let label = |index| ControlLabel {
            config: self.config.clone(),
            control: Some(self.index),
            index,
        };
        let labels = self.inner().labels.len();
        ctx.charge_items(labels)?;
        Ok((0..labels).map(label).collect())
    }

    /// More labels come from the task's data or from a remote server (`value="$x"`, `apiUrl`).
    async fn has_dynamic_labels(&self) -> bool {
        self.inner().has_dynamic_labels
    }

    /// Number of labels that can be chosen at once. Null for controls without this setting, a taxonomy
    /// among them.
    async fn choice(&self) -> Option<ControlChoice> {
        let control = self.inner();
        control.kind.has_choice().then(|| control.choice.into())
    }

    /// An answer is required (`required`) while the control is shown.
    async fn is_required(&self) -> bool {
        self.inner().is_required
    }

    /// The control describes single regions (`perRegion`), not the whole task.
    async fn is_per_region(&self) -> bool {
        self.inner().is_per_region
    }

    /// The control describes single items of a list of images (`perItem`).
    async fn is_per_item(&self) -> bool {
        self.inner().is_per_item
    }

    /// Condition for showing the control. Null when the control is always shown.
    async fn condition(&self, ctx: &Context<'_>) -> Option<ControlCondition> {
        // After an overrun further values are null: a single error tells enough.
        if ctx.budget().config.is_overrun() {
            return None;
        }
        let condition = self.inner().condition.clone()?;
        Some(ControlCondition(condition))
    }

    /// Least allowed number (`min`). Null without such a bound.
    async fn min(&self) -> Option<f64> {
        self.inner().min
    }

    /// Greatest allowed number (`max`). Null without such a bound.
    async fn max(&self) -> Option<f64> {
        self.inner().max
    }

    /// Best rating (`maxRating`), 5 unless the config differs. Null unless the control is a rating.
    async fn max_rating(&self) -> Option<i32> {
        let control = self.inner();
        // `maxRating` is stored as a wider integer; GraphQL's Int has 32 bits.
        // https://spec.graphql.org/September2025/#sec-Int
        let best = control.max_rating.clamp(i32::MIN.into(), i32::MAX.into());
        let best = i32::try_from(best).unwrap_or(i32::MAX);
        (control.kind == Kind::Rating).then_some(best)
    }

    /// Greatest allowed number of texts (`maxSubmissions`). Null without such a bound.
    async fn max_submissions(&self) -> Option<i32> {
        self.inner().max_submissions.map(int)
    }

    /// Greatest number of regions with the same label (`maxUsages`). Null without such a bound.
    async fn max_usages(&self) -> Option<i32> {
        self.inner().max_usages.map(int)
    }

    /// All attributes of the tag as written: an object of strings. LIMIT_EXCEEDED once an answer repeats 16
    /// MiB of configs.
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
        // Objects are sorted by location, so a binary search finds the index.
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

/// A tag of a labelling config that shows a part of the task. LIMIT_EXCEEDED once an answer repeats 16
/// MiB of configs.
#[Object]
impl ConfigObject {
    /// Repeaters around the tag, outermost first: the tag repeats for each item of their lists. Empty when
    /// the tag does not repeat.
    async fn repeaters(&self) -> List<ControlRepeater> {
        ControlRepeater::all(&self.config, &self.inner().repeaters).into()
    }

    /// Name, unique among the tags of the config: the `to_name` of regions on the object. Inside a
    /// `Repeater` the name holds the flags of `repeaters`.
    async fn name(&self, ctx: &Context<'_>) -> Result<&str> {
        text(ctx, &self.inner().name)
    }

    /// The tag as written: `Image`.
    async fn tag(&self, ctx: &Context<'_>) -> Result<&str> {
        text(ctx, &self.inner().tag)
    }

    /// The shown value (`valueList`, else `value`): as a rule a variable, `$image`. Null for a chat without
    /// a value.
    async fn value(&self, ctx: &Context<'_>) -> Option<Result<&str>> {
        text_or_null(ctx, self.inner().value.as_deref()?)
    }

    /// Path of the shown value in the task's `data`: `image` of `$image`; within a `Repeater` including the
    /// flags of `repeaters`. Null when the value is no single variable.
    async fn variable(&self, ctx: &Context<'_>) -> Option<Result<&str>> {
        text_or_null(ctx, self.inner().variable.as_deref()?)
    }

    /// All attributes of the tag as written: an object of strings.
    async fn attributes(&self, ctx: &Context<'_>) -> Result<JsonObject> {
        object(ctx, &self.inner().attributes)
    }
}

/// A value that a control offers, a `Label` or a `Choice`; or a `Relation`, a label of relations.
pub struct ControlLabel {
    config: Arc<Config>,
    /// Absent for a label of relations.
    control: Option<usize>,
    index: usize,
}

impl ControlLabel {
    /// Labels of relations, in the order of the config's text.
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

/// A value that a control offers, a `Label` or a `Choice`; or a `Relation`, a label of relations.
#[Object]
impl ControlLabel {
    /// The value in a region after choosing the label: the alias, else the value. Inside a `Repeater` the
    /// text may hold the flag, which stands for the index.
    async fn stored(&self) -> &str {
        &self.inner().stored
    }

    /// The shown text. Null when the config gives an alias alone.
    async fn value(&self) -> Option<&str> {
        self.inner().value.as_deref()
    }

    /// The `alias`. Null without an alias.
    async fn alias(&self) -> Option<&str> {
        self.inner().alias.as_deref()
    }

    /// The `background`, a CSS colour. Null when the config gives no colour.
    async fn background(&self) -> Option<&str> {
        self.inner().background.as_deref()
    }

    /// The `hotkey`. Null without a hotkey.
    async fn hotkey(&self) -> Option<&str> {
        self.inner().hotkey.as_deref()
    }

    /// Stored values of the choices around the label, outermost first; empty unless choices are nested, as
    /// in a taxonomy. LIMIT_EXCEEDED once an answer repeats 16 MiB of configs.
    async fn parents(&self, ctx: &Context<'_>) -> Result<Vec<&str>> {
        let Some(control) = self.control() else {
            return Ok(Vec::new());
        };
        let parents = control.parents(self.inner());
        repeat(ctx, &parents)?;
        Ok(parents)
    }
}

/// Number of labels that can be chosen at once.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Choice")]
pub enum ControlChoice {
    /// A single label.
    Single,
    /// Any number of labels.
    Multiple,
}

/// Condition for showing a control: all given parts have to hold.
pub struct ControlCondition(Arc<Condition>);

/// Condition for showing a control. All given fields have to hold together. LIMIT_EXCEEDED, once, when
/// an answer repeats 16 MiB of configs; null from there on.
#[Object]
impl ControlCondition {
    /// `visibleWhen` as written: `region-selected`, `choice-selected`, … Null when only the remaining
    /// fields are given: then a choice of `choiceValues` has to be made in any control.
    async fn visible_when(&self, ctx: &Context<'_>) -> Option<Result<&str>> {
        text_or_null(ctx, self.0.visible_when.as_deref()?)
    }

    /// Names of the tags that the condition is about (`whenTagName`), at least one of which has to match;
    /// empty for any tag.
    async fn tag_names(&self, ctx: &Context<'_>) -> Result<&[String]> {
        repeat(ctx, &self.0.tag_names)?;
        Ok(&self.0.tag_names)
    }

    /// Labels of which at least one has to be chosen (`whenLabelValue`); empty for any label.
    async fn label_values(&self, ctx: &Context<'_>) -> Result<&[String]> {
        repeat(ctx, &self.0.label_values)?;
        Ok(&self.0.label_values)
    }

    /// Choices of which at least one has to be chosen (`whenChoiceValue`); empty for any choice. Without
    /// `visibleWhen` a single value, commas included.
    async fn choice_values(&self, ctx: &Context<'_>) -> Result<&[String]> {
        repeat(ctx, &self.0.choice_values)?;
        Ok(&self.0.choice_values)
    }

    /// Condition of the nearest conditional tag around the control, which has to hold, too. Null without
    /// such a tag.
    async fn around(&self, ctx: &Context<'_>) -> Option<Self> {
        if ctx.budget().config.is_overrun() {
            return None;
        }
        self.0.around.clone().map(Self)
    }
}

fn object(ctx: &Context<'_>, attributes: &[(String, String)]) -> Result<JsonObject> {
    let texts: Vec<_> = attributes
        .iter()
        .flat_map(|(name, value)| [name, value])
        .collect();
    // Charges names and values before the copy: many fields can repeat the same attributes.
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

/// Charges texts that many parts of a config share, before the answer repeats the texts.
fn repeat(ctx: &Context<'_>, texts: &[impl AsRef<str>]) -> Result<()> {
    // Adds the quotes and comma of each text in the answer.
    let bytes = texts.iter().map(|text| text.as_ref().len() as u64 + 3);
    ctx.budget().config.spend(bytes.sum())?;
    Ok(())
}
