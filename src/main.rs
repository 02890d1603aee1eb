//! `reprise`: parse, wire, run. No logic lives here.
//!
//! - [`cli`]: the command line, one definition; [`command`]: one file per noun.
//! - [`serve`]: the appliance from first start to SIGTERM; [`appliance`]: its parts put together.
//! - [`console`], [`control`], [`tls`]: the listeners and the certificate; [`door`]: how a command
//!   reaches the appliance, running or not.
//! - [`paper`]: the page with a recovery key's words. [`watchdog`]: a sign of life for the service manager.
//! - [`setup`]: the first start's files, and the questions of `reprise setup`; [`mod@file`]: small files written whole; [`log`], [`terminal`]: what is said and where.
//! - [`wire`]: shapes of `ports.json` and of the control socket's answers.

mod appliance;
mod cli;
mod command;
mod console;
mod control;
mod door;
mod file;
mod log;
mod paper;
mod recover;
mod serve;
mod setup;
mod terminal;
mod tls;
mod version;
mod watchdog;
mod wire;

use std::process::ExitCode;

// musl's own allocator is several times slower with threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match command::run(cli) {
        Ok(code) => code,
        Err(error) if terminal::is_closed_pipe(&error) => ExitCode::FAILURE,
        Err(error) => {
            terminal::note(&format!("reprise: failed to {}", terminal::causes(&error)));
            ExitCode::FAILURE
        }
    }
}
