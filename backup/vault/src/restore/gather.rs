//! Gathers files until there is enough to read in a good order, then hands them to the threads.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::batch::{self, Batch, Fetch, Piece, Span, Spot};
use super::execute::Shared;
use super::filling::{Filling, Way};
use super::links::Waiting;
use crate::index::PackName;
use crate::node::{Segment, Segments};
use crate::{ChunkId, SegmentReader};

/// A batch is worth reading when it holds one of these.
const FILES: usize = 16_384;
const PIECES: usize = 65_536;
/// Names, attributes and lists of chunks, about.
const BYTES: usize = 16 * 1024 * 1024;
/// Small files without chunks, and existing ones, are shared out in lots of this size.
const LOT: usize = 128;

/// A batch and how to read it.
pub(crate) struct Ready {
    pub(crate) batch: Batch,
    pub(crate) fetches: Vec<Fetch>,
    pub(crate) packs: Arc<Vec<PackName>>,
}

pub(crate) enum Task {
    /// One of the batch's fetches.
    Fetch(Arc<Ready>, usize),
    /// Some of the batch's other files.
    Others(Arc<Ready>, std::ops::Range<usize>),
}

pub(crate) struct Gather<'a> {
    shared: &'a Shared<'a>,
    queue: SyncSender<Task>,
    batch: Batch,
    /// Files of the batch that may stay open for a while.
    long: usize,
    bytes: usize,
    packs: Arc<Vec<PackName>>,
    numbers: HashMap<PackName, u32>,
    /// The index was read again for this batch: what it does not know is lost.
    refreshed: bool,
}

impl<'a> Gather<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>, queue: SyncSender<Task>) -> Gather<'a> {
        Gather {
            shared,
            queue,
            batch: Batch::default(),
            long: 0,
            bytes: 0,
            packs: Arc::default(),
            numbers: HashMap::new(),
            refreshed: false,
        }
    }

    /// A file to write, or to look at when something is there.
    pub(crate) fn file(&mut self, waiting: Waiting, way: Way) {
        let Waiting {
            folder,
            mut node,
            group,
            notes,
            ..
        } = waiting;
        self.bytes += weight(&node);
        if way == Way::There {
            let filling = Filling::new(folder, node, way, group, notes);
            self.batch.others.push(Arc::new(filling));
            return self.full();
        }
        let segments = self.shared.vault.segments(&node);
        let ends_in_hole = match std::mem::take(&mut node.segments) {
            Segments::Inline(all) => matches!(all.last(), Some(Segment::Hole { .. })),
            // Perhaps: setting the length once more does no harm.
            Segments::Listed(parts) => parts.last().is_some_and(|part| part.holes > 0),
        };
        let filling = Filling::new(folder, node, way, group, notes);
        let filling = Arc::new(filling.ending_in_hole(ends_in_hole));
        self.pieces(&filling, segments);
        self.full();
    }

    fn pieces(&mut self, filling: &Arc<Filling>, segments: SegmentReader<'_>) {
        let (mut at, mut number, mut added) = (0u64, None, 0);
        for segment in segments {
            let segment = match segment {
                Ok(segment) => segment,
                Err(error) => {
                    filling.fail(io::Error::other(error));
                    break;
                }
            };
            if let Segment::Chunk { id, len } = segment {
                match self.spot(&id) {
                    Ok(spot) => {
                        let file = *number.get_or_insert_with(|| {
                            self.batch.files.push(Arc::clone(filling));
                            self.batch.files.len() as u32 - 1
                        });
                        filling.add_piece();
                        added += 1;
                        self.batch.pieces.push(Piece {
                            spot,
                            file,
                            len,
                            at,
                            id,
                        });
                    }
                    Err(error) => filling.fail(error),
                }
                if self.batch.pieces.len() >= PIECES {
                    // The rest of a long file goes into the next batch.
                    self.flush();
                    number = None;
                }
            } else {
                self.shared.bytes_passed(segment.len());
            }
            at = at.saturating_add(segment.len());
        }
        if at != filling.node.size {
            let (parts, size) = (at, filling.node.size);
            let what = format!("its parts make up {parts} bytes instead of {size}");
            filling.fail(io::Error::other(what));
        }
        match added {
            0 => self.batch.others.push(Arc::clone(filling)),
            1 => filling.done(self.shared, 1),
            _ => {
                self.long += 1;
                filling.done(self.shared, 1);
            }
        }
    }

    fn spot(&mut self, id: &ChunkId) -> io::Result<Spot> {
        let vault = self.shared.vault;
        let mut place = vault.index().best(id);
        if place.is_none() && !self.refreshed {
            self.refreshed = true;
            vault.refresh().map_err(io::Error::other)?;
            place = vault.index().best(id);
        }
        let place = place.ok_or_else(|| {
            io::Error::other(format!("chunk {id} is lost: no readable pack holds it"))
        })?;
        let next = self.packs.len() as u32;
        let pack = *self.numbers.entry(place.pack).or_insert(next);
        if pack == next {
            Arc::make_mut(&mut self.packs).push(place.pack);
        }
        Ok(Spot {
            pack,
            frame: u32::from(place.frame),
            slot: u32::from(place.slot),
        })
    }

    fn full(&mut self) {
        if self.batch.files.len() + self.batch.others.len() >= FILES
            || self.batch.pieces.len() >= PIECES
            || self.bytes >= BYTES
            || self.long >= self.shared.open_files
        {
            self.flush();
        }
    }

    /// Hands over what was gathered; waits while the threads have enough to do.
    pub(crate) fn flush(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        (self.long, self.bytes, self.refreshed) = (0, 0, false);
        if batch.files.is_empty() && batch.others.is_empty() {
            return;
        }
        let vault = self.shared.vault;
        let (fetches, lost) = {
            let index = vault.index();
            batch::plan(&mut batch.pieces, |piece| {
                index.best(&piece.id).map(|place| Span {
                    offset: u64::from(place.offset),
                    len: place.len,
                })
            })
        };
        for piece in lost.into_iter().flatten() {
            let piece = &batch.pieces[piece];
            let filling = &batch.files[piece.file as usize];
            filling.fail(io::Error::other(format!("chunk {} is lost", piece.id)));
            filling.done(self.shared, 1);
        }
        let ready = Arc::new(Ready {
            batch,
            fetches,
            packs: Arc::clone(&self.packs),
        });
        for number in 0..ready.fetches.len() {
            self.send(Task::Fetch(Arc::clone(&ready), number));
        }
        let others = ready.batch.others.len();
        for from in (0..others).step_by(LOT) {
            let lot = from..others.min(from + LOT);
            self.send(Task::Others(Arc::clone(&ready), lot));
        }
    }

    fn send(&self, task: Task) {
        // Also when the restore is being stopped: the threads then take away what is half written.
        self.shared.flight.begin();
        // Nobody takes it: every thread has stopped, which the end of the restore will tell.
        if self.queue.send(task).is_err() {
            self.shared.flight.end();
        }
    }
}

fn weight(node: &crate::Node) -> usize {
    let attributes = node.xattrs.iter().map(|x| x.name.len() + x.value.len());
    let lists = node.segments.inline_len() * size_of::<Segment>();
    size_of::<Filling>() + node.path.len() + node.name.len() + attributes.sum::<usize>() + lists
}
