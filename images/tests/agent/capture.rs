//! A disk that becomes an image, chunk by chunk, over a network and to a server that have their moods.

use super::server::{Reply, Request, Server};
use super::{Appliance, Machine, why};
use images::agent::{self, Outcome};
use images::import::CHUNK_BYTES;
use images::wire::{DeployOrder, Manifest, ManifestChunk, Next, Step, Wanted};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

const CHUNK: usize = CHUNK_BYTES as usize;

/// What has arrived of a disk.
#[derive(Default)]
struct Shelf {
    chunks: Vec<Vec<u8>>,
    stored: bool,
}

/// An appliance that takes the disk of whoever says hello.
struct Taker {
    usual: Appliance,
    order: DeployOrder,
    shelf: Mutex<Shelf>,
}

impl Taker {
    fn new(machine: &Machine) -> Taker {
        let usual = Appliance::new(machine);
        let order = DeployOrder {
            image: "office".into(),
            image_size_bytes: machine.disk_bytes as u64,
            lost: "Nothing is changed.".into(),
            ..usual.order.clone()
        };
        Taker {
            usual,
            order,
            shelf: Mutex::default(),
        }
    }

    fn disk(&self) -> Vec<u8> {
        let shelf = self.shelf.lock().unwrap();
        assert!(shelf.stored, "it never said that this was all");
        shelf.chunks.concat()
    }

    fn take(&self, request: &Request, index: usize) -> Wanted {
        let size = usize::try_from(self.order.disk_size_bytes).unwrap();
        let count = size.div_ceil(CHUNK);
        let mut shelf = self.shelf.lock().unwrap();
        if index == shelf.chunks.len() {
            if index == count {
                assert!(request.body.is_empty());
                shelf.stored = true;
            } else {
                let len = CHUNK.min(size - index * CHUNK);
                shelf.chunks.push(match request.encoding.as_str() {
                    "zero" => vec![0; len],
                    "zstd" => zstd::bulk::decompress(&request.body, len).unwrap(),
                    "raw" => request.body.clone(),
                    other => panic!("encoding {other}"),
                });
            }
        }
        Wanted {
            next: shelf.chunks.len(),
            stored: shelf.stored,
        }
    }

    fn manifest(&self) -> Manifest {
        let shelf = self.shelf.lock().unwrap();
        Manifest {
            size_bytes: self.order.disk_size_bytes,
            chunk_bytes: CHUNK_BYTES,
            chunks: shelf
                .chunks
                .iter()
                .map(|chunk| ManifestChunk {
                    plain: *blake3::hash(chunk).as_bytes(),
                    zero: chunk.iter().all(|byte| *byte == 0),
                })
                .collect(),
        }
    }

    fn answer(&self, request: &Request) -> Reply {
        let json = |value: String| Reply::Json(value);
        match request.path.as_str() {
            "/agent/next?host=h1" => {
                json(serde_json::to_string(&Next::Capture(self.order.clone())).unwrap())
            }
            "/agent/session/s1/manifest" => json(serde_json::to_string(&self.manifest()).unwrap()),
            path => match place_of(path) {
                Some(index) => json(serde_json::to_string(&self.take(request, index)).unwrap()),
                None => self.usual.answer(request),
            },
        }
    }
}

fn place_of(path: &str) -> Option<usize> {
    path.strip_prefix("/agent/session/s1/disk/")?.parse().ok()
}

/// Noise, text and zeros; the last chunk is a short one.
fn machine() -> (Machine, Vec<u8>) {
    let size = 7 * CHUNK + 512;
    let machine = Machine::new(size);
    let mut noise = 0x1234_5678_u64;
    let mut disk: Vec<u8> = (0..size)
        .map(|_| {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            noise.to_le_bytes()[7]
        })
        .collect();
    disk[CHUNK..3 * CHUNK].fill(0);
    disk[4 * CHUNK..5 * CHUNK].fill(b'r');
    machine.write("dev/vda", &disk);
    (machine, disk)
}

/// A capture in which `meddle` may answer first.
fn capture(
    machine: &Machine,
    meddle: impl Fn(&Request, &Taker) -> Option<Reply> + Send + Sync + 'static,
) -> (Outcome, Arc<Taker>) {
    let taker = Arc::new(Taker::new(machine));
    let server = Server::start({
        let taker = taker.clone();
        move |request| meddle(request, &taker).unwrap_or_else(|| taker.answer(request))
    });
    let outcome = agent::run(&machine.options(&server)).unwrap();
    (outcome, taker)
}

