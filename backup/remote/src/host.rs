//! Is this the machine it was? Host keys are pinned in a file of OpenSSH's `known_hosts` form. Names that were hashed
//! (`HashKnownHosts`, `ssh-keygen -H`) are read; what is added here is not hashed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use data_encoding::BASE64;
use ring::hmac;
use russh::keys::{Algorithm, HashAlg, PublicKey};

use crate::{Place, Trouble};

/// The keys that are right for a host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pins {
    keys: Vec<PublicKey>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Known,
    /// Not known before, but it is the one that the administrator named: to be pinned.
    Confirmed,
    Refused(Trouble),
}

/// As `known_hosts` writes a host: with the port only when it is not the usual one.
fn name_of(place: &Place) -> String {
    match place.url.port {
        22 => place.url.host.clone(),
        port => format!("[{}]:{port}", place.url.host),
    }
}

/// `name`, or `|1|salt|hash` of it: HMAC-SHA-1 over the name in small letters (sshd(8), "known_hosts file format").
fn is_name(written: &str, host: &str) -> bool {
    let Some(hashed) = written.strip_prefix("|1|") else {
        return written.eq_ignore_ascii_case(host);
    };
    let decode = |text: &str| BASE64.decode(text.as_bytes()).ok();
    let Some((salt, hash)) = hashed.split_once('|') else {
        return false;
    };
    let (Some(salt), Some(hash)) = (decode(salt), decode(hash)) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    hmac::verify(&key, host.to_ascii_lowercase().as_bytes(), &hash).is_ok()
}

fn shown(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

impl Pins {
    pub(crate) fn read(place: &Place) -> Result<Pins, Trouble> {
        let text = match fs::read_to_string(&place.known_hosts) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(Trouble::KnownHosts {
                    file: place.known_hosts.clone(),
                    what: error.to_string(),
                });
            }
        };
        Ok(Pins::of(&text, &name_of(place)))
    }

    /// Lines of other hosts and lines that are not understood are left alone.
    fn of(text: &str, host: &str) -> Pins {
        let keys = text.lines().filter_map(|line| {
            let (names, key) = line.trim().split_once(char::is_whitespace)?;
            let is_ours = names.split(',').any(|name| is_name(name, host));
            is_ours
                .then(|| PublicKey::from_openssh(key.trim()).ok())
                .flatten()
        });
        Pins {
            keys: keys.collect(),
        }
    }

    /// The kinds of key to ask the server for: another kind than the pinned one would look like another machine.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        let mut all = Vec::new();
        for key in &self.keys {
            match key.algorithm() {
                Algorithm::Rsa { .. } => all.extend(
                    [Some(HashAlg::Sha512), Some(HashAlg::Sha256)]
                        .map(|hash| Algorithm::Rsa { hash }),
                ),
                other => all.push(other),
            }
        }
        all
    }

    pub(crate) fn judge(&self, place: &Place, offered: &PublicKey) -> Verdict {
        let host = place.url.address();
        let is_offered = |key: &&PublicKey| key.key_data() == offered.key_data();
        if self.keys.iter().any(|key| is_offered(&key)) {
            return Verdict::Known;
        }
        let offered = shown(offered);
        let file = place.known_hosts.clone();
        if !self.keys.is_empty() {
            let pinned: Vec<String> = self.keys.iter().map(shown).collect();
            return Verdict::Refused(Trouble::ChangedHost {
                host,
                offered,
                pinned: pinned.join(" or "),
                file,
            });
        }
        match &place.host_key {
            None => Verdict::Refused(Trouble::UnknownHost {
                host,
                offered,
                file,
            }),
            Some(given) if given.trim() == offered => Verdict::Confirmed,
            Some(given) => Verdict::Refused(Trouble::NotTheOneGiven {
                host,
                offered,
                given: given.clone(),
            }),
        }
    }
}

/// Adds the key to the file, durably.
pub(crate) fn pin(place: &Place, key: &PublicKey) -> Result<(), Trouble> {
    append(&place.known_hosts, &name_of(place), key).map_err(|error| Trouble::KnownHosts {
        file: place.known_hosts.clone(),
        what: error.to_string(),
    })
}

