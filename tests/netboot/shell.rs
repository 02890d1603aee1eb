//! Running the tools of the rig: a tool that fails says why, a child never outlives its test.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Runs a command line (words separated by blanks) and gives its standard output.
pub(crate) fn run(line: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    let program = words.next().context("an empty command line")?;
    let mut command = Command::new(program);
    command.args(words);
    output(command)
}

/// Runs a prepared command and gives its standard output.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| {
        format!("{shown}: is it installed? tests/netboot/packages.txt lists what these tests need")
    })?;
    succeeded(&shown, output)
}

fn succeeded(shown: &str, output: Output) -> Result<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{shown} ended with {}\n{text}{errors}", output.status);
    }
    Ok(text)
}

/// A child that ends with its owner: by `Drop`, and by the kernel when the test itself is killed.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `program` inside a network namespace; `prepare` adds arguments and redirections.
    pub(crate) fn start(
        name: &'static str,
        namespace: &str,
        program: &std::path::Path,
        prepare: impl FnOnce(&mut Command) -> Result<()>,
    ) -> Result<Self> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, "setpriv", "--pdeathsig", "KILL"]);
        command.arg(program).stdin(Stdio::null());
        prepare(&mut command)?;
        let child = command
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self { child })
    }

    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until there is something, and says what was missing when time is up.
pub(crate) fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            bail!("waited {} s in vain for {what}", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
