//! Names in a region: the control of `from_name` and the object of `to_name`.

use std::{borrow::Cow, fmt::Write as _};

use problem::ProblemCode;

use super::{
    super::{
        fields::must_be,
        report::{PathNode, listed, quoted},
        value::Value,
    },
    NamedControl, Regions,
};
use crate::config::{FoundControl, Indices, Kind};

impl<'a> Regions<'a> {
    /// Finds the region's control. Returns the name in the region, too.
    pub(super) fn control<'r>(
        &mut self,
        name: &'r Value<'_>,
        place: &PathNode<'_>,
    ) -> Option<(&'r str, FoundControl<'a>)>
    where
        'a: 'r,
    {
        let config = self.config;
        match (name, &config.controls[..]) {
            // The SDK takes null for the only control.
            (Value::Null, [only]) => {
                let indices = Indices::default();
                let control = only;
                return Some((&only.name, FoundControl { control, indices }));
            }
            (Value::Text(name), controls) => {
                if let Some(found) = config.control_of(name) {
                    return Some((name, found));
                }
                let code = ProblemCode::UnknownControl;
                let mut candidates = config.control_names_like(name);
                if let Some(control) = config.control(name) {
                    let is_of_it = |it: &Cow<'_, str>| {
                        let found = config.control_of(it);
                        found.is_some_and(|found| found.control.name == control.name)
                    };
                    let message = repeated(name, candidates.find(is_of_it).as_deref());
                    self.report.add(place, code, message);
                    return None;
                }
                let known = controls.iter().map(|control| &*control.name);
                let subject = "the labelling config has no control";
                let report = &mut self.report;
                report.add_unknown(place, code, subject, name, known, candidates);
            }
            (other, _) => {
                let message = must_be("the name of a control", other);
                self.report.add(place, ProblemCode::WrongType, message);
            }
        }
        None
    }

    /// Finds the region's object. Returns the name. Reports an object that the control does not label, and returns the
    /// name all the same, so that the rest of the region is checked.
    pub(super) fn object<'r>(
        &mut self,
        called: NamedControl<'_>,
        name: &'r Value<'_>,
        place: &PathNode<'_>,
    ) -> Option<&'r str> {
        let Value::Text(name) = name else {
            let message = must_be("the name of an object", name);
            self.report.add(place, ProblemCode::WrongType, message);
            return None;
        };
        let control = called.control;
        let is_of_control = |name: &str| control.labels_object(name, called.indices);
        let is_object = |name: &str| self.config.object_of(name).is_some();
        // Label Studio's predictions name both objects of a comparison (https://labelstud.io/tags/pairwise).
        let names_both = control.kind == Kind::Pairwise
            && name.contains(',')
            && name
                .split(',')
                .all(|part| is_of_control(part) && is_object(part));
        if names_both {
            return Some(name);
        }
        let code = ProblemCode::UnknownObject;
        if !is_object(name) {
            // The control's own objects first: their indices are known.
            let own = control.to_names_at(called.indices).into_iter();
            let mut candidates = own.chain(self.config.object_names_like(name));
            if let Some(object) = self.config.object(name) {
                let is_of_it = |it: &Cow<'_, str>| {
                    let found = self.config.object_of(it);
                    found.is_some_and(|(found, _)| found.name == object.name)
                };
                let message = repeated(name, candidates.find(is_of_it).as_deref());
                self.report.add(place, code, message);
                return None;
            }
            let known = self.config.objects.iter().map(|object| &*object.name);
            let subject = "the labelling config has no object";
            let report = &mut self.report;
            report.add_unknown(place, code, subject, name, known, candidates);
            return None;
        }
        if !is_of_control(name) {
            let names = control.to_names_at(called.indices);
            let known = listed(names.iter().map(|name| &**name));
            let control = called.name;
            let message = format!("`{control}` works on {known}, not on {}", quoted(name));
            self.report.add(place, code, message);
        }
        Some(name)
    }
}

/// Message for a name as the config writes it, with the flag of a `Repeater`: names in results have an index there.
fn repeated(name: &str, example: Option<&str>) -> String {
    let mut message = format!("{} repeats: in a result it has an index", quoted(name));
    if let Some(example) = example {
        let _ = write!(message, ", as in {}", quoted(example));
    }
    message
}
