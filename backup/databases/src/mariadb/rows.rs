//! The rows of one table, as the client prints them → INSERT statements, one row a line.
//!
//! Where a statement ends depends on the rows alone, never on how many came before: a row more or less moves no other
//! cut, and the vault finds again what it holds. Bytes pass through; no row is held as a whole.

use super::catalog::{Column, Kind, Shape};
use super::name;
use crate::client::Answer;
use crate::{Error, Problem};
use std::io::{self, BufRead, Read};

/// A statement ends behind a row whose hash has these bits all zero: every 256 rows or so.
const CUT_MASK: u64 = 0xff;
/// …or as soon as it is this long: servers take statements of 16 MiB by default.
const MOST_STATEMENT: usize = 1024 * 1024;
/// How much is made ready at once.
const READY: usize = 128 * 1024;

/// First column: which values are NULL, as the client prints NULL and the text "NULL" alike.
pub(crate) fn select(table: &Shape) -> String {
    let nulls: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.nullable)
        .map(|column| format!("ISNULL({})", name(&column.name)))
        .collect();
    let mut values = vec![format!("CONCAT('=', {})", nulls.join(", "))];
    if nulls.is_empty() {
        values = vec!["'='".to_owned()];
    }
    values.extend(table.columns.iter().map(Column::value));
    let mut query = format!("SELECT {} FROM {}", values.join(", "), name(&table.name));
    if !table.key.is_empty() {
        // The table itself is in this order (InnoDB): no sort, and the same order every night.
        let key: Vec<String> = table.key.iter().map(|column| name(column)).collect();
        query.push_str(&format!(
            " FORCE INDEX (PRIMARY) ORDER BY {}",
            key.join(", ")
        ));
    }
    query
}

/// What comes before the rows of each file, so that it is loaded as it was read, alone or with the others.
const BEFORE: &str = "\
/*!40101 SET NAMES utf8mb4 */;
SET SESSION SQL_MODE = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', TIME_ZONE = '+00:00';
SET SESSION FOREIGN_KEY_CHECKS = 0, UNIQUE_CHECKS = 0, AUTOCOMMIT = 0;
";
const AFTER: &str = "\
COMMIT;
SET SESSION AUTOCOMMIT = 1, UNIQUE_CHECKS = 1, FOREIGN_KEY_CHECKS = 1;
";

pub(crate) struct Rows<'a> {
    answer: Answer<'a>,
    columns: Vec<Column>,
    transactional: bool,
    object: String,
    /// `INSERT INTO … VALUES`, once for each statement.
    insert: Vec<u8>,
    expected: u64,
    got: u64,
    place: Place,
    /// Which of the nullable values of this row are NULL.
    nulls: Vec<bool>,
    in_statement: bool,
    statement_bytes: usize,
    hash: u64,
    ready: Vec<u8>,
    given: usize,
    ended: bool,
    problems: &'a mut Vec<Problem>,
}

/// Where in a line of the client the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the `=` of a row.
    Row,
    Nulls,
    Value {
        /// Of the column.
        at: usize,
        null: bool,
        kind: Kind,
        /// Some of it came.
        begun: bool,
        /// The last byte was a backslash.
        escaped: bool,
    },
}

