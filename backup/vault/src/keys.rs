//! Everything secret of an open vault, derived from its master key.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::format::key::{self, KeyObject};
use crate::format::{Bad, envelope};
use crate::target::ObjectKind;
use crate::vault::KdfCost;
use crate::{ChunkId, Error, Secret};

/// Length of an authentication tag.
pub(crate) const TAG_LEN: usize = 16;

pub(crate) struct Keys {
    id: [u8; 32],
    pack: [u8; 32],
    snapshot: [u8; 32],
    gear: [u8; 32],
    /// One for each kind of object, in the order of [`ObjectKind::ALL`].
    objects: [[u8; 32]; 8],
}

impl Keys {
    fn derive(master: &[u8; 32]) -> Keys {
        Keys {
            id: blake3::derive_key("reprise vault 0 chunk id", master),
            pack: blake3::derive_key("reprise vault 0 pack", master),
            snapshot: blake3::derive_key("reprise vault 0 snapshot", master),
            gear: blake3::derive_key("reprise vault 0 gear", master),
            objects: ObjectKind::ALL.map(|kind| {
                blake3::derive_key(&format!("reprise vault 1 {}", kind.folder()), master)
            }),
        }
    }

    pub(crate) fn chunk_id(&self, plain: &[u8]) -> ChunkId {
        ChunkId::from_bytes(*blake3::keyed_hash(&self.id, plain).as_bytes())
    }

    /// The key of the pack with this header.
    pub(crate) fn pack(&self, header: &[u8]) -> Sealer {
        Sealer::new(blake3::keyed_hash(&self.pack, header).as_bytes())
    }

    pub(crate) fn snapshot(&self, header: &[u8]) -> Sealer {
        Sealer::new(blake3::keyed_hash(&self.snapshot, header).as_bytes())
    }

    /// The key of the object with this header (docs/format.md): what belongs to no kind has none.
    pub(crate) fn object(&self, header: &[u8]) -> Sealer {
        let kind = match envelope::parse_header(header) {
            Ok(header) => header.kind,
            Err(_) => return Sealer(None),
        };
        let of_kind = ObjectKind::ALL.iter().position(|of| *of == kind);
        match of_kind.and_then(|at| self.objects.get(at)) {
            Some(key) => Sealer::new(blake3::keyed_hash(key, header).as_bytes()),
            None => Sealer(None),
        }
    }

    /// A small object: one sealed text between header and trailer.
    pub(crate) fn seal_object(
        &self,
        kind: ObjectKind,
        id: &[u8; 16],
        plain: &[u8],
    ) -> Result<Vec<u8>, Bad> {
        let head = envelope::encode_header(kind, id);
        let mut bytes = Vec::with_capacity(head.len() + plain.len() + 128);
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(plain);
        self.object(&head).seal(0, &head, &mut bytes, head.len())?;
        Ok(envelope::finish(bytes))
    }

    /// The plain text of a small object that must be the one of this kind and name.
    pub(crate) fn open_object(
        &self,
        kind: ObjectKind,
        id: &[u8; 16],
        object: &[u8],
    ) -> Result<Vec<u8>, Bad> {
        let body = envelope::parse_as(object, kind, id)?.body;
        let head = &object[..body.start];
        self.object(head).open(0, head, object[body].to_vec())
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Keys {
        Keys::derive(&[42; 32])
    }

    /// Key of the table that decides where files are cut: cuts seen in pack sizes must not tell known files.
    pub(crate) fn gear(&self) -> &[u8; 32] {
        &self.gear
    }
}

/// AES-256-GCM with numbers as nonces; a number is used once per key.
pub(crate) struct Sealer(Option<LessSafeKey>);

impl Sealer {
    fn new(key: &[u8; 32]) -> Sealer {
        Sealer(
            UnboundKey::new(&AES_256_GCM, key)
                .ok()
                .map(LessSafeKey::new),
        )
    }

    fn nonce(number: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&number.to_le_bytes());
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals `bytes[from..]` in place and appends the tag.
    pub(crate) fn seal(
        &self,
        number: u64,
        aad: &[u8],
        bytes: &mut Vec<u8>,
        from: usize,
    ) -> Result<(), Bad> {
        let key = self.0.as_ref().ok_or(Bad::Seal)?;
        let part = bytes.get_mut(from..).ok_or(Bad::Short)?;
        let tag = key
            .seal_in_place_separate_tag(Self::nonce(number), Aad::from(aad), part)
            .map_err(|_| Bad::Seal)?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(())
    }

    pub(crate) fn open(
        &self,
        number: u64,
        aad: &[u8],
        mut sealed: Vec<u8>,
    ) -> Result<Vec<u8>, Bad> {
        let key = self.0.as_ref().ok_or(Bad::Seal)?;
        let len = key
            .open_in_place(Self::nonce(number), Aad::from(aad), &mut sealed)
            .map_err(|_| Bad::Seal)?
            .len();
        sealed.truncate(len);
        Ok(sealed)
    }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random(error.to_string()))?;
    Ok(bytes)
}

/// A new master key, wrapped for `password`.
pub(crate) fn make(password: &Secret, cost: KdfCost) -> Result<(Keys, KeyObject), Error> {
    let (master, salt) = (random::<32>()?, random::<16>()?);
    let sealer = from_password(password, cost, &salt)?;
    let mut sealed = master.to_vec();
    sealer
        .seal(0, &key::header(cost, &salt), &mut sealed, 0)
        .map_err(|bad| Error::Derive(bad.to_string()))?;
    Ok((Keys::derive(&master), KeyObject { cost, salt, sealed }))
}

/// `None` = wrong password.
pub(crate) fn unwrap(password: &Secret, object: &KeyObject) -> Result<Option<Keys>, Error> {
    let sealer = from_password(password, object.cost, &object.salt)?;
    let opened = sealer.open(
        0,
        &key::header(object.cost, &object.salt),
        object.sealed.clone(),
    );
    let master = opened
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    Ok(master.map(|master| Keys::derive(&master)))
}

fn from_password(password: &Secret, cost: KdfCost, salt: &[u8; 16]) -> Result<Sealer, Error> {
    let derive = |error: argon2::Error| Error::Derive(error.to_string());
    let params =
        argon2::Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(derive)?;
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut key = [0; 32];
    argon
        .hash_password_into(password.expose(), salt, &mut key)
        .map_err(derive)?;
    Ok(Sealer::new(&key))
}
