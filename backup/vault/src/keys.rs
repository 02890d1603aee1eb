//! Everything secret of an open vault, derived from its master key.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::format::key::{self, Cuts, KeyObject, Note, Secrets, Way};
use crate::format::{Bad, envelope};
use crate::inner::{damaged, hex_name};
use crate::target::ObjectKind;
use crate::vault::KdfCost;
use crate::{ChunkId, Error, Secret, kdf};

/// Length of an authentication tag.
pub(crate) const TAG_LEN: usize = 16;

pub(crate) struct Keys {
    secrets: Secrets,
    /// The key object that was opened.
    pub(crate) opened: [u8; 16],
    id: [u8; 32],
    gear: [u8; 32],
    /// One for each kind of object, in the order of [`ObjectKind::ALL`].
    objects: [[u8; 32]; 8],
}

impl Keys {
    fn derive(secrets: Secrets, opened: [u8; 16]) -> Keys {
        let of_vault =
            |what: &str| blake3::derive_key(&format!("reprise vault 1 {what}"), &secrets.identity);
        Keys {
            id: of_vault("chunk id"),
            gear: of_vault("gear"),
            objects: ObjectKind::ALL.map(|kind| {
                let context = format!("reprise vault 1 {}", kind.folder());
                blake3::derive_key(&context, &secrets.epoch)
            }),
            secrets,
            opened,
        }
    }

    /// Of a new vault.
    pub(crate) fn generate(cuts: Cuts) -> Result<Keys, Error> {
        let secrets = Secrets {
            vault: random()?,
            identity: random()?,
            epoch: random()?,
            cuts,
        };
        Ok(Keys::derive(secrets, [0; 16]))
    }

    /// Which vault this is; the same through every key.
    pub(crate) fn vault(&self) -> [u8; 16] {
        self.secrets.vault
    }

    /// Where this vault cuts streams.
    pub(crate) fn cuts(&self) -> Cuts {
        self.secrets.cuts
    }

    /// A key object that `secret` opens; its id and bytes.
    pub(crate) fn wrap(
        &self,
        secret: &Secret,
        cost: KdfCost,
        note: &Note,
    ) -> Result<([u8; 16], Vec<u8>), Error> {
        let id = random()?;
        let way = match secret.is_recovery() {
            true => Way::Recovery,
            false => Way::Password {
                cost,
                salt: random()?,
            },
        };
        let sealer = wrapping(secret, &way)?;
        let bytes = self.wrap_with(&sealer, &id, way, note);
        Ok((id, bytes.map_err(|bad| Error::Derive(bad.to_string()))?))
    }

    fn wrap_with(
        &self,
        sealer: &Sealer,
        id: &[u8; 16],
        way: Way,
        note: &Note,
    ) -> Result<Vec<u8>, Bad> {
        let mut bytes = envelope::encode_header(ObjectKind::Key, id);
        let own = self.object(&bytes);
        let mut aad = bytes.clone();
        aad.extend_from_slice(&key::encode_way(&way));
        let mut secrets = key::encode_secrets(&self.secrets);
        sealer.seal(0, &aad, &mut secrets, 0)?;
        aad.extend_from_slice(&secrets);
        let mut sealed_note = key::encode_note(note);
        own.seal(0, &aad, &mut sealed_note, 0)?;
        bytes.extend_from_slice(&key::encode(&KeyObject {
            way,
            secrets,
            note: sealed_note,
        }));
        Ok(envelope::finish(bytes))
    }

    /// What was noted when a key object of this vault was made; [`Bad::Seal`] when it is none of this vault's.
    pub(crate) fn note(&self, id: &[u8; 16], object: &[u8], key: &KeyObject) -> Result<Note, Bad> {
        let head = envelope::encode_header(ObjectKind::Key, id);
        if !object.starts_with(&head) {
            return Err(Bad::Magic);
        }
        let aad = [&head[..], &key::encode_way(&key.way), &key.secrets].concat();
        key::decode_note(&self.object(&head).open(0, &aad, key.note.clone())?)
    }

    pub(crate) fn chunk_id(&self, plain: &[u8]) -> ChunkId {
        ChunkId::from_bytes(*blake3::keyed_hash(&self.id, plain).as_bytes())
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
        let secrets = Secrets {
            vault: [41; 16],
            identity: [42; 32],
            epoch: [43; 32],
            cuts: Cuts::DEFAULT,
        };
        Keys::derive(secrets, [0; 16])
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
        let len = self.open_in_place(number, aad, &mut sealed)?.len();
        sealed.truncate(len);
        Ok(sealed)
    }

    /// Where the sealed bytes lie; what is returned is their beginning.
    pub(crate) fn open_in_place<'a>(
        &self,
        number: u64,
        aad: &[u8],
        sealed: &'a mut [u8],
    ) -> Result<&'a [u8], Bad> {
        let key = self.0.as_ref().ok_or(Bad::Seal)?;
        let opened = key.open_in_place(Self::nonce(number), Aad::from(aad), sealed);
        Ok(opened.map_err(|_| Bad::Seal)?)
    }
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random(error.to_string()))?;
    Ok(bytes)
}

/// Whether a secret is of the kind that a key object was made for.
pub(crate) fn fits(secret: &Secret, way: &Way) -> bool {
    secret.is_recovery() == matches!(way, Way::Recovery)
}

/// The key that wraps a vault's secrets.
fn wrapping(secret: &Secret, way: &Way) -> Result<Sealer, Error> {
    let Way::Password { cost, salt } = way else {
        // Random already: nobody guesses it, so it need not be slow.
        return Ok(Sealer::new(&blake3::derive_key(
            "reprise vault 1 recovery",
            secret.expose(),
        )));
    };
    Ok(Sealer::new(&kdf::from_password(secret, *cost, salt)?))
}

/// `None` = the secret is not the one it was made for.
pub(crate) fn unwrap(
    secret: &Secret,
    id: &[u8; 16],
    object: &[u8],
    key: &KeyObject,
) -> Result<Option<Keys>, Error> {
    let sealer = wrapping(secret, &key.way)?;
    let mut aad = object
        .get(..envelope::HEADER_LEN)
        .unwrap_or_default()
        .to_vec();
    aad.extend_from_slice(&key::encode_way(&key.way));
    let Ok(plain) = sealer.open(0, &aad, key.secrets.clone()) else {
        return Ok(None);
    };
    match key::decode_secrets(&plain) {
        Ok(secrets) => Ok(Some(Keys::derive(secrets, *id))),
        Err(bad) => Err(damaged(ObjectKind::Key, &hex_name(id), bad)),
    }
}