impl<'a> Rows<'a> {
    pub(crate) fn new(
        answer: Answer<'a>,
        table: &Shape,
        expected: u64,
        problems: &'a mut Vec<Problem>,
    ) -> Rows<'a> {
        let columns: Vec<String> = table.columns.iter().map(|c| name(&c.name)).collect();
        let insert = format!(
            "INSERT INTO {} ({}) VALUES\n",
            name(&table.name),
            columns.join(",")
        );
        Rows {
            answer,
            columns: table.columns.clone(),
            transactional: table.transactional,
            object: super::catalog::shown(table),
            insert: insert.into_bytes(),
            expected,
            got: 0,
            place: Place::Row,
            nulls: Vec::new(),
            in_statement: false,
            statement_bytes: 0,
            hash: 0,
            ready: BEFORE.as_bytes().to_vec(),
            given: 0,
            ended: false,
            problems,
        }
    }

    fn prepare(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        while self.ready.len() < READY && !self.ended {
            let have = self.answer.fill_buf()?;
            if have.is_empty() {
                return self.finish();
            }
            // The answer's own buffer stays borrowed while it is read.
            let part = have.to_vec();
            self.part(&part)?;
            self.answer.consume(part.len());
        }
        Ok(())
    }

    fn part(&mut self, mut part: &[u8]) -> io::Result<()> {
        while let Some(byte) = part.first().copied() {
            match self.place {
                Place::Row => {
                    if byte != b'=' {
                        return Err(self.strange("a row does not begin as one"));
                    }
                    self.nulls.clear();
                    self.begin_row();
                    self.place = Place::Nulls;
                    part = part.get(1..).unwrap_or_default();
                }
                Place::Nulls => {
                    part = part.get(1..).unwrap_or_default();
                    match byte {
                        b'0' | b'1' => self.nulls.push(byte == b'1'),
                        b'\t' => self.begin_value(0)?,
                        _ => return Err(self.strange("a row does not begin as one")),
                    }
                }
                Place::Value { .. } => part = self.value(part)?,
            }
        }
        Ok(())
    }

    fn begin_row(&mut self) {
        let begin: &[u8] = match self.in_statement {
            true => b",\n(",
            false => b"(",
        };
        if !self.in_statement {
            self.ready.extend_from_slice(&self.insert);
            self.statement_bytes = self.insert.len();
            self.in_statement = true;
        }
        self.ready.extend_from_slice(begin);
        self.hash = 0xcbf2_9ce4_8422_2325;
    }

    fn begin_value(&mut self, at: usize) -> io::Result<()> {
        let Some(column) = self.columns.get(at) else {
            return Err(self.strange("a row has too many values"));
        };
        let rank = self.columns.iter().take(at).filter(|c| c.nullable).count();
        let null = match column.nullable {
            true => self.nulls.get(rank).copied(),
            false => Some(false),
        };
        let (kind, Some(null)) = (column.kind, null) else {
            return Err(self.strange("a row has too few signs of NULL"));
        };
        if at > 0 {
            self.ready.push(b',');
        }
        match (null, kind) {
            (true, _) => self.ready.extend_from_slice(b"NULL"),
            (false, Kind::Text | Kind::Double | Kind::Float) => self.ready.push(b'\''),
            _ => {}
        }
        self.place = Place::Value {
            at,
            null,
            kind,
            begun: false,
            escaped: false,
        };
        Ok(())
    }

    /// Takes the bytes of a value, up to its end if that is here; gives what follows.
    fn value<'p>(&mut self, part: &'p [u8]) -> io::Result<&'p [u8]> {
        let Place::Value {
            at,
            null,
            kind,
            mut begun,
            mut escaped,
        } = self.place
        else {
            return Ok(part);
        };
        let before = self.ready.len();
        let mut taken = 0;
        let mut end = None;
        for byte in part {
            taken += 1;
            let byte = match (*byte, escaped) {
                (b'\t' | b'\n', false) => {
                    end = Some(*byte);
                    break;
                }
                (b'\\', false) => {
                    escaped = true;
                    continue;
                }
                (b't', true) => b'\t',
                (b'n', true) => b'\n',
                (b'0', true) => 0,
                (byte, _) => byte,
            };
            escaped = false;
            if !null {
                write(&mut self.ready, kind, byte, begun);
            }
            begun = true;
        }
        let written = self.ready.get(before..).unwrap_or_default();
        self.hash = hash(self.hash, written);
        self.statement_bytes += written.len();
        let rest = part.get(taken..).unwrap_or_default();
        match end {
            None => {
                self.place = Place::Value {
                    at,
                    null,
                    kind,
                    begun,
                    escaped,
                };
            }
            Some(end) => {
                match (null, kind) {
                    (true, _) => {}
                    (false, Kind::Text | Kind::Double | Kind::Float) => self.ready.push(b'\''),
                    (false, Kind::Binary) if !begun => self.ready.extend_from_slice(b"''"),
                    (false, _) if !begun => return Err(self.strange("a number is missing")),
                    _ => {}
                }
                match (end, at + 1 == self.columns.len()) {
                    (b'\t', false) => self.begin_value(at + 1)?,
                    (b'\n', true) => self.end_row(),
                    _ => return Err(self.strange("a row has another number of values")),
                }
            }
        }
        Ok(rest)
    }

    fn end_row(&mut self) {
        self.ready.push(b')');
        self.got += 1;
        self.place = Place::Row;
        if self.hash.is_multiple_of(CUT_MASK + 1) || self.statement_bytes >= MOST_STATEMENT {
            self.ready.extend_from_slice(b";\n");
            self.in_statement = false;
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.ended = true;
        if self.place != Place::Row {
            return Err(self.strange("the last row is cut short"));
        }
        if self.in_statement {
            self.ready.extend_from_slice(b";\n");
        }
        self.ready.extend_from_slice(AFTER.as_bytes());
        if self.got == self.expected {
            return Ok(());
        }
        if self.transactional {
            return Err(io::Error::other(Error::Short {
                object: self.object.clone(),
                counted: self.expected,
                got: self.got,
            }));
        }
        self.problems.push(Problem {
            object: self.object.clone(),
            what: format!(
                "was written to while it was saved: {} rows were counted, {} are in the dump; run ALTER TABLE … ENGINE=InnoDB",
                self.expected, self.got
            ),
        });
        Ok(())
    }

    fn strange(&self, what: &str) -> io::Error {
        io::Error::other(Error::Strange {
            program: "mariadb",
            object: self.object.clone(),
            what: what.to_owned(),
        })
    }
}

fn write(into: &mut Vec<u8>, kind: Kind, byte: u8, begun: bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    match kind {
        Kind::Binary => {
            if !begun {
                into.extend_from_slice(b"0x");
            }
            for half in [byte >> 4, byte & 15] {
                into.push(HEX.get(usize::from(half)).copied().unwrap_or(b'0'));
            }
        }
        Kind::Text => match byte {
            b'\'' | b'\\' => into.extend_from_slice(&[b'\\', byte]),
            b'\n' => into.extend_from_slice(b"\\n"),
            b'\r' => into.extend_from_slice(b"\\r"),
            0 => into.extend_from_slice(b"\\0"),
            // The end of a file for some clients.
            0x1a => into.extend_from_slice(b"\\Z"),
            byte => into.push(byte),
        },
        Kind::Number | Kind::Double | Kind::Float | Kind::Bit => into.push(byte),
    }
}

/// FNV-1a: the cuts must stay where they are in later versions.
fn hash(mut hash: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

impl Read for Rows<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() && !self.ended {
            self.prepare()?;
        }
        let rest = self.ready.get(self.given..).unwrap_or_default();
        let len = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
        self.given += len;
        Ok(len)
    }
}
