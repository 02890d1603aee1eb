//! `reprise image`: system images in the vault.

use super::answer::{self, items, short, size, text};
use super::session;
use crate::control::encoded_bytes;
use crate::door::Door;
use crate::terminal::{self, Bar};
use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The images and the vault that holds each
    List {
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Puts a raw system disk into the vault, deduplicated like everything
    Import {
        /// A raw disk image, or a disk
        file: PathBuf,
        /// Its name; else the file's
        #[arg(long)]
        name: Option<String>,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Reads a disk of a host into a new image, at its next network boot; nothing on the disk is changed
    Capture {
        /// Id, name or MAC of an approved host
        host: String,
        /// The name of the image
        #[arg(long)]
        name: String,
        /// Serial number or name of the disk, when the host has several
        #[arg(long)]
        disk: Option<String>,
        /// Prints JSON, for programs
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(door: &Door, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { json } => {
            let found = door.get("/api/images")?;
            let head = ["image", "name", "size", "added", "imported"];
            let code = answer::list(json, &found, items(&found["images"]), &head, |image| {
                vec![
                    short(image, "id"),
                    text(image, "name"),
                    size(image, "size_bytes"),
                    size(image, "stored_bytes"),
                    door.when(&image["imported_ms"]),
                ]
            })?;
            if !json {
                answer::problems(&found["problems"]);
            }
            Ok(code)
        }
        Command::Import { file, name, json } => {
            let name = match name {
                Some(name) => name,
                None => name_of(&file)?,
            };
            let image = import(door, &file, &name)?;
            if json {
                terminal::json(&image)?;
            } else {
                terminal::line(&format!(
                    "image {}: {}, {}, {} added to the vault",
                    short(&image, "id"),
                    text(&image, "name"),
                    size(&image, "size_bytes"),
                    size(&image, "stored_bytes")
                ))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Capture {
            host,
            name,
            disk,
            json,
        } => {
            let asked = json!({"host": host, "image": name, "disk": disk});
            let session = door.post("/api/sessions/capture", &asked)?;
            session::opened(&session, json)?;
            if !json {
                terminal::note(&format!(
                    "{}\nstart {} from the network; `reprise session show {}` says how far it is",
                    text(&session, "lost"),
                    text(&session, "host_name"),
                    text(&session, "id"),
                ));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn name_of(file: &Path) -> anyhow::Result<String> {
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some(stem) => Ok(stem.to_owned()),
        None => bail!(
            "name the image after {}: it has no name of plain text; give one with --name",
            file.display()
        ),
    }
}

/// The answer comes when the image is stored; the bar is drawn meanwhile.
fn import(door: &Door, file: &Path, name: &str) -> anyhow::Result<Value> {
    let path = std::path::absolute(file).context("find the disk image")?;
    let asked = json!({"name": name, "path": encoded_bytes(path.as_os_str().as_bytes())});
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| door.post_patiently("/api/images/import", &asked));
        let mut bar = Bar::new();
        while !answer.is_finished() {
            answer::draw(door, &mut bar, |line| {
                line["kind"] == "import" && line["subject"] == name
            })?;
            std::thread::sleep(Duration::from_millis(100));
        }
        drop(bar);
        match answer.join() {
            Ok(answer) => answer,
            Err(_) => bail!(
                "import the image: the command failed unexpectedly; look at the log of the appliance"
            ),
        }
    })
}
