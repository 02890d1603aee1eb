//! What the documents say is true: paths and links lead somewhere, and every invariant names a
//! test that exists.

use crate::none;
use crate::tree::{File, files, root};
use std::collections::BTreeSet;

/// Paths of a document that must exist: links, and code spans that look like a path of the tree.
fn named_paths(document: &File) -> Vec<String> {
    const TOPS: &[&str] = &[
        "src/",
        "config/",
        "state/",
        "backup/",
        "images/",
        "provisioner/",
        "web/",
        "tests/",
        "benches/",
        "docs/",
        "./run",
        "./test",
        ".ci/",
        ".cargo/",
    ];
    let folder = document.path.rsplit_once('/').map_or("", |(f, _)| f);
    let mut paths = Vec::new();
    let mut fenced = false;
    for line in document.text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let link = line[at + 2..].split([')', ' ', '#']).next().unwrap_or("");
            if !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:") {
                paths.push(if folder.is_empty() {
                    link.to_owned()
                } else {
                    format!("{folder}/{link}")
                });
            }
        }
        for span in line.split('`').skip(1).step_by(2) {
            if TOPS.iter().any(|t| span.starts_with(t)) && !span.contains(' ') {
                paths.extend(expanded(span.split("::").next().unwrap_or(span)));
            }
        }
    }
    paths
}

/// `a/{b,c}.rs` → `a/b.rs`, `a/c.rs`; a `*` or a `<` ends the part that must exist.
fn expanded(path: &str) -> Vec<String> {
    if let (Some(open), Some(close)) = (path.find('{'), path.find('}'))
        && open < close
    {
        return path[open + 1..close]
            .split(',')
            .flat_map(|one| expanded(&format!("{}{one}{}", &path[..open], &path[close + 1..])))
            .collect();
    }
    match path.find(['*', '<', '…']) {
        Some(end) => {
            let known = path[..end].rsplit_once('/').map_or("", |(f, _)| f);
            vec![known.to_owned()]
        }
        None => vec![path.trim_end_matches(['.', ',', ';']).to_owned()],
    }
}

#[test]
fn paths_and_links_of_the_documents_exist() {
    let documents = files("md");
    assert!(documents.iter().any(|d| d.path == "ARCHITECTURE.md"));
    let missing: Vec<String> = documents
        .iter()
        .flat_map(|d| {
            named_paths(d)
                .into_iter()
                .filter(|p| !root().join(p).exists())
                .map(|p| format!("{}: `{p}` does not exist", d.path))
        })
        .collect();
    none(&missing);
}

#[test]
fn links_and_paths_are_found_in_a_text() {
    let document = File {
        path: "docs/x.md".to_owned(),
        text: "see [a](../README.md#top) and [b](https://example.org/) `src/main.rs`\n\
               ```\n`src/not-this.rs`\n```\n`config/src/{a,b}.rs` `state::Db` `tests/data/*.hex` \
               `docs/decisions/NNN.md` `./run --x`"
            .to_owned(),
    };
    assert_eq!(
        named_paths(&document),
        [
            "docs/../README.md",
            "src/main.rs",
            "config/src/a.rs",
            "config/src/b.rs",
            "tests/data",
            "docs/decisions/NNN.md",
        ]
    );
}

/// Sources that the map names neither themselves nor by their folder. The openings of crates and
/// rooms (`lib.rs`, `mod.rs`) are maps of their own.
fn unmapped(map: &[String], sources: &[String]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| {
            let opening = source.ends_with("/lib.rs") || source.ends_with("/mod.rs");
            let named = map.iter().any(|path| {
                path == *source
                    || (path.ends_with('/')
                        && !path.ends_with("src/")
                        && source.starts_with(path.as_str()))
            });
            !opening && !named
        })
        .map(|source| format!("{source}: not on the code map of ARCHITECTURE.md"))
        .collect()
}

#[test]
fn the_code_map_names_every_room() {
    let documents = files("md");
    let map: Vec<String> = documents
        .iter()
        .filter(|d| d.path == "ARCHITECTURE.md")
        .flat_map(named_paths)
        .collect();
    let sources: Vec<String> = files("rs")
        .into_iter()
        .map(|f| f.path)
        .filter(|p| p.starts_with("src/") || p.contains("/src/") || p.starts_with("tests/"))
        .collect();
    assert!(sources.len() > 100, "only {} sources found", sources.len());
    none(&unmapped(&map, &sources));
}

#[test]
fn a_source_that_is_on_no_map_is_seen() {
    let map = ["src/main.rs", "web/src/page/", "config/src/"].map(str::to_owned);
    for (source, seen) in [
        ("src/main.rs", 0),
        ("web/src/page/hosts.rs", 0),
        ("web/src/lib.rs", 0),
        ("web/src/new.rs", 1),
        ("config/src/new.rs", 1),
    ] {
        assert_eq!(unmapped(&map, &[source.to_owned()]).len(), seen, "{source}");
    }
}

