//! The dumps of databases that a snapshot holds.

use databases::Manifest;
use std::io::Read;
use vault::{Error, NodeKind, Problem, Snapshot, Vault};

/// The largest manifest that is read.
const MANIFEST_BYTES: u64 = 64 << 20;

/// What an empty server takes on disk, with its logs.
const SERVER_BYTES: u64 = 512 << 20;

/// A dump, or what hinders to read it.
#[derive(Clone, Debug)]
pub(crate) struct Dump {
    /// Its folder in the snapshot.
    pub(crate) path: Vec<u8>,
    /// Not read when it is no manifest.
    pub(crate) manifest: Result<Manifest, Problem>,
    pub(crate) bytes: u64,
    pub(crate) snapshot: Snapshot,
}

impl Dump {
    /// On disk once loaded: rows, their keys, and what the server writes meanwhile.
    pub(crate) fn room(&self) -> u64 {
        self.bytes.saturating_mul(3).saturating_add(SERVER_BYTES)
    }
}

fn is_dump(path: &[u8]) -> bool {
    let below = path.strip_prefix(databases::manifest::FOLDER.as_bytes());
    below.is_some_and(|rest| rest.len() > 1 && rest.starts_with(b"/"))
}

/// Every dump of the snapshot. One whose manifest cannot be read is among them. Blocks.
pub(crate) fn read(vault: &Vault, snapshot: &Snapshot) -> Result<Vec<Dump>, Error> {
    let mut dumps = Vec::new();
    for root in vault.list(snapshot, b"")? {
        if !is_dump(&root.path) {
            continue;
        }
        let mut bytes = 0;
        vault::list::each(vault, snapshot, &root.path, &mut |node, _| {
            if node.kind != NodeKind::Dir {
                bytes += node.size;
            }
            Ok(())
        })?;
        dumps.push(Dump {
            manifest: manifest(vault, snapshot, &root.path),
            path: root.path,
            bytes,
            snapshot: snapshot.clone(),
        });
    }
    Ok(dumps)
}

/// What is saved beside the dumps. Blocks.
pub(crate) fn others(vault: &Vault, snapshot: &Snapshot) -> Result<Vec<Vec<u8>>, Error> {
    let roots = vault.list(snapshot, b"")?.into_iter().map(|root| root.path);
    Ok(roots.filter(|path| !is_dump(path)).collect())
}

fn manifest(vault: &Vault, snapshot: &Snapshot, folder: &[u8]) -> Result<Manifest, Problem> {
    let path = [folder, b"/manifest.json".as_slice()].concat();
    let shown = String::from_utf8_lossy(&path).into_owned();
    let problem = |what: String| Problem::new(shown.clone(), what);
    let node = vault
        .node(snapshot, &path)
        .map_err(|e| problem(e.to_string()))?;
    let file = vault.open_file(&node).map_err(|e| problem(e.to_string()))?;
    let mut bytes = Vec::new();
    let read = file.take(MANIFEST_BYTES).read_to_end(&mut bytes);
    read.map_err(|e| problem(e.to_string()))?;
    Manifest::decode(&bytes).map_err(|e| problem(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_the_folder_of_dumps_is_one() {
        for (path, want) in [
            ("/.reprise/databases/dolibarr", true),
            ("/.reprise/databases", false),
            ("/.reprise/databases/", false),
            ("/.reprise/databasesx/a", false),
            ("/srv/.reprise/databases/a", false),
        ] {
            assert_eq!(is_dump(path.as_bytes()), want, "{path}");
        }
    }
}
