//! Finding and reading the file; each way it can be unreadable has its own sentence.

use crate::complaint::{Complaint, Complaints};
use crate::domain::Config;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

const HERE: &str = "reprise.toml";
const SYSTEM: &str = "/etc/reprise/reprise.toml";

/// A configuration larger than this is some other file.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Where the configuration is: the file asked for, else `./reprise.toml`, else `/etc/reprise/reprise.toml`.
///
/// Errors: none of them exists. A file asked for is returned as it is; [`load`] says what is wrong with it.
pub fn find(explicit: Option<&Path>) -> Result<PathBuf, Complaints> {
    if let Some(path) = explicit {
        return Ok(absolute(path));
    }
    for candidate in [HERE, SYSTEM] {
        // A file we cannot look at counts as found: loading it says why.
        if !matches!(Path::new(candidate).symlink_metadata(), Err(e) if e.kind() == ErrorKind::NotFound)
        {
            return Ok(absolute(Path::new(candidate)));
        }
    }
    Err(one(
        &absolute(Path::new(HERE)),
        format!(
            "no configuration here nor at {SYSTEM}; write one with `reprise config example > {HERE}`, or name yours with --config"
        ),
    ))
}

/// Reads and checks a configuration file.
pub fn load(path: &Path) -> Result<Config, Complaints> {
    let path = absolute(path);
    let text = text_of(&path).map_err(|what| one(&path, what))?;
    crate::parse(&text, &path)
}

fn text_of(path: &Path) -> Result<String, String> {
    let refused = |error: std::io::Error| {
        match error.kind() {
        ErrorKind::NotFound => {
            "no such file; write one with `reprise config example`, or name another with --config"
                .to_owned()
        }
        ErrorKind::PermissionDenied => "cannot be read: permission denied; give the user that runs reprise the right to read it, or start reprise as root".to_owned(),
        _ => format!("cannot be read: {error}; check the disk it lies on, then name a readable file with --config"),
    }
    };
    let metadata = std::fs::metadata(path).map_err(refused)?;
    if metadata.is_dir() {
        return Err(format!(
            "is a folder, not a file; name the file inside it, such as --config {}",
            path.join(HERE).display()
        ));
    }
    if !metadata.is_file() {
        return Err("is not an ordinary file; name a text file with --config".to_owned());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(refused)?
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(refused)?;
    decode(bytes)
}

fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
        return Err(format!(
            "is larger than {} MiB, so it is not a configuration; name the right file with --config",
            MOST_BYTES / 1024 / 1024
        ));
    }
    if bytes.iter().all(|b| b.is_ascii_whitespace()) {
        return Err("is empty: it may have been half written; put your copy back, or write a new one with `reprise config example`".to_owned());
    }
    if bytes.contains(&0) {
        return Err("holds zero bytes, as a file half written at a power cut does; put your copy back, or write a new one with `reprise config example`".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|b| **b == b'\n').count() + 1;
        format!("is not UTF-8 text (first wrong byte on line {line}); save it again as UTF-8 in your editor")
    })
}

fn one(file: &Path, what: String) -> Complaints {
    Complaints(vec![Complaint {
        file: file.to_owned(),
        at: None,
        what,
    }])
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
