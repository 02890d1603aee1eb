//! A dump into an empty database, file after file in one session of the standard client, as a person would do it by hand.

use crate::collation;
use crate::server::{Error, Role, Server, first_error};
use crate::talk::{Care, Failed, Talk};
use crate::{Engine, Manifest};
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

/// Gives the content of one file of the dump: `before.sql`, `tables/00001-x.sql`, `after.sql`.
pub type Open<'a> = dyn FnMut(&str) -> io::Result<Box<dyn Read>> + 'a;

/// Lines are looked at in pieces of at most this.
const LINE: u64 = 64 << 10;

/// The files in the order in which they are loaded.
pub fn files(manifest: &Manifest) -> Vec<String> {
    let tables = manifest.tables.iter().map(|table| table.file.clone());
    std::iter::once("before.sql".to_owned())
        .chain(tables)
        .chain(["after.sql".to_owned()])
        .collect()
}

/// Loads the dump into the server's database. What it holds can do nothing outside of the server's walls.
pub fn load(
    server: &Server,
    manifest: &Manifest,
    open: &mut Open<'_>,
    care: &Care<'_>,
) -> Result<(), Error> {
    let how = Feeding {
        guarded: server.restricts(),
        // The throw-away server is MariaDB's.
        translated: manifest.product() == "MySQL",
    };
    feed(manifest, open, how, |input| {
        server.run(Role::Loader, true, input, care)
    })
}

/// How a dump is given to a client.
#[derive(Clone, Copy, Default)]
pub(crate) struct Feeding {
    /// Behind `\restrict`, where `psql` refuses its own commands; `mariadb` must be in its binary mode.
    pub(crate) guarded: bool,
    /// MySQL's collations by the names of MariaDB's nearest, which knows none of them before 11.4: to be compared with
    /// its manifest, a copy need not sort exactly as MySQL does.
    pub(crate) translated: bool,
}

/// Has `run` feed a client with the dump.
pub(crate) fn feed(
    manifest: &Manifest,
    open: &mut Open<'_>,
    how: Feeding,
    run: impl FnOnce(&mut dyn Read) -> Result<Talk, Failed>,
) -> Result<(), Error> {
    let doing = |file: &str| format!("load {file} of the dump");
    let mut input = Joined::new(manifest, open);
    input.translated = how.translated;
    if manifest.engine == Engine::PostgreSql && how.guarded {
        // Of the client's own commands, some run programs; from here on it refuses them all.
        let key =
            crate::server::word().map_err(|e| Error::of("load the dump", Failed::Start(e)))?;
        input.piece = format!("\\restrict {key}\n").into_bytes();
        input.lines += 1;
    }
    let talked = run(&mut input);
    let at = input.file().to_owned();
    let talk = talked.map_err(|failed| Error::of(doing(&at), failed))?;
    if talk.status.success() && input.ended {
        return Ok(());
    }
    let what = match talk.status.code() {
        None => {
            "its client was ended by a signal; see whether this box is short of memory".to_owned()
        }
        Some(_) => first_error(&talk.said),
    };
    let cut = copied(&talk.said, manifest);
    let file = cut
        .or_else(|| input.file_of(&what))
        .unwrap_or(&at)
        .to_owned();
    Err(Error::Refused {
        doing: doing(&file),
        what,
    })
}

/// The file whose rows the server was at: `CONTEXT:  COPY facture, line 2: …`. Rows that were cut go on with what follows
/// them, so the line alone leads to the next file.
fn copied<'a>(said: &str, manifest: &'a Manifest) -> Option<&'a str> {
    let rest = said
        .lines()
        .find_map(|line| line.strip_prefix("CONTEXT:  COPY "))?;
    let (name, _) = rest.split_once(", line ")?;
    let table = manifest.tables.iter().find(|table| table.name == name)?;
    Some(&table.file)
}

