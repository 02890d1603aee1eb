//! A password that never shows itself.

use std::fmt;
use std::path::{Path, PathBuf};

/// A password, or the bytes of a recovery key, that `Debug` and `Display` do not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    bytes: Vec<u8>,
    recovery: bool,
}

/// Why a password file gave no password.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("use the recovery key in {}: {what}; compare it with the paper", path.display())]
    NotRecovery { path: PathBuf, what: String },
    #[error("read the password file {}: {source}; create it with the vault's password on its first line (mode 0600)", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("read the password file {}: its first line is empty; write the vault's password there", path.display())]
    Empty { path: PathBuf },
    #[error("read the password file {}: its first line is longer than 4096 bytes; it is not a password file", path.display())]
    TooLong { path: PathBuf },
}

impl Secret {
    pub fn new(bytes: Vec<u8>) -> Secret {
        Secret {
            bytes,
            recovery: false,
        }
    }

    pub(crate) fn recovery(bytes: [u8; 32]) -> Secret {
        Secret {
            bytes: bytes.to_vec(),
            recovery: true,
        }
    }

    /// Whether it opens key objects made for a recovery key instead of those made for a password.
    pub(crate) fn is_recovery(&self) -> bool {
        self.recovery
    }

    /// The first line of a file, without its line end.
    pub fn from_file(path: &Path) -> Result<Secret, SecretError> {
        let bytes = read(path)?;
        let mut line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.len() {
            0 => Err(SecretError::Empty {
                path: path.to_owned(),
            }),
            1..=4096 => Ok(Secret::new(line.to_vec())),
            _ => Err(SecretError::TooLong {
                path: path.to_owned(),
            }),
        }
    }

    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }
}

/// As much of a file as a secret may take.
fn read(path: &Path) -> Result<Vec<u8>, SecretError> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(64 * 1024).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(source) => Err(SecretError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

/// For [`crate::RecoveryKey`].
pub(crate) fn read_text(path: &Path) -> Result<String, SecretError> {
    Ok(String::from_utf8_lossy(&read(path)?).into_owned())
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new(b"hunter2".to_vec());
        assert!(!format!("{secret} {secret:?}").contains("hunter2"));
    }

    #[test]
    fn the_first_line_of_the_file_is_the_password() {
        let path = std::env::temp_dir().join(format!("reprise-secret-{}", std::process::id()));
        for (text, want) in [
            ("abc", Some("abc")),
            ("abc\nnote", Some("abc")),
            ("abc\r\n", Some("abc")),
            ("\nabc", None),
            ("", None),
        ] {
            std::fs::write(&path, text).unwrap();
            let got = Secret::from_file(&path);
            assert_eq!(
                got.as_ref().ok().map(|s| s.expose()),
                want.map(str::as_bytes),
                "{text:?}"
            );
            if let Err(error) = got {
                assert!(error.to_string().contains(path.to_str().unwrap()));
            }
        }
        std::fs::remove_file(&path).unwrap();
    }
}
