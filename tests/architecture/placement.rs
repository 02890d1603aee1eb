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
            "state/tests/",
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
            "provisioner/tests/",
        ],
        why: "axum stands behind the HTTP edges only",
    },
    Rule {
        tokens: &["dhcproto"],
        homes: &["provisioner/src/dhcp/", "provisioner/tests/", "tests/"],
        why: "dhcproto stands in provisioner/src/dhcp only",
    },
    Rule {
        tokens: &["async_tftp"],
        homes: &["provisioner/src/tftp", "provisioner/tests/", "tests/"],
        why: "async-tftp stands behind one file, so that it can be replaced",
    },
    Rule {
        // As in a derive or an impl; asking for the trait of a wire type is free.
        tokens: &[
            "Serialize)",
            "Serialize,",
            "Serialize for",
            "Deserialize)",
            "Deserialize,",
            "Deserialize<'de> for",
        ],
        homes: &[
            "/wire.rs",
            "/wire/",
            "web/src/api/",
            "src/wire/",
            "backup/vault/src/format/",
            "tests/",
        ],
        why: "serde stands on wire types only",
    },
    Rule {
        tokens: &["tokio::", "async fn", "async move", ".await"],
        homes: &[
            "src/",
            "tests/",
            "web/",
            "backup/continuity/",
            "provisioner/",
            "state/",
        ],
        why: "vault, images and config are synchronous",
    },
    Rule {
        tokens: &["SystemTime::now"],
        homes: &["state/src/clock.rs", "tests/", "/tests/"],
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
        let home = |home: &&str| {
            if let Some(inner) = home.strip_prefix('/') {
                file.path.contains(home) || file.path == inner
            } else {
                file.path.starts_with(home)
            }
        };
        if rule.homes.iter().any(|h| home(&h)) {
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
        ("provisioner/src/session/api.rs", "use axum::Router;", 0),
        ("provisioner/src/boot/client.rs", "use dhcproto::v4;", 1),
        ("provisioner/src/dhcp/reply.rs", "use dhcproto::v4;", 0),
        ("config/src/domain.rs", "#[derive(Serialize)]", 1),
        ("images/src/wire.rs", "#[derive(Serialize)]", 0),
        ("images/src/deploy.rs", "fn json<T: serde::Serialize>(", 0),
        ("src/wire/ports.rs", "#[derive(Serialize)]", 0),
        ("images/src/deploy.rs", "async fn x() { y.await }", 1),
        ("backup/vault/src/backup.rs", "tokio::spawn(x)", 1),
        ("web/src/page/hosts.rs", "SystemTime::now()", 1),
        ("state/src/clock.rs", "SystemTime::now()", 0),
    ] {
        assert_eq!(seen(path, text), violations, "{path}: {text}");
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
                let word_end =
                    |after: &str| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
                for kind in REFUSED {
                    if upper
                        .match_indices(kind)
                        .any(|(at, _)| word_end(&upper[at + kind.len()..]))
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
