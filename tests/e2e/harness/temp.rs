//! Folders and small file systems that go away with the test.

use super::tool;
use std::path::{Path, PathBuf};

/// A folder under the system's temporary one, removed when dropped.
pub(crate) struct Temp(PathBuf);

impl Temp {
    pub(crate) fn new() -> Temp {
        let path = std::env::temp_dir().join(format!("reprise-e2e-{}", state::id::new()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Temp(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, leaf: &str) -> PathBuf {
        self.0.join(leaf)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if std::fs::remove_dir_all(&self.0).is_err() {
            eprintln!("left behind: {}", self.0.display());
        }
    }
}

/// A tmpfs mounted on a folder, unmounted when dropped. Make it after the [`Temp`] it lies in.
pub(crate) struct Mount(PathBuf);

impl Mount {
    /// `options` as for mount(8): `size=4m`, `ro`.
    pub(crate) fn tmpfs(folder: &Path, options: &str) -> Mount {
        std::fs::create_dir_all(folder).expect("a folder to mount on");
        let place = folder.display().to_string();
        tool("mount", &["-t", "tmpfs", "-o", options, "tmpfs", &place]);
        Mount(folder.to_owned())
    }

    /// The folder itself, read-only (root ignores mode bits, not this).
    pub(crate) fn read_only(folder: &Path) -> Mount {
        let place = folder.display().to_string();
        tool("mount", &["--bind", &place, &place]);
        let mount = Mount(folder.to_owned());
        mount.remount("bind,ro");
        mount
    }

    pub(crate) fn remount(&self, options: &str) {
        let place = self.0.display().to_string();
        tool("mount", &["-o", &format!("remount,{options}"), &place]);
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a killed process may still be on its way out.
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}
