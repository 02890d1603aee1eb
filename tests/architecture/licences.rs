//! Every dependency that is built for our target: its licence, where it comes from, and the
//! libraries that must not come back (a second TLS stack).

use crate::none;
use crate::tree::{list, metadata, text};

const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Second TLS and cryptography stacks, and what would end the static binary.
const REFUSED: &[&str] = &[
    "openssl",
    "openssl-sys",
    "native-tls",
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
];

struct Dependency {
    name: String,
    licence: String,
    /// Empty for a package of this tree.
    source: String,
}

fn dependencies() -> Vec<Dependency> {
    let metadata = metadata();
    let built: Vec<&str> = list(&metadata["resolve"], "nodes")
        .iter()
        .map(|n| text(n, "id"))
        .collect();
    list(&metadata, "packages")
        .iter()
        .filter(|p| built.contains(&text(p, "id")))
        .map(|p| Dependency {
            name: text(p, "name").to_owned(),
            licence: text(p, "license").to_owned(),
            source: text(p, "source").to_owned(),
        })
        .collect()
}

/// Whether one way through the expression is allowed. `AND` binds tighter than `OR`; `/` is the
/// old way to write `OR`.
fn allowed(expression: &str) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    either(&tokens, &mut at) && at == tokens.len()
}

fn either(tokens: &[&str], at: &mut usize) -> bool {
    let mut good = both(tokens, at);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        good |= both(tokens, at);
    }
    good
}

fn both(tokens: &[&str], at: &mut usize) -> bool {
    let mut good = single(tokens, at);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        good &= single(tokens, at);
    }
    good
}

fn single(tokens: &[&str], at: &mut usize) -> bool {
    let Some(token) = tokens.get(*at) else {
        return false;
    };
    *at += 1;
    if *token == "(" {
        let good = either(tokens, at);
        let closed = tokens.get(*at) == Some(&")");
        *at += 1;
        return good && closed;
    }
    if tokens.get(*at) == Some(&"WITH") {
        let exception = tokens.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return ALLOWED.contains(&format!("{token} WITH {exception}").as_str());
    }
    ALLOWED.contains(token)
}

fn wrong(dependencies: &[Dependency]) -> Vec<String> {
    let mut wrong = Vec::new();
    for d in dependencies {
        if !allowed(&d.licence) {
            wrong.push(format!("{}: licence `{}`", d.name, d.licence));
        }
        if !d.source.is_empty() && d.source != CRATES_IO {
            wrong.push(format!("{}: comes from {}", d.name, d.source));
        }
        if REFUSED.contains(&d.name.as_str()) {
            wrong.push(format!("{}: must not be in the tree", d.name));
        }
    }
    wrong
}

#[test]
fn every_dependency_has_a_free_licence_and_a_known_source() {
    let dependencies = dependencies();
    assert!(dependencies.len() > 100, "{}", dependencies.len());
    none(&wrong(&dependencies));
}

#[test]
fn licence_expressions() {
    for (expression, good) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 OR GPL-2.0-only", true),
        ("GPL-3.0", false),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND Proprietary", false),
        ("GPL-2.0 OR MIT AND ISC", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-2.0 WITH Classpath-exception-2.0", false),
        ("", false),
        ("(MIT", false),
        ("MIT MIT", false),
    ] {
        assert_eq!(allowed(expression), good, "{expression}");
    }
}

#[test]
fn a_wrong_dependency_is_seen() {
    let fake = |name: &str, licence: &str, source: &str| Dependency {
        name: name.to_owned(),
        licence: licence.to_owned(),
        source: source.to_owned(),
    };
    for (dependency, seen) in [
        (fake("a", "MIT", CRATES_IO), 0),
        (fake("ours", "MIT OR Apache-2.0", ""), 0),
        (fake("a", "", CRATES_IO), 1),
        (fake("a", "MIT", "git+https://example.org/a"), 1),
        (fake("openssl-sys", "MIT", CRATES_IO), 1),
        (fake("aws-lc-sys", "ISC", CRATES_IO), 1),
    ] {
        assert_eq!(wrong(&[dependency]).len(), seen);
    }
}
