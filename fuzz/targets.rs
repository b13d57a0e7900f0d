//! Fuzz targets: properties that hold for any bytes. libFuzzer generates inputs
//! (<https://rust-fuzz.github.io/book/cargo-fuzz.html>); `crates/label-studio/tests/fuzz.rs` runs the targets on
//! recorded data.

use label_studio::{
    check::{self, Mode, Rules},
    config::{Config, Kind},
    edit::{self, Edits},
    merge::merge as merged,
    region::{Region, Regions, Shape},
};

/// Separator of the parts of an input.
pub const DIVIDER: char = '\u{1e}';

/// Labelling config: parses, or has diagnostics with a location each. Every control, label and object is found by name.
pub fn config(data: &[u8]) {
    let Ok(xml) = str::from_utf8(data) else {
        return;
    };
    match Config::parse(xml) {
        Ok(config) => {
            for control in &config.controls {
                assert!(config.control(&control.name).is_some());
                assert!(
                    control
                        .labels
                        .iter()
                        .all(|label| control.label(&label.stored).is_some())
                );
            }
            for object in &config.objects {
                assert!(config.object(&object.name).is_some());
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(fault.location.line >= 1 && fault.location.column >= 1);
            }
        }
    }
}

/// JSON: a text that scans can be escaped and then parsed by serde_json, a syntax error fails in both, and normalizing
/// twice equals normalizing once.
pub fn document(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Ok(faults) = json_fidelity::scan(text) else {
        assert!(serde_json::from_str::<serde_json::Value>(text).is_err());
        assert!(json_fidelity::escape_lossy(text).is_err());
        return;
    };
    let safe =
        json_fidelity::escape_lossy(text).expect("a text without syntax errors can be escaped");
    let value: serde_json::Value = serde_json::from_str(&safe).expect("it is safe to parse");
    assert_eq!(
        faults.is_empty(),
        json_fidelity::scan(&value.to_string()) == Ok(Vec::new())
    );
    if faults.is_empty() {
        let once = json_fidelity::normalized(text).expect("it is JSON");
        assert_eq!(json_fidelity::normalized(&once).as_ref(), Some(&once));
    }
    let _ = json_fidelity::check_object(text, &[]);
    let _ = json_fidelity::check_result(text, &[]);
}

/// Result: every entry reads as a region.
pub fn region(data: &[u8]) {
    let Some((result, count)) = str::from_utf8(data).ok().and_then(result) else {
        return;
    };
    let config = Config::default();
    assert_eq!(Regions::read(result, &config).all.len(), count);
}

/// Config and result: laxer modes accept every result that stricter modes accept, and accepted regions are typed.
pub fn check(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Some((xml, text)) = text.split_once(DIVIDER) else {
        return;
    };
    let (Ok(config), Some((result, _))) = (Config::parse(xml), result(text)) else {
        return;
    };
    let fits = |mode, is_cancelled| {
        let rules = Rules {
            config: &config,
            mode,
            data: Some(r#"{"text":"some text"}"#),
            is_cancelled,
        };
        check::check(rules, result, &[]).is_empty()
    };
    assert!(fits(Mode::Off, false));
    assert!(fits(Mode::Standard, false) || !fits(Mode::Strict, true));
    assert!(fits(Mode::Strict, true) || !fits(Mode::Strict, false));
    if fits(Mode::Standard, false) {
        for region in Regions::read(result, &config).all {
            assert!(is_read(&config, &region), "{}", region.raw);
        }
    }
}

/// True for a region with a type, and for controls whose regions have none.
fn is_read(config: &Config, region: &Region) -> bool {
    let Shape::Other(type_name) = &region.shape else {
        return true;
    };
    let Some(found) = config.control_of(&region.from_name) else {
        return true;
    };
    match found.control.kind {
        Kind::Other | Kind::ReactCode => true,
        // An unknown tool with labels in the same entry.
        Kind::Labels => type_name.as_deref().map(str::to_lowercase) != Some("labels".to_owned()),
        _ => false,
    }
}

/// Three results: a merge without edits of ours returns theirs, conflicts are symmetric, and a merge is a valid result.
pub fn merge(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let parts: Vec<_> = text.split(DIVIDER).filter_map(result).collect();
    let &[(base, _), (ours, _), (theirs, _)] = parts.as_slice() else {
        return;
    };
    let same = merged(base, base, theirs).expect("nothing clashes with nothing");
    assert_eq!(
        json_fidelity::normalized(&same),
        json_fidelity::normalized(theirs)
    );
    let one = merged(base, ours, theirs);
    assert_eq!(one.is_ok(), merged(base, theirs, ours).is_ok());
    if let Ok(one) = one {
        assert!(json_fidelity::check_result(&one, &[]).is_ok());
    }
}

/// Result and entries to upsert: the edited result is valid, and a second upsert changes nothing.
pub fn edit(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Some((base, entries)) = text.split_once(DIVIDER) else {
        return;
    };
    let Some((base, _)) = result(base) else {
        return;
    };
    let entries = entries.split(DIVIDER).map(str::to_owned);
    let edits = Edits {
        upsert: entries
            .filter(|entry| result(&format!("[{entry}]")).is_some_and(|(_, count)| count == 1))
            .collect(),
        ..Edits::default()
    };
    if !edit::check(&edits, &[]).is_empty() {
        return;
    }
    let (once, problems) = edit::edit(base, &edits, &[]);
    if !problems.is_empty() {
        return;
    }
    assert!(json_fidelity::check_result(&once.result, &[]).is_ok());
    let (twice, problems) = edit::edit(&once.result, &edits, &[]);
    assert!(problems.is_empty());
    assert_eq!(twice, once);
}

/// Returns a text that can be stored as a result, and the number of regions.
fn result(text: &str) -> Option<(&str, usize)> {
    let count = json_fidelity::check_result(text, &[]).ok()?;
    Some((text, count))
}
