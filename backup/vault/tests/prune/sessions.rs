//! Writers beside a prune: whatever is committed when, what counts is whole, and what is void is nobody's.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::support::*;
use crate::world::{World, prune, quick, revoking};
use vault::prune::Request;
use vault::target::{Entry, Error as TargetError, MemoryTarget, ObjectKind, Stray, Target};
use vault::writer::{Chunking, Meta, SnapshotWriter};
use vault::{Error, Kind, Snapshot, Vault, Watch};

type Hook = Box<dyn FnOnce() -> bool + Send>;

/// Something happens just before an object of a kind is put; false = and then that fails.
struct Hooked {
    inner: Arc<MemoryTarget>,
    kind: ObjectKind,
    suffix: &'static str,
    hook: Mutex<Option<Hook>>,
}

impl Target for Hooked {
    fn describe(&self) -> String {
        "hooked".to_owned()
    }
    fn folder(&self) -> Option<&Path> {
        None
    }
    fn prepare(&self) -> Result<(), TargetError> {
        self.inner.prepare()
    }
    fn put(&self, kind: ObjectKind, name: &str, bytes: &[u8]) -> Result<(), TargetError> {
        if kind == self.kind && name.ends_with(self.suffix) {
            let hook = self.hook.lock().unwrap().take();
            if hook.is_some_and(|hook| !hook()) {
                return Err(TargetError::NotFound {
                    folder: String::new(),
                    object: name.to_owned(),
                });
            }
        }
        self.inner.put(kind, name, bytes)
    }
    fn get(&self, kind: ObjectKind, name: &str) -> Result<Vec<u8>, TargetError> {
        self.inner.get(kind, name)
    }
    fn get_range(
        &self,
        kind: ObjectKind,
        name: &str,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, TargetError> {
        self.inner.get_range(kind, name, offset, len)
    }
    fn list(&self, kind: ObjectKind) -> Result<Vec<Entry>, TargetError> {
        self.inner.list(kind)
    }
    fn size(&self, kind: ObjectKind, name: &str) -> Result<Option<u64>, TargetError> {
        self.inner.size(kind, name)
    }
    fn remove(&self, kind: ObjectKind, names: &[&str]) -> Result<(), TargetError> {
        self.inner.remove(kind, names)
    }
    fn strays(&self) -> Result<Vec<Stray>, TargetError> {
        self.inner.strays()
    }
}

/// The vault, opened so that `hook` runs just before the first put of that kind.
fn hooked(
    world: &World,
    kind: ObjectKind,
    suffix: &'static str,
    hook: impl FnOnce() -> bool + Send + 'static,
) -> Vault {
    let target = Hooked {
        inner: world.target.clone(),
        kind,
        suffix,
        hook: Mutex::new(Some(Box::new(hook))),
    };
    Vault::open(Arc::new(target), &password()).unwrap()
}

fn another(world: &World) -> Vault {
    Vault::open(world.target.clone(), &password()).unwrap()
}

/// A forgotten snapshot of `lost`, and one of `kept` that counts.
fn with_a_forgotten_one() -> (World, std::path::PathBuf, Snapshot, std::path::PathBuf) {
    let world = World::new();
    let lost = world.folder("lost", &[("big", 1, 3_000_000)]);
    let kept = world.folder("kept", &[("big", 2, 3_000_000)]);
    let first = save(&world.vault, &lost);
    let second = save(&world.vault, &kept);
    world.forget(&first);
    (world, lost, second, kept)
}

fn writer<'a>(vault: &'a Vault, watch: &'a Watch) -> SnapshotWriter<'a> {
    let meta = Meta {
        kind: Kind::Image,
        plan: "image".to_owned(),
        host: "here".to_owned(),
        started_ms: now(),
    };
    SnapshotWriter::begin(vault, meta, watch).unwrap()
}

/// Adds the content of the forgotten snapshot.
fn add_lost(writer: &mut SnapshotWriter<'_>) {
    let bytes = noise(1, 3_000_000);
    let mut stream = &bytes[..];
    writer
        .add_stream("big", &mut stream, Chunking::Cdc, 0o600)
        .unwrap();
}

fn image_is_whole(world: &World, snapshot: &Snapshot) {
    let vault = another(world);
    let report = vault.check(true, None, &Watch::new()).unwrap();
    assert_eq!(report.problems, []);
    let node = vault.node(snapshot, b"big").unwrap();
    let mut read = Vec::new();
    std::io::Read::read_to_end(&mut vault.open_file(&node).unwrap(), &mut read).unwrap();
    assert!(read == noise(1, 3_000_000));
}

#[test]
fn a_writer_at_work_is_waited_for_and_what_it_counts_on_stays() {
    let (world, ..) = with_a_forgotten_one();
    let (vault, watch) = (another(&world), Watch::new());
    let mut open = writer(&vault, &watch);
    add_lost(&mut open);
    let bytes = world.bytes();
    // Nobody waits: nothing is deleted, and the writer is named.
    match prune(&world.vault, quick()) {
        Err(Error::WritersAtWork { open }) => {
            assert!(open[0].starts_with("image on "), "{open:?}");
        }
        other => panic!("{other:?}"),
    }
    assert!(world.bytes() >= bytes);
    // It ends while a prune waits.
    let (open, done) = (Mutex::new(Some(open)), Mutex::new(None));
    let meanwhile = |_: &[String]| {
        let open = open.lock().unwrap().take().unwrap();
        *done.lock().unwrap() = Some(open.finish(now()).unwrap());
        true
    };
    let report = prune(
        &world.vault,
        Request {
            wait: &meanwhile,
            ..quick()
        },
    );
    assert_eq!(report.unwrap().problems, []);
    let done = done.into_inner().unwrap().unwrap();
    image_is_whole(&world, &done);
}

#[test]
fn a_revoked_writer_saves_nothing_and_is_told() {
    let (world, _, second, kept) = with_a_forgotten_one();
    let (vault, watch) = (another(&world), Watch::new());
    let mut open = writer(&vault, &watch);
    add_lost(&mut open);
    let report = prune(&world.vault, revoking()).unwrap();
    assert_eq!(report.revoked.len(), 1, "{report:?}");
    assert!(report.bytes_deleted > 2_900_000, "{report:?}");
    let told = open.finish(now());
    assert!(matches!(told, Err(Error::Revoked)), "{told:?}");
    world.is_whole(&[(&second, &kept)]);
    // Its session has ended: nothing is left to remember.
    world.prune();
    world.is_whole(&[(&second, &kept)]);
    assert_eq!(world.objects(ObjectKind::Session).len(), 2);
}

#[test]
fn what_a_revoked_writer_commits_is_void_however_long_it_was_stopped() {
    let (world, _, second, kept) = with_a_forgotten_one();
    // Stopped between its last look and the commit itself, across a whole prune.
    let beside = another(&world);
    let vault = hooked(&world, ObjectKind::Snapshot, "", move || {
        let report = prune(&beside, revoking()).unwrap();
        assert_eq!(report.revoked.len(), 1);
        true
    });
    let watch = Watch::new();
    let mut open = writer(&vault, &watch);
    add_lost(&mut open);
    let told = open.finish(now());
    assert!(matches!(told, Err(Error::Revoked)), "{told:?}");
    assert_eq!(world.objects(ObjectKind::Snapshot).len(), 2);
    let fresh = another(&world);
    assert_eq!(fresh.snapshots().unwrap().0.len(), 1, "it does not count");
    assert_eq!(fresh.head().unwrap(), Some(second.name()));
    let found = fresh.check(false, None, &Watch::new()).unwrap().problems;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].what.starts_with("is void"), "{found:?}");
    // The next snapshot does not follow it, and the next prune deletes it.
    let third = save(&fresh, &kept);
    assert_eq!(world.prune().snapshots_deleted, 1);
    world.is_whole(&[(&second, &kept), (&third, &kept)]);
}