#[test]
fn a_disk_becomes_an_image_byte_for_byte_and_stays_as_it_is() {
    let (machine, disk) = machine();
    let (outcome, taker) = capture(&machine, |_, _| None);
    let bytes = disk.len() as u64;
    assert_eq!(outcome, Outcome::Captured { bytes });
    assert!(taker.disk() == disk && machine.disk() == disk);
    let finished = taker.usual.finished();
    assert!(finished.ok && finished.detail.is_empty(), "{finished:?}");
    assert_eq!(finished.written_bytes, bytes);
    assert!(
        finished.fetched_bytes < bytes - 2 * CHUNK_BYTES as u64,
        "zeros do not travel"
    );
    let said = taker.usual.said.lock().unwrap();
    for step in [Step::Read, Step::Verify] {
        let last = said.progress.iter().rev().find(|p| p.step == step);
        let last = last.expect("progress of each step");
        assert_eq!((last.done_bytes, last.total_bytes), (bytes, bytes));
    }
}

#[test]
fn cuts_a_busy_vault_and_a_server_that_starts_anew_are_outlived() {
    let (machine, disk) = machine();
    let (asked, again) = (AtomicU32::new(0), AtomicU32::new(0));
    let (outcome, taker) = capture(&machine, move |request, taker| {
        let index = place_of(&request.path)?;
        let again = |place: usize, what: u32| {
            index == place
                && again
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |done| {
                        (done & what == 0).then_some(done | what)
                    })
                    .is_ok()
        };
        let wanted = |next| {
            let wanted = Wanted {
                next,
                stored: false,
            };
            Some(Reply::Json(serde_json::to_string(&wanted).unwrap()))
        };
        // Every fifth answer is lost on its way, after the chunk was taken.
        if asked.fetch_add(1, Ordering::SeqCst) % 5 == 4 {
            taker.take(request, index);
            return Some(Reply::Gone);
        }
        if again(2, 1) {
            return wanted(2);
        }
        if again(6, 2) {
            taker.shelf.lock().unwrap().chunks.clear();
            return wanted(0);
        }
        None
    });
    let bytes = disk.len() as u64;
    assert_eq!(outcome, Outcome::Captured { bytes });
    assert!(taker.disk() == disk);
}

#[test]
fn a_vault_that_stored_something_else_is_found_out() {
    let (machine, _) = machine();
    let (outcome, taker) = capture(&machine, |request, taker| {
        (request.path == "/agent/session/s1/manifest").then(|| {
            let mut manifest = taker.manifest();
            manifest.chunks[3].plain[0] ^= 1;
            Reply::Json(serde_json::to_string(&manifest).unwrap())
        })
    });
    assert!(why(&outcome).contains("chunk 3"), "{outcome:?}");
    assert!(!taker.usual.finished().ok);
}

#[test]
fn a_capture_that_is_cancelled_or_refused_says_so_and_changes_nothing() {
    for (status, said, expected) in [
        (409, "the session is cancelled", "the disk is as it was"),
        (422, "the NAS is full; free some room", "the NAS is full"),
    ] {
        let (machine, disk) = machine();
        let (outcome, taker) = capture(&machine, move |request, _| {
            (place_of(&request.path) == Some(4)).then_some(Reply::Status(status, said))
        });
        assert!(why(&outcome).contains(expected), "{outcome:?}");
        assert!(machine.disk() == disk && !taker.usual.finished().ok);
    }
}

#[test]
fn what_could_start_nowhere_else_or_is_not_the_disk_of_the_session_is_not_read() {
    let (machine, _) = machine();
    machine.write("sys/block/vda/vda2/start", b"4\n");
    let mut sector = vec![0; 512];
    sector[3..11].copy_from_slice(b"-FVE-FS-");
    let mut disk = machine.disk();
    disk[4 * 512..5 * 512].copy_from_slice(&sector);
    machine.write("dev/vda", &disk);
    let (outcome, taker) = capture(&machine, |_, _| None);
    assert!(why(&outcome).contains("BitLocker"), "{outcome:?}");
    assert!(why(&outcome).contains("vda2"), "{outcome:?}");
    assert!(taker.shelf.lock().unwrap().chunks.is_empty());

    machine.write("sys/block/vda/serial", b"DISK-9");
    let (outcome, taker) = capture(&machine, |_, _| None);
    assert!(why(&outcome).contains("DISK-9"), "{outcome:?}");
    assert!(taker.shelf.lock().unwrap().chunks.is_empty());
}
