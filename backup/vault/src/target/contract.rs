//! What every target must do, near or distant: one suite for all of them.
//!
//! Each check gets two handles on one empty target, as two machines would have. Listings may lag behind what the other
//! machine did; names asked for may not.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Error, ObjectKind, Target};

/// A check fails with what it found.
pub type Check = fn(&dyn Target, &dyn Target) -> Result<(), String>;

pub const SUITE: [(&str, Check); 10] = [
    ("made in an empty place only", made_in_an_empty_place_only),
    ("what is not there is said so", what_is_not_there),
    ("any length comes back", any_length_comes_back),
    ("nothing is replaced", nothing_is_replaced),
    ("ranges are exact or refused", ranges),
    ("kinds are apart", kinds_are_apart),
    ("many at once", many_at_once),
    ("one name, many writers", one_name_many_writers),
    ("removed for everybody", removed_for_everybody),
    ("listing beside writers", listing_beside_writers),
];

/// So often is a listing asked until it has caught up.
const CATCHES_UP: usize = 10_000;
const NAME: &str = "00112233445566778899aabbccddeeff";

macro_rules! ensure {
    ($holds:expr, $($what:tt)*) => {
        if !$holds {
            return Err(format!($($what)*));
        }
    };
}

fn said(error: Error) -> String {
    format!("failed to {error}")
}

fn bytes(seed: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at * 31 + at / 251 + seed) as u8)
        .collect()
}

fn names(target: &dyn Target, kind: ObjectKind) -> Result<BTreeSet<String>, String> {
    let listed = target.names(kind).map_err(said)?;
    let set: BTreeSet<String> = listed.iter().cloned().collect();
    ensure!(
        set.len() == listed.len(),
        "{kind:?}: a name is listed twice"
    );
    Ok(set)
}

fn lists_in_the_end(
    target: &dyn Target,
    kind: ObjectKind,
    want: &BTreeSet<String>,
) -> Result<(), String> {
    for _ in 0..CATCHES_UP {
        if names(target, kind)? == *want {
            return Ok(());
        }
    }
    let found = names(target, kind)?;
    Err(format!("{kind:?}: lists {found:?} for ever, not {want:?}"))
}

fn made_in_an_empty_place_only(one: &dyn Target, other: &dyn Target) -> Result<(), String> {
    one.prepare().map_err(said)?;
    // What a creation that was cut off leaves is completed.
    other.prepare().map_err(said)?;
    one.put(ObjectKind::Key, NAME, b"key").map_err(said)?;
    // Once it is listed: two administrators in the same second are not kept apart.
    let refused = (0..CATCHES_UP).any(|_| matches!(other.prepare(), Err(Error::NotEmpty { .. })));
    ensure!(refused, "a vault was made over another one");
    Ok(())
}

fn what_is_not_there(one: &dyn Target, _: &dyn Target) -> Result<(), String> {
    one.prepare().map_err(said)?;
    for kind in ObjectKind::ALL {
        ensure!(one.size(kind, NAME).map_err(said)?.is_none(), "a size");
        ensure!(
            matches!(one.get(kind, NAME), Err(Error::NotFound { .. })),
            "an object out of nothing"
        );
        ensure!(
            matches!(one.get_range(kind, NAME, 0, 1), Err(Error::NotFound { .. })),
            "a range out of nothing"
        );
        ensure!(one.list(kind).map_err(said)?.is_empty(), "an entry");
        one.remove(kind, &[NAME]).map_err(said)?;
    }
    Ok(())
}

fn any_length_comes_back(one: &dyn Target, other: &dyn Target) -> Result<(), String> {
    one.prepare().map_err(said)?;
    for len in [0, 1, 63, 64, 65, 127, 4095, 4096, 4097, 300_000] {
        let (name, want) = (format!("{len:032x}"), bytes(len, len));
        one.put(ObjectKind::Pack, &name, &want).map_err(said)?;
        for target in [one, other] {
            let found = target.get(ObjectKind::Pack, &name).map_err(said)?;
            ensure!(found == want, "{len} bytes came back different");
            let size = target.size(ObjectKind::Pack, &name).map_err(said)?;
            ensure!(size == Some(len as u64), "{len} bytes: size {size:?}");
        }
    }
    let listed = one.list(ObjectKind::Pack).map_err(said)?;
    ensure!(listed.len() == 10, "{} of 10 are listed", listed.len());
    for entry in listed {
        ensure!(
            entry.name == format!("{:032x}", entry.size),
            "{} has {} bytes in the listing",
            entry.name,
            entry.size
        );
    }
    ensure!(one.strays().map_err(said)?.is_empty(), "a stray is left");
    Ok(())
}

