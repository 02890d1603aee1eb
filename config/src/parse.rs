//! Text → configuration: TOML, then the walk, then what keys say about each other.

use crate::build::{Read, build};
use crate::complaint::Complaints;
use crate::domain::Config;
use crate::place::Findings;
use crate::walk::walk;
use std::io::Read as _;
use std::path::Path;
use toml::de::DeTable;

/// A file that holds one line is not larger.
const MOST_BYTES: u64 = 64 * 1024;

/// Checks the text of a configuration; relative paths are relative to the folder of `origin`.
///
/// Reads the file that `database_url_file` names, and nothing else.
pub fn parse(text: &str, origin: &Path) -> Result<Config, Complaints> {
    parse_with(text, origin, &|path| {
        let mut text = String::new();
        std::fs::File::open(path)?
            .take(MOST_BYTES)
            .read_to_string(&mut text)?;
        Ok(text)
    })
}

pub(crate) fn parse_with(text: &str, origin: &Path, read: Read<'_>) -> Result<Config, Complaints> {
    let mut findings = Findings::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let document = walk(root.get_ref(), &mut findings);
        let config = build(&document, origin, read, &mut findings);
        return if findings.is_empty() {
            Ok(config)
        } else {
            Err(findings.into_complaints(origin))
        };
    }
    let end = text.trim_end().len();
    let mut broken_lines = Vec::new();
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let cut = span.start >= end;
        broken_lines.push(findings.line(span.start));
        findings.add(
            span.start,
            format!(
                "not valid TOML: {}{}",
                crate::value::short(error.message()),
                if cut {
                    "; the file stops in the middle: if it was half written, put your copy back"
                } else {
                    ""
                }
            ),
        );
    }
    // The rest of the file is still checked; what is missing or misnamed because of a broken
    // line is not a second mistake.
    let mut others = Findings::new(text);
    walk(root.get_ref(), &mut others);
    findings.append_outside(&broken_lines, others);
    Err(findings.into_complaints(origin))
}
