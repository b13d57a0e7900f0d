//! `annograph import`: import of a file.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{line, note};
use crate::{
    app::App,
    config::is_stream,
    domain::{
        import::{self, Failure, MatchKind, Options, Phase, Problems, Progress, Summary},
        project,
    },
    error::{Error, Location, Problem, Segment, dotted},
};

/// Arguments of `annograph import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Label Studio's JSON, as exported or imported, or JSON Lines of such items; `-` reads standard input.
    file: PathBuf,

    /// Id of the project to import into.
    #[arg(long, required_unless_present = "title", conflicts_with = "title")]
    project: Option<i64>,

    /// Title of a new project to import into.
    #[arg(long)]
    title: Option<String>,

    /// Labelling config of the new project, an XML file.
    #[arg(long, requires = "title", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Map of users: a JSON object from a user's id or e-mail address in the file to a username or id on this server.
    #[arg(long, value_name = "FILE")]
    user_map: Option<PathBuf>,

    /// Treatment of users found neither by the map nor by e-mail address.
    #[arg(long, value_enum, default_value = "create")]
    users: Users,

    /// Treatment of annotations and predictions whose result does not fit the project's labelling config.
    #[arg(long, value_enum, default_value = "warn")]
    check: Check,

    /// Print a JSON object: the project's id, the counts, the users, the adjusted values, and the misfits with the
    /// labelling config.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Users {
    /// Create authors without sign-in.
    Create,
    /// Import nothing.
    Strict,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Check {
    /// Import unchanged, and report.
    Warn,
    /// Import nothing.
    Strict,
    /// Import unchanged, without a report.
    Off,
}

/// Imports the file into the project and prints a report. Fails, without a trace in the database, on any problem of
/// the file.
pub async fn run(app: &App, args: ImportArgs) -> anyhow::Result<()> {
    // Settles dead imports first, as a server does at startup.
    for recovered in import::recover(app).await? {
        let project = recovered.project_id;
        let what = if recovered.is_complete {
            "completed"
        } else {
            "took back"
        };
        note(format_args!(
            "{what} an import into project {project} that had died"
        ));
    }
    let json = args.json;
    let config = args.config.clone();
    let source = seekable(&args.file)?;
    let options = options(args)?;
    let bar = Bar::new();
    let imported = import::run(app, source, &options, |progress| bar.show(progress)).await;
    bar.0.finish_and_clear();
    match imported {
        Ok(summary) if json => line(format_args!("{}", summary_json(&summary)))?,
        Ok(summary) => print_summary(&summary)?,
        // The report goes to standard error for people, and with `--json` to standard output for programs.
        Err(Failure::Refused(problems)) => {
            if json {
                let count = problems.count();
                let told = json!({ "problems": problems.told, "problemCount": count });
                line(format_args!("{told}"))?;
            }
            print_problems(&problems);
            bail!("nothing was imported, see above");
        }
        Err(Failure::Other(Error::BadInput(problems))) => {
            if json {
                let count = problems.len();
                let told = json!({ "problems": problems, "problemCount": count });
                line(format_args!("{told}"))?;
            }
            for problem in &problems {
                let place = place_in_arguments(problem, config.as_deref());
                note(format_args!("{place}: {}", problem.message));
            }
            bail!("nothing was imported, see above");
        }
        Err(Failure::Left {
            cause,
            tasks,
            is_whole,
        }) => return Err(cause).context(left(tasks, is_whole)),
        Err(failure) => return Err(failure).context("nothing was imported"),
    }
    Ok(())
}

/// Message on a failed import that could not be rolled back.
fn left(tasks: usize, is_whole: bool) -> String {
    let (what, then) = match is_whole {
        true => ("all", "completed or taken back"),
        false => ("not all", "taken back"),
    };
    format!(
        "the import failed, and the database takes no writes to take it back: {tasks} tasks, {what} of the file's, are in the database until a running server, or the next `annograph serve` or `annograph import`, can write; then the import is {then}"
    )
}

fn options(args: ImportArgs) -> anyhow::Result<Options> {
    let target = match args.project {
        Some(id) => import::Target::Project(id),
        None => import::Target::New {
            project: project::New {
                title: args.title.unwrap_or_default(),
                label_config: match args.config {
                    Some(path) => text(&path)?,
                    None => String::new(),
                },
                ..Default::default()
            },
            // Commands run without a signed-in user.
            created_by_id: None,
        },
    };
    let user_map = match args.user_map {
        Some(path) => user_map(&path)?,
        None => BTreeMap::new(),
    };
    Ok(Options {
        target,
        user_map,
        unmapped: match args.users {
            Users::Create => import::Unmapped::Create,
            Users::Strict => import::Unmapped::Refuse,
        },
        misfits: match args.check {
            Check::Warn => import::Misfits::Note,
            Check::Strict => import::Misfits::Refuse,
            Check::Off => import::Misfits::Ignore,
        },
    })
}