fn append(file: &Path, host: &str, key: &PublicKey) -> io::Result<()> {
    let key = key.to_openssh().map_err(io::Error::other)?;
    let before = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let break_line = match before.last() {
        None | Some(b'\n') => "",
        Some(_) => "\n",
    };
    let mut options = OpenOptions::new();
    let mut file = options.create(true).append(true).mode(0o600).open(file)?;
    file.write_all(format!("{break_line}{host} {key}\n").as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Login, Patience, SftpUrl};

    const ONE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";

    fn place(url: &str, host_key: Option<String>) -> Place {
        Place {
            url: SftpUrl::parse(url).unwrap(),
            login: Login::Password("p".into()),
            known_hosts: "/etc/reprise/known_hosts".into(),
            host_key,
            patience: Patience::default(),
        }
    }

    #[test]
    fn a_host_is_known_by_its_own_lines_only() {
        let offered = PublicKey::from_openssh(ONE).unwrap();
        let right = shown(&offered);
        let other = shown(&PublicKey::from_openssh(OTHER).unwrap());
        let (here, port) = ("sftp://r@nas/v", "sftp://r@nas:2222/v");
        for (text, url, given, want) in [
            (format!("nas {ONE}"), here, None, "known"),
            (
                format!("# nas\n\nnas,10.0.0.2 {ONE} comment\n"),
                here,
                None,
                "known",
            ),
            (format!("NAS {ONE}"), here, None, "known"),
            (format!("nas {OTHER}\nnas {ONE}"), here, None, "known"),
            (format!("[nas]:2222 {ONE}"), port, None, "known"),
            (format!("nas {ONE}"), port, None, "unknown"),
            (format!("nas2 {ONE}"), here, None, "unknown"),
            (
                format!("nas ssh-ed25519 damaged\n{ONE}"),
                here,
                None,
                "unknown",
            ),
            // `nas`, `[nas]:2222` and `other`, hashed by ssh-keygen -H; then damaged ones.
            (
                format!("|1|o9RFYpVtRspHt2u48rxQog7qzUo=|TImf988zm6Rm5kPLUNdUR6JTWpY= {ONE}"),
                here,
                None,
                "known",
            ),
            (
                format!("|1|c2yPSLpZaV+5pz05v8N0cVhAdvo=|aZ7bucwWil3D5iIPrKrd23aOd4s= {ONE}"),
                port,
                None,
                "known",
            ),
            (
                format!("|1|c2yPSLpZaV+5pz05v8N0cVhAdvo=|aZ7bucwWil3D5iIPrKrd23aOd4s= {ONE}"),
                here,
                None,
                "unknown",
            ),
            (
                format!("|1|5b+E4DI3b9hE9hEKDDfjuGC9J5w=|j176PosBgWVrmJYsf9NumwfAhsQ= {ONE}"),
                here,
                None,
                "unknown",
            ),
            (
                format!("|1|o9RFYpVtRspHt2u48rxQog7qzUo=|TImf988zm6Rm5kPLUNdUR6JTWpY= {OTHER}"),
                here,
                None,
                "changed",
            ),
            (format!("|1||| {ONE}"), here, None, "unknown"),
            (format!("|1|!!|?? {ONE}"), here, None, "unknown"),
            (format!("|1 {ONE}"), here, None, "unknown"),
            (String::new(), here, None, "unknown"),
            (String::new(), here, Some(&right), "confirmed"),
            (String::new(), here, Some(&other), "not the one"),
            (format!("nas {OTHER}"), here, None, "changed"),
            // A fingerprint that is given never goes over one that is pinned.
            (format!("nas {OTHER}"), here, Some(&right), "changed"),
        ] {
            let place = place(url, given.cloned());
            let pins = Pins::of(&text, &name_of(&place));
            let found = match pins.judge(&place, &offered) {
                Verdict::Known => "known",
                Verdict::Confirmed => "confirmed",
                Verdict::Refused(Trouble::UnknownHost { offered, .. }) => {
                    assert_eq!(offered, right);
                    "unknown"
                }
                Verdict::Refused(Trouble::ChangedHost {
                    offered, pinned, ..
                }) => {
                    assert_eq!((offered, pinned), (right.clone(), other.clone()));
                    "changed"
                }
                Verdict::Refused(Trouble::NotTheOneGiven { .. }) => "not the one",
                Verdict::Refused(trouble) => panic!("{trouble}"),
            };
            assert_eq!(found, want, "{text}");
        }
    }
}
