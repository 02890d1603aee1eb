//! `mariadb-dump` for everything but rows: tables before them; views, triggers, routines and events after them.

use super::catalog::Catalog;
use crate::patient::Limits;
use crate::schema::Dumping;
use crate::{Error, Source};
use std::io::{self, Read};

/// The same bytes every night when nothing changed; no lock; nothing that drops what is already in the place it is loaded
/// into; no right beyond reading.
const ALWAYS: &[&str] = &[
    "--no-data",
    "--skip-opt",
    "--create-options",
    "--quote-names",
    "--set-charset",
    "--skip-lock-tables",
    "--skip-add-drop-table",
    "--skip-dump-date",
    "--no-tablespaces",
    "--comments",
    "--max-allowed-packet=1G",
];

/// Longest line of a shape: a view or a routine of one line.
const MOST_LINE: usize = 64 * 1024 * 1024;

pub(crate) fn before(
    source: &Source,
    catalog: &Catalog,
    limits: &Limits,
) -> Result<Option<Lines>, Error> {
    let tables = catalog.tables.iter().map(|table| &table.name);
    let names: Vec<String> = tables.chain(&catalog.sequences).cloned().collect();
    dump(source, limits, &["--skip-triggers"], names)
}

pub(crate) fn views(
    source: &Source,
    catalog: &Catalog,
    limits: &Limits,
) -> Result<Option<Lines>, Error> {
    dump(source, limits, &["--skip-triggers"], catalog.views.clone())
}

/// Routines before views, which may call them; triggers and events last.
pub(crate) fn routines(
    source: &Source,
    catalog: &Catalog,
    limits: &Limits,
) -> Result<Option<Lines>, Error> {
    if catalog.routines == 0 {
        return Ok(None);
    }
    let what = ["--no-create-info", "--skip-triggers", "--routines"];
    all(source, limits, &what).map(Some)
}

pub(crate) fn triggers(
    source: &Source,
    catalog: &Catalog,
    limits: &Limits,
) -> Result<Option<Lines>, Error> {
    if catalog.triggers + catalog.events == 0 {
        return Ok(None);
    }
    let mut what = vec!["--no-create-info"];
    match catalog.triggers {
        0 => what.push("--skip-triggers"),
        _ => what.push("--triggers"),
    }
    if catalog.events > 0 {
        what.push("--events");
    }
    all(source, limits, &what).map(Some)
}

fn dump(
    source: &Source,
    limits: &Limits,
    what: &[&str],
    names: Vec<String>,
) -> Result<Option<Lines>, Error> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut arguments = arguments(source, what);
    arguments.extend(names);
    let dumping = Dumping::start(source, limits, &arguments)?;
    Ok(Some(Lines::new(dumping, source)))
}

fn all(source: &Source, limits: &Limits, what: &[&str]) -> Result<Lines, Error> {
    let arguments = arguments(source, what);
    let dumping = Dumping::start(source, limits, &arguments)?;
    Ok(Lines::new(dumping, source))
}

fn arguments(source: &Source, what: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = ALWAYS.iter().chain(what).map(|a| (*a).to_owned()).collect();
    arguments.extend(["--".to_owned(), source.url.name.clone()]);
    arguments
}

/// The lines of a shape, without what would make it load only beside the same users, or only in the newest clients.
pub(crate) struct Lines {
    from: io::BufReader<Dumping>,
    ready: Vec<u8>,
    given: usize,
    database: String,
    /// Behind `DELIMITER ;;`, and a statement begins.
    delimited: bool,
    ended: bool,
}

impl Lines {
    fn new(from: Dumping, source: &Source) -> Lines {
        Lines {
            from: io::BufReader::new(from),
            database: source.url.name.clone(),
            ready: Vec::new(),
            given: 0,
            delimited: false,
            ended: false,
        }
    }
}

