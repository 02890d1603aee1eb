//! The SQL statements of the sources, found where they are written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) struct Statement {
    /// `file:line`.
    pub(crate) place: String,
    pub(crate) sql: String,
}

/// Every statement of every `records.rs` and of the journal. Panics on one it cannot read, so
/// that none is passed over.
pub(crate) fn all() -> Vec<Statement> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = vec![root.join("state/src/journal.rs")];
    for package in ["backup/continuity/src", "provisioner/src", "web/src"] {
        records(&root.join(package), &mut sources);
    }
    sources.iter().flat_map(|s| of_source(root, s)).collect()
}

fn records(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            records(&path, found);
        } else if path.ends_with("records.rs") {
            found.push(path);
        }
    }
}

fn of_source(root: &Path, path: &Path) -> Vec<Statement> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let shown = path.strip_prefix(root).unwrap_or(path).display();
    let code = text.split("#[cfg(test)]").next().unwrap_or(&text);
    read(code)
        .into_iter()
        .map(|(line, sql)| Statement {
            place: format!("{shown}:{line}"),
            sql: sql.unwrap_or_else(|| {
                panic!(
                    "{shown}:{line}: this statement is neither a literal nor a format! of literals"
                )
            }),
        })
        .collect()
}

/// Line and text of each `sqlx::query(…)`; no text when it is put together in another way.
pub(crate) fn read(code: &str) -> Vec<(usize, Option<String>)> {
    let constants = constants(code);
    code.match_indices("sqlx::query(")
        .map(|(at, call)| {
            let line = code[..at].matches('\n').count() + 1;
            let mut argument = code[at + call.len()..].trim_start();
            for wrapper in ["sqlx::AssertSqlSafe(", "AssertSqlSafe(", "format!("] {
                if let Some(inner) = argument.strip_prefix(wrapper) {
                    argument = inner.trim_start();
                }
            }
            let sql = match literal(argument) {
                Some(text) => filled(&text, &constants),
                None => constants
                    .iter()
                    .find(|(name, _)| {
                        argument
                            .strip_prefix(name.as_str())
                            .is_some_and(|rest| rest.trim_start().starts_with([')', ',']))
                    })
                    .map(|(_, text)| text.clone()),
            };
            (line, sql)
        })
        .collect()
}

fn constants(code: &str) -> BTreeMap<String, String> {
    code.match_indices("const ")
        .filter_map(|(at, word)| {
            let (name, rest) = code[at + word.len()..].split_once(": &str =")?;
            let text = literal(rest.trim_start())?;
            let simple = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            simple.then(|| (name.to_owned(), text))
        })
        .collect()
}

/// `{NAME}` replaced by the constant; nothing when a name is not one.
fn filled(text: &str, constants: &BTreeMap<String, String>) -> Option<String> {
    let mut out = text.to_owned();
    for (name, value) in constants {
        out = out.replace(&format!("{{{name}}}"), value);
    }
    (!out.contains('{')).then_some(out)
}

/// The Rust string literal at the start of `code`.
fn literal(code: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = code.strip_prefix('"')?.chars().peekable();
    loop {
        match rest.next()? {
            '"' => return Some(out),
            '\\' => match rest.next()? {
                '\n' => while rest.next_if(|c| c.is_whitespace()).is_some() {},
                'n' => out.push('\n'),
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read_from_a_source() {
        let code = r#"
            const RUN: &str = "SELECT a, \
                               b FROM run";
            sqlx::query("DELETE FROM x WHERE a = $1")
            sqlx::query(
                "INSERT \"y\" \
                 INTO z",
            )
            sqlx::query(sqlx::AssertSqlSafe(format!("{RUN} LIMIT $1")))
            sqlx::query(RUN)
            sqlx::query(&built)
            sqlx::query(sqlx::AssertSqlSafe(format!("{table} LIMIT 1")))
        "#;
        let texts: Vec<Option<String>> = read(code).into_iter().map(|(_, sql)| sql).collect();
        let expected = [
            Some("DELETE FROM x WHERE a = $1"),
            Some("INSERT \"y\" INTO z"),
            Some("SELECT a, b FROM run LIMIT $1"),
            Some("SELECT a, b FROM run"),
            None,
            None,
        ];
        assert_eq!(texts, expected.map(|t| t.map(str::to_owned)));
    }
}
