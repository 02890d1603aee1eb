//! Frames that were read lately: neighbours of a chunk are usually wanted next.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Error;
use crate::index::PackName;

/// Memory for frames kept.
const BYTES: usize = 32 * 1024 * 1024;

/// The plain bytes of a frame.
pub(crate) struct Frame {
    pub(crate) plain: Vec<u8>,
    pub(crate) chunks: Vec<Range<usize>>,
}

impl Frame {
    pub(crate) fn chunk(&self, slot: u16) -> Option<&[u8]> {
        let range = self.chunks.get(usize::from(slot))?;
        self.plain.get(range.clone())
    }

    fn bytes(&self) -> usize {
        self.plain.capacity() + self.chunks.capacity() * size_of::<Range<usize>>()
    }
}

type Name = (PackName, u16);
/// Locked while its frame is being read, so that it is read once however many ask for it.
type Slot = Arc<Mutex<Option<Arc<Frame>>>>;

#[derive(Default)]
pub(crate) struct Frames(Mutex<Kept>);

#[derive(Default)]
struct Held {
    slot: Slot,
    turn: u64,
    /// 0 until it was read.
    bytes: usize,
}

#[derive(Default)]
struct Kept {
    slots: HashMap<Name, Held>,
    /// When each was last asked for.
    turns: BTreeMap<u64, Name>,
    turn: u64,
    bytes: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Frames {
    pub(crate) fn get(
        &self,
        name: Name,
        read: impl FnOnce() -> Result<Frame, Error>,
    ) -> Result<Arc<Frame>, Error> {
        let slot = lock(&self.0).touch(name);
        let mut content = lock(&slot);
        if let Some(frame) = &*content {
            return Ok(Arc::clone(frame));
        }
        let frame = match read() {
            Ok(frame) => Arc::new(frame),
            Err(error) => {
                lock(&self.0).remove(&name);
                return Err(error);
            }
        };
        *content = Some(Arc::clone(&frame));
        drop(content);
        lock(&self.0).arrived(&name, &slot, frame.bytes());
        Ok(frame)
    }

    /// What is on the target may have changed.
    pub(crate) fn clear(&self) {
        *lock(&self.0) = Kept::default();
    }
}

impl Kept {
    fn touch(&mut self, name: Name) -> Slot {
        self.turn += 1;
        let held = self.slots.entry(name).or_default();
        self.turns.remove(&held.turn);
        held.turn = self.turn;
        self.turns.insert(self.turn, name);
        Arc::clone(&held.slot)
    }

    fn remove(&mut self, name: &Name) {
        if let Some(held) = self.slots.remove(name) {
            self.turns.remove(&held.turn);
            self.bytes -= held.bytes;
        }
    }

    /// A frame was read: the longest unused make room. Its own slot may have gone meanwhile.
    fn arrived(&mut self, name: &Name, slot: &Slot, bytes: usize) {
        let held = self.slots.get_mut(name);
        let Some(held) = held.filter(|held| Arc::ptr_eq(&held.slot, slot)) else {
            return;
        };
        held.bytes = bytes;
        self.bytes += bytes;
        while self.bytes > BYTES && self.slots.len() > 1 {
            let Some(oldest) = self.turns.first_key_value().map(|(_, name)| *name) else {
                return;
            };
            self.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::ObjectKind;

    fn name(n: u16) -> Name {
        ((ObjectKind::Pack, [1; 16]), n)
    }

    fn frame(len: usize) -> Frame {
        Frame {
            plain: vec![0; len],
            chunks: std::iter::once(0..len).collect(),
        }
    }

    #[test]
    fn what_was_asked_for_lately_is_kept_within_the_memory_allowed() {
        let frames = Frames::default();
        let read = std::cell::Cell::new(0);
        let ask = |n: u16| {
            let made = || {
                read.set(read.get() + 1);
                Ok(frame(1024 * 1024))
            };
            frames.get(name(n), made).unwrap();
        };
        (0..14).for_each(ask);
        (0..14).for_each(ask);
        assert_eq!(read.get(), 14);
        (100..400).for_each(|n| {
            ask(0);
            ask(n);
        });
        assert_eq!(read.get(), 314, "the first was asked for all the time");
        {
            let kept = lock(&frames.0);
            assert!(kept.bytes <= BYTES);
            assert_eq!(kept.slots.len(), kept.turns.len());
        }
        ask(1);
        assert_eq!(read.get(), 315);
    }

    #[test]
    fn what_could_not_be_read_is_tried_again() {
        let frames = Frames::default();
        assert!(frames.get(name(1), || Err(Error::Cancelled)).is_err());
        assert!(frames.get(name(1), || Ok(frame(5))).is_ok());
        assert_eq!(lock(&frames.0).slots.len(), 1);
    }

    #[test]
    fn many_who_ask_for_one_frame_read_it_once() {
        let frames = Frames::default();
        let read = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let made = || {
                        read.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        Ok(frame(10))
                    };
                    frames.get(name(3), made).unwrap();
                });
            }
        });
        assert_eq!(read.into_inner(), 1);
    }
}
