//! `annograph agreement`: agreement of annotations in a file.

use std::{io::Read, path::PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use label_studio::{
    agreement::{ComparableResult, Metric, WorkBudget},
    config::Config,
};
use serde_json::{json, value::RawValue};

use super::{check::config, import::place, line, print_table, source};
use crate::{
    domain::{
        agreement::{MAX_STEPS, Score, among},
        import::{ANNOTATIONS, COMPLETIONS, Fault, Fields, Reader},
    },
    error::Location,
};

/// Metrics and their names in the output. The last one is the mean over the controls, each compared by its default
/// metric.
const METRICS: [(&str, Option<Metric>); 5] = [
    ("IOU", Some(Metric::Iou)),
    ("SPAN_F1", Some(Metric::SpanF1)),
    ("EXACT_MATCH", Some(Metric::ExactMatch)),
    ("COHENS_KAPPA", Some(Metric::CohensKappa)),
    ("MEAN", None),
];

/// Arguments of `annograph agreement`.
#[derive(Args, Debug)]
pub struct AgreementArgs {
    /// Label Studio's JSON, as exported, or JSON Lines of such items; `-` reads standard input.
    file: PathBuf,

    /// Labelling config, an XML file: its objects decide the types of labelled spans. Without a config the types are
    /// guessed from the values.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print a JSON object per task, each on a line.
    #[arg(long)]
    json: bool,
}

/// Scores of a task.
struct Row {
    item: usize,
    /// Annotations compared.
    annotations: usize,
    scores: Vec<Score>,
}

/// Prints the agreement of each task of the file. Fails on a file that can't be read or is no list of tasks.
pub fn run(args: &AgreementArgs) -> anyhow::Result<()> {
    let config = args.config.as_deref().map(config).transpose()?;
    let config = config.unwrap_or_default();
    let mut rows = Vec::new();
    // Streams JSON row by row; a table needs all rows for the widths of its columns.
    let tell = |row: Row| {
        if args.json {
            return line(format_args!("{}", row.json()));
        }
        rows.push(row.cells());
        Ok(())
    };
    each_task(source::open(&args.file)?, &config, tell)?;
    if !args.json {
        let heads = METRICS.iter().map(|(name, _)| *name);
        let heads: Vec<&str> = ["ITEM", "ANNOTATIONS"].into_iter().chain(heads).collect();
        print_table(&heads, &rows)?;
    }
    Ok(())
}

fn each_task(
    source: impl Read,
    config: &Config,
    mut tell: impl FnMut(Row) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut reader = Reader::new(source);
    let mut text = Vec::new();
    for item in 0.. {
        match reader.next(&mut text) {
            Ok(true) => tell(compare(item, reader.location(), &text, config)?)?,
            Ok(false) => break,
            Err(Fault::Io(error)) => return Err(error).context("can't read the file"),
            Err(Fault::Text(_, message)) => {
                bail!("{}: {message}", place(&[item.into()], reader.location()))
            }
        }
    }
    Ok(())
}

/// Compares the annotations of a task, without cancelled annotations.
fn compare(
    item: usize,
    location: Option<Location>,
    text: &[u8],
    config: &Config,
) -> anyhow::Result<Row> {
    let fields = str::from_utf8(text).ok().and_then(Fields::of);
    let Some(mut fields) = fields else {
        bail!("{}: must be a JSON object", place(&[item.into()], location));
    };
    // Old exports call annotations `completions`.
    let lists = [ANNOTATIONS, COMPLETIONS];
    let list = lists.into_iter().find(|list| fields.peek(list).is_some());
    let list = list.unwrap_or(ANNOTATIONS);
    let annotations = fields.take(list).unwrap_or("[]");
    let Ok(annotations) = serde_json::from_str::<Vec<&RawValue>>(annotations) else {
        let at = [item.into(), list.into()];
        bail!("{}: must be a list", place(&at, location));
    };
    let annotations = annotations.into_iter();
    let annotations = annotations.filter_map(|it| Fields::of(it.get()));
    let results: Vec<_> = annotations
        .filter_map(|mut fields| {
            if source::is_cancelled(list, &mut fields) {
                return None;
            }
            let author = fields.take("completed_by").map(id);
            let result = fields.take("result").unwrap_or("[]");
            Some((author, ComparableResult::read(result, config)))
        })
        .collect();
    let results: Vec<_> = results.iter().map(|(author, it)| (*author, it)).collect();
    let scores = METRICS.iter();
    // Each metric has its own bound of work, so an expensive metric leaves the others computed.
    let scores =
        scores.map(|(_, metric)| among(&results, *metric, &mut WorkBudget::new(MAX_STEPS)));
    Ok(Row {
        item,
        annotations: results.len(),
        scores: scores.collect(),
    })
}

/// Id of a person, given as id or as object with an `id`.
fn id(person: &str) -> &str {
    let id = Fields::of(person).and_then(|mut fields| fields.take("id"));
    id.unwrap_or(person)
}

impl Row {
    fn json(&self) -> serde_json::Value {
        let mut row = json!({ "item": self.item, "annotations": self.annotations });
        for ((name, _), score) in METRICS.iter().zip(&self.scores) {
            row[*name] = match score {
                Ok(score) => json!(score),
                Err(_) => json!("LIMIT_EXCEEDED"),
            };
        }
        row
    }

    fn cells(&self) -> Vec<String> {
        let scores = self.scores.iter().map(|score| match score {
            Ok(Some(score)) => format!("{score:.3}"),
            Ok(None) => "-".to_owned(),
            Err(_) => "too much".to_owned(),
        });
        let head = [self.item.to_string(), self.annotations.to_string()];
        head.into_iter().chain(scores).collect()
    }
}
