//! One contract for all targets: memory, a folder, and the simulated NAS with each of its quirks.

use std::sync::Arc;

use crate::support::*;
use vault::target::contract::SUITE;
use vault::target::sim::{Quirks, SimNas};
use vault::target::{LocalTarget, MemoryTarget, Target};

fn suite(label: &str, fresh: impl Fn() -> (Arc<dyn Target>, Arc<dyn Target>)) {
    for (name, check) in SUITE {
        let (one, other) = fresh();
        if let Err(found) = check(&*one, &*other) {
            panic!("{label}: {name}: {found}");
        }
    }
}

#[test]
fn memory_keeps_the_contract() {
    suite("memory", || {
        let target = Arc::new(MemoryTarget::new());
        (target.clone(), target)
    });
}

#[test]
fn a_folder_keeps_the_contract() {
    let scratch = Scratch::new();
    let count = std::cell::Cell::new(0);
    suite("local", || {
        count.set(count.get() + 1);
        let folder = scratch.folder(&count.get().to_string());
        let open = || Arc::new(LocalTarget::open(&folder, false).unwrap());
        (open(), open())
    });
}

#[test]
fn the_simulated_nas_keeps_the_contract_with_every_quirk() {
    let plain = Quirks::default();
    for (label, quirks) in [
        ("plain", plain),
        (
            "no links",
            Quirks {
                no_links: true,
                ..plain
            },
        ),
        (
            "no links, no careful rename",
            Quirks {
                no_links: true,
                no_careful_rename: true,
                ..plain
            },
        ),
        (
            "listings lag",
            Quirks {
                listing_delay: 500,
                ..plain
            },
        ),
        (
            "short writes",
            Quirks {
                longest_write: Some(1000),
                ..plain
            },
        ),
        (
            "all",
            Quirks {
                no_links: true,
                listing_delay: 300,
                longest_write: Some(7777),
                ..plain
            },
        ),
    ] {
        suite(label, || {
            let nas = SimNas::new(quirks);
            (Arc::new(nas.target(1)), Arc::new(nas.target(2)))
        });
    }
}