/// The files one after the other, each ended by a line end, and which lines are of which.
struct Joined<'a, 'b> {
    files: VecDeque<String>,
    open: &'b mut Open<'a>,
    strips: bool,
    translated: bool,
    current: Option<BufReader<Box<dyn Read>>>,
    piece: Vec<u8>,
    given: usize,
    at_start: bool,
    lines: u64,
    /// Names of files, and the line at which each begins, from 1.
    begun: Vec<(u64, String)>,
    ended: bool,
}

impl<'a, 'b> Joined<'a, 'b> {
    fn new(manifest: &Manifest, open: &'b mut Open<'a>) -> Joined<'a, 'b> {
        Joined {
            files: files(manifest).into(),
            open,
            strips: manifest.engine == Engine::PostgreSql,
            translated: false,
            current: None,
            piece: Vec::new(),
            given: 0,
            at_start: true,
            lines: 0,
            begun: Vec::new(),
            ended: false,
        }
    }

    /// The file being read.
    fn file(&self) -> &str {
        self.begun.last().map_or("before.sql", |(_, name)| name)
    }

    /// The file that an error speaks of: `… at line 12`, `psql:<stdin>:12: …`.
    fn file_of(&self, said: &str) -> Option<&str> {
        let after = |mark: &str| said.split_once(mark).map(|(_, rest)| rest);
        let rest = after("<stdin>:").or_else(|| after(" at line "))?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let line: u64 = digits.parse().ok()?;
        let before = self.begun.iter().rev().find(|(first, _)| *first <= line);
        before.map(|(_, name)| name.as_str())
    }

    fn next_piece(&mut self) -> io::Result<bool> {
        self.given = 0;
        loop {
            if self.current.is_none() {
                let Some(name) = self.files.pop_front() else {
                    self.ended = true;
                    return Ok(false);
                };
                let opened = (self.open)(&name)?;
                self.begun.push((self.lines + 1, name));
                self.current = Some(BufReader::with_capacity(256 << 10, opened));
                self.at_start = true;
            }
            let Some(file) = &mut self.current else {
                continue;
            };
            self.piece.clear();
            let table = self
                .begun
                .last()
                .is_some_and(|(_, n)| n.starts_with("tables/"));
            if table {
                let filled = file.fill_buf()?;
                self.piece.extend_from_slice(filled);
                let len = filled.len();
                file.consume(len);
            } else {
                file.take(LINE).read_until(b'\n', &mut self.piece)?;
            }
            let starts = self.at_start;
            match self.piece.last() {
                Some(last) => self.at_start = *last == b'\n',
                None => {
                    self.current = None;
                    if self.at_start {
                        continue;
                    }
                    // A file that was cut must not have its last line go on in the next file.
                    self.piece.push(b'\n');
                }
            }
            self.lines += self.piece.iter().filter(|b| **b == b'\n').count() as u64;
            if self.strips && !table && starts && restricts(&self.piece) {
                // Ours is in force. The line stays, for the count.
                self.piece = b"\n".to_vec();
            }
            if self.translated && !table {
                collation::translate(&mut self.piece);
            }
            return Ok(true);
        }
    }
}

/// `pg_dump` guards its own text; whoever reads it through our guard must not lift it.
fn restricts(line: &[u8]) -> bool {
    let words = [b"\\restrict ".as_slice(), b"\\unrestrict ".as_slice()];
    let key = words.iter().find_map(|word| line.strip_prefix(*word));
    key.is_some_and(|key| key.trim_ascii().iter().all(u8::is_ascii_alphanumeric))
}

