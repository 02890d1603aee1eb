//! `reprise setup`: asks, explains, tries each answer, and adds it to the configuration.

use crate::setup::answers::Answers;
use crate::setup::words::words;
use crate::setup::{self, finish, interview};
use crate::terminal;
use anyhow::{Context, bail};
use config::Locale;
use state::Clock;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where reprise.toml is or goes; else beside the one that is found, else /etc/reprise
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Asks nothing: a configuration and a vault in this folder, to try (what ./run does)
    #[arg(long, conflicts_with = "answers")]
    yes: bool,
    /// Takes the answers from a file of `name = answer` lines: place, host_key, ssh_password_file,
    /// vault_password_file, folders, hour, mail, mail_server, mail_password_file, go
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Writes the paper key into a new file (mode 0600) instead of the terminal
    #[arg(long, value_name = "FILE")]
    paper: Option<PathBuf>,
    /// The language of the questions: fr or en; else the session's
    #[arg(long, value_parser = ["fr", "en"])]
    language: Option<String>,
    /// Only a configuration with nothing to save yet (what the package does)
    #[arg(long, hide = true, conflicts_with_all = ["yes", "answers"])]
    base: bool,
}

pub(crate) fn run(explicit: Option<&Path>, args: &Args) -> anyhow::Result<ExitCode> {
    if args.yes {
        return first_start(args.dir.as_deref().unwrap_or(Path::new(".")));
    }
    let file = configuration(explicit, args.dir.as_deref())?;
    if args.base {
        setup::base(&file)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut answers = match &args.answers {
        Some(path) => Answers::from_file(path)?,
        None if terminal::is_interactive() => Answers::Terminal,
        None => bail!(
            "ask the questions: this is not a terminal; give a file of answers with --answers, or --yes for a first try"
        ),
    };
    let language = match args.language.as_deref() {
        Some("fr") => Locale::Fr,
        Some(_) => Locale::En,
        None => setup::language(),
    };
    let words = words(language);
    setup::base(&file)?;
    let now = Clock::System.now();
    match interview::hold(&mut answers, words, &file, now)? {
        Some(agreed) => {
            finish::finish(&mut answers, words, agreed, args.paper.as_deref(), now)?;
            Ok(ExitCode::SUCCESS)
        }
        None => Ok(ExitCode::FAILURE),
    }
}

fn configuration(explicit: Option<&Path>, dir: Option<&Path>) -> anyhow::Result<PathBuf> {
    let file = match (explicit, dir) {
        (_, Some(dir)) => dir.join("reprise.toml"),
        (Some(file), None) => file.to_owned(),
        (None, None) => match config::find(None) {
            Ok(found) => found,
            Err(_) => PathBuf::from("/etc/reprise/reprise.toml"),
        },
    };
    std::path::absolute(&file).with_context(|| format!("find {}", file.display()))
}

fn first_start(dir: &Path) -> anyhow::Result<ExitCode> {
    let Some(plan) = setup::plan(dir, &setup::box_name())? else {
        terminal::note(
            "reprise.toml is there already; nothing was changed (`reprise config check` reads it)",
        );
        return Ok(ExitCode::SUCCESS);
    };
    setup::execute(&plan)?;
    terminal::note(&format!("configuration written: {}", plan.file.display()));
    Ok(ExitCode::SUCCESS)
}
