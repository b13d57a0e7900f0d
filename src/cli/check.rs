//! `annograph check`: check of a file against a labelling config.

use std::{
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use label_studio::{
    check::{Mode, Rules, check},
    config::Config,
};
use serde_json::value::RawValue;

use super::{
    import::place,
    line, note,
    out::{Out, stdout},
    source,
};
use crate::{
    domain::import::{ANNOTATIONS, COMPLETIONS, Fault, Fields, Reader},
    error::{Location, Problem, ProblemCode, Segment},
};

/// Name of the list of predictions.
const PREDICTIONS: &str = "predictions";

/// Arguments of `annograph check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Label Studio's JSON, as exported or imported, or JSON Lines of such items; `-` reads standard input.
    file: PathBuf,

    /// Labelling config, an XML file. Without a config only the format is checked.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Strictness of the check.
    #[arg(long, value_enum, default_value = "standard")]
    mode: ModeArg,

    /// Print each problem as a JSON object on a line: `path`, `code` and `message`.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeArg {
    /// Rules of Label Studio's SDK.
    Standard,
    /// Rules of the SDK, and promises of the config.
    Strict,
}

/// Prints the problems of the file. Fails when there are any, or when file or config can't be read.
pub fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let config = args.config.as_deref().map(config).transpose()?;
    let file = source::open(&args.file)?;
    let checked = Checker::new(args, config.as_ref()).run(file)?;
    if checked.problems > 0 {
        bail!(
            "problems: {} (results: {}, refused: {})",
            checked.problems,
            checked.results,
            checked.refused
        );
    }
    let summary = format!("nothing is wrong (results: {})", checked.results);
    // Standard output then has problems alone, one object per line.
    if args.json {
        note(format_args!("{summary}"));
        return Ok(());
    }
    line(format_args!("{summary}"))
}

/// Reads a labelling config. Prints its faults.
pub fn config(path: &Path) -> anyhow::Result<Config> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("can't read {shown}"))?;
    Config::parse(&text).or_else(|faults| {
        for fault in faults {
            let place = fault.location;
            note(format_args!(
                "{shown}:{}:{}: {}",
                place.line, place.column, fault.message
            ));
        }
        bail!("the labelling config can't work, see above");
    })
}

struct Checker<'a> {
    config: Option<&'a Config>,
    mode: Mode,
    json: bool,
    out: BufWriter<Out<io::Stdout>>,
    /// Start of the item, in files of consecutive objects.
    location: Option<Location>,
    checked: Checked,
}

/// Counts of a check.
#[derive(Default)]
struct Checked {
    problems: usize,
    results: usize,
    /// Results with problems.
    refused: usize,
}

impl<'a> Checker<'a> {
    fn new(args: &CheckArgs, config: Option<&'a Config>) -> Self {
        Self {
            config,
            mode: match args.mode {
                ModeArg::Standard => Mode::Standard,
                ModeArg::Strict => Mode::Strict,
            },
            json: args.json,
            out: BufWriter::new(stdout()),
            location: None,
            checked: Checked::default(),
        }
    }

    /// Checks a file item by item: memory is bounded by the largest item.
    fn run(mut self, source: impl Read) -> anyhow::Result<Checked> {
        let mut reader = Reader::new(source);
        let mut text = Vec::new();
        for index in 0.. {
            let read = reader.next(&mut text);
            self.location = reader.location();
            match read {
                Ok(true) => self.item(index, &text)?,
                Ok(false) => break,
                Err(Fault::Io(error)) => return Err(error).context("can't read the file"),
                // Ends after a syntax error: the start of the next item is unknown.
                Err(Fault::Text(code, message)) => {
                    self.tell(&Problem::new([index], code, message))?;
                    break;
                }
            }
        }
        self.out.flush()?;
        Ok(self.checked)
    }

    fn item(&mut self, index: usize, text: &[u8]) -> io::Result<()> {
        let fields = str::from_utf8(text).ok().and_then(Fields::of);
        let Some(mut fields) = fields else {
            let message = "must be a JSON object";
            return self.tell(&Problem::new([index], ProblemCode::InvalidFormat, message));
        };
        let data = fields.take("data");
        for kind in [ANNOTATIONS, COMPLETIONS, PREDICTIONS] {
            let Some(list) = fields.take(kind) else {
                continue;
            };
            let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(list) else {
                let at: [Segment; 2] = [index.into(), kind.into()];
                self.tell(&Problem::new(at, ProblemCode::WrongType, "must be a list"))?;
                continue;
            };
            for (place, object) in list.into_iter().enumerate() {
                // Skips items that are no objects: Label Studio exports bare ids in some formats.
                if let Some(fields) = Fields::of(object.get()) {
                    let at: [Segment; 3] = [index.into(), kind.into(), place.into()];
                    self.result(&at, kind, fields, data)?;
                }
            }
        }
        Ok(())
    }

    /// Checks an annotation or prediction of the list `kind`.
    fn result(
        &mut self,
        at: &[Segment],
        kind: &str,
        mut fields: Fields<'_>,
        data: Option<&str>,
    ) -> io::Result<()> {
        let mut at = at.to_vec();
        at.push("result".into());
        let problems = match fields.take("result") {
            Some(result) => match (json_fidelity::check_result(result, &at), self.config) {
                (Err(problems), _) => problems,
                (Ok(_), None) => Vec::new(),
                (Ok(_), Some(config)) => {
                    let rules = Rules {
                        config,
                        mode: self.mode,
                        data,
                        // Predictions needn't answer required controls, like cancelled annotations.
                        is_cancelled: kind == PREDICTIONS
                            || source::is_cancelled(kind, &mut fields),
                    };
                    check(rules, result, &at)
                }
            },
            // `result: null` counts as an empty result.
            None if fields.has("result") => Vec::new(),
            None => vec![Problem::new(
                at,
                ProblemCode::MissingField,
                "`result` is missing",
            )],
        };
        self.checked.results += 1;
        self.checked.refused += usize::from(!problems.is_empty());
        problems.iter().try_for_each(|problem| self.tell(problem))
    }

    fn tell(&mut self, problem: &Problem) -> io::Result<()> {
        self.checked.problems += 1;
        let location = problem.location.or(self.location);
        if self.json {
            let problem = Problem {
                location,
                ..problem.clone()
            };
            serde_json::to_writer(&mut self.out, &problem)?;
            return writeln!(self.out);
        }
        let place = place(&problem.path, location);
        writeln!(self.out, "{place}: {}", problem.message)
    }
}