fn nothing_is_replaced(one: &dyn Target, other: &dyn Target) -> Result<(), String> {
    one.prepare().map_err(said)?;
    one.put(ObjectKind::Snapshot, NAME, b"first")
        .map_err(said)?;
    for target in [one, other] {
        for second in [&b"other"[..], b"longer than the first", b""] {
            ensure!(
                matches!(
                    target.put(ObjectKind::Snapshot, NAME, second),
                    Err(Error::Exists { .. })
                ),
                "a second object under the same name was accepted"
            );
        }
        let kept = target.get(ObjectKind::Snapshot, NAME).map_err(said)?;
        ensure!(kept == b"first", "the first one was replaced");
    }
    ensure!(one.strays().map_err(said)?.is_empty(), "a stray is left");
    Ok(())
}

fn ranges(one: &dyn Target, _: &dyn Target) -> Result<(), String> {
    one.prepare().map_err(said)?;
    let whole = bytes(7, 10_000);
    one.put(ObjectKind::Pack, NAME, &whole).map_err(said)?;
    for (offset, len) in [
        (0, 10_000),
        (0, 0),
        (0, 1),
        (9_999, 1),
        (10_000, 0),
        (4_090, 20),
    ] {
        let part = one
            .get_range(ObjectKind::Pack, NAME, offset as u64, len)
            .map_err(said)?;
        ensure!(part == whole[offset..offset + len], "{len} from {offset}");
    }
    for (offset, len) in [
        (0, 10_001),
        (9_999, 2),
        (10_001, 0),
        (u64::MAX, 1),
        (0, usize::MAX),
        (u64::MAX, usize::MAX),
    ] {
        let refused = one.get_range(ObjectKind::Pack, NAME, offset, len);
        ensure!(
            matches!(refused, Err(Error::Short { .. })),
            "{len} from {offset}: {:?}",
            refused.map(|bytes| bytes.len())
        );
    }
    Ok(())
}

fn kinds_are_apart(one: &dyn Target, _: &dyn Target) -> Result<(), String> {
    one.prepare().map_err(said)?;
    for kind in ObjectKind::ALL {
        one.put(kind, NAME, kind.folder().as_bytes())
            .map_err(said)?;
    }
    for kind in ObjectKind::ALL {
        let found = one.get(kind, NAME).map_err(said)?;
        ensure!(
            found == kind.folder().as_bytes(),
            "{kind:?} holds another's"
        );
        ensure!(names(one, kind)?.len() == 1, "{kind:?} lists another's");
    }
    one.remove(ObjectKind::Tomb, &[NAME]).map_err(said)?;
    for kind in ObjectKind::ALL {
        let there = one.size(kind, NAME).map_err(said)?.is_some();
        ensure!(there == (kind != ObjectKind::Tomb), "{kind:?}: {there}");
    }
    Ok(())
}

fn many_at_once(one: &dyn Target, other: &dyn Target) -> Result<(), String> {
    one.prepare().map_err(said)?;
    let name = |thread: usize, n: usize| format!("{:016x}{n:016x}", thread);
    let write = |target: &dyn Target, thread: usize| {
        (0..25).try_for_each(|n| {
            target
                .put(ObjectKind::Tree, &name(thread, n), &bytes(n, 500 + thread))
                .map_err(said)
        })
    };
    let write = &write;
    std::thread::scope(|scope| {
        let targets = [one, other, one, other];
        let threads: Vec<_> = (0..4)
            .map(|thread| scope.spawn(move || write(targets[thread], thread)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err("it panicked".to_owned()))
        })
    })?;
    let all: BTreeSet<String> = (0..4)
        .flat_map(|thread| (0..25).map(move |n| name(thread, n)))
        .collect();
    for target in [one, other] {
        lists_in_the_end(target, ObjectKind::Tree, &all)?;
        for entry in target.list(ObjectKind::Tree).map_err(said)? {
            let thread = usize::from_str_radix(&entry.name[..16], 16).unwrap_or_default();
            let size = 500 + thread as u64;
            ensure!(
                entry.size == size,
                "{} is said to have {}",
                entry.name,
                entry.size
            );
        }
        for thread in 0..4 {
            for n in 0..25 {
                let found = target
                    .get(ObjectKind::Tree, &name(thread, n))
                    .map_err(said)?;
                ensure!(found == bytes(n, 500 + thread), "{thread} {n}");
            }
        }
    }
    Ok(())
}

