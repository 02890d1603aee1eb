//! Small sealed objects: put and get by name.

use crate::format::{Bad, envelope};
use crate::id::parse_hex;
use crate::inner::{Inner, damaged, hex_name};
use crate::keys::random;
use crate::target::ObjectKind;
use crate::{Error, Problem};

/// Objects by their ids, and what is wrong with others.
pub(crate) type Found<T> = (Vec<([u8; 16], T)>, Vec<Problem>);

impl Inner {
    /// Publishes an object whose name is its id.
    pub(crate) fn put_small(&self, kind: ObjectKind, plain: &[u8]) -> Result<[u8; 16], Error> {
        let id = random()?;
        self.put_named(kind, &hex_name(&id), &id, plain)?;
        Ok(id)
    }

    pub(crate) fn put_named(
        &self,
        kind: ObjectKind,
        name: &str,
        id: &[u8; 16],
        plain: &[u8],
    ) -> Result<(), Error> {
        let object = self.keys.seal_object(kind, id, plain);
        let object = object.map_err(|bad| Error::Derive(bad.to_string()))?;
        Ok(self.target.put(kind, name, &object)?)
    }

    /// The plain text of an object, and the id in its header (which the caller compares with its name where they agree).
    pub(crate) fn get_named(
        &self,
        kind: ObjectKind,
        name: &str,
    ) -> Result<([u8; 16], Vec<u8>), Error> {
        let object = self.target.get(kind, name)?;
        let open = || {
            let id = envelope::parse(&object)?.header.id;
            Ok((id, self.keys.open_object(kind, &id, &object)?))
        };
        open().map_err(|bad| damaged(kind, name, bad))
    }

    /// Every object of a kind whose name is its id. What cannot be read is a problem; what went away meanwhile is not.
    pub(crate) fn read_small<T>(
        &self,
        kind: ObjectKind,
        decode: impl Fn(&[u8]) -> Result<T, Bad>,
    ) -> Result<Found<T>, Error> {
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        for name in self.target.names(kind)? {
            let Some(id) = parse_hex::<16>(&name) else {
                problems.push(foreign(kind, &name));
                continue;
            };
            let read = self.get_named(kind, &name).and_then(|(inside, plain)| {
                let value = match inside == id {
                    true => decode(&plain),
                    false => Err(Bad::Value("name")),
                };
                value.map_err(|bad| damaged(kind, &name, bad))
            });
            match read {
                Ok(value) => found.push((id, value)),
                Err(Error::Target(crate::target::Error::NotFound { .. })) => {}
                Err(error) => problems.push(Problem::new(kind.object(&name), error.to_string())),
            }
        }
        found.sort_by_key(|(id, _)| *id);
        Ok((found, problems))
    }
}

pub(crate) fn foreign(kind: ObjectKind, name: &str) -> Problem {
    Problem::new(
        kind.object(name),
        "is not an object of this vault; it is left alone",
    )
}
