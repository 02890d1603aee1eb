//! The suite that every target keeps, on servers that can much and servers that can little.

use std::fs;

use vault::target::contract::SUITE;

use crate::nas::{Kind, Nas};

fn keeps_the_contract(kind: Kind) {
    let nas = Nas::start(kind);
    for (rank, (name, check)) in SUITE.iter().enumerate() {
        let place = nas.place(&format!("volume1/{rank}"));
        let (one, other) = (place.make().unwrap(), place.open().unwrap());
        if let Err(what) = check(&one, &other) {
            panic!("{name}: {what}");
        }
        let strays = fs::read_dir(nas.disk().join(format!("volume1/{rank}/tmp")));
        assert_eq!(strays.unwrap().count(), 0, "{name}: strays");
    }
}

#[test]
fn openssh_keeps_the_contract() {
    keeps_the_contract(Kind::default());
}

#[test]
fn a_chroot_keeps_the_contract() {
    keeps_the_contract(Kind {
        is_chrooted: true,
        ..Kind::default()
    });
}

#[test]
fn a_server_without_extensions_keeps_the_contract() {
    keeps_the_contract(Kind {
        sftp: Some("-P hardlink,posix-rename,fsync,statvfs"),
        ..Kind::default()
    });
}

#[test]
fn sftp_as_a_program_keeps_the_contract() {
    keeps_the_contract(Kind {
        sftp: Some("sftp-server"),
        ..Kind::default()
    });
}