/// The names of all functions marked as tests.
fn tests_of(files: &[File]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files {
        let mut marked = false;
        for line in file.text.lines().map(str::trim) {
            if line == "#[test]" || line.starts_with("#[tokio::test") {
                marked = true;
            } else if marked
                && let Some(rest) = line
                    .strip_prefix("fn ")
                    .or_else(|| line.strip_prefix("async fn "))
            {
                names.insert(rest.split(['(', '<']).next().unwrap_or("").to_owned());
                marked = false;
            }
        }
    }
    names
}

/// Invariants without a test that exists. A line reads `**Invariant:** sentence — `test_name`, …`.
fn unproven(document: &str, tests: &BTreeSet<String>) -> (usize, Vec<String>) {
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in document.lines().filter(|l| l.contains("Invariant:")) {
        count += 1;
        let (sentence, proof) = line.rsplit_once('—').unwrap_or((line, ""));
        let named: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            wrong.push(format!("names no test: {sentence}"));
        }
        for name in named {
            let bare = name.rsplit("::").next().unwrap_or(name);
            if !tests.contains(bare) {
                wrong.push(format!("no test is called `{bare}`: {sentence}"));
            }
        }
    }
    (count, wrong)
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md"))
        .unwrap_or_else(|e| panic!("ARCHITECTURE.md: {e}"));
    let (count, wrong) = unproven(&text, &tests_of(&files("rs")));
    assert!(count >= 10, "only {count} invariants");
    none(&wrong);
}

#[test]
fn an_invariant_without_its_test_is_seen() {
    let tests = tests_of(&[File {
        path: "x.rs".to_owned(),
        text: "#[test]\nfn a_holds() {}\nfn helper() {}\n#[tokio::test(start_paused = true)]\n#[expect(x)]\nasync fn b_holds() {}".to_owned(),
    }]);
    assert_eq!(tests.len(), 2);
    for (line, seen) in [
        ("**Invariant:** it holds — `a_holds`, `x::b_holds`", 0),
        ("**Invariant:** it holds — `helper`", 1),
        ("**Invariant:** it holds", 1),
        ("**Invariant:** it holds — nothing", 1),
        ("no line of that kind", 0),
    ] {
        assert_eq!(unproven(line, &tests).1.len(), seen, "{line}");
    }
}

/// The `reprise …` command lines of a document: in code spans, and in fenced blocks.
fn commands(document: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let candidates: Vec<&str> = if fenced {
            vec![line.trim()]
        } else {
            line.split('`').skip(1).step_by(2).collect()
        };
        for candidate in candidates {
            let Some(rest) = candidate.strip_prefix("reprise ") else {
                continue;
            };
            let end = rest
                .find(|c: char| matches!(c, '>' | '|' | '#' | ';' | '[') || !c.is_ascii())
                .unwrap_or(rest.len());
            found.push(words(&rest[..end]));
        }
    }
    found
}

/// As a shell takes them apart, with double quotes only.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (part, quoted) in line.split('"').zip([false, true].into_iter().cycle()) {
        match quoted {
            true => words.push(part.to_owned()),
            false => words.extend(part.split_whitespace().map(str::to_owned)),
        }
    }
    words
}

#[test]
fn every_command_of_the_documents_exists() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for document in files("md") {
        // Labels of keys there begin like commands.
        if document.path == "docs/format.md" {
            continue;
        }
        for words in commands(&document.text) {
            tried += 1;
            // clap answers --help only when everything before it is known.
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_reprise"))
                .args(&words)
                .arg("--help")
                .output()
                .unwrap_or_else(|e| panic!("start reprise: {e}"));
            if !output.status.success() {
                wrong.push(format!("{}: reprise {}", document.path, words.join(" ")));
            }
        }
    }
    assert!(tried > 10, "only {tried} commands found");
    none(&wrong);
}

#[test]
fn commands_are_found_in_a_text() {
    let text = "run `reprise plan run compta`, or `reprise vault …` or `cargo test`\n\
                ```\nreprise config example > reprise.toml\nreprise vault init /mnt --password-file x  # why\n./run\nreprise unprotected protect \"folder /srv\"\n```\n";
    assert_eq!(
        commands(text),
        [
            vec!["plan", "run", "compta"],
            vec!["vault"],
            vec!["config", "example"],
            vec!["vault", "init", "/mnt", "--password-file", "x"],
            vec!["unprotected", "protect", "folder /srv"],
        ]
    );
}

#[test]
fn every_configuration_of_the_documents_is_good() {
    let mut tried = 0;
    let mut wrong = Vec::new();
    for document in files("md") {
        for block in document.text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            let text = if block.contains("[appliance]") {
                block.to_owned()
            } else {
                format!("{block}\n[appliance]\nname = \"x\"\n")
            };
            tried += 1;
            if let Err(complaints) = config::parse(&text, &root().join("reprise.toml")) {
                wrong.push(format!("{}:\n{complaints}\nin\n{block}", document.path));
            }
        }
    }
    assert!(tried > 0, "no configuration found");
    none(&wrong);
}
