//! Output of commands.
//!
//! A closed pipe ends a command quietly. The standard library's macros would panic instead: Rust ignores SIGPIPE and
//! reports an error.

use std::{
    error::Error,
    fmt::{self, Arguments},
    io::{self, ErrorKind, Write},
};

use anyhow::Context;

/// Standard output or another writer. After the reader has gone, writing fails with [`BrokenPipe`].
pub struct Out<W>(pub W);

/// Standard output.
pub fn stdout() -> Out<io::Stdout> {
    Out(io::stdout())
}

impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(mark_broken_pipe)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(mark_broken_pipe)
    }
}

/// Marks a broken pipe of the output, because connections to the database can fail with the same kind of error.
fn mark_broken_pipe(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::BrokenPipe => io::Error::new(ErrorKind::BrokenPipe, BrokenPipe),
        _ => error,
    }
}

/// Error of an output without a reader.
#[derive(Debug)]
pub struct BrokenPipe;

impl fmt::Display for BrokenPipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("nobody reads the output any more")
    }
}

impl Error for BrokenPipe {}

/// Checks whether a command ended because the reader of its output had gone.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| {
        let cause = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        cause.is_some_and(|inner| inner.is::<BrokenPipe>())
    })
}

/// Writes to standard output.
pub fn print(text: Arguments<'_>) -> anyhow::Result<()> {
    let mut out = stdout();
    let printed = out.write_fmt(text).and_then(|()| out.flush());
    printed.context("can't write to standard output")
}

/// Writes a line to standard output.
pub fn line(text: Arguments<'_>) -> anyhow::Result<()> {
    print(format_args!("{text}\n"))
}

/// Writes a line to standard error. Ignores failures: no stream is left to report them on.
pub fn note(text: Arguments<'_>) {
    let _ = io::stderr().write_fmt(format_args!("{text}\n"));
}

/// Error with its causes in a single line. Omits causes already contained in the text, because libraries repeat a
/// cause in the message of the error that wraps it.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        let cause = cause.lines().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
