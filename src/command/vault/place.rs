//! Where a vault is, as the command line says it: a folder, or a folder of another machine.

use anyhow::{Context, bail};
use remote::{Login, Patience, SftpUrl};
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use vault::target::LocalTarget;

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Place {
    // Not a document: its brackets would be taken for a link.
    #[arg(help = "The vault's folder, or sftp://user@host[:port]/folder")]
    url: OsString,
    /// Refuse unless a file system is mounted there
    #[arg(long)]
    must_be_mounted: bool,
    /// For sftp: the user's private key, without a passphrase
    #[arg(
        long,
        value_name = "FILE",
        env = "REPRISE_SSH_KEY",
        hide_env_values = true
    )]
    ssh_key: Option<PathBuf>,
    /// For sftp: holds the user's password on its first line
    #[arg(long, value_name = "FILE", conflicts_with = "ssh_key")]
    ssh_password_file: Option<PathBuf>,
    /// For sftp: the host keys that are right, as OpenSSH's known_hosts
    #[arg(long, value_name = "FILE", default_value = "/etc/reprise/known_hosts")]
    known_hosts: PathBuf,
    /// For sftp: SHA256:… is the key of a host not known yet; adds it to the known hosts
    #[arg(long, value_name = "FINGERPRINT")]
    host_key: Option<String>,
}

enum Where {
    Folder(PathBuf),
    Distant(Box<remote::Place>),
}

impl Place {
    fn resolved(&self) -> anyhow::Result<Where> {
        let shown = self.url.to_string_lossy();
        if SftpUrl::is_meant(&shown) {
            return Ok(Where::Distant(Box::new(self.distant(&shown)?)));
        }
        match shown.split_once("://") {
            Some(("file", path)) => Ok(Where::Folder(PathBuf::from(path))),
            Some((scheme, _)) => bail!(
                "open the vault {shown}: {scheme}:// is not supported; mount it and give the folder, or give sftp://user@host/folder"
            ),
            None => Ok(Where::Folder(PathBuf::from(&self.url))),
        }
    }

    fn distant(&self, shown: &str) -> anyhow::Result<remote::Place> {
        // What is wrong may be a password in it: it is not repeated.
        let url = SftpUrl::parse(shown).context("read the vault's sftp:// URL")?;
        if self.must_be_mounted {
            bail!("open the vault {url}: --must-be-mounted is for folders; leave it out");
        }
        let login = match (&self.ssh_key, &self.ssh_password_file) {
            (_, Some(file)) => Login::Password(file.clone()),
            (Some(file), None) => Login::Key(file.clone()),
            (None, None) => bail!(
                "open the vault {url}: nothing to log in with; name the private key with --ssh-key, or a file that holds the user's password with --ssh-password-file"
            ),
        };
        Ok(remote::Place {
            url,
            login,
            known_hosts: self.known_hosts.clone(),
            host_key: self.host_key.clone(),
            patience: Patience::default(),
        })
    }

    /// Where it is; the folder must be there.
    pub(super) fn open(&self) -> anyhow::Result<LocalTarget> {
        Ok(match self.resolved()? {
            Where::Folder(folder) => LocalTarget::open(&folder, self.must_be_mounted)?,
            Where::Distant(place) => place.open()?,
        })
    }

    /// Like `open`; a folder whose parent exists is made.
    pub(super) fn make(&self) -> anyhow::Result<LocalTarget> {
        Ok(match self.resolved()? {
            Where::Folder(folder) => {
                make_folder(&folder)?;
                LocalTarget::open(&folder, self.must_be_mounted)?
            }
            Where::Distant(place) => place.make()?,
        })
    }
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let Err(error) = DirBuilder::new().mode(0o700).create(folder) else {
        return Ok(());
    };
    let next = match error.kind() {
        io::ErrorKind::AlreadyExists => return Ok(()),
        io::ErrorKind::NotFound => "make its parent first",
        io::ErrorKind::ReadOnlyFilesystem => "mount it writable, or choose another folder",
        _ => "check what is mounted there and who may write, or choose another folder",
    };
    Err(error).with_context(|| format!("make the folder {}; {next}", folder.display()))
}
