//! `reprise vault ls`: what a folder of a snapshot holds.

use super::{Place, problems, when};
use crate::terminal::{self, JsonList};
use crate::wire::vault::Entry;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use vault::{Node, NodeKind, Vault};

#[derive(Debug, clap::Args)]
pub(crate) struct Ls {
    #[command(flatten)]
    pub(super) place: Place,
    /// A unique beginning of its id, `latest`, or PLAN@latest
    snapshot: String,
    /// The folder as it was named when saved
    path: Option<OsString>,
    /// Also what its folders hold, with whole paths
    #[arg(long, short)]
    recursive: bool,
    /// Prints JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Mode, owner, size, time; the name is written by whoever knows it.
fn cells(node: &Node) -> Vec<String> {
    vec![
        format!("{:04o}", node.mode),
        format!("{}:{}", node.uid, node.gid),
        terminal::bytes(node.size),
        when(node.mtime_s.saturating_mul(1000)),
    ]
}

fn decorated(node: &Node, mut name: String) -> String {
    if node.is_dir() && !name.ends_with('/') {
        name.push('/');
    }
    if let NodeKind::Symlink { target } = &node.kind {
        name.push_str(&format!(" -> {}", String::from_utf8_lossy(target)));
    }
    name
}

pub(super) fn ls(vault: &Vault, args: &Ls) -> anyhow::Result<ExitCode> {
    let snapshot = vault.snapshot(&args.snapshot)?;
    let path = args.path.clone().unwrap_or_default();
    if args.recursive {
        return recursive(vault, &snapshot, path.as_bytes(), args.json);
    }
    let nodes = vault.list(&snapshot, path.as_bytes())?;
    if args.json {
        let mut list = JsonList::begin()?;
        for node in &nodes {
            list.item(&Entry::of(node))?;
        }
        list.end()?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |node: &Node| {
        let name = match path.is_empty() {
            true => String::from_utf8_lossy(&node.path).into_owned(),
            false => node.display_name(),
        };
        let mut row = cells(node);
        row.push(decorated(node, name));
        row
    };
    let head = ["mode", "owner", "size", "changed", "name"];
    terminal::table(&head, &nodes.iter().map(row).collect::<Vec<_>>())?;
    Ok(ExitCode::SUCCESS)
}

/// Written as it is read: a whole snapshot need not fit into memory.
fn recursive(
    vault: &Vault,
    snapshot: &vault::Snapshot,
    path: &[u8],
    json: bool,
) -> anyhow::Result<ExitCode> {
    let mut list = if json { Some(JsonList::begin()?) } else { None };
    let mut said = super::Said::default();
    let bad = vault::list::each(vault, snapshot, path, &mut |node, _| {
        said.hear(match &mut list {
            Some(list) => list.item(&Entry::of(node)),
            None => {
                let cells = cells(node);
                let name = decorated(node, String::from_utf8_lossy(&node.path).into_owned());
                terminal::line(&format!(
                    "{:4}  {:>11}  {:>9}  {}  {}",
                    cells[0],
                    cells[1],
                    cells[2],
                    cells[3],
                    terminal::shown(&name)
                ))
            }
        })
    });
    let bad = said.or(bad)?;
    if let Some(list) = list {
        list.end()?;
    }
    Ok(problems(&bad))
}
