//! A pack being filled.

use crate::format::frame::{self, FrameHeader};
use crate::format::pack::{DIRECTORY, DirFrame, Directory, MAX_FRAMES, encode_directory};
use crate::format::{Bad, envelope};
use crate::id::ShortId;
use crate::index::PackName;
use crate::keys::{Keys, Sealer};

use super::press::Pressed;

/// A pack is published once it holds so many bytes.
pub(super) const PACK_BYTES: usize = 16 * 1024 * 1024;
/// Only pages that are written to cost memory; growing would copy the pack.
const ROOM: usize = PACK_BYTES + 5 * 1024 * 1024;

pub(super) struct Builder {
    pub(super) name: PackName,
    header: Vec<u8>,
    sealer: Sealer,
    body: Vec<u8>,
    pub(super) directory: Directory,
}

impl Builder {
    /// `body` is a buffer to use again.
    pub(super) fn new(name: PackName, keys: &Keys, mut body: Vec<u8>) -> Builder {
        let header = envelope::encode_header(name.0, &name.1);
        body.clear();
        body.reserve(ROOM);
        body.extend_from_slice(&header);
        Builder {
            name,
            sealer: keys.object(&header),
            header,
            body,
            directory: Directory::default(),
        }
    }

    pub(super) fn append(
        &mut self,
        pressed: &Pressed<'_>,
        chunks: Vec<(ShortId, u32)>,
    ) -> Result<(), Bad> {
        let too_long = |_| Bad::Value("frame length");
        let offset = u32::try_from(self.body.len()).map_err(too_long)?;
        let number = u32::try_from(self.directory.frames.len()).map_err(too_long)?;
        let header = FrameHeader {
            coding: pressed.coding,
            chunks: u16::try_from(chunks.len()).map_err(too_long)?,
            number,
            plain_len: u32::try_from(pressed.plain_len).map_err(too_long)?,
            // Filled in by `seal`.
            sealed_len: 0,
        };
        let len = frame::seal(
            &self.sealer,
            &self.header,
            header,
            &pressed.coded,
            &mut self.body,
        )?;
        self.directory.frames.push(DirFrame {
            offset,
            len,
            chunks,
        });
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.body.len() >= PACK_BYTES || self.directory.frames.len() >= MAX_FRAMES
    }

    /// The whole object.
    pub(super) fn finish(self) -> Result<(PackName, Directory, Vec<u8>), Bad> {
        let mut body = self.body;
        let from = body.len();
        body.extend_from_slice(&encode_directory(&self.directory));
        self.sealer.seal(DIRECTORY, &self.header, &mut body, from)?;
        let len = u32::try_from(body.len() - from).map_err(|_| Bad::Value("directory length"))?;
        body.extend_from_slice(&len.to_le_bytes());
        Ok((self.name, self.directory, envelope::finish(body)))
    }
}
