//! A power cut, a full disk or a broken line at any call: what was committed stays, what was not is absent, and the next
//! run succeeds.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::*;
use vault::target::{self, Entry, MemoryTarget, ObjectKind, Target};
use vault::{Vault, Watch};

/// How the n-th call fails; all later calls fail too (the line is down).
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Nothing happened.
    Before,
    /// Half of the object was written.
    Torn,
    /// It was done, and the answer was lost.
    After,
}

struct Faulty {
    inner: Arc<MemoryTarget>,
    calls: AtomicU64,
    fails_at: u64,
    fault: Fault,
}

impl Faulty {
    fn call(&self) -> Result<bool, target::Error> {
        match self.calls.fetch_add(1, Ordering::SeqCst) + 1 {
            n if n < self.fails_at => Ok(true),
            n if n == self.fails_at => Ok(false),
            _ => Err(down()),
        }
    }

    fn read<T>(&self, result: Result<T, target::Error>) -> Result<T, target::Error> {
        if self.call()? { result } else { Err(down()) }
    }
}

fn down() -> target::Error {
    let source = std::io::Error::other("the line is down");
    target::Error::Io {
        folder: "memory".to_owned(),
        object: "any".to_owned(),
        source,
    }
}

impl Target for Faulty {
    fn describe(&self) -> String {
        "faulty".to_owned()
    }
    fn folder(&self) -> Option<&Path> {
        None
    }
    fn prepare(&self) -> Result<(), target::Error> {
        self.read(self.inner.prepare())
    }
    fn put(&self, kind: ObjectKind, name: &str, bytes: &[u8]) -> Result<(), target::Error> {
        if self.call()? {
            return self.inner.put(kind, name, bytes);
        }
        match self.fault {
            Fault::Before => {}
            Fault::Torn => self.inner.put(kind, name, &bytes[..bytes.len() / 2])?,
            Fault::After => self.inner.put(kind, name, bytes)?,
        }
        Err(down())
    }
    fn get(&self, kind: ObjectKind, name: &str) -> Result<Vec<u8>, target::Error> {
        self.read(self.inner.get(kind, name))
    }
    fn get_range(
        &self,
        kind: ObjectKind,
        name: &str,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, target::Error> {
        self.read(self.inner.get_range(kind, name, offset, len))
    }
    fn list(&self, kind: ObjectKind) -> Result<Vec<Entry>, target::Error> {
        self.read(self.inner.list(kind))
    }
    fn size(&self, kind: ObjectKind, name: &str) -> Result<Option<u64>, target::Error> {
        self.read(self.inner.size(kind, name))
    }
    fn remove(&self, kind: ObjectKind, names: &[&str]) -> Result<(), target::Error> {
        self.read(self.inner.remove(kind, names))
    }
}

#[test]
fn a_failure_at_any_call_loses_nothing_that_was_committed() {
    let scratch = Scratch::new();
    let (from, other) = (scratch.folder("from"), scratch.folder("other"));
    fs::write(from.join("kept"), noise(1, 5000)).unwrap();
    fs::write(other.join("new"), noise(2, 5000)).unwrap();
    let (first, vault) = in_memory();
    let old = save(&vault, &from);
    let before = first.objects().clone();
    let mut committed_although_told_not = 0;
    for fault in [Fault::Before, Fault::Torn, Fault::After] {
        let mut succeeded = false;
        for fails_at in 1..200 {
            let inner = Arc::new(MemoryTarget::new());
            *inner.objects() = before.clone();
            let faulty = Arc::new(Faulty {
                inner: inner.clone(),
                calls: AtomicU64::new(0),
                fails_at,
                fault,
            });
            let told = Vault::open(faulty.clone(), &password())
                .and_then(|vault| save_with(&vault, &[&other], &Watch::new()))
                .is_ok();
            let label = format!("{fault:?} at call {fails_at}");
            // Nothing that was there changed.
            for (name, bytes) in &before {
                assert_eq!(inner.objects().get(name), Some(bytes), "{label}");
            }
            let vault = Vault::open(inner, &password()).unwrap();
            let listed = vault.snapshots().unwrap().0;
            assert!(
                listed.iter().any(|snapshot| snapshot.id == old.id),
                "{label}"
            );
            assert!(
                !told || listed.len() == 2,
                "{label}: told done, but it is not there"
            );
            committed_although_told_not += usize::from(!told && listed.len() == 2);
            for snapshot in &listed {
                let only = vault.check(true, Some(snapshot), &Watch::new()).unwrap();
                assert_eq!(
                    only.problems,
                    [],
                    "{label}: a listed snapshot is restorable"
                );
            }
            let next = save(&vault, &other);
            assert_eq!(
                vault
                    .check(true, Some(&next), &Watch::new())
                    .unwrap()
                    .problems,
                [],
                "{label}"
            );
            if told && faulty.calls.load(Ordering::SeqCst) < fails_at {
                succeeded = true;
                break;
            }
        }
        assert!(
            succeeded,
            "{fault:?}: the run never got through all its calls"
        );
    }
    assert_eq!(
        committed_although_told_not, 4,
        "only the lost answer to the commit itself, and a look after it that fails"
    );
}

#[test]
fn a_failed_creation_can_be_repeated() {
    for fails_at in 1..10 {
        let inner = Arc::new(MemoryTarget::new());
        let faulty = Arc::new(Faulty {
            inner: inner.clone(),
            calls: AtomicU64::new(0),
            fails_at,
            fault: Fault::Before,
        });
        let told = Vault::create(faulty, &password(), vault::KdfCost::MINIMUM).is_ok();
        assert_eq!(Vault::open(inner.clone(), &password()).is_ok(), told);
        assert!(told || Vault::create(inner, &password(), vault::KdfCost::MINIMUM).is_ok());
    }
}
