//! The shape of the tables as the servers' own dump programs write it down.

use crate::client::{Output, Running};
use crate::login::Login;
use crate::patient::{Limits, explain};
use crate::{Cause, Engine, Error, Source};
use std::io::{self, Read};
use std::process::{Command, Stdio};

/// A dump program at work: its output, which is whole only when its last words are those it ends with.
pub(crate) struct Dumping {
    running: Running,
    out: Output,
    engine: Engine,
    limits: Limits,
    object: String,
    /// The last bytes that came.
    tail: Vec<u8>,
    ended: bool,
}

/// How much of the end is looked at.
const TAIL: usize = 256;
const DOING: &str = "dump the tables' shape of";

impl Dumping {
    /// `behind`: arguments that follow those of the login.
    pub(crate) fn start(
        source: &Source,
        limits: &Limits,
        behind: &[String],
    ) -> Result<Dumping, Error> {
        let mut command = Command::new(&source.tools.dump);
        let login = Login::tell(source, &mut command)?;
        command.args(behind);
        let (running, _, out) = Running::start(command, login, limits, Stdio::null())?;
        Ok(Dumping {
            running,
            out,
            engine: source.engine(),
            limits: limits.clone(),
            object: source.url.to_string(),
            tail: Vec::new(),
            ended: false,
        })
    }

    fn end(&mut self) -> Result<(), Error> {
        let (good, said) = self.running.end();
        let last_words: &[u8] = match self.engine {
            Engine::MariaDb => b"-- Dump completed",
            Engine::PostgreSql => b"-- PostgreSQL database dump complete",
        };
        let whole = self.tail.windows(last_words.len()).any(|w| w == last_words);
        let said = match (good, whole, said.is_empty()) {
            (true, true, _) => return Ok(()),
            (true, false, true) => "what it wrote is cut short".to_owned(),
            (true, false, false) => format!("what it wrote is cut short ({said})"),
            (false, ..) => said,
        };
        let cause = match good {
            true => Cause::Lost,
            false => Cause::of(&said),
        };
        Err(Error::Refused {
            doing: DOING,
            object: self.object.clone(),
            cause,
            said,
        })
    }
}

impl Read for Dumping {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ended || into.is_empty() {
            return Ok(0);
        }
        let read = self.out.read(into);
        let read = read
            .map_err(|error| io::Error::other(explain(error, &self.limits, DOING, &self.object)))?;
        let part = into.get(..read).unwrap_or_default();
        if part.is_empty() {
            self.ended = true;
            self.end().map_err(io::Error::other)?;
            return Ok(0);
        }
        self.tail.extend_from_slice(part);
        let cut = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..cut);
        Ok(read)
    }
}
