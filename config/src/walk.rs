//! The walk over the spanned TOML tree: every key against the schema, every complaint collected.

use crate::closest::closest;
use crate::domain::TimeOfDay;
use crate::place::Findings;
use crate::schema::{self, Key, Kind, LATER_TABLES, Need, Shape, Table};
use crate::value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    /// With the offset of each.
    Texts(Vec<(usize, String)>),
    Number(i64),
    Switch(bool),
    Duration(Duration),
    Time(TimeOfDay),
    Address(SocketAddr),
    Inline(Entries),
}

/// The keys of one table, defaults filled in; a key that is there but wrong has no value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entries {
    /// Offset of the table.
    pub(crate) at: usize,
    found: BTreeMap<&'static str, (usize, Option<Value>)>,
}

impl Entries {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.found.get(key)?.1.as_ref()
    }

    /// Offset of the key's value, or of the table.
    pub(crate) fn at(&self, key: &str) -> usize {
        self.found.get(key).map_or(self.at, |(at, _)| *at)
    }

    /// Written, well or not, or there by default.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.found.contains_key(key)
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn texts(&self, key: &str) -> &[(usize, String)] {
        match self.get(key) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    pub(crate) fn number(&self, key: &str) -> Option<i64> {
        match self.get(key)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// The tables found, by name; `[name]` tables have exactly one entry, even when absent.
pub(crate) type Document = BTreeMap<&'static str, Vec<Entries>>;

pub(crate) fn walk(root: &DeTable<'_>, findings: &mut Findings<'_>) -> Document {
    let mut document = Document::new();
    for (key, found) in root {
        let name: &str = key.get_ref();
        let at = key.span().start;
        match schema::TABLES.iter().find(|t| t.name == name) {
            Some(table) => {
                let tables = tables_of(table, at, found, findings);
                document.insert(table.name, tables);
            }
            None => unknown_table(name, at, findings),
        }
    }
    for table in schema::TABLES {
        if table.shape != Shape::Many && !document.contains_key(table.name) {
            if table.shape == Shape::Needed {
                findings.doubtful(
                    0,
                    format!(
                        "[{}] is missing; write it with at least {}",
                        table.name,
                        table
                            .keys
                            .iter()
                            .filter(|k| matches!(k.need, Need::Required { .. }))
                            .map(|k| format!("`{} = {}`", k.name, k.need.example()))
                            .collect::<Vec<_>>()
                            .join(" and ")
                    ),
                );
            }
            let absent = Entries {
                at: 0,
                found: defaults(table.keys, 0, &BTreeMap::new()),
            };
            document.insert(table.name, vec![absent]);
        }
    }
    document
}

fn unknown_table(name: &str, at: usize, findings: &mut Findings<'_>) {
    if let Some((_, instead)) = LATER_TABLES.iter().find(|(later, _)| *later == name) {
        findings.add(at, format!("[{name}] is not in this version; {instead}"));
        return;
    }
    // A key above every header: the person forgot the header, or moved the key.
    let home = schema::TABLES
        .iter()
        .find(|t| t.keys.iter().any(|k| k.name == name));
    let near = closest(name, schema::TABLES.iter().map(|t| t.name));
    let meant = match (near, home) {
        (Some(table), _) => format!("; did you mean `{table}`?"),
        (None, Some(table)) => format!("; it belongs under {}", table.header()),
        (None, None) => String::new(),
    };
    let what = format!(
        "unknown table `{}`, expected one of {}{meant}",
        value::short(name),
        schema::TABLES
            .iter()
            .map(Table::header)
            .collect::<Vec<_>>()
            .join(", ")
    );
    if near.is_some() {
        findings.add(at, what);
    } else {
        // A key whose header could not be read stands here too.
        findings.doubtful(at, what);
    }
}

fn tables_of(
    table: &Table,
    at: usize,
    found: &Spanned<DeValue<'_>>,
    findings: &mut Findings<'_>,
) -> Vec<Entries> {
    let header = table.header();
    match (table.shape, found.get_ref()) {
        (Shape::Needed | Shape::Single, DeValue::Table(keys)) => {
            vec![entries(table.keys, &header, at, keys, findings)]
        }
        (Shape::Many, DeValue::Array(items)) => items
            .iter()
            .filter_map(|item| match item.get_ref() {
                DeValue::Table(keys) => Some(entries(
                    table.keys,
                    &header,
                    item.span().start,
                    keys,
                    findings,
                )),
                other => {
                    findings.add(
                        item.span().start,
                        format!(
                            "`{}` holds {}, expected {header} blocks",
                            table.name,
                            kind_of(other)
                        ),
                    );
                    None
                }
            })
            .collect(),
        (Shape::Many, DeValue::Table(_)) => {
            findings.add(
                at,
                format!("there can be several: write {header}, with two brackets"),
            );
            Vec::new()
        }
        (_, DeValue::Array(_)) => {
            findings.add(
                at,
                format!("there is only one: write {header} once, with one bracket"),
            );
            Vec::new()
        }
        (_, other) => {
            findings.add(
                at,
                format!(
                    "`{}` is {}, expected a {header} block",
                    table.name,
                    kind_of(other)
                ),
            );
            Vec::new()
        }
    }
}

fn entries(
    keys: &'static [Key],
    context: &str,
    at: usize,
    written: &DeTable<'_>,
    findings: &mut Findings<'_>,
) -> Entries {
    let mut found = BTreeMap::new();
    for (word, item) in written {
        let word_at = word.span().start;
        let name: &str = word.get_ref();
        let Some(key) = keys.iter().find(|k| k.name == name) else {
            findings.add(word_at, unknown_key(name, context, keys));
            continue;
        };
        if let Kind::Refused(why) = key.kind {
            findings.add(word_at, format!("`{name}` in {context} {why}"));
            continue;
        }
        let checked = check(key, context, item, findings);
        found.insert(key.name, (item.span().start, checked));
    }
    for key in keys {
        let others = |key: &str| found.contains_key(key);
        let missing = match key.need {
            Need::Required { example, hint } => Some((example, hint)),
            Need::RequiredUnless {
                others: instead,
                example,
                hint,
            } if !instead.iter().any(|key| others(key)) => Some((example, hint)),
            _ => None,
        };
        if let Some((example, hint)) = missing
            && !found.contains_key(key.name)
        {
            findings.doubtful(
                at,
                format!(
                    "`{}` is missing in {context}: {hint}; write such as `{} = {example}`",
                    key.name, key.name
                ),
            );
            found.insert(key.name, (at, None));
        }
    }
    found.extend(defaults(keys, at, &found));
    Entries { at, found }
}

fn unknown_key(name: &str, context: &str, keys: &[Key]) -> String {
    let known = || {
        keys.iter()
            .filter(|k| !matches!(k.kind, Kind::Refused(_)))
            .map(|k| k.name)
    };
    let meant = closest(name, known())
        .map(|k| format!("; did you mean `{k}`?"))
        .unwrap_or_default();
    format!(
        "unknown key `{}` in {context}, expected one of {}{meant}",
        value::short(name),
        known().collect::<Vec<_>>().join(", ")
    )
}

/// The defaults of the keys that are not written.
fn defaults(
    keys: &'static [Key],
    at: usize,
    written: &BTreeMap<&'static str, (usize, Option<Value>)>,
) -> BTreeMap<&'static str, (usize, Option<Value>)> {
    keys.iter()
        .filter(|key| !written.contains_key(key.name))
        .filter_map(|key| match key.need {
            Need::Default(text) => Some((key.name, (at, literal(key, text)))),
            Need::Required { .. } | Need::RequiredUnless { .. } | Need::Optional { .. } => None,
        })
        .collect()
}

/// A value of the schema table itself; a test proves that each of them checks.
pub(crate) fn literal(key: &Key, text: &'static str) -> Option<Value> {
    let item = DeValue::parse(text).ok()?;
    let mut findings = Findings::new(text);
    let checked = check(key, "", &item, &mut findings);
    findings.is_empty().then_some(checked).flatten()
}

fn check(
    key: &Key,
    context: &str,
    item: &Spanned<DeValue<'_>>,
    findings: &mut Findings<'_>,
) -> Option<Value> {
    let at = item.span().start;
    let text = |checked: Result<String, String>| checked.map(Value::Text);
    let checked = match (key.kind, item.get_ref()) {
        (Kind::Label, DeValue::String(s)) => text(value::label(s)),
        (Kind::Line, DeValue::String(s)) => text(value::line(s)),
        (Kind::Name, DeValue::String(s)) => text(value::name(s)),
        (Kind::Choice { values, later }, DeValue::String(s)) => {
            text(value::choice(s, values, later))
        }
        (Kind::Path, DeValue::String(s)) => text(value::path(s)),
        (Kind::Url, DeValue::String(s)) => text(value::url(s)),
        (Kind::Database, DeValue::String(s)) => text(value::database(s)),
        (Kind::Interface, DeValue::String(s)) => text(value::interface(s)),
        (Kind::Timezone, DeValue::String(s)) => text(value::timezone(s)),
        (Kind::Filter, DeValue::String(s)) => text(value::filter(s)),
        (Kind::Mailbox, DeValue::String(s)) => text(value::mailbox(s)),
        (Kind::Server, DeValue::String(s)) => text(value::server(s)),
        (Kind::Web, DeValue::String(s)) => text(value::web(s)),
        (Kind::Suffix, DeValue::String(s)) => text(value::suffix(s)),
        (Kind::Duration, DeValue::String(s)) => value::duration(s).map(Value::Duration),
        (Kind::Time, DeValue::String(s)) => value::time(s).map(Value::Time),
        (Kind::Address, DeValue::String(s)) => value::address(s).map(Value::Address),
        (Kind::Switch, DeValue::Boolean(on)) => Ok(Value::Switch(*on)),
        (Kind::Whole { least, most }, DeValue::Integer(n)) => {
            value::whole(i64::from_str_radix(n.as_str(), n.radix()).ok(), least, most)
                .map(Value::Number)
        }
        (Kind::Ipv4s, DeValue::Array(items)) => {
            return list(key, context, at, items.iter(), value::ipv4, findings);
        }
        (Kind::Ipv4Ranges, DeValue::Array(items)) => {
            return list(key, context, at, items.iter(), value::ipv4_range, findings);
        }
        (Kind::Domain, DeValue::String(s)) => text(value::domain(s)),
        (Kind::Domains, DeValue::Array(items)) => {
            return list(key, context, at, items.iter(), value::domain, findings);
        }
        (Kind::Paths, DeValue::Array(items)) => {
            return list(key, context, at, items.iter(), value::path, findings);
        }
        (Kind::Patterns, DeValue::Array(items)) => {
            return list(key, context, at, items.iter(), value::pattern, findings);
        }
        (Kind::Mailboxes, DeValue::Array(items)) => {
            return list(key, context, at, items.iter(), value::mailbox, findings);
        }
        (Kind::Names, DeValue::Array(items)) => {
            return list(key, context, at, items.iter(), value::name, findings);
        }
        (Kind::Inline(keys), DeValue::Table(written)) => {
            let context = format!("`{}` of {context}", key.name);
            return Some(Value::Inline(entries(
                keys, &context, at, written, findings,
            )));
        }
        (_, other) => {
            findings.add(
                at,
                format!(
                    "`{}` in {context} is {}, expected {}, such as `{} = {}`",
                    key.name,
                    kind_of(other),
                    expected(key.kind),
                    key.name,
                    key.need.example()
                ),
            );
            return None;
        }
    };
    checked
        .map_err(|what| findings.add(at, format!("`{}` in {context}: {what}", key.name)))
        .ok()
}

fn list<'a, 'i: 'a>(
    key: &Key,
    context: &str,
    at: usize,
    items: impl Iterator<Item = &'a Spanned<DeValue<'i>>>,
    one: fn(&str) -> Result<String, String>,
    findings: &mut Findings<'_>,
) -> Option<Value> {
    let mut texts = Vec::new();
    let mut good = true;
    for item in items {
        let item_at = item.span().start;
        let checked = match item.get_ref() {
            DeValue::String(s) => one(s),
            other => Err(format!(
                "holds {}, expected texts in quotes",
                kind_of(other)
            )),
        };
        match checked {
            Ok(text) if texts.iter().any(|(_, known)| *known == text) => {
                good = false;
                findings.add(
                    item_at,
                    format!(
                        "`{}` in {context} names `{}` twice; remove one",
                        key.name,
                        value::short(&text)
                    ),
                );
            }
            Ok(text) => texts.push((item_at, text)),
            Err(what) => {
                good = false;
                findings.add(item_at, format!("`{}` in {context}: {what}", key.name));
            }
        }
    }
    if good && texts.is_empty() {
        findings.add(
            at,
            format!(
                "`{}` in {context} is empty; write at least one, such as `{} = {}`",
                key.name,
                key.name,
                key.need.example()
            ),
        );
        return None;
    }
    good.then_some(Value::Texts(texts))
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time without quotes",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Label | Kind::Line | Kind::Name | Kind::Choice { .. } | Kind::Filter => {
            "a text in quotes"
        }
        Kind::Names => "a list of names",
        Kind::Path => "a path in quotes",
        Kind::Ipv4s => "a list of IPv4 addresses",
        Kind::Ipv4Ranges => "a list of ranges of addresses",
        Kind::Domain => "a domain name in quotes",
        Kind::Domains => "a list of domain names",
        Kind::Paths => "a list of paths",
        Kind::Patterns => "a list of patterns",
        Kind::Database => "the address of a database (mariadb://, postgresql://) in quotes",
        Kind::Url => "the path of the vault's folder, or an sftp:// URL, in quotes",
        Kind::Interface => "the name of an interface in quotes",
        Kind::Switch => "true or false",
        Kind::Whole { .. } => "a whole number",
        Kind::Duration => "a duration in quotes",
        Kind::Time => "a time of day in quotes",
        Kind::Timezone => "a time zone in quotes",
        Kind::Address => "an address and a port in quotes",
        Kind::Mailbox => "a mail address in quotes",
        Kind::Mailboxes => "a list of mail addresses",
        Kind::Server => "a host and its port in quotes",
        Kind::Web => "a web address (https://) in quotes",
        Kind::Suffix => "the end of an address in quotes",
        Kind::Inline(_) => "a table",
        Kind::Refused(_) => "nothing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_and_example_of_the_schema_checks() {
        fn all(keys: &'static [Key]) {
            for key in keys {
                match key.kind {
                    Kind::Refused(_) => continue,
                    Kind::Inline(inner) => all(inner),
                    _ => {}
                }
                assert!(literal(key, key.need.example()).is_some(), "{}", key.name);
            }
        }
        for table in schema::TABLES {
            all(table.keys);
        }
    }
}
