//! The tree that the kernel unpacks into memory: busybox, the agent, drivers and the script that starts them.

use std::collections::BTreeMap;
use std::path::Path;

use super::cpio::{Entry, Tree};
use super::error::Error;
use super::modules::{self, Chosen};
use super::{modinfo, selection};

/// Higher levels save about 3 % and cost minutes; the kernel is told nothing, any level reads alike.
const ZSTD_LEVEL: i32 = 9;

pub(super) struct Parts<'p> {
    pub busybox: &'p Path,
    pub program: &'p [u8],
    /// `lib/modules/VERSION` of the unpacked kernel.
    pub modules: &'p Path,
    pub kernel_version: &'p str,
    pub mtime_s: u32,
}

pub(super) struct Built {
    pub bytes: Vec<u8>,
    pub plain_len: usize,
    pub modules: usize,
    pub absent: Vec<String>,
}

pub(super) fn build(parts: &Parts<'_>) -> Result<Built, Error> {
    let paths = module_paths(parts.modules)?;
    let mut content: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let chosen = modules::choose(selection::all(), &paths, |name, path| {
        let file = parts.modules.join(path);
        let bytes = std::fs::read(&file).map_err(Error::io("reading", &file))?;
        let info = modinfo::parse(&bytes).map_err(|why| Error::Module {
            module: name.to_owned(),
            folder: parts.modules.to_owned(),
            why,
        })?;
        content.insert(path.to_owned(), bytes);
        Ok::<_, Error>(info)
    })?;
    let busybox = std::fs::read(parts.busybox).map_err(Error::io("reading", parts.busybox))?;
    let archive = tree(&chosen, content, busybox, parts).archive(parts.mtime_s);
    let bytes = zstd::bulk::compress(&archive, ZSTD_LEVEL)
        .map_err(Error::io("compressing", parts.modules))?;
    Ok(Built {
        bytes,
        plain_len: archive.len(),
        modules: chosen.paths.len(),
        absent: chosen.absent,
    })
}

fn tree(
    chosen: &Chosen,
    content: BTreeMap<String, Vec<u8>>,
    busybox: Vec<u8>,
    parts: &Parts<'_>,
) -> Tree {
    let mut tree = Tree::default();
    for folder in ["dev", "proc", "run", "sys", "tmp"] {
        tree.add(folder, Entry::Dir);
    }
    // The kernel opens the console before anything can mount a device file system.
    tree.add("dev/console", Entry::CharDevice(5, 1));
    tree.add("dev/null", Entry::CharDevice(1, 3));
    tree.add("bin/busybox", Entry::File(busybox, 0o755));
    tree.add("bin/sh", Entry::Symlink("busybox".into()));
    // The kernel itself calls this path when it wants a module.
    tree.add("sbin/modprobe", Entry::Symlink("/bin/busybox".into()));
    tree.add("bin/reprise", Entry::File(parts.program.to_vec(), 0o755));
    tree.add(
        "bin/stay",
        Entry::File(b"#!/bin/sh\ntouch /run/stay\n".to_vec(), 0o755),
    );
    tree.add(
        "etc/udhcpc.sh",
        Entry::File(include_bytes!("udhcpc.sh").to_vec(), 0o755),
    );
    tree.add(
        "init",
        Entry::File(include_bytes!("init.sh").to_vec(), 0o755),
    );
    let home = format!("lib/modules/{}", parts.kernel_version);
    tree.add(
        &format!("{home}/modules.dep"),
        Entry::File(chosen.dep.clone().into_bytes(), 0o644),
    );
    tree.add(
        &format!("{home}/modules.alias"),
        Entry::File(chosen.alias.clone().into_bytes(), 0o644),
    );
    // Modules stay byte for byte as Debian signed them: under Secure Boot the kernel takes no others.
    for (path, bytes) in content {
        tree.add(&format!("{home}/{path}"), Entry::File(bytes, 0o644));
    }
    tree
}

/// Module names to paths relative to `folder`.
fn module_paths(folder: &Path) -> Result<BTreeMap<String, String>, Error> {
    let mut paths = BTreeMap::new();
    let mut open = vec![folder.join("kernel")];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).map_err(Error::io("reading", &at))? {
            let entry = entry.map_err(Error::io("reading", &at))?;
            let path = entry.path();
            // Symbolic links (an installed kernel's `build`) are not followed.
            let kind = entry.file_type().map_err(Error::io("reading", &path))?;
            if kind.is_dir() {
                open.push(path);
            } else if let Some((name, relative)) = as_module(folder, &path) {
                paths.insert(name, relative);
            }
        }
    }
    if paths.is_empty() {
        return Err(Error::Missing {
            folder: folder.to_owned(),
            what: "uncompressed kernel module (*.ko)".to_owned(),
        });
    }
    Ok(paths)
}

fn as_module(folder: &Path, path: &Path) -> Option<(String, String)> {
    let relative = path.strip_prefix(folder).ok()?.to_str()?;
    let name = path.file_name()?.to_str()?.strip_suffix(".ko")?;
    Some((modinfo::name_of(name), relative.to_owned()))
}
