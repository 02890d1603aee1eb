//! The key objects of a vault: several passwords and recovery keys open it, each for itself.

use crate::format::{Bad, FORMAT, envelope, key};
use crate::id::parse_hex;
use crate::inner::{damaged, hex_name};
use crate::keys::{self, Keys};
use crate::target::{self, ObjectKind, Target};
use crate::{Error, KdfCost, Problem, RecoveryKey, Secret, Vault};

/// More than these are not tried: each costs as much as a wrong password is meant to.
pub(crate) const MOST: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Password,
    Recovery,
}

impl KeyKind {
    pub fn as_str(self) -> &'static str {
        match self {
            KeyKind::Password => "password",
            KeyKind::Recovery => "recovery key",
        }
    }
}

/// One way to open a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// 32 hexadecimal digits.
    pub id: String,
    pub kind: KeyKind,
    pub label: String,
    /// Milliseconds since 1970; 0 where it is not known.
    pub created_ms: i64,
    /// The vault was opened with it.
    pub in_use: bool,
}

/// The entries of `keys/`; a folder that is not there holds none.
pub(crate) fn names(target: &dyn Target) -> Result<Vec<String>, Error> {
    match target.names(ObjectKind::Key) {
        Ok(mut names) => {
            names.sort_unstable();
            Ok(names)
        }
        Err(target::Error::Missing { .. } | target::Error::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn read(target: &dyn Target, name: &str) -> Result<([u8; 16], Vec<u8>, key::KeyObject), ReadError> {
    let id = parse_hex(name).ok_or(ReadError::Bad(Bad::Value("name")))?;
    let bytes = target.get(ObjectKind::Key, name)?;
    let body = envelope::parse_as(&bytes, ObjectKind::Key, &id)?.body;
    let object = key::decode(&bytes[body])?;
    Ok((id, bytes, object))
}

enum ReadError {
    Target(target::Error),
    Bad(Bad),
}

impl From<target::Error> for ReadError {
    fn from(error: target::Error) -> ReadError {
        ReadError::Target(error)
    }
}

impl From<Bad> for ReadError {
    fn from(bad: Bad) -> ReadError {
        ReadError::Bad(bad)
    }
}

impl ReadError {
    fn of(self, place: &str, name: &str) -> Error {
        match self {
            ReadError::Target(error) => error.into(),
            ReadError::Bad(Bad::Newer(found)) => Error::NewerFormat {
                place: place.to_owned(),
                found,
                known: FORMAT,
            },
            ReadError::Bad(bad) => damaged(ObjectKind::Key, name, bad),
        }
    }
}

/// The keys of a vault, from the first key object that the secret opens. One that is damaged stands in nobody's way.
pub(crate) fn open(target: &dyn Target, secret: &Secret) -> Result<Keys, Error> {
    let place = target.describe();
    let names = names(target)?;
    let (mut tried, mut failed) = (0, None);
    for name in &names {
        let (id, bytes, object) = match read(target, name) {
            Ok(read) => read,
            Err(error) => {
                failed.get_or_insert(error.of(&place, name));
                continue;
            }
        };
        if keys::fits(secret, &object.way) {
            tried += 1;
            if let Some(keys) = keys::unwrap(secret, &id, &bytes, &object)? {
                return Ok(keys);
            }
        }
        if tried >= MOST {
            break;
        }
    }
    match (failed, tried) {
        // A file that is no key is not why a wrong password opens nothing.
        (Some(Error::Damaged { .. }), 1..) | (None, 1..) => Err(Error::WrongPassword { place }),
        (Some(error), _) => Err(error),
        (None, _) if names.is_empty() => Err(Error::NotAVault { place }),
        (None, _) => Err(Error::NoSuchWay {
            place,
            wanted: if secret.is_recovery() {
                KeyKind::Recovery
            } else {
                KeyKind::Password
            }
            .as_str(),
        }),
    }
}

impl Vault {
    /// Every way to open this vault, oldest first. A key object that is damaged or belongs to another vault is a problem.
    pub fn keys(&self) -> Result<(Vec<KeyInfo>, Vec<Problem>), Error> {
        let (target, mine) = (&*self.inner.target, &self.inner.keys);
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        for name in names(target)? {
            let info = read(target, &name).and_then(|(id, bytes, object)| {
                let note = mine.note(&id, &bytes, &object)?;
                Ok(KeyInfo {
                    id: hex_name(&id),
                    kind: match object.way {
                        key::Way::Password { .. } => KeyKind::Password,
                        key::Way::Recovery => KeyKind::Recovery,
                    },
                    label: note.label,
                    created_ms: note.created_ms,
                    in_use: id == mine.opened,
                })
            });
            match info {
                Ok(info) => found.push(info),
                Err(error) => {
                    let what = match error {
                        ReadError::Target(error) => error.to_string(),
                        ReadError::Bad(Bad::Seal) => {
                            "it opens another vault, or was changed".to_owned()
                        }
                        ReadError::Bad(bad) => bad.to_string(),
                    };
                    problems.push(Problem::new(ObjectKind::Key.object(&name), what));
                }
            }
        }
        found.sort_by(|a, b| (a.created_ms, &a.id).cmp(&(b.created_ms, &b.id)));
        Ok((found, problems))
    }

    /// One more password. `now_ms` is only shown in the list.
    pub fn add_password(
        &self,
        password: &Secret,
        cost: KdfCost,
        label: &str,
        now_ms: i64,
    ) -> Result<KeyInfo, Error> {
        self.add(password, cost, label, now_ms)
    }

    pub fn add_recovery(
        &self,
        recovery: &RecoveryKey,
        label: &str,
        now_ms: i64,
    ) -> Result<KeyInfo, Error> {
        self.add(&recovery.secret(), KdfCost::NORMAL, label, now_ms)
    }

    fn add(
        &self,
        secret: &Secret,
        cost: KdfCost,
        label: &str,
        now_ms: i64,
    ) -> Result<KeyInfo, Error> {
        let target = &*self.inner.target;
        if names(target)?.len() >= MOST {
            return Err(Error::TooManyKeys { most: MOST });
        }
        let id = put(target, &self.inner.keys, secret, cost, label, now_ms)?;
        Ok(KeyInfo {
            id: hex_name(&id),
            kind: match secret.is_recovery() {
                true => KeyKind::Recovery,
                false => KeyKind::Password,
            },
            label: label.to_owned(),
            created_ms: now_ms,
            in_use: false,
        })
    }

    /// Takes away the key object whose id begins so, damaged or not. Whoever used it before may have kept what it unwrapped.
    /// The last one that opens the vault stays.
    pub fn remove_key(&self, which: &str) -> Result<(), Error> {
        let target = &*self.inner.target;
        let begins = |name: &String| !which.is_empty() && name.starts_with(which);
        let mut chosen: Vec<String> = names(target)?.into_iter().filter(begins).collect();
        let (Some(name), true) = (chosen.pop(), chosen.is_empty()) else {
            return Err(Error::NoSuchKey {
                which: which.to_owned(),
                several: !chosen.is_empty(),
            });
        };
        let others =
            |(keys, _): (Vec<KeyInfo>, Vec<Problem>)| keys.iter().any(|key| key.id != name);
        if !others(self.keys()?) {
            return Err(Error::LastKey { which: name });
        }
        let bytes = target.get(ObjectKind::Key, &name);
        target.remove(ObjectKind::Key, &[&name])?;
        // Somebody else may have removed the others meanwhile.
        if let (false, Ok(bytes)) = (others(self.keys()?), bytes) {
            target.put(ObjectKind::Key, &name, &bytes)?;
            return Err(Error::LastKey { which: name });
        }
        Ok(())
    }

    /// The password the vault was opened with is replaced by another, which keeps its label.
    pub fn change_password(
        &self,
        password: &Secret,
        cost: KdfCost,
        now_ms: i64,
    ) -> Result<KeyInfo, Error> {
        let (keys, _) = self.keys()?;
        let old = keys.into_iter().find(|key| key.in_use);
        let old = old.filter(|key| key.kind == KeyKind::Password);
        let Some(old) = old else {
            return Err(Error::NoSuchKey {
                which: "that this vault was opened with (a password)".to_owned(),
                several: false,
            });
        };
        let new = self.add(password, cost, &old.label, now_ms)?;
        self.remove_key(&old.id)?;
        Ok(new)
    }
}

/// Publishes a key object; returns its id.
pub(crate) fn put(
    target: &dyn Target,
    keys: &Keys,
    secret: &Secret,
    cost: KdfCost,
    label: &str,
    created_ms: i64,
) -> Result<[u8; 16], Error> {
    if label.len() > key::MAX_LABEL {
        return Err(Error::LongLabel {
            most: key::MAX_LABEL,
        });
    }
    let note = key::Note {
        created_ms,
        label: label.to_owned(),
    };
    let (id, bytes) = keys.wrap(secret, cost, &note)?;
    target.put(ObjectKind::Key, &hex_name(&id), &bytes)?;
    Ok(id)
}
