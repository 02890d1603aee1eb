//! Where tracing goes: stderr, for people or as JSON lines.

use anyhow::Context;
use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// The appliance's log, as configured. A panic in any task is logged as an error of its own.
pub(crate) fn start(log: &config::Log) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(&log.filter).with_context(|| {
        format!(
            "read the log filter `{}`; write something like `info` or `info,provisioner=debug`",
            log.filter
        )
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    match log.format {
        config::LogFormat::Human => subscriber.with_target(false).init(),
        config::LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(
            place = place.unwrap_or_default(),
            "a part of reprise failed unexpectedly and was stopped; please report this line: {}",
            panic.payload_as_str().unwrap_or("no message")
        );
    }));
    Ok(())
}

/// A command's log: warnings only, its own answers are what matters.
pub(crate) fn start_quietly() {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("warn"))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        .init();
}
