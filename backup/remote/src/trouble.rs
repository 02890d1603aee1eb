//! Why a distant vault is not reached: the host, and what to do next.

use std::io;
use std::path::PathBuf;

use vault::target::Unreached;

/// Kept and told again to everybody who asks while nothing is tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error(
        "the host key of {host} is not known: it shows {offered}; compare that with what the NAS itself shows (on it: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then name it once with --host-key {offered}, which writes it to {}; no password was sent", file.display()
    )]
    UnknownHost {
        host: String,
        offered: String,
        file: PathBuf,
    },
    #[error(
        "{host} is not the machine it was: its host key is {offered}, pinned is {pinned}; if the NAS was replaced or set up anew, remove the line of {host} from {} and name the new key with --host-key; otherwise somebody may be in between: nothing was sent", file.display()
    )]
    ChangedHost {
        host: String,
        offered: String,
        pinned: String,
        file: PathBuf,
    },
    #[error(
        "the host key of {host} is {offered}, not {given} as --host-key says; compare it with what the NAS itself shows; nothing was sent"
    )]
    NotTheOneGiven {
        host: String,
        offered: String,
        given: String,
    },
    #[error("read the known host keys in {}: {what}; correct or remove the file", file.display())]
    KnownHosts { file: PathBuf, what: String },
    #[error("read the SSH key {}: {what}", file.display())]
    Key { file: PathBuf, what: String },
    #[error("read the SSH password in {}: {what}; write it on the first line of that file", file.display())]
    Password { file: PathBuf, what: String },
    #[error("{host} refused the login of {user} with {with} ({tries}); {next}")]
    Refused {
        host: String,
        user: String,
        with: String,
        tries: Tries,
        next: String,
    },
    #[error(
        "{host} does not answer: {what} ({tries}); check that the NAS is on, that its SFTP service runs and that it does not block this machine (auto-block)"
    )]
    Silent {
        host: String,
        what: String,
        tries: Tries,
    },
    #[error(
        "{host} offers no SFTP to {user}: {what}; switch the SFTP service on, and give this user the right to use it"
    )]
    NoSftp {
        host: String,
        user: String,
        what: String,
    },
    #[error("start the SFTP connection: {what}; free some memory and try again")]
    Runtime { what: String },
}

/// How often it was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries(pub u32);

impl std::fmt::Display for Tries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 | 1 => write!(f, "tried once"),
            n => write!(f, "tried {n} times"),
        }
    }
}

impl Trouble {
    /// Tells one trouble from another, whatever numbers and names its sentence holds.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Trouble::UnknownHost { .. } => "unknown host key",
            Trouble::ChangedHost { .. } => "changed host key",
            Trouble::NotTheOneGiven { .. } => "other host key",
            Trouble::KnownHosts { .. } => "known hosts",
            Trouble::Key { .. } => "ssh key",
            Trouble::Password { .. } => "ssh password",
            Trouble::Refused { .. } => "login refused",
            Trouble::Silent { .. } => "silent",
            Trouble::NoSftp { .. } => "no sftp",
            Trouble::Runtime { .. } => "memory",
        }
    }

    /// The same, after so many tries.
    pub(crate) fn after(mut self, count: u32) -> Trouble {
        if let Trouble::Refused { tries, .. } | Trouble::Silent { tries, .. } = &mut self {
            *tries = Tries(count);
        }
        self
    }
}

impl From<Trouble> for io::Error {
    fn from(trouble: Trouble) -> io::Error {
        let (cause, what) = (trouble.cause(), trouble.to_string());
        io::Error::new(io::ErrorKind::NotConnected, Unreached { cause, what })
    }
}
