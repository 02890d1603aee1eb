//! Reads a range of a pack and writes its chunks where the files want them.

use super::batch::{Fetch, Piece, Span};
use super::execute::Shared;
use super::gather::Ready;
use super::opener::{Opened, Opener};
use crate::Error;
use crate::format::envelope;
use crate::inner::hex_name;

pub(crate) fn run(shared: &Shared<'_>, ready: &Ready, fetch: &Fetch, opener: &mut Opener) {
    let (kind, id) = ready.packs[fetch.pack as usize];
    let read = |span: Span| {
        let target = &shared.vault.target;
        target.get_range(kind, &hex_name(&id), span.offset, span.len as usize)
    };
    let header = envelope::encode_header(kind, &id);
    let sealer = shared.vault.keys.object(&header);
    let whole = Span {
        offset: fetch.offset,
        len: u32::try_from(fetch.len).unwrap_or(u32::MAX),
    };
    let mut bytes = read(whole).ok();
    for (span, range) in &fetch.frames {
        let pieces = &ready.batch.pieces[range.clone()];
        let Some(first) = pieces.first() else {
            continue;
        };
        let from = usize::try_from(span.offset - fetch.offset).unwrap_or(usize::MAX);
        // When the range as a whole cannot be read, a part of it perhaps can.
        let mut alone = match bytes {
            Some(_) => None,
            None => read(*span).ok(),
        };
        let sealed = match (&mut bytes, &mut alone) {
            (Some(bytes), _) => bytes.get_mut(from..from + span.len as usize),
            (None, alone) => alone.as_deref_mut(),
        };
        let number = first.spot.frame;
        let opened = sealed.and_then(|sealed| opener.open(&sealer, &header, number, sealed).ok());
        frame(shared, ready, opened.as_ref(), pieces);
    }
}

/// Verifies the chunks of one frame that are wanted, and writes them.
fn frame(shared: &Shared<'_>, ready: &Ready, opened: Option<&Opened<'_>>, pieces: &[Piece]) {
    let mut rest = pieces;
    while let Some(first) = rest.first() {
        if shared.stopping() {
            break;
        }
        let count = run_of(rest);
        let (run, others) = rest.split_at(count);
        rest = others;
        let plain = opened.and_then(|frame| verified(shared, frame, run));
        match plain {
            Some(plain) => give(shared, ready, run, plain),
            // Damaged here, or swept away meanwhile: perhaps the vault has it elsewhere.
            None => rescue(shared, ready, first, run),
        }
    }
    for piece in rest {
        let filling = &ready.batch.files[piece.file as usize];
        filling.fail(std::io::Error::other("the restore was stopped"));
        filling.done(shared, 1);
    }
}

/// How many of the pieces lie one behind the other in the frame *and* in the file.
fn run_of(pieces: &[Piece]) -> usize {
    let follows = |pair: &[Piece]| {
        pair[1].file == pair[0].file
            && pair[1].spot.slot == pair[0].spot.slot + 1
            && pair[1].at == pair[0].at + u64::from(pair[0].len)
    };
    1 + pieces.windows(2).take_while(|pair| follows(pair)).count()
}

fn give(shared: &Shared<'_>, ready: &Ready, run: &[Piece], plain: &[u8]) {
    let Some(first) = run.first() else { return };
    let filling = &ready.batch.files[first.file as usize];
    if filling.write(shared, plain, first.at).is_ok() {
        shared.bytes_passed(plain.len() as u64);
    }
    filling.done(shared, run.len());
}

fn rescue(shared: &Shared<'_>, ready: &Ready, first: &Piece, run: &[Piece]) {
    let filling = &ready.batch.files[first.file as usize];
    for piece in run {
        let plain = shared.vault.chunk(&piece.id).and_then(|plain| {
            if plain.len() == piece.len as usize {
                return Ok(plain);
            }
            Err(Error::Damaged {
                object: format!("chunk {}", piece.id),
                what: "has another length than the file says".to_owned(),
            })
        });
        match plain {
            Ok(plain) => {
                if filling.write(shared, &plain, piece.at).is_ok() {
                    shared.bytes_passed(plain.len() as u64);
                }
            }
            Err(error) => filling.fail(std::io::Error::other(error)),
        }
    }
    filling.done(shared, run.len());
}

/// The bytes of neighbouring chunks of a frame, each verified against its id.
fn verified<'a>(shared: &Shared<'_>, frame: &Opened<'a>, run: &[Piece]) -> Option<&'a [u8]> {
    let chunk = |piece: &Piece| frame.chunks.get(piece.spot.slot as usize);
    for piece in run {
        let plain = frame.plain.get(chunk(piece)?.clone())?;
        if plain.len() != piece.len as usize || shared.vault.keys.chunk_id(plain) != piece.id {
            return None;
        }
    }
    let (from, to) = (chunk(run.first()?)?.start, chunk(run.last()?)?.end);
    frame.plain.get(from..to)
}