impl Read for Joined<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.piece.len() {
            if self.ended || !self.next_piece()? {
                return Ok(0);
            }
        }
        let rest = &self.piece[self.given..];
        let len = rest.len().min(buf.len());
        buf[..len].copy_from_slice(&rest[..len]);
        self.given += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;

    fn manifest(engine: Engine) -> Manifest {
        let table = |name: &str| Table {
            schema: None,
            name: name.to_owned(),
            file: format!("tables/{name}.sql"),
            rows: 0,
            checksum: String::new(),
            exact: true,
        };
        Manifest {
            version: crate::manifest::VERSION,
            engine,
            engine_version: String::new(),
            database: "d".to_owned(),
            taken_ms: 0,
            tables: vec![table("a"), table("b")],
            views: 0,
            triggers: 0,
            routines: 0,
            events: 0,
        }
    }

    fn joined(engine: Engine, files: &[(&str, &str)], small: bool) -> (String, Vec<(u64, String)>) {
        let mut open = |name: &str| {
            let found = files.iter().find(|(n, _)| *n == name);
            let text = found.map_or("", |(_, text)| *text).as_bytes().to_vec();
            Ok(Box::new(io::Cursor::new(text)) as Box<dyn Read>)
        };
        let mut joined = Joined::new(&manifest(engine), &mut open);
        let mut out = Vec::new();
        let mut buf = vec![0; if small { 3 } else { 4096 }];
        loop {
            match joined.read(&mut buf).expect("read") {
                0 => break,
                len => out.extend_from_slice(&buf[..len]),
            }
        }
        assert!(joined.ended);
        (String::from_utf8(out).expect("text"), joined.begun)
    }

    #[test]
    fn files_follow_each_other_and_a_cut_line_does_not_go_on() {
        let files = [
            ("before.sql", "one\ntwo"),
            ("tables/a.sql", ""),
            ("tables/b.sql", "INSERT 'cut"),
            ("after.sql", "last\n"),
        ];
        for small in [false, true] {
            let (text, begun) = joined(Engine::MariaDb, &files, small);
            assert_eq!(text, "one\ntwo\nINSERT 'cut\nlast\n");
            let begun: Vec<(u64, &str)> = begun.iter().map(|(l, n)| (*l, n.as_str())).collect();
            let want = [
                (1, "before.sql"),
                (3, "tables/a.sql"),
                (3, "tables/b.sql"),
                (4, "after.sql"),
            ];
            assert_eq!(begun, want);
        }
    }

    #[test]
    fn the_guard_of_pg_dump_is_taken_out_and_nothing_else() {
        let long = format!("-- {}\n", "x".repeat(200_000));
        let before =
            format!("\\restrict AbC9\n{long}\\! touch x\n  \\restrict y\n\\unrestrict AbC9\n");
        let files = [
            ("before.sql", before.as_str()),
            ("tables/a.sql", "\\restrict data\n"),
        ];
        let (text, _) = joined(Engine::PostgreSql, &files, false);
        let want = format!("\n{long}\\! touch x\n  \\restrict y\n\n\\restrict data\n");
        assert_eq!(text, want);
    }

    #[test]
    fn an_error_leads_to_its_file() {
        let files = [
            ("before.sql", "1\n2\n"),
            ("tables/a.sql", "3\n4\n"),
            ("tables/b.sql", "5\n"),
            ("after.sql", "6\n"),
        ];
        let mut open = |name: &str| {
            let text = files.iter().find(|(n, _)| *n == name).map_or("", |f| f.1);
            Ok(Box::new(text.as_bytes()) as Box<dyn Read>)
        };
        let whole = manifest(Engine::MariaDb);
        let mut joined = Joined::new(&whole, &mut open);
        io::copy(&mut joined, &mut io::sink()).expect("read");
        for (said, want) in [
            ("ERROR 1064 (42000) at line 4: near", Some("tables/a.sql")),
            ("psql:<stdin>:5: ERROR:  no", Some("tables/b.sql")),
            ("psql:<stdin>:1: ERROR:  no", Some("before.sql")),
            ("ERROR 1064 (42000) at line 400: near", Some("after.sql")),
            ("killed", None),
            ("at line x", None),
        ] {
            assert_eq!(joined.file_of(said), want, "{said}");
        }
        let said = "psql:<stdin>:14: ERROR:  missing data\nCONTEXT:  COPY b, line 2: \"2\"\n";
        assert_eq!(copied(said, &whole), Some("tables/b.sql"));
        assert_eq!(copied("CONTEXT:  COPY other, line 2", &whole), None);
    }
}
