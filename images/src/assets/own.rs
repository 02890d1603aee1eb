//! Boot files that the admin drops in: a newer iPXE, its signed chain, wimboot, memtest86+. They lie in a folder
//! beside the built ones, which a new build replaces as a whole, and are served only while they have the SHA-256
//! that the admin gave.
//!
//! `own.txt`, one line each: `file NAME SIZE SHA256 ORIGIN`, the origin being the file it was copied from.

use super::error::Error;
use crate::hex;
use crate::secure_boot::authenticode;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Names that mean something to the boot server, and what each boots. Nothing else is taken: whoever asks for a
/// name gets what this table says.
pub const NAMES: [(&str, &str); 6] = [
    ("snponly.efi", "iPXE for UEFI PXE, in place of Debian's"),
    ("undionly.kpxe", "iPXE for BIOS PXE, in place of Debian's"),
    (
        "snponly-shim.efi",
        "signed shim of iPXE: UEFI PXE under Secure Boot, with a signed snponly.efi",
    ),
    (
        "wimboot",
        "Windows PE, from entries (kernel = \"asset:wimboot\")",
    ),
    ("memtest.efi", "memtest86+ for UEFI, in place of Debian's"),
    ("memtest.bin", "memtest86+ for BIOS, in place of Debian's"),
];

/// All of them are far smaller; firmware holds them in memory.
const LARGEST: u64 = 64 << 20;
/// By TFTP: the loaders themselves.
const LARGEST_LOADER: u64 = 8 << 20;

const LIST: &str = "own.txt";

/// One file as it was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    pub name: String,
    pub size_bytes: u64,
    /// 64 hex digits, as the admin gave them.
    pub sha256: String,
    /// The file it was copied from.
    pub origin: String,
}

/// Where they lie: beside the folder of built assets.
pub fn folder(assets: &Path) -> PathBuf {
    let mut name = assets.file_name().unwrap_or_default().to_owned();
    name.push("-own");
    assets.with_file_name(name)
}

/// In the order of their names; none when nothing was ever added. Their content is not looked at.
pub fn list(dir: &Path) -> Result<Vec<Own>, Error> {
    let path = dir.join(LIST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("reading", &path)(e)),
    };
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(own) = parse(line) else {
            return Err(Error::Changed {
                path,
                why: format!("somebody edited it ({line:?}); delete it"),
            });
        };
        found.push(own);
    }
    Ok(found)
}

fn parse(line: &str) -> Option<Own> {
    let mut words = line.splitn(5, ' ');
    let (Some("file"), name, size, sha256, origin) = (
        words.next(),
        words.next()?,
        words.next()?,
        words.next()?,
        words.next()?,
    ) else {
        return None;
    };
    boots(name)?;
    hex::decode::<32>(sha256)?;
    Some(Own {
        name: name.to_owned(),
        size_bytes: size.parse().ok()?,
        sha256: sha256.to_ascii_lowercase(),
        origin: origin.to_owned(),
    })
}

/// What a file of this name boots.
pub fn boots(name: &str) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, boots)| *boots)
}

/// Copies `file` under `name`, if it has this SHA-256 and is what its name says.
pub fn add(dir: &Path, file: &Path, sha256: &str, name: &str) -> Result<Own, Error> {
    let refuse = |why: String| Error::Refused {
        path: file.to_owned(),
        name: name.to_owned(),
        why,
    };
    if boots(name).is_none() {
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        return Err(refuse(format!("the names are {}", names.join(", "))));
    }
    let pinned = sha256.trim().to_ascii_lowercase();
    if hex::decode::<32>(&pinned).is_none() {
        return Err(refuse(
            "its SHA-256 is 64 hex digits; copy them from where the file is published".to_owned(),
        ));
    }
    let bytes = read(file)?;
    let found = digest(&bytes);
    if found != pinned {
        return Err(refuse(format!(
            "its SHA-256 is {found}, not {pinned}; fetch it again from its publisher, and compare"
        )));
    }
    is_what_it_says(name, &bytes).map_err(refuse)?;
    let origin: String = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    let own = Own {
        name: name.to_owned(),
        size_bytes: bytes.len() as u64,
        sha256: pinned,
        origin,
    };
    let mut all = list(dir)?;
    all.retain(|known| known.name != name);
    all.push(own.clone());
    std::fs::create_dir_all(dir).map_err(Error::io("creating", dir))?;
    // The file first: a list that names another content refuses it, for a moment, and never serves it.
    write_whole(&dir.join(name), &bytes)?;
    write_list(dir, all)?;
    Ok(own)
}

/// It is served no more; what Debian's packages hold under that name is, if they do.
pub fn remove(dir: &Path, name: &str) -> Result<bool, Error> {
    let mut all = list(dir)?;
    let before = all.len();
    all.retain(|known| known.name != name);
    if all.len() == before {
        return Ok(false);
    }
    write_list(dir, all)?;
    let path = dir.join(name);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("removing", &path)(e)),
        _ => Ok(true),
    }
}

