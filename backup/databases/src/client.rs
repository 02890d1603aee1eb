//! A client program kept open: statements in, answers out, one after the other in one session of the server.

use crate::login::Login;
use crate::patient::{Limits, Patient, explain};
use crate::{Cause, Engine, Error, Source};
use std::io::{self, BufRead, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

/// Of what a client complains, so much is kept.
const MOST_COMPLAINT: usize = 16 * 1024;
/// An answer that is read as a whole is not longer; the catalogue of 100,000 tables is some 100 MB.
const MOST_ANSWER: usize = 512 * 1024 * 1024;
const BUFFER: usize = 256 * 1024;

/// A running client program. Dropped, it is ended by its id.
pub(crate) struct Running {
    child: Child,
    complaints: Option<JoinHandle<String>>,
    /// Removed with the password in it as soon as the client has logged in.
    login: Option<Login>,
}

impl Running {
    pub(crate) fn start(
        mut command: Command,
        login: Login,
        limits: &Limits,
        stdin: Stdio,
    ) -> Result<(Running, Option<ChildStdin>, Output), Error> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |source: io::Error| Error::Start {
            program: program.clone(),
            source,
        };
        let spawned = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut running = Running {
            child: spawned.map_err(failed)?,
            complaints: None,
            login: Some(login),
        };
        let (stdin, stdout, stderr) = (
            running.child.stdin.take(),
            running.child.stdout.take(),
            running.child.stderr.take(),
        );
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return Err(failed(io::Error::other("it has no output")));
        };
        let listen = std::thread::Builder::new().name("complaints".to_owned());
        running.complaints = Some(listen.spawn(move || complaints(stderr)).map_err(failed)?);
        let patient = Patient {
            from: stdout,
            limits: limits.clone(),
        };
        Ok((running, stdin, Output::new(patient)))
    }

    /// It has logged in.
    pub(crate) fn forget_login(&mut self) {
        self.login = None;
    }

    /// Waits for its end, which is near: its output has ended. What it complained of, on one line.
    pub(crate) fn end(&mut self) -> (bool, String) {
        let status = self.child.wait();
        let said = self.complaints.take().and_then(|said| said.join().ok());
        let said = said.unwrap_or_default();
        let good = status.as_ref().is_ok_and(ExitStatus::success);
        let mut said = words(&said);
        if let Ok(status) = status
            && !good
            && said.is_empty()
        {
            said = how_it_ended(status);
        }
        (good, said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a client complains of, on one line. `mariadb` repeats the whole statement before, between dashes.
fn words(said: &str) -> String {
    const DASHES: &str = "--------------";
    let behind = said.rsplit_once(DASHES).map_or(said, |(_, behind)| behind);
    let said = if behind.trim().is_empty() {
        said
    } else {
        behind
    };
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let line = lines.join(" / ");
    line.chars().filter(|c| !c.is_control()).collect()
}

fn how_it_ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(signal) => format!("it was ended by signal {signal}"),
        None => format!("it ended in the middle ({status}) without a word"),
    }
}

