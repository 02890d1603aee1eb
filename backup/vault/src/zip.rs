//! A folder of a snapshot as a zip stream.

use std::collections::HashSet;
use std::io::{self, Read, Write};

use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use crate::inner::Inner;
use crate::node::{Node, NodeKind, Segment};
use crate::problem::show;
use crate::{Error, Problem, Snapshot, Vault, deep};

/// Listed in the archive itself: who opens it on another machine must see what is missing.
const MISSING: &str = "NOT IN THIS ARCHIVE.txt";

/// Streams the file or folder at `path` (all roots for an empty path). Names are made safe for any system; what a zip
/// cannot hold (devices, sockets) or what is damaged is a problem, and is listed in a text file at the end of the archive.
/// Damage found in the middle of a file fails the whole stream: the archive is then cut, not quietly wrong.
pub fn write<W: Write + Send>(
    vault: &Vault,
    snapshot: &Snapshot,
    path: &[u8],
    out: W,
) -> Result<Vec<Problem>, Error> {
    deep::run(|| {
        let nodes = if path.is_empty() {
            vault.inner.roots(snapshot)?
        } else {
            vec![vault.node(snapshot, path)?]
        };
        let mut archive = Archive {
            vault,
            zip: ZipWriter::new_stream(out),
            problems: Vec::new(),
        };
        let mut names = Names::default();
        for node in &nodes {
            archive.node(node, "", &mut names, 0)?;
        }
        archive.finish()
    })
}

struct Archive<'a, W: Write> {
    vault: &'a Vault,
    zip: ZipWriter<StreamWriter<W>>,
    problems: Vec<Problem>,
}

fn broken(error: impl Into<io::Error>) -> Error {
    Error::Archive(error.into())
}

impl<W: Write> Archive<'_, W> {
    fn problem(&mut self, node: &Node, what: impl Into<String>) {
        self.problems.push(Problem::new(show(&node.path), what));
    }

    fn node(
        &mut self,
        node: &Node,
        folder: &str,
        names: &mut Names,
        depth: usize,
    ) -> Result<(), Error> {
        let name = format!("{folder}{}", names.give(&node.name));
        let options = options(node);
        match &node.kind {
            NodeKind::Dir => {
                let name = format!("{name}/");
                self.zip
                    .add_directory(name.as_str(), options)
                    .map_err(broken)?;
                let children = match self.vault.inner.children(node) {
                    Ok(children) if depth <= deep::LEVELS => children,
                    Ok(_) => {
                        self.problem(node, "is too deep");
                        Vec::new()
                    }
                    Err(error) => {
                        self.problem(node, error.to_string());
                        Vec::new()
                    }
                };
                let mut names = Names::default();
                children
                    .iter()
                    .try_for_each(|child| self.node(child, &name, &mut names, depth + 1))
            }
            NodeKind::File => self.file(node, &name, options),
            NodeKind::Symlink { target } => match std::str::from_utf8(target) {
                Ok(target) => self.zip.add_symlink(name, target, options).map_err(broken),
                Err(_) => {
                    self.problem(node, "is a link whose target a zip cannot hold");
                    Ok(())
                }
            },
            kind => {
                self.problem(
                    node,
                    format!("is a {}, which a zip cannot hold", kind.name()),
                );
                Ok(())
            }
        }
    }

    fn file(&mut self, node: &Node, name: &str, options: SimpleFileOptions) -> Result<(), Error> {
        if !has_all(&self.vault.inner, node)? {
            self.problem(
                node,
                "parts of it are lost; restore it from another snapshot",
            );
            return Ok(());
        }
        self.zip.start_file(name, options).map_err(broken)?;
        let mut reader = self.vault.open_file(node)?;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let read = reader.read(&mut buffer).map_err(|error| Error::Damaged {
                object: show(&node.path),
                what: error.to_string(),
            })?;
            if read == 0 {
                return Ok(());
            }
            self.zip
                .write_all(&buffer[..read])
                .map_err(Error::Archive)?;
        }
    }

    fn finish(mut self) -> Result<Vec<Problem>, Error> {
        if !self.problems.is_empty() {
            let lines: String = self
                .problems
                .iter()
                .map(|problem| format!("{problem}\r\n"))
                .collect();
            self.zip
                .start_file(MISSING, SimpleFileOptions::default())
                .map_err(broken)?;
            self.zip
                .write_all(lines.as_bytes())
                .map_err(Error::Archive)?;
        }
        self.zip
            .finish()
            .map_err(broken)?
            .into_inner()
            .flush()
            .map_err(Error::Archive)?;
        Ok(self.problems)
    }
}

