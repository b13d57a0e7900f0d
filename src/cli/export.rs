//! `annograph export`: export of a project.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tempfile::NamedTempFile;

use super::{
    line, note,
    out::{Out, stdout},
};
use crate::{
    app::App,
    config::is_stream,
    domain::export::{self, Summary},
};

/// Arguments of `annograph export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// Id of the project.
    #[arg(long)]
    project: i64,

    /// File to write; without it, or with `-`, standard output. Appears once it is complete.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print a JSON object with the project's id and the counts.
    #[arg(long, requires = "output")]
    json: bool,
}

/// Writes the tasks of the project to the file or to standard output. Fails on an unknown project, and on an error of
/// the database or of the file.
pub async fn run(app: &App, args: ExportArgs) -> anyhow::Result<()> {
    let bar = bar();
    let observe = |tasks: usize| bar.set_position(tasks as u64);
    let file = args.output.filter(|path| !is_stream(path));
    let summary = match &file {
        Some(path) => to_file(app, args.project, path, observe).await?,
        None => {
            let mut out = BufWriter::new(stdout());
            let summary = export::run(app, args.project, &mut out, observe).await?;
            out.flush().context("can't write to standard output")?;
            summary
        }
    };
    bar.finish_and_clear();
    if args.json {
        let counts = json!({
            "projectId": args.project,
            "taskCount": summary.tasks,
            "annotationCount": summary.annotations,
        });
        line(format_args!("{counts}"))?;
    } else {
        note(format_args!(
            "Exported {} tasks and {} annotations.",
            summary.tasks, summary.annotations
        ));
    }
    Ok(())
}

/// Writes a temporary file in the same folder and renames it at the end: readers never see a partial export.
async fn to_file(
    app: &App,
    project_id: i64,
    path: &Path,
    observe: impl FnMut(usize),
) -> anyhow::Result<Summary> {
    let shown = || format!("can't write {}", path.display());
    if path.exists() && !path.is_file() {
        // Devices and pipes are written, not replaced.
        let file = File::options().write(true).open(path).with_context(shown)?;
        return Ok(export::run(app, project_id, &mut Out(file), observe).await?);
    }
    // Follows a symbolic link, which the rename would replace otherwise.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = temporary(folder).with_context(shown)?;
    let mut out = BufWriter::new(&mut file);
    let summary = export::run(app, project_id, &mut out, observe).await?;
    out.flush().with_context(shown)?;
    drop(out);
    // Before the rename: after a power cut the name must not lead to an empty file.
    file.as_file().sync_all().with_context(shown)?;
    file.persist(&path).with_context(shown)?;
    Ok(summary)
}

/// Temporary file with the permissions of any new file; the default of `tempfile` is private.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".annograph-export-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Counter of tasks, hidden unless standard error is a terminal.
fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {pos} tasks {per_sec}");
    ProgressBar::no_length().with_style(style.expect("the template is valid"))
}
