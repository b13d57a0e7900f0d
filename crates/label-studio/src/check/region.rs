//! Checks of a region against the config: names, type and value.

mod names;

use problem::ProblemCode;

use super::{
    fields::{self, must_be},
    labels::{self, Need, Rule},
    read::Region,
    report::{PathNode, Report, quoted},
    shape::{self, Field},
    value::Value,
};
use crate::config::{Config, Control, FoundControl, Indices, Kind};

/// Checker of regions against a config.
pub struct Regions<'a> {
    pub config: &'a Config,
    pub report: Report<'a>,
}

/// A control with the name and indices that a region gives.
#[derive(Clone, Copy)]
pub struct NamedControl<'c> {
    pub control: &'c Control,
    pub name: &'c str,
    /// Indices of the Repeaters around the control.
    pub indices: &'c Indices,
}

/// Region whose control and object exist.
pub struct ResolvedRegion<'a, 'r> {
    pub control: &'a Control,
    /// The control's name in the result.
    pub name: &'r str,
    /// Indices of the Repeaters around the control.
    pub indices: Indices,
    /// Name of the object; for a pairwise comparison possibly both names with a comma between.
    pub to_name: &'r str,
    /// Object with the fields of the control.
    pub value: &'r Value<'a>,
    /// True when `value` is nested below the control's name.
    pub is_below_name: bool,
    /// True for a drawn region or the labels of a drawn region, false for a span.
    pub is_drawn: bool,
}

impl<'a> Regions<'a> {
    /// Reports problems of a region. `partner` has the fields of an unlabelled region with the same id. Returns the
    /// region with control and object, or `None` when either is missing.
    pub fn check<'r>(
        &mut self,
        place: &PathNode<'_>,
        region: &'r Region<'a>,
        partner: Option<&'static [Field]>,
    ) -> Option<ResolvedRegion<'a, 'r>> {
        let (Some(from_name), Some(to_name), Some(region_type), Some(value)) = (
            &region.from_name,
            &region.to_name,
            &region.region_type,
            &region.value,
        ) else {
            self.report_missing(place, region);
            return None;
        };
        let (name, found) = self.control(from_name, &place.key("from_name"))?;
        let FoundControl { control, indices } = found;
        let called = NamedControl {
            control,
            name,
            indices: &indices,
        };
        let to_name = self.object(called, to_name, &place.key("to_name"))?;
        let tool = self.check_type(called, region_type, &place.key("type"));
        // Only `Labels` splits a region into two entries.
        let partner = partner.filter(|_| control.kind == Kind::Labels);
        let place = place.key("value");
        let inner = nested(called, value).filter(|_| tool.is_none());
        let below = place.key(name);
        let (value, place) = match inner {
            Some(inner) => (inner, below),
            None => (value, place),
        };
        match (tool, region_type) {
            // `rectanglelabels` of a `Labels` control: shape and labels in a single entry.
            (Some(tool), Value::Text(region_type)) => {
                self.check_merged(called, tool, &region_type.to_lowercase(), value, &place);
            }
            _ => {
                let fields = partner.or_else(|| self.fields(control, to_name));
                self.check_value(called, partner.is_some(), fields, value, &place);
            }
        }
        Some(ResolvedRegion {
            control,
            name,
            indices,
            to_name,
            value,
            is_below_name: inner.is_some(),
            is_drawn: tool.is_some() || partner.is_some(),
        })
    }

    fn report_missing(&mut self, place: &PathNode<'_>, region: &Region<'_>) {
        for (key, field) in [
            ("from_name", &region.from_name),
            ("to_name", &region.to_name),
            ("type", &region.region_type),
            ("value", &region.value),
        ] {
            if field.is_none() {
                fields::missing(key, &place.key(key), &mut self.report);
            }
        }
    }

    /// Checks the type of a region. Returns the drawing tool of a region whose entry also has the labels of a `Labels`
    /// control.
    fn check_type(
        &mut self,
        called: NamedControl<'_>,
        region_type: &Value<'_>,
        place: &PathNode<'_>,
    ) -> Option<&'a Control> {
        let Value::Text(text) = region_type else {
            let message = must_be("the type of a region", region_type);
            self.report.add(place, ProblemCode::WrongType, message);
            return None;
        };
        let control = called.control;
        let code = ProblemCode::WrongRegionType;
        // `Relations` offers labels of relations, which name no control.
        if control.tag.eq_ignore_ascii_case("relations") {
            let message = format!("`{}` is for relations: it has no regions", called.name);
            self.report.add(place, code, message);
            return None;
        }
        if are_alike(text, type_of(control)) {
            return None;
        }
        let tool = tool(self.config, control, text);
        if tool.is_none() {
            let message = format!(
                "regions of `{}` are of type {}, not {}",
                called.name,
                quoted(&control.region_type()),
                quoted(text)
            );
            self.report.add(place, code, message);
        }
        tool
    }

    /// Fields of a control's value; of `Labels` by the object's unit.
    fn fields(&self, control: &Control, to_name: &str) -> Option<&'static [Field]> {
        if control.kind != Kind::Labels {
            return shape::of(control.kind);
        }
        let object = self.config.object_of(to_name);
        Some(shape::of_span(
            object.and_then(|(object, _)| object.span_unit),
        ))
    }

    fn check_value(
        &mut self,
        called: NamedControl<'_>,
        is_drawn: bool,
        fields: Option<&'static [Field]>,
        value: &Value<'a>,
        place: &PathNode<'_>,
    ) {
        let Some(fields) = fields else {
            return;
        };
        fields::check(value, fields, place, &mut self.report);
        if !matches!(value, Value::Object(_)) {
            return;
        }
        if let Some(mut rule) = Rule::of(called.control) {
            // The SDK's model of the shape does not have the labels, so null passes.
            if is_drawn {
                rule.need = Need::ListOrNull;
            }
            labels::check(called, rule, value, place, &mut self.report);
        }
        if called.control.kind == Kind::Rating {
            check_rating(
                called.control,
                value,
                &place.key("rating"),
                &mut self.report,
            );
        }
    }

    /// Checks an entry with both shape and labels: the fields of the tool, and the labels of `Labels` below the name of
    /// the type or below `labels`.
    fn check_merged(
        &mut self,
        called: NamedControl<'_>,
        tool: &'a Control,
        region_type: &str,
        value: &Value<'a>,
        place: &PathNode<'_>,
    ) {
        if let Some(fields) = shape::of(tool.kind) {
            fields::check(value, fields, place, &mut self.report);
        } else if !matches!(value, Value::Object(_)) {
            let message = must_be("an object", value);
            self.report.add(place, ProblemCode::WrongType, message);
        }
        if !matches!(value, Value::Object(_)) {
            return;
        }
        let key = match value.get(region_type) {
            Some(_) => region_type,
            None => "labels",
        };
        let rule = Rule {
            key,
            need: Need::Some,
            are_paths: false,
        };
        labels::check(called, rule, value, place, &mut self.report);
        // Some tools offer labels, too, such as `VideoRectangle` with `Label` tags inside.
        if let Some(rule) = Rule::of(tool).filter(|rule| rule.key != key) {
            let rule = Rule {
                need: Need::Nothing,
                ..rule
            };
            let tool = NamedControl {
                control: tool,
                name: &tool.name,
                ..called
            };
            labels::check(tool, rule, value, place, &mut self.report);
        }
    }
}