fn complaints(mut from: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0_u8; 4096];
    // All of it is read, or the client would wait for ever; the first words say most.
    while let Ok(read) = from.read(&mut buffer) {
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else {
            break;
        };
        let room = MOST_COMPLAINT.saturating_sub(kept.len());
        kept.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// One session of a server.
pub struct Session {
    running: Running,
    stdin: ChildStdin,
    out: Output,
    engine: Engine,
    limits: Limits,
    /// Ends each answer. Nobody who fills a table can guess it.
    mark: Vec<u8>,
    database: String,
}

impl Session {
    pub(crate) fn open(source: &Source, limits: &Limits) -> Result<Session, Error> {
        let engine = source.engine();
        let mut command = Command::new(&source.tools.client);
        let login = Login::tell(source, &mut command)?;
        match engine {
            Engine::MariaDb => command.args([
                "--batch",
                "--quick",
                "--unbuffered",
                "--skip-column-names",
                "--binary-mode",
                "--skip-reconnect",
                "--skip-auto-rehash",
                "--local-infile=0",
                "--max-allowed-packet=1G",
                "--database",
            ]),
            Engine::PostgreSql => command.args([
                "--no-psqlrc",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                "--set=VERBOSITY=verbose",
                "--set=SHOW_CONTEXT=never",
                "--dbname",
            ]),
        };
        match engine {
            Engine::MariaDb => command.arg(&source.url.name),
            // Text with `=` in it would be taken for a whole connection string.
            Engine::PostgreSql => command.arg(format!("dbname={}", conninfo(&source.url.name))),
        };
        let (running, stdin, out) = Running::start(command, login, limits, Stdio::piped())?;
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| Error::Login {
            database: source.url.to_string(),
            folder: String::new(),
            source: io::Error::other(error.to_string()),
        })?;
        let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let Some(stdin) = stdin else {
            return Err(Error::Start {
                program: source.tools.client.display().to_string(),
                source: io::Error::other("it has no input"),
            });
        };
        let mut session = Session {
            running,
            stdin,
            out,
            engine,
            limits: limits.clone(),
            mark: match engine {
                // Rows begin with a field that is never empty.
                Engine::MariaDb => format!("\t#{random}"),
                // COPY writes no such thing behind a backslash.
                Engine::PostgreSql => format!("\\#{random}"),
            }
            .into_bytes(),
            database: source.url.to_string(),
        };
        session.tell(
            "log in to",
            &source.url.to_string(),
            &["SELECT 1 FROM (SELECT 1) AS one WHERE 1 = 0"],
        )?;
        session.running.forget_login();
        Ok(session)
    }

    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The address it was opened with.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Sends statements whose answers nobody reads, and waits for their end.
    pub fn tell(
        &mut self,
        doing: &'static str,
        object: &str,
        statements: &[impl AsRef<str>],
    ) -> Result<(), Error> {
        for statement in statements {
            let mut answer = self.ask(doing, object, statement.as_ref())?;
            io::copy(&mut answer, &mut io::sink()).map_err(|error| answer.explain(error))?;
        }
        Ok(())
    }

    /// The rows of an answer, as text; the query gives no NULL.
    pub fn rows(
        &mut self,
        doing: &'static str,
        object: &str,
        query: &str,
    ) -> Result<Vec<Vec<String>>, Error> {
        let query = match self.engine {
            Engine::MariaDb => query.to_owned(),
            Engine::PostgreSql => format!("COPY ({query}) TO STDOUT"),
        };
        let program = self.program();
        let mut answer = self.ask(doing, object, &query)?;
        let mut text = Vec::new();
        let read = (&mut answer)
            .take(MOST_ANSWER as u64)
            .read_to_end(&mut text);
        read.map_err(|error| answer.explain(error))?;
        let strange = |what: &str| Error::Strange {
            program,
            object: object.to_owned(),
            what: what.to_owned(),
        };
        if text.len() >= MOST_ANSWER {
            return Err(strange("the answer has no end"));
        }
        let lines = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| {
                let fields = line.split(|byte| *byte == b'\t');
                fields
                    .map(|field| {
                        String::from_utf8(unescape(field)).map_err(|_| strange("it is not UTF-8"))
                    })
                    .collect()
            })
            .collect()
    }

    pub(crate) fn program(&self) -> &'static str {
        match self.engine {
            Engine::MariaDb => "mariadb",
            Engine::PostgreSql => "psql",
        }
    }

    /// Sends one statement; its answer must be read to its end.
    pub(crate) fn ask<'a>(
        &'a mut self,
        doing: &'static str,
        object: &str,
        statement: &str,
    ) -> Result<Answer<'a>, Error> {
        let mark = self.mark.get(1..).unwrap_or_default();
        let mark = String::from_utf8_lossy(mark);
        let text = match self.engine {
            Engine::MariaDb => format!("{statement};\nSELECT '', '{mark}';\n"),
            Engine::PostgreSql => format!("{statement};\n\\echo '\\\\{mark}'\n"),
        };
        let written = self.stdin.write_all(text.as_bytes());
        let written = written.and_then(|()| self.stdin.flush());
        let mut answer = Answer {
            session: self,
            doing,
            object: object.to_owned(),
            at_start: true,
            ended: false,
        };
        match written {
            Ok(()) => Ok(answer),
            // It went away before; it may have said why.
            Err(_) => Err(answer.gone()),
        }
    }
}

/// What a statement answers, up to the mark that follows it.
pub(crate) struct Answer<'a> {
    session: &'a mut Session,
    doing: &'static str,
    object: String,
    /// What comes next begins a line.
    at_start: bool,
    ended: bool,
}

impl Answer<'_> {
    /// The client has ended before the answer has.
    fn gone(&mut self) -> Error {
        let (_, said) = self.session.running.end();
        let said = match said.is_empty() {
            true => "it ended in the middle without a word".to_owned(),
            false => said,
        };
        Error::Refused {
            doing: self.doing,
            object: self.object.clone(),
            cause: Cause::of(&said),
            said,
        }
    }

    /// An error of reading, as one of ours.
    pub(crate) fn explain(&self, error: io::Error) -> Error {
        match error.downcast::<Error>() {
            Ok(error) => error,
            Err(error) => explain(error, &self.session.limits, self.doing, &self.object),
        }
    }
}

impl Read for Answer<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let have = self.fill_buf()?;
        let len = have.len().min(into.len());
        let (Some(to), Some(from)) = (into.get_mut(..len), have.get(..len)) else {
            return Ok(0);
        };
        to.copy_from_slice(from);
        self.consume(len);
        Ok(len)
    }
}

