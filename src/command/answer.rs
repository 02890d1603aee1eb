//! The API's answers as a person reads them, and long work followed to its end.

use crate::door::Door;
use crate::terminal::{self, Bar};
use serde_json::Value;
use std::process::ExitCode;
use std::time::Duration;

/// Exit code of work that was done, but whose problems must be read.
const DONE_WITH_PROBLEMS: u8 = 3;

/// How often long work is looked at.
const BEAT: Duration = Duration::from_millis(250);

/// The text of a field; `-` when it has none.
pub(crate) fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(crate) fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or(0)
}

/// A count of bytes, for people.
pub(crate) fn size(value: &Value, field: &str) -> String {
    value[field]
        .as_u64()
        .map_or_else(|| "-".to_owned(), terminal::bytes)
}

/// The first characters of an id: enough to be unique in practice, short enough to read.
pub(crate) fn short(value: &Value, field: &str) -> String {
    text(value, field).chars().take(12).collect()
}

/// The elements of a list; none when it is no list.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn strings(value: &Value) -> Vec<String> {
    let texts = items(value).iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// JSON, or a table with one row for each item.
pub(crate) fn list(
    json: bool,
    answer: &Value,
    rows: &[Value],
    head: &[&str],
    row: impl Fn(&Value) -> Vec<String>,
) -> anyhow::Result<ExitCode> {
    if json {
        terminal::json(answer)?;
    } else {
        let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
        terminal::table(head, &rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// JSON, or one line for each field that has a value.
pub(crate) fn one(json: bool, answer: &Value, fields: &[(&str, String)]) -> anyhow::Result<()> {
    if json {
        return terminal::json(answer);
    }
    let width = fields.iter().map(|(n, _)| n.chars().count()).max();
    for (name, value) in fields {
        if value != "-" {
            let name = format!("{name}:");
            terminal::line(&format!(
                "{name:<width$} {}",
                terminal::shown(value),
                width = width.unwrap_or(0) + 1
            ))?;
        }
    }
    Ok(())
}

/// Problems on stderr, the first of them when there are many.
pub(crate) fn problems(value: &Value) {
    const SHOWN: usize = 50;
    let list = items(value);
    for problem in list.iter().take(SHOWN) {
        let (object, what) = (text(problem, "object"), text(problem, "what"));
        terminal::note(&format!(
            "problem: {}: {}",
            terminal::shown(&object),
            terminal::shown(&what)
        ));
    }
    if list.len() > SHOWN {
        let more = list.len() - SHOWN;
        terminal::note(&format!(
            "… and {more} more; --json shows all that are kept"
        ));
    }
}

/// The exit code of work that ended as its `outcome` says.
pub(crate) fn exit(outcome: &Value) -> ExitCode {
    match outcome.as_str() {
        Some("done") => ExitCode::SUCCESS,
        Some("problems") => ExitCode::from(DONE_WITH_PROBLEMS),
        _ => ExitCode::FAILURE,
    }
}

/// Asks for `path` until `ended` says so, drawing the progress that the board has under `key`.
pub(crate) fn follow(
    door: &Door,
    path: &str,
    key: &str,
    ended: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let mut bar = Bar::new();
    loop {
        let answer = door.get(path)?;
        if ended(&answer) {
            return Ok(answer);
        }
        draw(door, &mut bar, |line| line["key"] == key)?;
        std::thread::sleep(BEAT);
    }
}

/// One look at the board.
pub(crate) fn draw(
    door: &Door,
    bar: &mut Bar,
    is_ours: impl Fn(&Value) -> bool,
) -> anyhow::Result<bool> {
    if !bar.is_live() {
        return Ok(false);
    }
    let board = door.get("/api/progress")?;
    let Some(line) = items(&board).iter().find(|line| is_ours(line)) else {
        return Ok(false);
    };
    let (done, total) = (number(line, "done_bytes"), number(line, "total_bytes"));
    let what = format!("{} {}", text(line, "subject"), text(line, "step"));
    let rate = line["bytes_per_second"].as_f64().unwrap_or(0.0);
    bar.draw(&terminal::progress(&what, done, total, rate));
    Ok(true)
}