/// Type of a control's regions, in the case of the tag: [`Control::region_type`] without a copy.
fn type_of(control: &Control) -> &str {
    match control.kind {
        Kind::Chat => "chatmessage",
        _ => &control.tag,
    }
}

fn are_alike(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || !(one.is_ascii() && other.is_ascii()) && one.to_lowercase() == other.to_lowercase()
}

/// Finds the drawing tool that a type such as `rectanglelabels` of a `Labels` control names: a `Rectangle` that shares
/// an object with the labels.
fn tool<'a>(config: &'a Config, labels: &Control, region_type: &str) -> Option<&'a Control> {
    if labels.kind != Kind::Labels {
        return None;
    }
    let region_type = region_type.to_lowercase();
    let tag = region_type.strip_suffix("labels")?;
    config
        .controls
        .iter()
        .find(|tool| is_tool(tool.kind) && are_alike(&tool.tag, tag) && labels.shares_object(tool))
}

fn is_tool(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bitmask
            | Kind::Brush
            | Kind::Ellipse
            | Kind::KeyPoint
            | Kind::MagicWand
            | Kind::Polygon
            | Kind::Rectangle
            | Kind::Vector
            | Kind::VideoRectangle
            | Kind::VideoVector
            | Kind::Other
    )
}

/// Finds the value below the control's name, where Label Studio accepts a value, too.
fn nested<'r, 'a>(called: NamedControl<'_>, value: &'r Value<'a>) -> Option<&'r Value<'a>> {
    let NamedControl { control, name, .. } = called;
    let inner = value.get(name)?;
    let is_nested = match control.kind {
        // Buckets have any names, also the control's.
        Kind::Ranker => false,
        Kind::VideoRectangle => !control.labels.is_empty() || value.get("labels").is_some(),
        // A control may have the name of a key of the value: then the value nests only if the inner object has the key.
        Kind::Chat => name != "chatmessage" || inner.get("chatmessage").is_some(),
        Kind::ReactCode => name != "reactcode" || inner.get("reactcode").is_some(),
        _ => true,
    };
    (is_nested && matches!(inner, Value::Object(_))).then_some(inner)
}

fn check_rating(
    control: &Control,
    value: &Value<'_>,
    place: &PathNode<'_>,
    report: &mut Report<'_>,
) {
    let Some(given) = value.get("rating") else {
        return;
    };
    let Some(rating) = super::coercion::integer(given) else {
        return;
    };
    let max = control.max_rating;
    // pydantic takes `"3.0"` for an integer, but the SDK also converts ratings by `int`, which refuses the text.
    if given.text().is_some_and(|text| text.contains('.')) {
        let message = must_be("a whole number", given);
        report.add(place, ProblemCode::WrongType, message);
    } else if rating > i128::from(max) {
        let message = format!("must be at most {max}, is {rating}");
        report.add(place, ProblemCode::OutOfBounds, message);
    }
}
