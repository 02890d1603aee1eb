//! Debian packages as a source of files: downloaded and unpacked into a work folder, never installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::Error;

/// The package whose only dependency names the current kernel package.
const KERNEL_META: &str = "linux-image-amd64";

/// An unpacked package, or a folder given in its place.
pub(super) struct Unpacked {
    pub root: PathBuf,
    /// Debian's version, or what to say instead.
    pub version: String,
}

/// Downloads and unpacks `package` beneath `work`; apt checks signatures and hashes.
pub(super) fn fetch(package: &str, work: &Path) -> Result<Unpacked, Error> {
    let folder = work.join(package);
    std::fs::create_dir_all(&folder).map_err(Error::io("creating", &folder))?;
    // apt drops root for downloads, and its user may not write into our folder.
    let mut apt = Command::new("apt-get");
    apt.args(["download", "-q", "-o", "APT::Sandbox::User=root", package])
        .current_dir(&folder);
    let output = run(apt, "apt-get", "apt")?;
    if !output.status.success() {
        return Err(Error::Download {
            package: package.to_owned(),
            detail: last_words(&output.stderr),
        });
    }
    let deb = only_deb(&folder).ok_or_else(|| Error::Download {
        package: package.to_owned(),
        detail: "apt-get left no file".to_owned(),
    })?;
    let root = folder.join("root");
    let mut dpkg = Command::new("dpkg-deb");
    dpkg.arg("-x").arg(&deb).arg(&root);
    let output = run(dpkg, "dpkg-deb", "dpkg")?;
    if !output.status.success() {
        let detail = last_words(&output.stderr);
        return Err(Error::Unpack {
            package: package.to_owned(),
            detail,
            work: folder,
        });
    }
    let name = deb
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Unpacked {
        root,
        version: version_of(&name).unwrap_or_else(|| "unknown".to_owned()),
    })
}

/// The name of today's kernel package, e.g. `linux-image-6.1.0-56-amd64`.
pub(super) fn kernel_package() -> Result<String, Error> {
    let mut apt = Command::new("apt-cache");
    apt.args(["show", "--no-all-versions", KERNEL_META])
        .env("LC_ALL", "C");
    let output = run(apt, "apt-cache", "apt")?;
    kernel_in(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| Error::Download {
        package: KERNEL_META.to_owned(),
        detail: format!(
            "apt does not know which kernel it stands for {}",
            last_words(&output.stderr)
        ),
    })
}

fn kernel_in(record: &str) -> Option<String> {
    let depends = record.lines().find_map(|l| l.strip_prefix("Depends:"))?;
    let names = depends
        .split([',', '|'])
        .filter_map(|d| d.split_whitespace().next());
    names
        .into_iter()
        .find(|n| n.starts_with("linux-image-"))
        .map(str::to_owned)
}

/// `name_1%3a2.0-1_amd64.deb` is version `1:2.0-1`.
fn version_of(file_name: &str) -> Option<String> {
    Some(file_name.split('_').nth(1)?.replace("%3a", ":"))
}

fn only_deb(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .filter_map(|e| Some(e.ok()?.path()))
        .find(|p| p.extension().is_some_and(|e| e == "deb"))
}

fn run(
    mut command: Command,
    tool: &'static str,
    package: &'static str,
) -> Result<std::process::Output, Error> {
    command
        .env("LC_ALL", "C")
        .stdin(std::process::Stdio::null());
    command.output().map_err(|source| Error::Tool {
        tool,
        package,
        source,
    })
}

/// apt's last line is the one that says why.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    text.lines()
        .rev()
        .map(str::trim)
        .find(|l| !l.is_empty())
        .unwrap_or("it says nothing")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_read_from_the_meta_package() {
        let record = "Package: linux-image-amd64\nDepends: linux-image-6.1.0-56-amd64 (= 6.1.192-2)\nSize: 1\n";
        assert_eq!(
            kernel_in(record).as_deref(),
            Some("linux-image-6.1.0-56-amd64")
        );
        assert_eq!(
            kernel_in("Package: x\nDepends: libc6, a | linux-image-7 (= 1)\n").as_deref(),
            Some("linux-image-7")
        );
        assert_eq!(kernel_in("N: nothing\n"), None);
    }

    #[test]
    fn the_version_is_in_the_file_name() {
        assert_eq!(
            version_of("busybox-static_1%3a1.35.0-4_amd64.deb").as_deref(),
            Some("1:1.35.0-4")
        );
        assert_eq!(version_of("x.deb"), None);
    }

    #[test]
    fn the_last_line_that_says_something_is_kept() {
        assert_eq!(
            last_words(b"E: one\nE: Unable to locate package x\n\n"),
            "E: Unable to locate package x"
        );
        assert_eq!(last_words(b" \n"), "it says nothing");
    }
}
