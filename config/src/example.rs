//! The complete commented configuration, printed from the schema.
//!
//! A line that starts with `# ` explains; a line that starts with `#` and no blank is a setting,
//! ready to be uncommented.

use crate::schema::{Key, Kind, Need, TABLES, Table};

const HEAD: &str = "\
# Configuration of Reprise: every key, with its meaning.
# A line that starts with `#` and no blank is a setting left out; what is shown commented is an example.
# Relative paths are relative to this file. Check it with `reprise config check`.
";

/// A complete commented configuration that parses; network boot and what has no default are commented.
pub fn example() -> String {
    let mut out = HEAD.to_owned();
    for table in TABLES {
        out.push('\n');
        render(table, &mut out);
    }
    out
}

fn render(table: &Table, out: &mut String) {
    for line in table.doc {
        out.push_str(&format!("# {line}\n"));
    }
    let mark = if table.commented { "#" } else { "" };
    out.push_str(&format!("{mark}{}\n", table.header()));
    for key in table.keys {
        if matches!(key.kind, Kind::Refused(_)) {
            continue;
        }
        for line in key.doc {
            out.push_str(&format!("# {line}\n"));
        }
        out.push_str(&format!(
            "{}{} = {}\n",
            if table.commented || left_out(key) {
                "#"
            } else {
                ""
            },
            key.name,
            key.need.example()
        ));
    }
}

fn left_out(key: &Key) -> bool {
    matches!(key.need, Need::Optional { .. })
}
