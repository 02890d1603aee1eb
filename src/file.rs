//! Small files that are whole or not there, readable by their owner only.

use anyhow::Context;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Makes a folder that only its owner enters, with the folders above it; one that is there is left
/// as it is.
pub(crate) fn folder(path: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| {
            format!(
                "make the folder {}; make its parent writable",
                path.display()
            )
        })
}

/// Writes `path`, replacing what was there.
pub(crate) fn publish(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = written_beside(path, bytes)?;
    fs::rename(&beside, path)?;
    keep(path)
}

/// Writes `path`; an error when something is there already.
pub(crate) fn publish_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = written_beside(path, bytes)?;
    let linked = fs::hard_link(&beside, path);
    let _ = fs::remove_file(&beside);
    linked?;
    keep(path)
}

/// Copies `from` to `path` with its mode, replacing what was there: whole or not at all.
pub(crate) fn place(from: &Path, path: &Path) -> io::Result<()> {
    let beside = beside(path);
    fs::copy(from, &beside)?;
    fs::File::open(&beside)?.sync_all()?;
    fs::rename(&beside, path)?;
    keep(path)
}

fn beside(path: &Path) -> std::path::PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn written_beside(path: &Path, bytes: &[u8]) -> io::Result<std::path::PathBuf> {
    let beside = beside(path);
    match fs::remove_file(&beside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(beside)
}

/// The name itself survives a power cut.
fn keep(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_when_asked() {
        let dir = std::env::temp_dir().join(format!("reprise-file-{}", state::id::new()));
        fs::create_dir_all(&dir).expect("temp");
        let path = dir.join("a.toml");
        publish_new(&path, b"one").expect("new");
        assert!(publish_new(&path, b"two").is_err());
        assert_eq!(fs::read(&path).expect("kept"), b"one");
        publish(&path, b"three").expect("replaced");
        assert_eq!(fs::read(&path).expect("replaced"), b"three");
        assert_eq!(
            fs::read_dir(&dir).expect("list").count(),
            1,
            "nothing is left beside"
        );
        fs::remove_dir_all(&dir).expect("clean");
    }
}