/// Whether every part of a file is known to lie in a pack; asked before its name goes out.
pub(crate) fn has_all(vault: &Inner, node: &Node) -> Result<bool, Error> {
    let known = |segment: Result<Segment, Error>| match segment {
        Ok(Segment::Chunk { id, .. }) => vault.index().best(&id).is_some(),
        Ok(Segment::Hole { .. }) => true,
        Err(_) => false,
    };
    if !vault.segments(node).all(known) {
        vault.refresh()?;
    }
    Ok(vault.segments(node).all(known))
}

fn options(node: &Node) -> SimpleFileOptions {
    let options = SimpleFileOptions::default()
        .unix_permissions(node.mode & 0o777)
        .large_file(node.size >= u64::from(u32::MAX));
    match date(node.mtime_s) {
        Some(date) => options.last_modified_time(date),
        None => options,
    }
}

/// UTC; a zip knows no time zone, and no year before 1980.
fn date(seconds: i64) -> Option<zip::DateTime> {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let part = |value: i64| u8::try_from(value).ok();
    zip::DateTime::from_date_and_time(
        u16::try_from(year).ok()?,
        part(month)?,
        part(day)?,
        part(rest / 3600)?,
        part(rest / 60 % 60)?,
        part(rest % 60)?,
    )
    .ok()
}

/// Days since 1970 → year, month, day of the Gregorian calendar, by counting from 1 March of year 0 in eras of 400 years.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Gives each entry of one folder a name that any system can unpack, and that no other entry has there.
#[derive(Default)]
struct Names {
    taken: HashSet<String>,
}

impl Names {
    fn give(&mut self, name: &[u8]) -> String {
        let safe = safe_name(name);
        let mut given = safe.clone();
        let mut number = 2;
        // Windows and macOS take `A` and `a` for one name.
        while !self.taken.insert(given.to_lowercase()) {
            given = match safe.rsplit_once('.') {
                Some((stem, ending)) if !stem.is_empty() => format!("{stem} ({number}).{ending}"),
                _ => format!("{safe} ({number})"),
            };
            number += 1;
        }
        given
    }
}

fn safe_name(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let safe = |c: char| {
        if c.is_control() || "/\\:*?\"<>|\u{fffd}".contains(c) {
            '_'
        } else {
            c
        }
    };
    let mut text: String = text.chars().map(safe).collect();
    if text.ends_with(['.', ' ']) {
        text.pop();
        text.push('_');
    }
    let stem = text
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    };
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
    {
        text.insert(0, '_');
    }
    if text.is_empty() {
        "_".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_everywhere_and_unique() {
        let table: [(&[u8], &str); 11] = [
            (b"a.txt", "a.txt"),
            ("été".as_bytes(), "été"),
            (b"A.TXT", "A (2).TXT"),
            (b"..", "._"),
            (b"a\\b", "a_b"),
            (b"a:b", "a_b (2)"),
            (b"x\ny\xff", "x_y_"),
            (b"con", "_con"),
            (b"COM1.txt", "_COM1.txt"),
            (b"end. ", "end._"),
            (b"/", "_"),
        ];
        let mut names = Names::default();
        for (name, want) in table {
            assert_eq!(names.give(name), want);
        }
    }

    #[test]
    fn days_become_dates() {
        for (days, want) in [
            (0, (1970, 1, 1)),
            (11_016, (2000, 2, 29)),
            (20_779, (2026, 11, 22)),
            (-1, (1969, 12, 31)),
        ] {
            assert_eq!(civil(days), want);
        }
        assert!(date(0).is_none() && date(i64::MAX).is_none() && date(1_700_000_000).is_some());
    }
}
