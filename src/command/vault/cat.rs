//! `reprise vault cat`: a file, a range of it, or a folder as an archive, to the standard output or a file.

use super::sparse::Sparse;
use super::{Place, problems};
use crate::terminal;
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;
use vault::{Part, Snapshot, Vault};

#[derive(Debug, clap::Args)]
pub(crate) struct Cat {
    #[command(flatten)]
    pub(super) place: Place,
    /// A unique beginning of its id, `latest`, or PLAN@latest
    snapshot: String,
    /// The file, or with --format the folder, as it was named when saved; with --format it may be left out: everything
    #[arg(required_unless_present = "format")]
    path: Option<OsString>,
    /// Begin so many bytes after the file's start
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 0,
        conflicts_with = "format"
    )]
    offset: u64,
    /// At most so many bytes
    #[arg(long, value_name = "BYTES", conflicts_with = "format")]
    length: Option<u64>,
    /// Pack the file or folder: tar keeps owners, links and attributes, zip opens everywhere
    #[arg(long)]
    format: Option<Format>,
    /// Write to this new file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Tar,
    Zip,
}

pub(super) fn run(vault: &Vault, args: &Cat) -> anyhow::Result<ExitCode> {
    let snapshot = vault.snapshot(&args.snapshot)?;
    let path = args.path.clone().unwrap_or_default();
    let path = path.as_bytes();
    if args.format.is_none() && vault.node(&snapshot, path)?.is_dir() {
        bail!(
            "read {}: it is a folder; pack it with --format tar or --format zip",
            terminal::shown(&String::from_utf8_lossy(path))
        );
    }
    let out = out(args)?;
    let Some(format) = args.format else {
        return file(vault, &snapshot, path, args, out);
    };
    // What is not there is an answer, not half an archive.
    if !path.is_empty() {
        vault.node(&snapshot, path)?;
    }
    let out = io::BufWriter::with_capacity(256 * 1024, out);
    let bad = match format {
        Format::Tar => vault::tar::write(vault, &snapshot, path, out),
        Format::Zip => vault::zip::write(vault, &snapshot, path, out),
    };
    match bad {
        Ok(bad) => Ok(problems(&bad)),
        Err(vault::Error::Archive(error)) => Err(terminal::Output::from(error).into()),
        Err(error) => Err(error.into()),
    }
}

/// Not Rust's own standard output: that one looks for ends of lines.
fn out(args: &Cat) -> anyhow::Result<File> {
    let Some(path) = &args.output else {
        let out = io::stdout().as_fd().try_clone_to_owned();
        return Ok(File::from(out.context("open the standard output")?));
    };
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.with_context(|| format!("make {}; choose a name that is not taken", path.display()))
}

fn file(
    vault: &Vault,
    snapshot: &Snapshot,
    path: &[u8],
    args: &Cat,
    out: File,
) -> anyhow::Result<ExitCode> {
    let node = vault.node(snapshot, path)?;
    let mut reader = vault.open_file(&node)?;
    let shown = || terminal::shown(&String::from_utf8_lossy(path));
    if args.offset > 0 {
        let sought = reader.seek_to(args.offset);
        sought.with_context(|| format!("read {}", shown()))?;
    }
    let mut left = args.length.unwrap_or(u64::MAX);
    let mut out = Sparse::begin(out);
    while left > 0 {
        let part = reader.next_part(left.min(PART));
        let part = part.with_context(|| format!("read {}", shown()))?;
        let written = match part {
            None => break,
            Some(Part::Bytes(bytes)) => out.bytes(bytes).map(|()| bytes.len() as u64),
            Some(Part::Hole(len)) => out.hole(len).map(|()| len),
        };
        left -= written.map_err(terminal::Output::from)?;
    }
    out.end().map_err(terminal::Output::from)?;
    Ok(ExitCode::SUCCESS)
}

/// Between two looks at whether the output is still wanted.
const PART: u64 = 1 << 20;