#[test]
fn a_commit_seen_before_the_revocation_counts() {
    let (world, _, second, kept) = with_a_forgotten_one();
    // Revoked when it is committed and has not said so yet.
    let beside = another(&world);
    let vault = hooked(&world, ObjectKind::Session, ".end", move || {
        let report = prune(&beside, revoking()).unwrap();
        assert_eq!(report.revoked.len(), 1);
        true
    });
    let watch = Watch::new();
    let mut open = writer(&vault, &watch);
    add_lost(&mut open);
    let done = open.finish(now()).unwrap();
    image_is_whole(&world, &done);
    world.prune();
    image_is_whole(&world, &done);
    assert_eq!(another(&world).snapshots().unwrap().0.len(), 2);
    let restored = world.scratch.folder("to");
    assert_eq!(restore_all(&world.vault, &second, &restored), []);
    drop(kept);
}

#[test]
fn a_writer_that_begins_after_the_tomb_does_not_count_on_what_goes() {
    let (world, lost, second, kept) = with_a_forgotten_one();
    let beside = another(&world);
    let done = Mutex::new(None);
    let meanwhile = || *done.lock().unwrap() = Some(save(&beside, &lost));
    let report = prune(
        &world.vault,
        Request {
            settle: &meanwhile,
            ..quick()
        },
    );
    let report = report.unwrap();
    assert!(report.bytes_deleted > 2_900_000, "{report:?}");
    let third = done.into_inner().unwrap().unwrap();
    assert!(third.stored_bytes > 2_900_000, "stored again: {third:?}");
    world.is_whole(&[(&second, &kept), (&third, &lost)]);
}

