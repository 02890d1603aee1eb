//! Where each kind of code may stand in the sources.

use crate::none;
use crate::tree::{File, files};

struct Rule {
    /// Any of these in a line of code (comments left out) …
    tokens: &'static [&'static str],
    /// … belongs only in a path that starts or ends so.
    homes: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        tokens: &["sqlx::query", "AssertSqlSafe", "QueryBuilder"],
        homes: &[
            "/records.rs",
            "state/src/db.rs",
            "state/src/journal.rs",
            "/tests/",
            "tests/",
        ],
        why: "SQL stands in records.rs and in state only",
    },
    Rule {
        tokens: &["axum::", "use axum", "axum_server"],
        homes: &[
            "web/",
            "src/",
            "provisioner/src/http/",
            "provisioner/src/http.rs",
            "provisioner/src/session/api",
            "/tests/",
        ],
        why: "axum stands behind the HTTP edges only",
    },
    Rule {
        tokens: &["dhcproto"],
        homes: &[
            "provisioner/src/dhcp/",
            "provisioner/src/dhcp6/",
            "/tests/",
            "tests/",
        ],
        why: "dhcproto stands in provisioner/src/dhcp and dhcp6 only",
    },
    Rule {
        tokens: &["tokio::", "async fn", "async move", ".await"],
        homes: &[
            "src/",
            "tests/",
            "web/",
            "backup/continuity/",
            "backup/remote/",
            "provisioner/",
            "state/",
        ],
        why: "vault, images and config are synchronous",
    },
    Rule {
        tokens: &["SystemTime::now"],
        homes: &["state/src/clock.rs", "tests/", "/tests/", "benches/"],
        why: "the clock has one home",
    },
];

/// Every source except this one, whose fakes break the rules on purpose.
fn sources() -> Vec<File> {
    let mut files = files("rs");
    files.retain(|f| f.path != "tests/architecture/placement.rs");
    files
}

fn code(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") {
        return "";
    }
    // Good enough for sources that cargo fmt has seen: a trailing comment follows a blank.
    line.split_once(" // ").map_or(line, |(code, _)| code)
}

fn misplaced(rule: &Rule, files: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        let home = |home: &str| {
            if let Some(inner) = home.strip_prefix('/') {
                file.path.contains(home) || file.path == inner
            } else {
                file.path.starts_with(home)
            }
        };
        if rule.homes.iter().any(|h| home(h)) {
            continue;
        }
        for (number, line) in file.text.lines().enumerate() {
            if let Some(token) = rule.tokens.iter().find(|t| code(line).contains(**t)) {
                wrong.push(format!(
                    "{}:{}: `{token}`: {}",
                    file.path,
                    number + 1,
                    rule.why
                ));
            }
        }
    }
    wrong
}

#[test]
fn every_library_stands_in_its_room() {
    let files = sources();
    assert!(files.len() > 50, "only {} sources found", files.len());
    for rule in RULES {
        none(&misplaced(rule, &files));
    }
}

#[test]
fn a_library_in_the_wrong_room_is_seen() {
    let fake = |path: &str, text: &str| {
        [File {
            path: path.to_owned(),
            text: text.to_owned(),
        }]
    };
    let seen = |path: &str, text: &str| -> usize {
        RULES
            .iter()
            .map(|r| misplaced(r, &fake(path, text)).len())
            .sum()
    };
    for (path, text, violations) in [
        ("backup/continuity/src/records.rs", "sqlx::query(\"\")", 0),
        (
            "backup/continuity/src/runner.rs",
            "x\n    sqlx::query(\"\")",
            1,
        ),
        ("backup/continuity/src/runner.rs", "// sqlx::query", 0),
        ("backup/continuity/src/runner.rs", "axum::Router", 1),
        ("provisioner/src/host/mod.rs", "use axum::Router;", 1),
        ("provisioner/src/session/api", "use axum::Router;", 0),
        ("provisioner/src/boot/client.rs", "use dhcproto::v4;", 1),
        ("provisioner/src/dhcp/reply.rs", "use dhcproto::v4;", 0),
        ("images/src/deploy.rs", "async fn x() { y.await }", 1),
        ("backup/vault/src/backup.rs", "tokio::spawn(x)", 1),
        ("web/src/page/hosts.rs", "SystemTime::now()", 1),
        ("state/src/clock.rs", "SystemTime::now()", 0),
    ] {
        assert_eq!(seen(path, text), violations, "{path}: {text}");
    }
}

