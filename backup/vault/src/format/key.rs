//! The key object: the vault's master key, wrapped by a key derived from the password.

use super::bytes::{Cursor, Put};
use super::{Bad, FORMAT};
use crate::vault::KdfCost;

const MAGIC: &[u8; 8] = b"RPRKEY__";
/// What a hostile key object may cost at most: 1 GiB, 64 passes.
const MOST: KdfCost = KdfCost {
    memory_kib: 1024 * 1024,
    passes: 64,
    lanes: 16,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyObject {
    pub(crate) cost: KdfCost,
    pub(crate) salt: [u8; 16],
    /// Master key (32 bytes) and tag, sealed under the password's key with nonce 0 (one salt seals one key once).
    pub(crate) sealed: Vec<u8>,
}

/// The bytes before the sealed key; they are authenticated with it.
pub(crate) fn header(cost: KdfCost, salt: &[u8; 16]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.put_u32(FORMAT);
    out.put_u32(cost.memory_kib);
    out.put_u32(cost.passes);
    out.put_u32(cost.lanes);
    out.extend_from_slice(salt);
    out
}

pub(crate) fn encode(key: &KeyObject) -> Vec<u8> {
    let mut out = header(key.cost, &key.salt);
    out.extend_from_slice(&key.sealed);
    out
}

pub(crate) fn decode(body: &[u8]) -> Result<KeyObject, Bad> {
    let mut cursor = Cursor::new(body);
    if cursor.array()? != *MAGIC {
        return Err(Bad::Magic);
    }
    let format = cursor.u32()?;
    if format > FORMAT {
        return Err(Bad::Newer(format));
    }
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
    let salt = cursor.array()?;
    let sealed = cursor.rest().to_vec();
    if sealed.len() != 48 {
        return Err(Bad::Length);
    }
    Ok(KeyObject { cost, salt, sealed })
}