fn one_name_many_writers(one: &dyn Target, other: &dyn Target) -> Result<(), String> {
    one.prepare().map_err(said)?;
    let told: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|n| {
                let target = if n % 2 == 0 { one } else { other };
                scope.spawn(move || {
                    target
                        .put(ObjectKind::Index, NAME, &bytes(n, 900 + n))
                        .is_ok()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default())
            .collect()
    });
    let found = one.get(ObjectKind::Index, NAME).map_err(said)?;
    let winner = (0..6).find(|n| found == bytes(*n, 900 + n));
    ensure!(winner.is_some(), "what lies there is nobody's");
    ensure!(told.contains(&true), "nobody was told that it is there");
    ensure!(one.strays().map_err(said)?.is_empty(), "a stray is left");
    Ok(())
}

fn removed_for_everybody(one: &dyn Target, other: &dyn Target) -> Result<(), String> {
    one.prepare().map_err(said)?;
    let name = |n: usize| format!("{n:032x}");
    for n in 0..20 {
        one.put(ObjectKind::Pack, &name(n), &bytes(n, 100))
            .map_err(said)?;
    }
    let gone: Vec<String> = (0..15).map(name).collect();
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    one.remove(ObjectKind::Pack, &gone).map_err(said)?;
    other.remove(ObjectKind::Pack, &gone[..3]).map_err(said)?;
    let left: BTreeSet<String> = (15..20).map(name).collect();
    for target in [one, other] {
        for gone in &gone {
            let size = target.size(ObjectKind::Pack, gone).map_err(said)?;
            ensure!(size.is_none(), "{gone} is still there");
        }
        lists_in_the_end(target, ObjectKind::Pack, &left)?;
        for n in 15..20 {
            let found = target.get(ObjectKind::Pack, &name(n)).map_err(said)?;
            ensure!(found == bytes(n, 100), "{n} was harmed");
        }
    }
    // The name is free again.
    other
        .put(ObjectKind::Pack, gone[0], b"second life")
        .map_err(said)?;
    let found = one.get(ObjectKind::Pack, gone[0]).map_err(said)?;
    ensure!(found == b"second life", "the removed one came back");
    Ok(())
}

/// What was there before and stays is in every listing; nothing appears that nobody wrote.
fn listing_beside_writers(one: &dyn Target, other: &dyn Target) -> Result<(), String> {
    one.prepare().map_err(said)?;
    let name = |n: usize| format!("{n:032x}");
    for n in 0..10 {
        one.put(ObjectKind::Mark, &name(n), b"stays")
            .map_err(said)?;
    }
    let stays: BTreeSet<String> = (0..10).map(name).collect();
    lists_in_the_end(other, ObjectKind::Mark, &stays)?;
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let done = (10..60).try_for_each(|n| {
                one.put(ObjectKind::Mark, &name(n), b"comes")?;
                one.remove(ObjectKind::Mark, &[&name(n)])
            });
            ended.store(true, Ordering::Release);
            done.map_err(said)
        });
        while !ended.load(Ordering::Acquire) {
            let listed = names(other, ObjectKind::Mark)?;
            ensure!(listed.is_superset(&stays), "lists only {listed:?}");
            let strangers = listed
                .iter()
                .filter(|name| usize::from_str_radix(name, 16).map_or(true, |number| number >= 60));
            ensure!(strangers.count() == 0, "lists strangers: {listed:?}");
        }
        writer
            .join()
            .unwrap_or_else(|_| Err("it panicked".to_owned()))
    })?;
    lists_in_the_end(other, ObjectKind::Mark, &stays)
}
