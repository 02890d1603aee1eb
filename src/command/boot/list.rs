//! `reprise boot assets list`: each file that boots machines, what it is, and who signed it.

use crate::terminal;
use anyhow::Context;
use images::assets::{Assets, own};
use images::secure_boot::{authenticode, authority};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

struct Row {
    file: String,
    size_bytes: u64,
    sha256: String,
    /// The package it came from, with its version.
    from: String,
    boots: &'static str,
    /// The authority of each signature; none for a file that is no UEFI program, or that nobody signed.
    signed_under: Vec<String>,
}

pub(super) fn run(assets: &Assets, json: bool) -> anyhow::Result<ExitCode> {
    let all: [(&Path, &str, &'static str); 9] = [
        (&assets.boot_img, "reprise", "UEFI HTTP Boot, sticks"),
        (
            &assets.shim,
            "shim",
            "first loader of boot.img, and of UEFI PXE",
        ),
        (&assets.grub_net, "grub", "what shim starts by PXE"),
        (&assets.snponly_efi, "ipxe", "UEFI PXE, Secure Boot off"),
        (&assets.undionly_kpxe, "ipxe", "BIOS PXE"),
        (&assets.kernel, "kernel", "what iPXE starts"),
        (&assets.initrd, "reprise", "what iPXE starts"),
        (
            &assets.memtest_efi,
            "memtest86+",
            "UEFI memory test, Secure Boot off",
        ),
        (&assets.memtest_bin, "memtest86+", "BIOS memory test"),
    ];
    let mut rows = all
        .iter()
        .map(|(path, part, boots)| row(assets, path, part, boots))
        .collect::<anyhow::Result<Vec<Row>>>()?;
    let dir = own::folder(&assets.dir);
    let added = own::list(&dir).context("read the list of your own boot files")?;
    for own in &added {
        // In its place: what is listed is what is served.
        rows.retain(|row| row.file != own.name);
        rows.push(own_row(&dir, own));
    }
    if json {
        let rows: Vec<_> = rows.iter().map(shape).collect();
        terminal::json(&json!({ "dir": assets.dir, "files": rows }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let or_dash = |text: String| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text
        }
    };
    let table: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            vec![
                row.file,
                terminal::bytes(row.size_bytes),
                row.boots.to_owned(),
                row.from,
                row.sha256,
                or_dash(row.signed_under.join(", ")),
            ]
        })
        .collect();
    let head = ["file", "size", "boots", "from", "sha-256", "signed under"];
    terminal::table(&head, &table)?;
    Ok(ExitCode::SUCCESS)
}

fn row(assets: &Assets, path: &Path, part: &str, boots: &'static str) -> anyhow::Result<Row> {
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let version = assets.made_of.iter().find(|(name, _)| name == part);
    Ok(Row {
        file: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        size_bytes: bytes.len() as u64,
        sha256: digest.as_ref().iter().map(|b| format!("{b:02x}")).collect(),
        from: match version {
            Some((name, version)) => format!("{name} {version}"),
            None => part.to_owned(),
        },
        boots,
        signed_under: authorities(&bytes),
    })
}

fn own_row(dir: &Path, own: &own::Own) -> Row {
    let good = own::check(dir, own);
    if let Err(error) = &good {
        terminal::note(&error.to_string());
    }
    let bytes = fs::read(dir.join(&own.name)).unwrap_or_default();
    Row {
        file: own.name.clone(),
        size_bytes: own.size_bytes,
        sha256: own.sha256.clone(),
        from: match good {
            Ok(()) => format!("added: {}", own.origin),
            Err(_) => format!("CHANGED, not served: {}", own.origin),
        },
        boots: own::boots(&own.name).unwrap_or_default(),
        signed_under: authorities(&bytes),
    }
}

fn authorities(program: &[u8]) -> Vec<String> {
    authenticode::signatures(program)
        .iter()
        .filter_map(|names| authority(names).cloned())
        .collect()
}

fn shape(row: &Row) -> serde_json::Value {
    json!({
        "file": row.file,
        "size_bytes": row.size_bytes,
        "sha256": row.sha256,
        "from": row.from,
        "boots": row.boots,
        "signed_under": row.signed_under,
    })
}
