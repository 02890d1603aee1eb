//! Opens frame after frame in the same memory: making room anew for each would cost more than opening it.

use std::ops::Range;

use crate::format::Bad;
use crate::format::frame::{self, Coding};
use crate::keys::Sealer;

#[derive(Default)]
pub(crate) struct Opener {
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    plain: Vec<u8>,
}

/// Plain bytes and where each chunk lies in them; the chunks are not verified.
pub(crate) struct Opened<'a> {
    pub(crate) plain: &'a [u8],
    pub(crate) chunks: Vec<Range<usize>>,
}

impl Opener {
    /// `bytes` are the frame; they are opened where they are.
    pub(crate) fn open<'a>(
        &'a mut self,
        sealer: &Sealer,
        pack: &[u8],
        number: u32,
        bytes: &'a mut [u8],
    ) -> Result<Opened<'a>, Bad> {
        let (header, coded) = frame::unseal_in_place(sealer, pack, number, bytes)?;
        let plain = match header.coding {
            Coding::Plain => coded,
            Coding::Zstd => self.unpack(coded, header.plain_len as usize)?,
        };
        if plain.len() != header.plain_len as usize {
            return Err(Bad::Length);
        }
        let chunks = frame::split_table(plain, header.chunks)?;
        Ok(Opened { plain, chunks })
    }

    fn unpack(&mut self, coded: &[u8], len: usize) -> Result<&[u8], Bad> {
        let bad = |_| Bad::Value("compressed bytes");
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            none => none.insert(zstd::bulk::Decompressor::new().map_err(bad)?),
        };
        if self.plain.len() < len {
            self.plain.resize(len, 0);
        }
        let room = &mut self.plain[..len];
        let unpacked = zstd.decompress_to_buffer(coded, room).map_err(bad)?;
        self.plain.get(..unpacked).ok_or(Bad::Length)
    }
}