fn user_map(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let shown = path.display();
    let map: BTreeMap<String, Value> = serde_json::from_str(&text(path)?)
        .with_context(|| format!("{shown} is not a JSON object"))?;
    map.into_iter()
        .map(|(source, user)| {
            let user = match user {
                Value::String(name) => name,
                Value::Number(id) => id.to_string(),
                _ => bail!("{shown}: {source} has to lead to a username or an id"),
            };
            // Ids and addresses are matched without regard to case.
            Ok((source.trim().to_lowercase(), user))
        })
        .collect()
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
}

/// Opens a file that can be read twice: checking and writing are separate passes. Copies pipes and devices to a
/// temporary file.
fn seekable(path: &Path) -> anyhow::Result<File> {
    let spooled = || tempfile::tempfile().context("can't make a temporary file");
    let reading = || format!("can't read {}", path.display());
    if is_stream(path) {
        let mut copy = spooled()?;
        io::copy(&mut io::stdin().lock(), &mut copy).context("can't read standard input")?;
        return Ok(copy);
    }
    let mut file = File::open(path).with_context(reading)?;
    if file.metadata().with_context(reading)?.is_file() {
        return Ok(file);
    }
    let mut copy = spooled()?;
    io::copy(&mut file, &mut copy).with_context(reading)?;
    Ok(copy)
}

/// Progress bar, hidden unless standard error is a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = "{msg} {wide_bar} {bytes}/{total_bytes} {eta}";
        let style = ProgressStyle::with_template(style).expect("the template is valid");
        Self(ProgressBar::no_length().with_style(style))
    }

    fn show(&self, progress: Progress) {
        self.0.set_length(progress.total);
        self.0.set_message(match progress.phase {
            Phase::Check => "checking",
            Phase::Write => "writing ",
        });
        self.0.set_position(progress.done);
    }
}

fn summary_json(summary: &Summary) -> Value {
    let mut json = json!({ "projectId": summary.project_id });
    let counts = json!(summary.counts);
    for (name, count) in counts.as_object().into_iter().flatten() {
        json[name] = count.clone();
    }
    json["users"] = json!(summary.users);
    json["notes"] = json!(summary.notes.told);
    json["noteCount"] = json!(summary.notes.count());
    json
}

fn print_summary(summary: &Summary) -> anyhow::Result<()> {
    let counts = summary.counts;
    line(format_args!(
        "Imported {} tasks, {} annotations, {} predictions and {} drafts into project {}.",
        counts.tasks, counts.annotations, counts.predictions, counts.drafts, summary.project_id
    ))?;
    for user in &summary.users {
        let id = user.source_id.map(|id| format!("user {id}"));
        let names = [id, user.source_email.clone()].into_iter().flatten();
        let names = names.collect::<Vec<_>>().join(", ");
        let how = match user.kind {
            MatchKind::Mapped => "by the user map",
            MatchKind::Email => "by e-mail address",
            MatchKind::Known => "as in an earlier import",
            MatchKind::Created => "new, can't sign in",
        };
        line(format_args!("  {names} is {} ({how})", user.username))?;
    }
    for note in &summary.notes.told {
        let place = place(&note.path, note.location);
        line(format_args!("  {place}: {}", note.message))?;
    }
    if summary.notes.more > 0 {
        line(format_args!("  and {} more notes", summary.notes.more))?;
    }
    Ok(())
}

fn print_problems(problems: &Problems) {
    for problem in &problems.told {
        let place = place(&problem.path, problem.location);
        note(format_args!("{place}: {}", problem.message));
    }
    if problems.more > 0 {
        note(format_args!("and {} more", problems.more));
    }
}

/// Position of a problem for people: `config.xml:3:7`, or the field of the new project.
fn place_in_arguments(problem: &Problem, config: Option<&Path>) -> String {
    match (problem.location, config) {
        (Some(Location { line, column }), Some(path)) => {
            format!("{}:{line}:{column}", path.display())
        }
        _ => dotted(&problem.path),
    }
}

/// Position in a file: `item 3, annotations.0.lead_time`, or in JSON Lines `item 3 (line 4),
/// annotations.0.lead_time`. Items count from 0, as in Label Studio's errors; lines count from 1.
pub fn place(path: &[Segment], location: Option<Location>) -> String {
    let line = location.map(|Location { line, .. }| format!(" (line {line})"));
    let line = line.unwrap_or_default();
    match path {
        [Segment::Index(index)] => format!("item {index}{line}"),
        [Segment::Index(index), rest @ ..] => format!("item {index}{line}, {}", dotted(rest)),
        other => dotted(other),
    }
}