/// Is the file still the one that was added? Reads it whole.
pub fn check(dir: &Path, own: &Own) -> Result<(), Error> {
    let path = dir.join(&own.name);
    let found = digest(&read(&path)?);
    if found == own.sha256 {
        return Ok(());
    }
    Err(Error::Changed {
        path,
        why: format!("its SHA-256 is {found} now, and {} was pinned", own.sha256),
    })
}

fn write_list(dir: &Path, mut all: Vec<Own>) -> Result<(), Error> {
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = String::from("# written by `reprise boot assets add`\n");
    for own in all {
        text += &format!(
            "file {} {} {} {}\n",
            own.name, own.size_bytes, own.sha256, own.origin
        );
    }
    write_whole(&dir.join(LIST), text.as_bytes())
}

/// The old content or the new one, whatever happens in between.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    write().map_err(Error::io("writing", path))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(Error::io("reading", path))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::Changed {
            path: path.to_owned(),
            why: "it is larger than any boot loader (64 MiB)".to_owned(),
        });
    }
    Ok(bytes)
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

/// A mix-up is found here and not on the screen of a PC.
fn is_what_it_says(name: &str, bytes: &[u8]) -> Result<(), String> {
    let by_tftp = name.ends_with(".efi") || name.ends_with(".kpxe");
    if by_tftp && bytes.len() as u64 > LARGEST_LOADER {
        return Err("it is larger than 8 MiB, too large for TFTP".to_owned());
    }
    if name.ends_with(".efi") && !bytes.starts_with(b"MZ") {
        return Err("it is no UEFI program; the file may be packed, or for a BIOS".to_owned());
    }
    if name == "snponly-shim.efi" && authenticode::signatures(bytes).is_empty() {
        return Err(
            "nobody signed it, so no firmware starts it under Secure Boot; take the shim of iPXE's release".to_owned(),
        );
    }
    if bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Folder;

    #[test]
    fn a_file_is_taken_under_its_hash_and_no_other() {
        let folder = Folder::new("own");
        let dir = folder.path().join("boot-own");
        let file = folder.write("ipxe.efi", b"MZ a newer iPXE");
        let good = digest(b"MZ a newer iPXE");
        let other = digest(b"another");
        let refused =
            |sha256: &str, name: &str| add(&dir, &file, sha256, name).unwrap_err().to_string();
        assert!(refused(&other, "snponly.efi").contains(&good));
        assert!(refused("abc", "snponly.efi").contains("64 hex digits"));
        assert!(refused(&good, "../snponly.efi").contains("the names are"));
        assert!(refused(&good, "kernel").contains("the names are"));
        assert!(refused(&good, "snponly-shim.efi").contains("nobody signed it"));
        assert_eq!(list(&dir).unwrap(), []);

        let own = add(&dir, &file, &good.to_uppercase(), "snponly.efi").unwrap();
        assert_eq!(
            (own.sha256.as_str(), own.origin.as_str()),
            (good.as_str(), "ipxe.efi")
        );
        assert_eq!(list(&dir).unwrap(), std::slice::from_ref(&own));
        check(&dir, &own).unwrap();
        let again = add(&dir, &file, &good, "snponly.efi").unwrap();
        assert_eq!(list(&dir).unwrap(), [again], "once under each name");

        std::fs::write(dir.join("snponly.efi"), b"MZ a newer iPXF").unwrap();
        let changed = check(&dir, &own).unwrap_err().to_string();
        assert!(changed.contains("was pinned"), "{changed}");
        assert!(remove(&dir, "snponly.efi").unwrap());
        assert!(!remove(&dir, "snponly.efi").unwrap());
        assert_eq!(list(&dir).unwrap(), []);
        assert!(!dir.join("snponly.efi").exists());
    }

    #[test]
    fn a_mix_up_is_found_before_a_pc_does() {
        let folder = Folder::new("own-kinds");
        let dir = folder.path().join("boot-own");
        let try_as = |name: &str, bytes: &[u8]| {
            let file = folder.write("given", bytes);
            add(&dir, &file, &digest(bytes), name)
        };
        assert!(try_as("snponly.efi", b"\x1f\x8b packed").is_err());
        assert!(try_as("wimboot", b"").is_err());
        assert!(try_as("undionly.kpxe", &vec![1; 9 << 20]).is_err());
        assert!(try_as("wimboot", b"\xb8 a kernel").is_ok());
    }

    #[test]
    fn a_list_that_somebody_edited_is_named_and_not_believed() {
        let folder = Folder::new("own-list");
        let line = format!("file wimboot 3 {} x y", "ab".repeat(32));
        folder.write("own.txt", format!("# a word\n{line}\n").as_bytes());
        let found = list(folder.path()).unwrap();
        assert_eq!((found[0].origin.as_str(), found[0].size_bytes), ("x y", 3));
        for bad in ["file ../x 3 ab x", "wimboot", "file wimboot 3 zz x", ""] {
            folder.write("own.txt", format!("{line}\n{bad}\n").as_bytes());
            assert!(list(folder.path()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn they_lie_beside_what_a_build_replaces() {
        assert_eq!(
            folder(Path::new("/var/state/boot")),
            Path::new("/var/state/boot-own")
        );
    }
}
