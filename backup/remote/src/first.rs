//! The first meeting with a machine: is its host key known, and a key of our own to log in with.

use std::time::Duration;

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};
use tokio::runtime::Builder;

use crate::{Place, Trouble, session};

/// A pair of keys for logging in.
pub struct KeyPair {
    /// As `ssh-keygen` writes it; a secret.
    pub private: String,
    /// The line for `authorized_keys` on the other machine.
    pub public: String,
}

/// Makes an Ed25519 pair. `comment` ends the public line, so that the other side's administrator knows whose it is.
pub fn key_pair(comment: &str) -> Result<KeyPair, Trouble> {
    let failed = |error: russh::keys::ssh_key::Error| Trouble::Runtime {
        what: error.to_string(),
    };
    let mut key = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).map_err(failed)?;
    key.set_comment(comment);
    Ok(KeyPair {
        private: key.to_openssh(LineEnding::LF).map_err(failed)?.to_string(),
        public: key.public_key().to_openssh().map_err(failed)?,
    })
}

impl Place {
    /// Connects once, and looks whether the machine shows a host key that is known; logs nobody in, writes nothing.
    /// [`Trouble::UnknownHost`] names the key that a person has to confirm.
    pub fn recognise(&self) -> Result<(), Trouble> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Trouble::Runtime {
                what: error.to_string(),
            })?;
        let seen = runtime.block_on(session::recognise(self));
        runtime.shutdown_timeout(Duration::from_secs(1));
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_openssh_s_and_each_is_another() {
        let (one, other) = (key_pair("reprise@box"), key_pair("reprise@box"));
        let (one, other) = (one.ok().unwrap(), other.ok().unwrap());
        assert!(one.public.starts_with("ssh-ed25519 ") && one.public.ends_with(" reprise@box"));
        let read = PrivateKey::from_openssh(&one.private).unwrap();
        assert_eq!(read.public_key().to_openssh().unwrap(), one.public);
        assert_ne!(one.public, other.public);
    }
}
