//! Program `annograph`.

#![warn(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use annograph::cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        // `annograph export
        // head` is no failure.
        Err(error) if cli::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            cli::note(format_args!("annograph: {}", cli::one_line(&error)));
            ExitCode::FAILURE
        }
    }
}