/// Types that serde writes or reads, outside the rooms of wire types. Asking for the trait in a
/// generic function is free.
fn stray_wire_types(files: &[File]) -> Vec<String> {
    const HOMES: &[&str] = &[
        "/wire.rs",
        "/wire/",
        "web/src/api/",
        "src/wire/",
        "backup/vault/src/format/",
        // The manifest is a file of its own beside each dump.
        "backup/databases/src/manifest.rs",
    ];
    let mut wrong = Vec::new();
    for file in files {
        if file.path.starts_with("tests/") || HOMES.iter().any(|h| file.path.contains(h)) {
            continue;
        }
        let derives = file.text.match_indices("#[derive(").filter_map(|(at, _)| {
            let list = file.text[at..].split(")]").next()?;
            list.contains("erialize").then_some(at)
        });
        let impls = ["Serialize for ", "Deserialize<'de> for "]
            .iter()
            .flat_map(|t| file.text.match_indices(t).map(|(at, _)| at));
        for at in derives.chain(impls) {
            let line = file.text[..at].matches('\n').count() + 1;
            wrong.push(format!(
                "{}:{line}: serde stands on wire types only",
                file.path
            ));
        }
    }
    wrong
}

#[test]
fn serde_stands_on_wire_types_only() {
    none(&stray_wire_types(&sources()));
}

#[test]
fn a_wire_type_in_the_wrong_room_is_seen() {
    for (path, text, seen) in [
        ("config/src/domain.rs", "#[derive(Clone, Serialize)]", 1),
        (
            "config/src/domain.rs",
            "#[derive(\n    Clone,\n    serde::Deserialize,\n)]",
            1,
        ),
        ("config/src/domain.rs", "impl Serialize for X {}", 1),
        (
            "config/src/domain.rs",
            "#[derive(Clone)]\nfn json<T: Serialize>(t: T)",
            0,
        ),
        ("images/src/wire.rs", "#[derive(Serialize)]", 0),
        ("src/wire/ports.rs", "#[derive(Serialize)]", 0),
        ("web/src/api/hosts.rs", "#[derive(Serialize)]", 0),
        ("web/src/page/hosts.rs", "#[derive(Serialize)]", 1),
    ] {
        let files = [File {
            path: path.to_owned(),
            text: text.to_owned(),
        }];
        assert_eq!(stray_wire_types(&files).len(), seen, "{path}: {text}");
    }
}

/// Work that says of itself that it is not done.
fn undone(files: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            for mark in ["todo!(", "unimplemented!(", "TODO", "FIXME"] {
                if line.contains(mark) {
                    wrong.push(format!("{}:{}: {mark}", file.path, number + 1));
                }
            }
        }
    }
    wrong
}

#[test]
fn nothing_is_left_undone() {
    none(&undone(&sources()));
}

#[test]
fn undone_work_is_seen() {
    for (text, seen) in [
        ("unimplemented!()", 1),
        ("    // TODO: later", 1),
        ("fn done() {}", 0),
    ] {
        let files = [File {
            path: "x.rs".to_owned(),
            text: text.to_owned(),
        }];
        assert_eq!(undone(&files).len(), seen, "{text}");
    }
}

