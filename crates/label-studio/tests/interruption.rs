//! Interruption: loops over results end when the interrupt of the thread is due.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use interrupt::{Interrupt, Interrupted};
use label_studio::{
    agreement::ComparableResult,
    check::{self as checking, Mode, Rules},
    config::Config,
    diff,
    entry::entries,
    merge::merge,
    region::{Content, Regions},
};

/// True when the interrupt ends the work.
fn is_interrupted(interrupt: &Arc<Interrupt>, work: impl FnOnce()) -> bool {
    let ended = catch_unwind(AssertUnwindSafe(|| interrupt.scope(work)));
    ended.is_err_and(|payload| payload.is::<Interrupted>())
}

#[test]
fn every_loop_over_a_result_stops() {
    let regions = (0..300).map(|id| format!(r#"{{"id":"{id}","value":{{"x":1}}}}"#));
    let text = format!("[{}]", regions.collect::<Vec<_>>().join(","));
    let other = text.replace(':', ": ");
    let config = Config::default();
    let rules = Rules {
        config: &config,
        mode: Mode::Standard,
        data: None,
        is_cancelled: false,
    };
    let loops: [(&str, &dyn Fn()); 9] = [
        ("escape_lossy", &|| drop(json_fidelity::escape_lossy(&text))),
        ("check_result", &|| {
            drop(json_fidelity::check_result(&text, &[]));
        }),
        ("are_equivalent", &|| {
            json_fidelity::are_equivalent(&text, &other);
        }),
        ("check", &|| drop(checking::check(rules, &text, &[]))),
        ("entries", &|| drop(entries(&text))),
        ("merge", &|| drop(merge(&text, &text, &text))),
        ("diff", &|| drop(diff::diff(&text, &text))),
        ("regions", &|| drop(Regions::read(&text, &config))),
        ("content", &|| drop(Content::read(&text, &config))),
    ];
    for (name, work) in loops {
        let due = Arc::new(Interrupt::new(Some(Instant::now())));
        assert!(is_interrupted(&due, work), "{name}");
        assert!(!is_interrupted(&Arc::default(), work), "{name}");
    }
    let due = Arc::new(Interrupt::new(Some(Instant::now())));
    assert!(is_interrupted(&due, || drop(ComparableResult::read(
        &text, &config
    ))));
}
