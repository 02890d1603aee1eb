//! A vault's place on another machine, with all that it takes to get there.

use std::io;
use std::path::PathBuf;

use vault::target::{Files, LocalTarget};

use crate::sftp::Sftp;
use crate::{Patience, SftpUrl};

/// How the user proves who he is. Files are read at each connection: what was replaced counts from the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// A private key without a passphrase, as `ssh-keygen` writes it.
    Key(PathBuf),
    /// A password on the first line.
    Password(PathBuf),
}

#[derive(Clone, Debug)]
pub struct Place {
    pub url: SftpUrl,
    pub login: Login,
    /// Host keys that are the right ones, as OpenSSH's `known_hosts`.
    pub known_hosts: PathBuf,
    /// `SHA256:…`: this key is the right one of a host that is not known yet; it is written to `known_hosts`.
    pub host_key: Option<String>,
    pub patience: Patience,
}

impl Place {
    /// Logs in; the folder must be there.
    pub fn open(&self) -> Result<LocalTarget, vault::target::Error> {
        let files = Sftp::connect(self)?;
        LocalTarget::distant(Box::new(files), self.url.to_string())
    }

    /// Like `open`; the folder is made when only it is missing.
    pub fn make(&self) -> Result<LocalTarget, vault::target::Error> {
        let files = Sftp::connect(self)?;
        if let Err(error) = files.make_folder("")
            && files.look("").is_err()
        {
            let folder = self.url.to_string();
            return Err(match error.kind() {
                io::ErrorKind::NotFound => vault::target::Error::Missing { folder },
                io::ErrorKind::PermissionDenied => vault::target::Error::Denied {
                    object: "the folder itself".to_owned(),
                    folder,
                },
                _ => vault::target::Error::Io {
                    object: "the folder itself".to_owned(),
                    folder,
                    source: error,
                },
            });
        }
        LocalTarget::distant(Box::new(files), self.url.to_string())
    }
}
