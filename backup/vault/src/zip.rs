//! A folder of a snapshot as a zip stream.

use std::io::Write;

use crate::{Error, Problem, Snapshot, Vault};

/// Streams the file or folder at `path` (all roots for an empty path). Names are made safe for any system; what a zip
/// cannot hold (devices, sockets) is a problem.
pub fn write<W: Write>(
    _vault: &Vault,
    _snapshot: &Snapshot,
    _path: &[u8],
    _out: W,
) -> Result<Vec<Problem>, Error> {
    unimplemented!()
}
