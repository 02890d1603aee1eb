//! The disk that somebody is about to lose: shown whole, sent back to be compared again, and its host's name typed.

use super::hosts::said;
use crate::auth::permit::{Fields, Reader};
use crate::error::Error;
use crate::words::Words;
use provisioner::host::Host;
use provisioner::session::Confirmation;

pub(super) struct AtStake {
    pub(super) name: String,
    pub(super) model: String,
    pub(super) serial: String,
    pub(super) size: String,
    /// Sent back as the inventory says them, to be compared with it again.
    pub(super) sent_name: String,
    pub(super) sent_serial: String,
    pub(super) sent_size: u64,
    pub(super) lost: String,
}

impl AtStake {
    pub(super) fn of(words: &Words, asked: &Confirmation) -> AtStake {
        let disk = &asked.disk;
        AtStake {
            name: said(&disk.name),
            model: said(&disk.model),
            serial: said(&disk.serial),
            size: words.disk(disk.size_bytes),
            sent_name: disk.name.clone(),
            sent_serial: disk.serial.clone(),
            sent_size: disk.size_bytes,
            lost: said(&asked.lost),
        }
    }
}

/// Whoever types the name has looked which machine it is.
pub(super) fn is_typed(fields: &Fields, host: &Host) -> bool {
    fields.get("typed").trim() == host.name.trim()
}

pub(super) fn typed_wrong(reader: &Reader, host: &Host) -> String {
    let name = said(&host.name);
    reader.words.t1("deploy-typed-wrong", "name", name)
}

pub(super) fn size_sent(reader: &Reader, fields: &Fields) -> Result<u64, Error> {
    let size = fields.get("disk_size_bytes").parse();
    size.map_err(|_| Error::Invalid(reader.words.t("form-stale")))
}
