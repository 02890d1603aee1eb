//! `reprise manual`, for the package: man pages and completions out of the one definition of the command line.

use crate::cli::Cli;
use crate::terminal;
use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where they go; made if its parent exists
    folder: PathBuf,
}

/// Where each shell looks below `/usr/share`.
const COMPLETIONS: [(Shell, &str, &str); 3] = [
    (Shell::Bash, "bash-completion/completions", "reprise"),
    (Shell::Zsh, "zsh/vendor-completions", "_reprise"),
    (Shell::Fish, "fish/vendor_completions.d", "reprise.fish"),
];

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut command = Cli::command();
    // Sub-commands learn their full names, `reprise vault backup`.
    command.build();
    pages(&command, &folder(&args.folder, "man/man1")?)?;
    for (shell, below, name) in COMPLETIONS {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "reprise", &mut text);
        write(&folder(&args.folder, below)?.join(name), &text)?;
    }
    terminal::line(&args.folder.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// One page for each command that help names.
fn pages(command: &clap::Command, folder: &Path) -> anyhow::Result<()> {
    let page = clap_mangen::Man::new(command.clone())
        .manual("Reprise")
        .source(format!("reprise {}", crate::version::NUMBER));
    let mut text = Vec::new();
    page.render(&mut text).context("write a man page")?;
    write(&folder.join(page.get_filename()), &text)?;
    for inner in command.get_subcommands() {
        if !inner.is_hide_set() && inner.get_name() != "help" {
            pages(inner, folder)?;
        }
    }
    Ok(())
}

fn folder(above: &Path, below: &str) -> anyhow::Result<PathBuf> {
    let path = above.join(below);
    std::fs::create_dir_all(&path).with_context(|| {
        format!(
            "make the folder {}; make its parent writable",
            path.display()
        )
    })?;
    Ok(path)
}

fn write(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, text)
        .with_context(|| format!("write {}; make its folder writable", path.display()))
}
