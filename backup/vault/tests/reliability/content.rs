//! What a snapshot holds, read back through the vault and compared with a naive copy.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use vault::{Snapshot, Vault};

/// Path below the root → bytes; folders have none.
pub(crate) type Content = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

pub(crate) fn of_folder(root: &Path) -> Content {
    let mut content = Content::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let below = path.strip_prefix(root).unwrap().as_os_str().as_bytes();
            if path.is_dir() {
                content.insert(below.to_vec(), None);
                folders.push(path.clone());
            } else {
                content.insert(below.to_vec(), Some(fs::read(&path).unwrap()));
            }
        }
    }
    content
}

/// How many of the entries of `want`, and the root, cannot be read any more; fails when one reads as something else.
pub(crate) fn lost(vault: &Vault, snapshot: &Snapshot, want: &Content) -> Result<usize, String> {
    let mut lost = want.len() + 1;
    let Ok(roots) = vault.list(snapshot, b"") else {
        return Ok(lost);
    };
    let [root] = &roots[..] else {
        return Err(format!("{} roots", roots.len()));
    };
    let mut folders = vec![root.path.clone()];
    while let Some(folder) = folders.pop() {
        let Ok(nodes) = vault.list(snapshot, &folder) else {
            continue;
        };
        lost -= 1;
        for node in nodes {
            let below = &node.path[root.path.len() + 1..];
            let shown = String::from_utf8_lossy(below);
            let wanted = want.get(below).ok_or(format!("{shown} was never there"))?;
            let Some(wanted) = wanted else {
                if !node.is_dir() {
                    return Err(format!("{shown} was a folder"));
                }
                folders.push(node.path.clone());
                continue;
            };
            let mut bytes = Vec::new();
            let read = vault
                .open_file(&node)
                .is_ok_and(|mut file| file.read_to_end(&mut bytes).is_ok());
            if read {
                lost -= 1;
                if *wanted != bytes {
                    return Err(format!("{shown} reads as something else"));
                }
            }
        }
    }
    Ok(lost)
}

/// Of a snapshot of one root.
pub(crate) fn of_snapshot(vault: &Vault, snapshot: &Snapshot) -> Result<Content, vault::Error> {
    let mut content = Content::new();
    let roots = vault.list(snapshot, b"")?;
    let root = roots[0].path.clone();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for node in vault.list(snapshot, &folder)? {
            let below = node.path[root.len() + 1..].to_vec();
            if node.is_dir() {
                content.insert(below, None);
                folders.push(node.path.clone());
            } else {
                let mut bytes = Vec::new();
                let read = vault.open_file(&node)?.read_to_end(&mut bytes);
                read.map_err(|source| vault::Error::Source {
                    what: String::from_utf8_lossy(&node.path).into_owned(),
                    source,
                })?;
                content.insert(below, Some(bytes));
            }
        }
    }
    Ok(content)
}
