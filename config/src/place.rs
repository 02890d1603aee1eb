//! Byte offsets of a text → lines and columns, and the list of complaints being collected.

use crate::complaint::{Complaint, Complaints};
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    offset: usize,
    what: String,
    /// May be nothing but the consequence of a line that cannot be read.
    doubtful: bool,
}

/// Most complaints shown: beyond, the file is not a configuration.
const MOST: usize = 100;

pub(crate) struct Findings<'a> {
    text: &'a str,
    found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Findings {
            text,
            found: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, offset: usize, what: impl Into<String>) {
        self.push(offset, what.into(), false);
    }

    pub(crate) fn doubtful(&mut self, offset: usize, what: impl Into<String>) {
        self.push(offset, what.into(), true);
    }

    fn push(&mut self, offset: usize, what: String, doubtful: bool) {
        self.found.push(Finding {
            offset: offset.min(self.text.len()),
            what,
            doubtful,
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn line(&self, offset: usize) -> usize {
        line_column(self.text, offset).0
    }

    /// Adds what another check of the same text found, except on these lines and except what is doubtful.
    pub(crate) fn append_outside(&mut self, lines: &[usize], other: Findings<'_>) {
        let text = self.text;
        self.found.extend(
            other
                .found
                .into_iter()
                .filter(|f| !f.doubtful && !lines.contains(&line_column(text, f.offset).0)),
        );
    }

    /// Everything found, in the order of the file.
    pub(crate) fn into_complaints(mut self, file: &Path) -> Complaints {
        self.found.sort();
        self.found.dedup();
        let more = self.found.len().saturating_sub(MOST);
        let mut complaints: Vec<Complaint> = self
            .found
            .into_iter()
            .take(MOST)
            .map(|finding| Complaint {
                file: file.to_owned(),
                at: Some(line_column(self.text, finding.offset)),
                what: finding.what,
            })
            .collect();
        if more > 0 {
            complaints.push(Complaint {
                file: file.to_owned(),
                at: None,
                what: format!("{more} more complaints not shown; correct these first"),
            });
        }
        Complaints(complaints)
    }
}

/// Line and column, in characters, from 1.
fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let text = "a = 1\néé = 2\n";
        for (offset, place) in [
            (0, (1, 1)),
            (4, (1, 5)),
            (6, (2, 1)),
            (10, (2, 3)),
            (7, (2, 1)), // inside a character: its start
            (999, (3, 1)),
        ] {
            assert_eq!(line_column(text, offset), place, "{offset}");
        }
    }

    #[test]
    fn a_flood_of_complaints_is_cut_and_says_so() {
        let mut findings = Findings::new("x");
        for n in 0..250 {
            findings.add(0, format!("{n:03}"));
        }
        let complaints = findings.into_complaints(Path::new("f")).0;
        assert_eq!(complaints.len(), MOST + 1);
        assert!(complaints[MOST].what.starts_with("150 more"));
    }
}
