//! A key object: the vault's secrets, wrapped for a password or for the recovery key; beside them, for who has the vault
//! open, when that was done and a label.

use super::Bad;
use super::bytes::{Cursor, Put};
use super::frame::MAX_CHUNK;
use super::session::short_text;
use crate::keys::TAG_LEN;
use crate::vault::KdfCost;

/// What a hostile key object may cost at most: 1 GiB, 64 passes.
const MOST: KdfCost = KdfCost {
    memory_kib: 1024 * 1024,
    passes: 64,
    lanes: 16,
};
/// Longest label.
pub(crate) const MAX_LABEL: usize = 200;
/// Longest body of a key object: who lists keys reads no more.
const MAX_BODY: usize = 64 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyObject {
    pub(crate) way: Way,
    /// [`Secrets`], under the key that the way leads to, nonce 0.
    pub(crate) secrets: Vec<u8>,
    /// [`Note`], under the object's own key, nonce 0.
    pub(crate) note: Vec<u8>,
}

/// How the key that wraps the secrets is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// argon2id of a password.
    Password { cost: KdfCost, salt: [u8; 16] },
    /// 32 random bytes on paper.
    Recovery,
}

/// What opens a vault. The same in each of its key objects.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secrets {
    /// Which vault this is; random.
    pub(crate) vault: [u8; 16],
    /// Chunks' names and cuts come from it, for ever: they must stay the same to deduplicate.
    pub(crate) identity: [u8; 32],
    /// Objects of epoch 0 are sealed under keys that come from it.
    pub(crate) epoch: [u8; 32],
    pub(crate) cuts: Cuts,
}

/// Where streams are cut, in bytes. Settled when the vault is made: another cut means that nothing deduplicates any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cuts {
    pub(crate) min: u32,
    /// A power of two.
    pub(crate) average: u32,
    pub(crate) max: u32,
    /// Disk images are cut every so many bytes.
    pub(crate) fixed: u32,
}

impl Cuts {
    pub(crate) const DEFAULT: Cuts = Cuts {
        min: 16 * 1024,
        average: 64 * 1024,
        max: 256 * 1024,
        fixed: 32 * 1024,
    };
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) created_ms: i64,
    pub(crate) label: String,
}

/// The bytes of the body before the secrets; they are authenticated with them, behind the header.
pub(crate) fn encode_way(way: &Way) -> Vec<u8> {
    let mut out = Vec::new();
    match way {
        Way::Password { cost, salt } => {
            out.push(0);
            for value in [cost.memory_kib, cost.passes, cost.lanes] {
                out.put_u32(value);
            }
            out.extend_from_slice(salt);
        }
        Way::Recovery => out.push(1),
    }
    out
}

pub(crate) fn encode(key: &KeyObject) -> Vec<u8> {
    let mut out = encode_way(&key.way);
    out.put_short_blob(&key.secrets);
    out.put_short_blob(&key.note);
    out
}

pub(crate) fn decode(body: &[u8]) -> Result<KeyObject, Bad> {
    if body.len() > MAX_BODY {
        return Err(Bad::Length);
    }
    let mut cursor = Cursor::new(body);
    let way = match cursor.u8()? {
        0 => Way::Password {
            cost: get_cost(&mut cursor)?,
            salt: cursor.array()?,
        },
        1 => Way::Recovery,
        _ => return Err(Bad::Unknown("way to open it")),
    };
    let (secrets, note) = (cursor.short_blob()?.to_vec(), cursor.short_blob()?.to_vec());
    cursor.end()?;
    if secrets.len() < TAG_LEN || note.len() < TAG_LEN {
        return Err(Bad::Length);
    }
    Ok(KeyObject { way, secrets, note })
}

fn get_cost(cursor: &mut Cursor<'_>) -> Result<KdfCost, Bad> {
    let cost = KdfCost {
        memory_kib: cursor.u32()?,
        passes: cursor.u32()?,
        lanes: cursor.u32()?,
    };
    let lanes_fit = (1..=MOST.lanes).contains(&cost.lanes) && cost.memory_kib >= 8 * cost.lanes;
    if !lanes_fit || cost.memory_kib > MOST.memory_kib || !(1..=MOST.passes).contains(&cost.passes)
    {
        return Err(Bad::Value("cost of the password"));
    }
    Ok(cost)
}

