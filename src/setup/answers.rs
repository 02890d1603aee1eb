//! Where answers come from: a person at a terminal, asked again until an answer holds; or a file, where each must hold.

use crate::terminal::{self, Quiet};
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

/// Wrong answers to one question before a person is let go.
const PATIENCE: usize = 10;

pub(crate) enum Answers {
    Terminal,
    File {
        path: PathBuf,
        given: BTreeMap<String, String>,
    },
}

/// One question; `name` is its name in a file of answers.
pub(crate) struct Question<'a> {
    pub(crate) name: &'static str,
    pub(crate) text: &'a str,
    /// Taken for an empty answer, and shown.
    pub(crate) fallback: Option<&'a str>,
    /// What is typed is not shown; in a file, the answer is the name of a file that holds it on its first line.
    pub(crate) is_secret: bool,
}

/// The questions that a file may answer.
pub(crate) const NAMES: &[&str] = &[
    "place",
    "host_key",
    "ssh_password_file",
    "vault_password_file",
    "folders",
    "hour",
    "mail",
    "mail_server",
    "mail_password_file",
    "go",
];

impl Answers {
    /// Reads `name = answer` lines; `#` begins a comment.
    pub(crate) fn from_file(path: &Path) -> anyhow::Result<Answers> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("read the answers in {}", path.display()))?;
        let given = parse(&text).map_err(|(line, what)| {
            anyhow::anyhow!(
                "read the answers in {}: line {line}: {what}",
                path.display()
            )
        })?;
        Ok(Answers::File {
            path: path.to_owned(),
            given,
        })
    }

    /// Asks until `check` takes the answer. From a file, its error is the end.
    pub(crate) fn ask<T>(
        &mut self,
        question: &Question<'_>,
        mut check: impl FnMut(&str) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        match self {
            Answers::File { path, given } => {
                let given = given.get(question.name).map(String::as_str);
                let answer = match (given, question.is_secret) {
                    (Some(file), true) if !file.is_empty() => first_line(Path::new(file))?,
                    (given, _) => given.or(question.fallback).unwrap_or_default().to_owned(),
                };
                let path = path.display();
                check(&answer).with_context(|| format!("use `{}` of {path}", question.name))
            }
            Answers::Terminal => {
                for _ in 0..PATIENCE {
                    let answer = type_in(question)?;
                    match check(&answer) {
                        Ok(value) => return Ok(value),
                        Err(error) => terminal::note(&format!("  {}", terminal::causes(&error))),
                    }
                }
                bail!(
                    "set up: {PATIENCE} answers did not hold; see the last message, and begin again"
                )
            }
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Answers::Terminal)
    }
}

fn parse(text: &str) -> Result<BTreeMap<String, String>, (usize, String)> {
    let mut given = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |what: String| (at + 1, what);
        let (name, answer) = line
            .split_once('=')
            .ok_or_else(|| wrong("expected `name = answer`".to_owned()))?;
        let name = name.trim();
        if !NAMES.contains(&name) {
            let names = NAMES.join(", ");
            return Err(wrong(format!("`{name}` is no question; those are {names}")));
        }
        if given
            .insert(name.to_owned(), answer.trim().to_owned())
            .is_some()
        {
            return Err(wrong(format!("`{name}` is answered twice")));
        }
    }
    Ok(given)
}

fn first_line(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("read the secret in {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn type_in(question: &Question<'_>) -> anyhow::Result<String> {
    // Before the question is shown: who types fast, or pastes, is not to see it either.
    let quiet = match question.is_secret {
        true => Some(Quiet::begin()?),
        false => None,
    };
    let mut err = io::stderr().lock();
    let shown = match question.fallback {
        Some(fallback) if !fallback.is_empty() => format!("\n{} [{fallback}]\n> ", question.text),
        _ => format!("\n{}\n> ", question.text),
    };
    write!(err, "{shown}").context("ask on the terminal")?;
    err.flush().context("ask on the terminal")?;
    drop(err);
    let typed = line();
    if let Some(quiet) = quiet {
        drop(quiet);
        terminal::note("");
    }
    let typed = typed?;
    match (typed.trim(), question.fallback) {
        ("", Some(fallback)) => Ok(fallback.to_owned()),
        // A password may begin or end with a blank.
        _ if question.is_secret => Ok(typed),
        (text, _) => Ok(text.to_owned()),
    }
}

fn line() -> anyhow::Result<String> {
    let mut text = String::new();
    let read = io::stdin().lock().read_line(&mut text);
    if read.context("read the answer")? == 0 {
        bail!("read the answer: the input ended; begin again, or give a file with --answers");
    }
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_answers_is_read_line_by_line() {
        let given = parse("# my box\nplace = sftp://u@nas/v\n\nfolders=/a, /b = c\nmail =\n");
        let given = given.expect("good");
        assert_eq!(given["place"], "sftp://u@nas/v");
        assert_eq!(given["folders"], "/a, /b = c");
        assert_eq!(given["mail"], "");
        for (bad, at, what) in [
            ("place", 1, "expected"),
            ("\nplaec = x", 2, "no question"),
            ("hour = 1\nhour = 2", 2, "twice"),
        ] {
            let (line, said) = parse(bad).expect_err(bad);
            assert!(line == at && said.contains(what), "{bad}: {line} {said}");
        }
    }
}
