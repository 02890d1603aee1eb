//! What is still needed of packs that go moves to new packs, each chunk under the id it has.

use std::collections::BTreeSet;

use super::{Must, Prune};
use crate::frames::Frame;
use crate::index::PackName;
use crate::inner::{damaged, hex_name};
use crate::session::Session;
use crate::writers::Writer;
use crate::{Error, Problem};

impl Prune<'_> {
    /// Stores again what the packs hold and must lie elsewhere; returns the bytes written. What cannot be read or does not
    /// verify is left where it is, and its pack with it.
    pub(super) fn compact(
        &mut self,
        mut writer: Writer,
        moving: &BTreeSet<PackName>,
        doomed: &BTreeSet<PackName>,
        must: &Must,
    ) -> Result<(Writer, u64), Error> {
        let inner = &self.vault.inner;
        // What lies in these does not count as stored.
        writer.tombs.packs.extend(doomed);
        let mut session = Session::resume(inner, writer)?;
        for (pack, places) in must.iter().filter(|(pack, _)| moving.contains(pack)) {
            let mut lost = 0;
            for of_frame in places.chunk_by(|a, b| a.0 == b.0) {
                let Some((frame, ..)) = of_frame.first() else {
                    continue;
                };
                // Past what is kept of frames: each is read once.
                let read = self.frame(pack, *frame);
                let Ok(frame) = read else {
                    lost += of_frame.len();
                    continue;
                };
                for (_, slot, id) in of_frame {
                    let plain = frame.chunk(*slot);
                    let sound = plain.filter(|plain| inner.keys.chunk_id(plain).short() == *id);
                    match sound {
                        Some(plain) => {
                            session.store(pack.0, plain, self.watch)?;
                        }
                        None => lost += 1,
                    }
                }
            }
            if lost > 0 {
                self.report.problems.push(Problem::new(
                    pack.0.object(&hex_name(&pack.1)),
                    format!(
                        "{lost} chunks that are needed of it do not verify; it stays. Run `reprise vault check --read-all`, then `repair`"
                    ),
                ));
            }
        }
        let finished = session.finish(self.watch)?;
        Ok((finished.writer, finished.stored_bytes))
    }

    fn frame(&self, pack: &PackName, number: u16) -> Result<Frame, Error> {
        let inner = &self.vault.inner;
        let at = {
            let index = inner.index();
            let frames = index.pack(pack).map(|pack| &pack.frames);
            frames.and_then(|frames| frames.get(usize::from(number)).copied())
        };
        let (offset, len) = at.ok_or(Error::Cancelled)?;
        let name = hex_name(&pack.1);
        let mut bytes = inner
            .target
            .get_range(pack.0, &name, u64::from(offset), len as usize)?;
        let opened = inner.open_frame(pack, number, &mut bytes);
        opened.map_err(|bad| damaged(pack.0, &name, bad))
    }
}
