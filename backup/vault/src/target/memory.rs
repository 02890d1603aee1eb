//! A target in memory, for tests of whoever uses vaults.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Entry, Error, ObjectKind, Target};

type Objects = BTreeMap<(ObjectKind, String), Vec<u8>>;

#[derive(Debug, Default)]
pub struct MemoryTarget {
    objects: Mutex<Objects>,
}

impl MemoryTarget {
    pub fn new() -> MemoryTarget {
        MemoryTarget::default()
    }

    /// For tests that damage objects.
    pub fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(&self, kind: ObjectKind, name: &str) -> Error {
        Error::NotFound {
            folder: self.describe(),
            object: kind.object(name),
        }
    }
}

impl Target for MemoryTarget {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn folder(&self) -> Option<&Path> {
        None
    }

    fn prepare(&self) -> Result<(), Error> {
        match self.objects().keys().next() {
            Some((kind, name)) => Err(Error::NotEmpty {
                folder: self.describe(),
                example: kind.object(name),
            }),
            None => Ok(()),
        }
    }

    fn put(&self, kind: ObjectKind, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut objects = self.objects();
        let key = (kind, name.to_owned());
        if objects.contains_key(&key) {
            return Err(Error::Exists {
                folder: self.describe(),
                object: kind.object(name),
            });
        }
        objects.insert(key, bytes.to_vec());
        Ok(())
    }

    fn get(&self, kind: ObjectKind, name: &str) -> Result<Vec<u8>, Error> {
        self.objects()
            .get(&(kind, name.to_owned()))
            .cloned()
            .ok_or_else(|| self.missing(kind, name))
    }

    fn get_range(
        &self,
        kind: ObjectKind,
        name: &str,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, Error> {
        let objects = self.objects();
        let bytes = objects
            .get(&(kind, name.to_owned()))
            .ok_or_else(|| self.missing(kind, name))?;
        let range = usize::try_from(offset)
            .ok()
            .and_then(|start| bytes.get(start..start.checked_add(len)?));
        range.map(<[u8]>::to_vec).ok_or_else(|| Error::Short {
            folder: self.describe(),
            object: kind.object(name),
        })
    }

    fn list(&self, kind: ObjectKind) -> Result<Vec<Entry>, Error> {
        let objects = self.objects();
        let of_kind = objects.iter().filter(|((k, _), _)| *k == kind);
        Ok(of_kind
            .map(|((_, name), bytes)| Entry {
                name: name.clone(),
                size: bytes.len() as u64,
            })
            .collect())
    }

    fn size(&self, kind: ObjectKind, name: &str) -> Result<Option<u64>, Error> {
        Ok(self
            .objects()
            .get(&(kind, name.to_owned()))
            .map(|bytes| bytes.len() as u64))
    }

    fn remove(&self, kind: ObjectKind, names: &[&str]) -> Result<(), Error> {
        for name in names {
            self.objects().remove(&(kind, (*name).to_owned()));
        }
        Ok(())
    }
}