/// Gives whole or partial lines; never a part of the mark.
impl BufRead for Answer<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ended {
            return Ok(&[]);
        }
        if self.at_start && self.at_mark()? {
            self.ended = true;
            return Ok(&[]);
        }
        self.hold(1)?;
        let have = self.session.out.held();
        // Up to the last line end that is here, and past it only when no line end is: what follows it may be the mark.
        let end = lines_before_mark(have, self.session.mark.first().copied());
        Ok(have.get(..end).unwrap_or_default())
    }

    fn consume(&mut self, len: usize) {
        let have = self.session.out.held();
        if let Some(last) = len.checked_sub(1).and_then(|at| have.get(at)) {
            self.at_start = *last == b'\n';
            self.session.out.advance(len);
        }
    }
}

/// How far lines go that do not begin as the mark does; at least to the end of the first.
fn lines_before_mark(have: &[u8], mark: Option<u8>) -> usize {
    let line_end = |from: usize| {
        let rest = have.get(from..)?;
        rest.iter()
            .position(|byte| *byte == b'\n')
            .map(|at| from + at + 1)
    };
    let Some(mut end) = line_end(0) else {
        return have.len();
    };
    while have.get(end).is_some() && have.get(end).copied() != mark {
        match line_end(end) {
            Some(next) => end = next,
            None => break,
        }
    }
    end
}

impl Answer<'_> {
    /// Whether the line that begins here is the mark, which is then taken away. No row begins with its first two bytes.
    fn at_mark(&mut self) -> io::Result<bool> {
        self.hold(1)?;
        if self.session.out.held().first() != self.session.mark.first() {
            return Ok(false);
        }
        self.hold(2)?;
        if self.session.out.held().get(..2) != self.session.mark.get(..2) {
            return Ok(false);
        }
        let len = self.session.mark.len() + 1;
        self.hold(len)?;
        let line = self.session.out.held().get(..len).unwrap_or_default();
        if line.strip_suffix(b"\n") != Some(&self.session.mark[..]) {
            return Err(io::Error::other(Error::Strange {
                program: self.session.program(),
                object: self.object.clone(),
                what: "a line begins as no row does".to_owned(),
            }));
        }
        self.session.out.advance(len);
        Ok(true)
    }

    /// Has at least so many bytes come, or says why the client ended.
    fn hold(&mut self, least: usize) -> io::Result<()> {
        match self.session.out.hold(least) {
            Ok(true) => Ok(()),
            Ok(false) => Err(io::Error::other(self.gone())),
            Err(error) => Err(io::Error::other(self.explain(error))),
        }
    }
}

/// What a client writes, held until it is taken.
pub(crate) struct Output {
    from: Patient,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
}

impl Output {
    fn new(from: Patient) -> Output {
        Output {
            from,
            buffer: vec![0; BUFFER],
            at: 0,
            filled: 0,
        }
    }

    fn held(&self) -> &[u8] {
        self.buffer.get(self.at..self.filled).unwrap_or_default()
    }

    fn advance(&mut self, len: usize) {
        self.at = (self.at + len).min(self.filled);
    }

    /// False: it ended before.
    fn hold(&mut self, least: usize) -> io::Result<bool> {
        while self.filled - self.at < least {
            if self.at > 0 {
                self.buffer.copy_within(self.at..self.filled, 0);
                (self.at, self.filled) = (0, self.filled - self.at);
            }
            let rest = self.buffer.get_mut(self.filled..).unwrap_or_default();
            match self.from.read(rest) {
                Ok(0) => return Ok(false),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

impl Read for Output {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.hold(1)? {
            return Ok(0);
        }
        let len = self.held().len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..len), self.held().get(..len)) {
            to.copy_from_slice(from);
        }
        self.advance(len);
        Ok(len)
    }
}

/// A field as both clients write it: `\t`, `\n`, `\\`, MariaDB's `\0`, PostgreSQL's `\r` and its kin.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut bytes = field.iter().copied();
    while let Some(byte) = bytes.next() {
        match (byte, byte == b'\\') {
            (_, true) => match bytes.next() {
                Some(b't') => out.push(b'\t'),
                Some(b'n') => out.push(b'\n'),
                Some(b'r') => out.push(b'\r'),
                Some(b'b') => out.push(8),
                Some(b'f') => out.push(12),
                Some(b'v') => out.push(11),
                Some(b'0') => out.push(0),
                Some(other) => out.push(other),
                None => {}
            },
            (byte, false) => out.push(byte),
        }
    }
    out
}

/// A value of a connection string of PostgreSQL.
pub(crate) fn conninfo(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_one_line_without_the_statement() {
        for (said, want) in [
            (
                "--------------\nSELECT 1\n--------------\n\nERROR 2013 (HY000) at line 4: Lost\n",
                "ERROR 2013 (HY000) at line 4: Lost",
            ),
            ("psql: error: a\n\tb\n", "psql: error: a / b"),
            ("--------------\n", "--------------"),
            ("a\u{1b}[31m", "a[31m"),
            ("", ""),
        ] {
            assert_eq!(words(said), want);
        }
    }
}
