//! What a program writes, read to its end: the end is an error when it is not a good one.

use anyhow::{Context, bail};
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

pub(super) struct Piped {
    from: From,
    empty: bool,
}

enum From {
    Stdin(io::Stdin),
    Command { child: Child, output: ChildStdout },
}

impl Piped {
    pub(super) fn stdin() -> anyhow::Result<Piped> {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            bail!("read the standard input: it is a terminal; pipe what is to be saved into it");
        }
        Ok(Piped::new(From::Stdin(stdin)))
    }

    /// Runs `sh -c command`; what it says on its standard error is shown.
    pub(super) fn command(command: &OsStr) -> anyhow::Result<Piped> {
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the command with /bin/sh")?;
        let output = child
            .stdout
            .take()
            .context("read what the command writes")?;
        Ok(Piped::new(From::Command { child, output }))
    }

    fn new(from: From) -> Piped {
        Piped { from, empty: true }
    }
}

impl Read for Piped {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = match &mut self.from {
            From::Stdin(stdin) => stdin.lock().read(buf)?,
            From::Command { output, .. } => output.read(buf)?,
        };
        self.empty &= len == 0;
        if len > 0 || buf.is_empty() {
            return Ok(len);
        }
        if let From::Command { child, .. } = &mut self.from {
            let status = child.wait()?;
            if !status.success() {
                let what = format!("the command failed ({status}); nothing is saved");
                return Err(io::Error::other(what));
            }
        }
        // A dump that failed before its first byte looks just like this.
        match self.empty {
            true => Err(io::Error::other("it gave nothing; nothing is saved")),
            false => Ok(0),
        }
    }
}

impl Drop for Piped {
    /// A backup that failed first does not leave the command behind.
    fn drop(&mut self) {
        if let From::Command { child, .. } = &mut self.from
            && matches!(child.try_wait(), Ok(None))
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
