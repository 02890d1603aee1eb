//! The bytes on disk, format 1 (docs/format.md): pure encoding and decoding, no input or output.
//!
//! Everything is little-endian. Decoders take hostile bytes: they never panic and never allocate more than the
//! input's own length justifies.

pub(crate) mod bytes;
pub(crate) mod envelope;
pub(crate) mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub(crate) mod index;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod mark;
pub(crate) mod pack;
pub(crate) mod segments;
pub(crate) mod session;
pub(crate) mod snapshot;
mod times;
pub(crate) mod tomb;
pub(crate) mod tree;

/// The format this program writes, and the newest it reads.
pub(crate) const FORMAT: u32 = 1;

/// Why bytes are not what they should be; fits after "the pack …: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Bad {
    #[error("it ends too early")]
    Short,
    #[error("it is not an object of a vault")]
    Magic,
    #[error("its length differs from what its end says (cut or grown)")]
    Length,
    #[error("its bytes changed since they were written")]
    Hash,
    #[error("it does not decrypt (changed, or from another vault)")]
    Seal,
    #[error("it holds an impossible value ({0})")]
    Value(&'static str),
    #[error("it has format {0}")]
    Newer(u32),
    /// A field that this version leaves at zero.
    #[error("it was written by a newer reprise ({0})")]
    Unknown(&'static str),
}
