//! Starting the real binary, asking it, ending it.
//!
//! - [`Temp`]: a folder that goes away; [`Appliance`]: a running `reprise serve`.
//! - [`Browser`]: HTTPS to its console, trusting its certificate only, cookies kept.
//! - [`Namespace`]: a network of its own; [`Mount`]: a small file system; [`Share`]: one on which files are locked.
//! - [`Time`]: the time of day as a test wants it.
//! - [`tree`]: a tree with everything a file server holds, and the tools that compare two.
//! - [`eventually`]: waits for a condition, never for a time.
#![allow(dead_code, unused_imports, reason = "each file of tests uses its part")]

mod appliance;
mod browser;
mod network;
mod share;
mod temp;
mod time;
pub(crate) mod tracer;
pub(crate) mod tree;

pub(crate) use appliance::{Appliance, Start, ask, cli, config_text, make_vault, prepare};
pub(crate) use browser::Browser;
pub(crate) use network::Namespace;
pub(crate) use share::Share;
pub(crate) use temp::{Mount, Temp};
pub(crate) use time::Time;

use std::time::{Duration, Instant};

/// Asks again until `ask` answers; fails the test, naming `what`, when it has not within a minute.
pub(crate) fn eventually<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    within(Duration::from_secs(60), what, ask)
}

/// As [`eventually`], with another deadline.
pub(crate) fn within<T>(deadline: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Runs a tool the test needs; its failure is the test's.
pub(crate) fn tool(name: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(name)
        .args(arguments)
        .output()
        .unwrap_or_else(|e| panic!("failed to start {name}: {e}; ./test installs it"));
    assert!(
        output.status.success(),
        "{name} {arguments:?} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