/// Column types that read the same through SQLite and PostgreSQL.
fn foreign_columns(files: &[File]) -> Vec<String> {
    const REFUSED: &[&str] = &[
        " BLOB",
        " BYTEA",
        " BOOLEAN",
        " BOOL",
        " DATETIME",
        " TIMESTAMP",
        " INTEGER",
        " INT",
        " REAL",
        " SERIAL",
        " VARCHAR",
        " JSON",
        " UUID",
        " NUMERIC",
    ];
    let mut wrong = Vec::new();
    for file in files {
        let mut inside = false;
        for (number, line) in file.text.lines().enumerate() {
            let upper = code(line).to_uppercase();
            inside |= upper.contains("CREATE TABLE") || upper.contains("ALTER TABLE");
            if inside {
                // `serial TEXT` names a column, `n SERIAL` is a type.
                let is_type = |after: &str| {
                    let next = after.trim_start();
                    !after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                        && !["TEXT", "BIGINT", "DOUBLE"]
                            .iter()
                            .any(|t| next.starts_with(t))
                };
                for kind in REFUSED {
                    if upper
                        .match_indices(kind)
                        .any(|(at, _)| is_type(&upper[at + kind.len()..]))
                    {
                        wrong.push(format!(
                            "{}:{}: column type{kind}: only TEXT, BIGINT, DOUBLE PRECISION",
                            file.path,
                            number + 1
                        ));
                    }
                }
            }
            if upper.contains(")\"") || upper.contains(";\"") || upper.trim_end().ends_with("\",") {
                inside = false;
            }
        }
    }
    wrong
}

#[test]
fn columns_read_the_same_on_both_databases() {
    let files: Vec<File> = files("rs")
        .into_iter()
        .filter(|f| f.path.ends_with("/records.rs") || f.path.starts_with("state/src/"))
        .collect();
    assert!(files.iter().any(|f| f.text.contains("CREATE TABLE")));
    none(&foreign_columns(&files));
}

#[test]
fn a_foreign_column_is_seen() {
    for (sql, seen) in [
        ("\"CREATE TABLE a (x TEXT NOT NULL, n BIGINT)\",", 0),
        ("\"CREATE TABLE a (x BLOB)\",", 1),
        ("\"CREATE TABLE a (\\\n  x TEXT,\n  y boolean)\",", 1),
        (
            "\"CREATE TABLE a (interval_ms BIGINT, integer_like TEXT)\",",
            0,
        ),
        ("\"CREATE TABLE a (serial TEXT, uuid  BIGINT)\",", 0),
        ("\"CREATE TABLE a (id SERIAL, x TEXT)\",", 1),
        ("\"SELECT int FROM b\"", 0),
    ] {
        let files = [File {
            path: "x/records.rs".to_owned(),
            text: sql.to_owned(),
        }];
        assert_eq!(foreign_columns(&files).len(), seen, "{sql}");
    }
}

/// `unsafe` has its reason written above it.
fn bare_unsafe(files: &[File]) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in files {
        let lines: Vec<&str> = file.text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let opens = ["unsafe {", "unsafe fn", "unsafe impl"]
                .iter()
                .any(|t| code(line).contains(t));
            let reason = lines[number.saturating_sub(6)..=number]
                .iter()
                .any(|l| l.contains("SAFETY"));
            if opens && !reason {
                wrong.push(format!(
                    "{}:{}: unsafe without a SAFETY comment above it",
                    file.path,
                    number + 1
                ));
            }
        }
    }
    wrong
}

#[test]
fn unsafe_code_says_why() {
    none(&bare_unsafe(&sources()));
}

#[test]
fn unsafe_without_reason_is_seen() {
    for (text, seen) in [
        ("unsafe { x() }", 1),
        ("// SAFETY: x has no precondition\nunsafe { x() }", 0),
        ("// unsafe { x() }", 0),
    ] {
        let files = [File {
            path: "x.rs".to_owned(),
            text: text.to_owned(),
        }];
        assert_eq!(bare_unsafe(&files).len(), seen, "{text}");
    }
}
