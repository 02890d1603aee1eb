//! Bad nights: cuts, a NAS that sleeps, one that locks us out for a while.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use remote::{Patience, Place};
use vault::target::{Error, LocalTarget, ObjectKind, Target};

use crate::nas::{Kind, Nas, until};

fn name(n: usize) -> String {
    format!("{n:032x}")
}

fn bytes(n: usize) -> Vec<u8> {
    (0..3 << 20)
        .map(|at| (at * 7 + at / 255 + n) as u8)
        .collect()
}

/// The same order of things, a hundred times as fast.
pub(crate) fn hasty() -> Patience {
    let millis = |all: &[u64]| all.iter().copied().map(Duration::from_millis).collect();
    Patience {
        pauses: millis(&[10, 20, 40]),
        refused_pauses: millis(&[50, 100, 200]),
        settled: Duration::ZERO,
        rest: Duration::from_secs(3600),
        ..Patience::default()
    }
}

fn fresh(place: &Place) -> LocalTarget {
    let target = place.make().unwrap();
    target.prepare().unwrap();
    target
}

#[test]
fn cuts_in_the_middle_are_resumed() {
    let nas = Nas::start(Kind::default());
    let mut place = nas.place("volume1/vault");
    place.patience = hasty();
    let target = fresh(&place);
    let packs = nas.disk().join("volume1/vault/packs");
    let count = || fs::read_dir(&packs).unwrap().count();
    let ended = AtomicBool::new(false);
    let mut cuts = 0;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..40 {
                target.put(ObjectKind::Pack, &name(n), &bytes(n)).unwrap();
            }
            ended.store(true, Ordering::Release);
        });
        for reached in [3, 10, 17, 24, 31] {
            until("packs arrive", || {
                count() >= reached || writer.is_finished()
            });
            if !ended.load(Ordering::Acquire) && nas.kill_sessions() > 0 {
                cuts += 1;
            }
        }
    });
    assert!(cuts >= 3, "cut {cuts} times only");
    for n in 0..40 {
        assert_eq!(
            target.get(ObjectKind::Pack, &name(n)).unwrap(),
            bytes(n),
            "{n}"
        );
    }
    assert_eq!(target.strays().unwrap(), []);
    assert_eq!(
        nas.said("Accepted publickey"),
        cuts + 1,
        "one login per cut"
    );
}

#[test]
fn a_nas_that_sleeps_half_a_minute_is_waited_for() {
    let nas = Nas::start(Kind::default());
    let target = fresh(&nas.place("volume1/vault"));
    nas.stop_sessions();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| target.put(ObjectKind::Pack, &name(1), &bytes(1)));
        // This is how long it sleeps: nothing can be waited for.
        std::thread::sleep(Duration::from_secs(31));
        assert!(!writer.is_finished());
        nas.wake_sessions();
        writer.join().unwrap().unwrap();
    });
    assert_eq!(target.get(ObjectKind::Pack, &name(1)).unwrap(), bytes(1));
    assert_eq!(nas.said("Accepted publickey"), 1, "the connection was kept");
}

#[test]
fn a_nas_that_never_wakes_up_is_said_to_be_silent() {
    let nas = Nas::start(Kind::default());
    let mut place = nas.place("volume1/vault");
    place.patience = Patience {
        connect: Duration::from_millis(500),
        answer: Duration::from_millis(500),
        ..hasty()
    };
    let target = fresh(&place);
    nas.freeze();
    match target.put(ObjectKind::Pack, &name(1), &bytes(1)) {
        Err(error @ Error::Unreachable { .. }) => {
            let said = error.to_string();
            assert!(
                said.contains("does not answer") && said.contains("tried 4 times"),
                "{said}"
            );
        }
        other => panic!("{other:?}"),
    }
}