impl Read for Lines {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        use io::BufRead;
        while self.given == self.ready.len() && !self.ended {
            let mut line = Vec::new();
            let most = MOST_LINE as u64;
            let read = (&mut self.from).take(most).read_until(b'\n', &mut line)?;
            if read == MOST_LINE {
                return Err(io::Error::other("a line of the tables' shape has no end"));
            }
            self.ended = read == 0;
            self.given = 0;
            self.ready = kept(line, self.delimited, &self.database);
            if !self.ready.is_empty() {
                // Before an event come settings, each a statement of one line.
                let one_line = self.delimited && self.ready.ends_with(b";;\n");
                self.delimited = one_line || self.ready == b"DELIMITER ;;\n";
            }
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

/// A view, a trigger, a routine or an event belongs to a user of the server it came from (DEFINER): elsewhere it could not
/// be created without the highest rights, or not be used. Without it, it belongs to whoever loads the dump.
fn kept(line: Vec<u8>, delimited: bool, database: &str) -> Vec<u8> {
    // Older clients stop at it; the rest of the line is nothing but it.
    if line.starts_with(b"/*M!999999\\- enable the sandbox mode */") {
        return Vec::new();
    }
    if line.starts_with(b"/*!50013 DEFINER=") {
        let text = String::from_utf8_lossy(&line).into_owned();
        return match account_end(&text, "/*!50013 DEFINER=".len()) {
            Some(end) => format!("/*!50013{}", text.get(end..).unwrap_or_default()).into_bytes(),
            None => line,
        };
    }
    if let Ok(view) = std::str::from_utf8(&line)
        && view.starts_with("/*!50001 VIEW ")
    {
        return unbound(view, database).into_bytes();
    }
    if !delimited {
        return line;
    }
    let Ok(text) = std::str::from_utf8(&line) else {
        return line;
    };
    for (start, keep) in [
        ("CREATE DEFINER=", "CREATE"),
        ("CREATE OR REPLACE DEFINER=", "CREATE OR REPLACE"),
        ("/*!50003 CREATE*/ /*!50017 DEFINER=", "/*!50003 CREATE*/"),
        ("/*!50003 CREATE*/ /*!50020 DEFINER=", "/*!50003 CREATE*/"),
        ("/*!50106 CREATE*/ /*!50117 DEFINER=", "/*!50106 CREATE*/"),
    ] {
        if text.starts_with(start)
            && let Some(end) = account_end(text, start.len())
        {
            let rest = text.get(end..).unwrap_or_default();
            let rest = match keep.ends_with("*/") {
                true => rest.strip_prefix("*/").unwrap_or(rest),
                false => rest,
            };
            return format!("{keep}{rest}").into_bytes();
        }
    }
    line
}

/// A view without the name of its own database, which MariaDB writes before columns when a function is in it: it could
/// not be loaded into a database of another name.
fn unbound(view: &str, database: &str) -> String {
    let own = super::name(database);
    let mut out = String::with_capacity(view.len());
    let mut at = 0;
    while let Some(rest) = view.get(at..).filter(|rest| !rest.is_empty()) {
        let next = match rest.chars().next() {
            Some('`') => quoted_end(view, at),
            Some(quote @ ('\'' | '"')) => text_end(rest, quote).map(|end| at + end),
            Some(other) => Some(at + other.len_utf8()),
            None => None,
        };
        // Never closed: it is no statement that we understand.
        let Some(next) = next else {
            return view.to_owned();
        };
        let token = view.get(at..next).unwrap_or_default();
        at = next;
        if token == own && view.get(at..).is_some_and(|rest| rest.starts_with(".`")) {
            at += 1;
            continue;
        }
        out.push_str(token);
    }
    out
}

/// Where the text ends that `rest` begins with.
fn text_end(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            // Doubled quotes are two texts side by side, which ends the same.
            c if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

/// Where `` `user`@`host` `` (or a role, `` `role` ``) ends that begins at `at`.
fn account_end(text: &str, at: usize) -> Option<usize> {
    let mut at = quoted_end(text, at)?;
    if text.get(at..)?.starts_with('@') {
        at = quoted_end(text, at + 1)?;
    }
    Some(at)
}

fn quoted_end(text: &str, at: usize) -> Option<usize> {
    let mut rest = text.get(at..)?.strip_prefix('`')?;
    let mut end = at + 1;
    loop {
        let close = rest.find('`')?;
        end += close + 1;
        rest = rest.get(close + 1..)?;
        match rest.strip_prefix('`') {
            Some(more) => {
                end += 1;
                rest = more;
            }
            None => return Some(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_loaded_belongs_to_who_loads_it() {
        for (line, delimited, want) in [
            ("/*M!999999\\- enable the sandbox mode */ \n", false, ""),
            (
                "/*!50013 DEFINER=`a``b`@`%` SQL SECURITY DEFINER */\n",
                false,
                "/*!50013 SQL SECURITY DEFINER */\n",
            ),
            (
                "CREATE DEFINER=`root`@`localhost` PROCEDURE `p`()\n",
                true,
                "CREATE PROCEDURE `p`()\n",
            ),
            (
                "CREATE DEFINER=`role` FUNCTION `f`()\n",
                true,
                "CREATE FUNCTION `f`()\n",
            ),
            (
                "/*!50003 CREATE*/ /*!50017 DEFINER=`u`@`h`*/ /*!50003 TRIGGER t BEFORE\n",
                true,
                "/*!50003 CREATE*/ /*!50003 TRIGGER t BEFORE\n",
            ),
            (
                "/*!50106 CREATE*/ /*!50117 DEFINER=`u`@`h`*/ /*!50106 EVENT e\n",
                true,
                "/*!50106 CREATE*/ /*!50106 EVENT e\n",
            ),
            (
                "/*!50001 VIEW `v` AS select `f`(`own`.`t`.`a`),'`own`.`x` it\\'s' AS `own`,`own`.`b` from `other`.`own` */\n",
                false,
                "/*!50001 VIEW `v` AS select `f`(`t`.`a`),'`own`.`x` it\\'s' AS `own`,`b` from `other`.`own` */\n",
            ),
            (
                "/*!50001 VIEW `v` AS `own`.`a` 'x\n",
                false,
                "/*!50001 VIEW `v` AS `own`.`a` 'x\n",
            ),
            // Inside a body.
            (
                "CREATE DEFINER=`x`@`y` PROCEDURE\n",
                false,
                "CREATE DEFINER=`x`@`y` PROCEDURE\n",
            ),
            ("CREATE DEFINER=`x\n", true, "CREATE DEFINER=`x\n"),
        ] {
            let got = kept(line.as_bytes().to_vec(), delimited, "own");
            assert_eq!(String::from_utf8(got).unwrap(), want);
        }
    }
}
