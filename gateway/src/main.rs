//! Picks a command, runs it on one thread and ends with its exit code.

use std::process::ExitCode;
use wellhead::commands::{Cli, Lang, refused};

fn main() -> ExitCode {
    let cli = match Cli::of_arguments() {
        Ok(cli) => cli,
        Err(outcome) => return outcome.into(),
    };
    // One thread: a gateway waits for wires, and waking other threads costs more than it gains.
    // What is written all the time (the cache) and what computes (plugins) has its own; what is
    // seldom written, the ledger of outputs, alarms and states, is synced here.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => refused(&error.into(), Lang::of_environment()),
    }
    .into()
}