#[test]
fn what_was_committed_between_the_look_and_the_tomb_is_spared() {
    let (world, lost, second, kept) = with_a_forgotten_one();
    let (beside, from) = (another(&world), lost.clone());
    let done = Arc::new(Mutex::new(None));
    let told = Arc::clone(&done);
    let vault = hooked(&world, ObjectKind::Tomb, "", move || {
        *told.lock().unwrap() = Some(save(&beside, &from));
        true
    });
    let report = prune(&vault, quick()).unwrap();
    let third = done.lock().unwrap().take().unwrap();
    assert!(third.stored_bytes < 100_000, "it counted on old packs");
    assert!(report.bytes_deleted < 100_000, "{report:?}");
    world.is_whole(&[(&second, &kept), (&third, &lost)]);
    // And the next prune leaves it.
    world.prune();
    world.is_whole(&[(&second, &kept), (&third, &lost)]);
}

#[test]
fn of_two_prunes_at_once_one_refuses() {
    let (world, _, second, kept) = with_a_forgotten_one();
    let beside = another(&world);
    let refused = Mutex::new(None);
    let meanwhile = || *refused.lock().unwrap() = Some(prune(&beside, quick()));
    prune(
        &world.vault,
        Request {
            settle: &meanwhile,
            ..quick()
        },
    )
    .unwrap();
    let refused = refused.into_inner().unwrap().unwrap();
    assert!(
        matches!(refused, Err(Error::AnotherSweep { .. })),
        "{refused:?}"
    );
    world.is_whole(&[(&second, &kept)]);
}

#[test]
fn a_dry_run_needs_nobody_to_end_and_changes_nothing() {
    let (world, ..) = with_a_forgotten_one();
    let (vault, watch) = (another(&world), Watch::new());
    let open = writer(&vault, &watch);
    let before = world.target.objects().clone();
    let report = prune(
        &world.vault,
        Request {
            dry_run: true,
            ..quick()
        },
    )
    .unwrap();
    assert!(report.bytes_deleted > 2_900_000, "{report:?}");
    assert!(*world.target.objects() == before);
    drop(open);
    let done = prune(&world.vault, quick()).unwrap();
    assert_eq!(
        (done.bytes_deleted, done.packs_deleted),
        (report.bytes_deleted, report.packs_deleted)
    );
}

#[test]
fn a_session_whose_writer_died_stops_no_prune() {
    let (world, lost, second, kept) = with_a_forgotten_one();
    // It cannot even say that it ends: the line is down.
    let vault = hooked(&world, ObjectKind::Session, ".end", || false);
    let watch = Watch::new();
    let mut open = writer(&vault, &watch);
    add_lost(&mut open);
    drop(open);
    assert_eq!(world.objects(ObjectKind::Session).len(), 5);
    let report = prune(&world.vault, quick()).unwrap();
    assert_eq!(report.revoked.len(), 1, "{report:?}");
    assert!(report.bytes_deleted > 2_900_000);
    world.is_whole(&[(&second, &kept)]);
    let third = save(&world.vault, &lost);
    world.is_whole(&[(&second, &kept), (&third, &lost)]);
}

#[test]
fn packs_of_a_writer_at_work_are_left_to_it() {
    let (world, _, second, kept) = with_a_forgotten_one();
    let (vault, watch) = (another(&world), Watch::new());
    let mut open = writer(&vault, &watch);
    // More than a pack: some of it is on the target already, and no snapshot needs it yet.
    let bytes = noise(9, 70_000_000);
    let mut stream = &bytes[..];
    open.add_stream("new", &mut stream, Chunking::Cdc, 0o600)
        .unwrap();
    let (open, done) = (Mutex::new(Some(open)), Mutex::new(None));
    let meanwhile = |_: &[String]| {
        let open = open.lock().unwrap().take().unwrap();
        *done.lock().unwrap() = Some(open.finish(now()).unwrap());
        true
    };
    prune(
        &world.vault,
        Request {
            wait: &meanwhile,
            ..quick()
        },
    )
    .unwrap();
    let done = done.into_inner().unwrap().unwrap();
    let report = another(&world).check(true, None, &Watch::new()).unwrap();
    assert_eq!(report.problems, []);
    assert_eq!(world.vault.snapshots().unwrap().0.len(), 2);
    assert_eq!(done.bytes, 70_000_000);
    drop((second, kept));
}