pub(crate) fn encode_secrets(secrets: &Secrets) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(&secrets.vault);
    out.extend_from_slice(&secrets.identity);
    let Cuts {
        min,
        average,
        max,
        fixed,
    } = secrets.cuts;
    for value in [min, average, max, fixed] {
        out.put_u32(value);
    }
    // One epoch: its number, its secret.
    out.put_varint(1);
    out.put_u32(0);
    out.extend_from_slice(&secrets.epoch);
    out
}

pub(crate) fn decode_secrets(plain: &[u8]) -> Result<Secrets, Bad> {
    let mut cursor = Cursor::new(plain);
    let (vault, identity) = (cursor.array()?, cursor.array()?);
    let cuts = Cuts {
        min: cursor.u32()?,
        average: cursor.u32()?,
        max: cursor.u32()?,
        fixed: cursor.u32()?,
    };
    if (cursor.varint()?, cursor.u32()?) != (1, 0) {
        return Err(Bad::Unknown("epochs of its keys"));
    }
    let epoch = cursor.array()?;
    cursor.end()?;
    let ordered = 64 <= cuts.min && cuts.min <= cuts.average && cuts.average <= cuts.max;
    let fits = cuts.max <= MAX_CHUNK && cuts.average.is_power_of_two();
    if !ordered || !fits || !(512..=MAX_CHUNK).contains(&cuts.fixed) {
        return Err(Bad::Value("chunk length"));
    }
    Ok(Secrets {
        vault,
        identity,
        epoch,
        cuts,
    })
}

pub(crate) fn encode_note(note: &Note) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_i64(note.created_ms);
    out.put_short_blob(note.label.as_bytes());
    out
}

pub(crate) fn decode_note(plain: &[u8]) -> Result<Note, Bad> {
    let mut cursor = Cursor::new(plain);
    let note = Note {
        created_ms: cursor.i64()?,
        label: short_text(&mut cursor)?,
    };
    cursor.end()?;
    match note.label.len() <= MAX_LABEL {
        true => Ok(note),
        false => Err(Bad::Value("label")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn example(way: Way) -> KeyObject {
        KeyObject {
            way,
            secrets: vec![4; 133],
            note: vec![5; 40],
        }
    }

    pub(crate) fn secrets() -> Secrets {
        Secrets {
            vault: [1; 16],
            identity: [2; 32],
            epoch: [3; 32],
            cuts: Cuts::DEFAULT,
        }
    }

    #[test]
    fn key_objects_round_trip() {
        let (cost, salt) = (KdfCost::NORMAL, [3; 16]);
        for way in [Way::Recovery, Way::Password { cost, salt }] {
            let bytes = encode(&example(way));
            assert_eq!(decode(&bytes), Ok(example(way)));
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
        let bytes = encode_secrets(&secrets());
        assert!(decode_secrets(&bytes) == Ok(secrets()));
        for cut in 0..bytes.len() {
            assert!(decode_secrets(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_key_may_not_cost_the_earth_nor_cut_into_nothing() {
        let with = |memory_kib, passes, lanes| {
            let cost = KdfCost {
                memory_kib,
                passes,
                lanes,
            };
            let salt = [0; 16];
            decode(&encode(&example(Way::Password { cost, salt })))
        };
        assert!(with(1024 * 1024, 64, 16).is_ok());
        for (memory, passes, lanes) in [
            (1024 * 1024 + 1, 1, 1),
            (64, 65, 1),
            (64, 0, 1),
            (64, 1, 0),
            (64, 1, 9),
            (1024, 1, 17),
        ] {
            let refused = with(memory, passes, lanes);
            assert_eq!(refused, Err(Bad::Value("cost of the password")));
        }
        for (min, average, max, fixed) in [
            (0, 64, 64, 512),
            (128, 64, 256, 512),
            (64, 100, 256, 512),
            (64, 512, 256, 512),
            (64, 64, MAX_CHUNK + 1, 512),
            (64, 64, 64, 0),
        ] {
            let mut secrets = secrets();
            secrets.cuts = Cuts {
                min,
                average,
                max,
                fixed,
            };
            let refused = decode_secrets(&encode_secrets(&secrets)).err();
            assert_eq!(refused, Some(Bad::Value("chunk length")));
        }
    }
}
