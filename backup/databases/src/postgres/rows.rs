//! The rows of one table as COPY writes them, which is how they are loaded again.

use super::catalog::Shape;
use super::name;
use crate::Error;
use crate::client::Answer;
use std::io::{self, BufRead, Read};

pub(crate) fn copy(table: &Shape) -> String {
    let columns = columns(table);
    let mut query = format!("SELECT {columns} FROM ONLY {}", table.named.sql());
    if !table.key.is_empty() {
        let key: Vec<String> = table.key.iter().map(|column| name(column)).collect();
        query.push_str(&format!(" ORDER BY {}", key.join(", ")));
    }
    format!("COPY ({query}) TO STDOUT")
}

fn columns(table: &Shape) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| name(column)).collect();
    columns.join(", ")
}

pub(crate) struct Rows<'a> {
    /// What comes before the rows, then what comes after them.
    around: Vec<u8>,
    given: usize,
    answer: Answer<'a>,
    object: String,
    expected: u64,
    got: u64,
    ended: bool,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(answer: Answer<'a>, table: &Shape, expected: u64) -> Rows<'a> {
        let (into, columns) = (table.named.sql(), columns(table));
        let columns = match columns.is_empty() {
            true => String::new(),
            false => format!(" ({columns})"),
        };
        let before = format!("SET client_encoding = 'UTF8';\nCOPY {into}{columns} FROM stdin;\n");
        Rows {
            around: before.into_bytes(),
            given: 0,
            answer,
            object: table.named.shown(),
            expected,
            got: 0,
            ended: false,
        }
    }
}

impl Read for Rows<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Some(rest) = self
            .around
            .get(self.given..)
            .filter(|rest| !rest.is_empty())
        {
            let len = rest.len().min(into.len());
            if let (Some(to), Some(from)) = (into.get_mut(..len), rest.get(..len)) {
                to.copy_from_slice(from);
            }
            self.given += len;
            return Ok(len);
        }
        if self.ended || into.is_empty() {
            return Ok(0);
        }
        let have = self.answer.fill_buf()?;
        let len = have.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..len), have.get(..len)) {
            to.copy_from_slice(from);
            self.got += from.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        self.answer.consume(len);
        if len > 0 {
            return Ok(len);
        }
        self.ended = true;
        if self.got != self.expected {
            return Err(io::Error::other(Error::Short {
                object: self.object.clone(),
                counted: self.expected,
                got: self.got,
            }));
        }
        (self.around, self.given) = (b"\\.\n\n".to_vec(), 0);
        self.read(into)
    }
}