/// Takes connections and hangs up, as an address that is locked out sees it.
struct Locked {
    taken: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    port: u16,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Locked {
    fn on(port: u16) -> Locked {
        let mut listener = TcpListener::bind(("127.0.0.1", port));
        until("the port is free", || {
            if listener.is_err() {
                listener = TcpListener::bind(("127.0.0.1", port));
            }
            listener.is_ok()
        });
        let listener = listener.unwrap();
        let (taken, is_over) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (counter, over) = (Arc::clone(&taken), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Acquire) {
                    return;
                }
                counter.fetch_add(1, Ordering::AcqRel);
                // What it says first is read, or closing would be a reset.
                let _ = stream.and_then(|mut stream| stream.read(&mut [0; 256]));
            }
        });
        Locked {
            taken,
            is_over,
            port,
            thread: Some(thread),
        }
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        let _ = std::net::TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn a_nas_that_locks_us_out_is_not_hammered() {
    let mut nas = Nas::start(Kind::default());
    let mut place = nas.place("volume1/vault");
    place.patience = hasty();
    let target = fresh(&place);
    nas.stop();
    let locked = Locked::on(nas.port);
    // Six threads need it at once, several times: together they knock as often as one, and once given up, not at all.
    std::thread::scope(|scope| {
        for n in 0..6 {
            let target = &target;
            scope.spawn(move || {
                for _ in 0..3 {
                    let refused = target.put(ObjectKind::Pack, &name(n), b"a pack");
                    assert!(
                        matches!(refused, Err(Error::Unreachable { .. })),
                        "{refused:?}"
                    );
                }
            });
        }
    });
    assert_eq!(locked.taken(), 4, "one try and three more");
    drop(locked);
    nas.start_again("host");
    // Still at rest; another run begins afresh.
    assert!(target.size(ObjectKind::Pack, &name(1)).is_err());
    let target = place.open().unwrap();
    target.put(ObjectKind::Pack, &name(1), b"a pack").unwrap();
}

#[test]
fn a_lock_out_that_ends_is_waited_for() {
    let mut nas = Nas::start(Kind::default());
    let mut place = nas.place("volume1/vault");
    place.patience = Patience {
        pauses: [
            10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_240, 20_480,
        ]
        .map(Duration::from_millis)
        .to_vec(),
        ..hasty()
    };
    let target = fresh(&place);
    nas.stop();
    let locked = Locked::on(nas.port);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| target.put(ObjectKind::Pack, &name(1), &bytes(1)));
        until("it knocks", || locked.taken() >= 3);
        drop(locked);
        nas.start_again("host");
        writer.join().unwrap().unwrap();
    });
    assert_eq!(target.get(ObjectKind::Pack, &name(1)).unwrap(), bytes(1));
}

#[test]
fn logins_refused_for_a_while_are_tried_few_times() {
    let nas = Nas::start(Kind::default());
    let mut place = nas.place("volume1/vault");
    place.patience = hasty();
    let target = fresh(&place);
    let keys = nas.folder.join("authorized_keys");
    let accepted = fs::read(&keys).unwrap();
    fs::write(&keys, "").unwrap();
    assert!(nas.kill_sessions() > 0);
    let refused = target.put(ObjectKind::Pack, &name(1), b"a pack");
    let said = refused.unwrap_err().to_string();
    assert!(
        said.contains("refused the login") && said.contains("tried 4 times"),
        "{said}"
    );
    assert_eq!(nas.said("Failed publickey"), 4);

    fs::write(&keys, &accepted).unwrap();
    place.patience.refused_pauses = [100, 30_000].map(Duration::from_millis).to_vec();
    let target = place.open().unwrap();
    fs::write(&keys, "").unwrap();
    assert!(nas.kill_sessions() > 0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| target.put(ObjectKind::Pack, &name(2), b"a pack"));
        until("one is refused", || nas.said("Failed publickey") >= 6);
        fs::write(&keys, &accepted).unwrap();
        writer.join().unwrap().unwrap();
    });
    assert_eq!(nas.said("Failed publickey"), 6);
}
