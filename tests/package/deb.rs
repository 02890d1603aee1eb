//! The package as `./package` makes it, from this build's binary.

use crate::harness::{Temp, tool};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Made once, kept in cargo's own folder for tests.
pub(crate) fn made() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
        let _ = std::fs::remove_dir_all(&out);
        std::fs::create_dir_all(&out).expect("a folder");
        make(&stripped(&out), &out)
    })
}

/// The binary without what a debugger reads, as a release has it: ten times smaller to pack.
pub(crate) fn stripped(folder: &Path) -> PathBuf {
    let to = folder.join("reprise");
    let (from, shown) = (env!("CARGO_BIN_EXE_reprise"), to.display().to_string());
    tool("strip", &["-o", &shown, from]);
    to
}

pub(crate) fn make(binary: &Path, out: &Path) -> PathBuf {
    let made = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("package"))
        .arg("--binary")
        .arg(binary)
        .arg("--out")
        .arg(out)
        // Elsewhere than in the tree: it must find its own way.
        .current_dir("/")
        .output()
        .expect("start ./package");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let name = String::from_utf8(made.stdout).expect("text");
    PathBuf::from(name.trim())
}

/// The same package under another version, as the next release would be.
pub(crate) fn with_version(package: &Path, version: &str, folder: &Temp) -> PathBuf {
    let tree = folder.join(&format!("tree-{version}"));
    let (from, to) = (package.display().to_string(), tree.display().to_string());
    tool("dpkg-deb", &["-R", &from, &to]);
    let control = tree.join("DEBIAN/control");
    let text = std::fs::read_to_string(&control).expect("control");
    let lines = text
        .lines()
        .map(|line| match line.starts_with("Version: ") {
            true => format!("Version: {version}\n"),
            false => format!("{line}\n"),
        });
    std::fs::write(&control, lines.collect::<String>()).expect("control");
    let made = folder.join(&format!("reprise_{version}_amd64.deb"));
    let shown = made.display().to_string();
    // Not packed small: it is unpacked once.
    tool(
        "dpkg-deb",
        &["--root-owner-group", "-Znone", "-b", &to, &shown],
    );
    made
}
