//! A session without an image: one disk of one host is erased. The same care as for a deployment: an operator was
//! told what will be lost, the disk is the one that was confirmed, a key at the machine stops it.

use super::{Confirmation, Error, Session, WINDOW, expire, get, records};
use crate::host::{self, HostId};
use crate::serve::Boot;
use images::wire::Task;

/// What the operator confirmed: the fields the page or command showed, sent back.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirmed {
    pub host: HostId,
    /// Kernel name, as in the inventory: `sda`.
    pub disk: String,
    pub disk_serial: String,
    pub disk_size_bytes: u64,
}

/// What erasing a disk of `host` would do; `disk` is a serial number or kernel name, needed only when the machine
/// has several disks.
pub async fn preview(
    boot: &Boot,
    host: &HostId,
    disk: Option<&str>,
) -> Result<Confirmation, Error> {
    let host = host::get(&boot.db, host).await?;
    let Some(inventory) = &host.inventory else {
        return Err(Error::Refused {
            host: host.name,
            why: "its disks are not known yet; boot it from the network once".to_owned(),
        });
    };
    let disk = images::wipe::plan(inventory, disk)?.clone();
    let language = images::language::Language::from_code(boot.locale.code());
    Ok(Confirmation {
        task: Task::Wipe,
        lost: images::wipe::lost(&disk, &host.name, language),
        host: host.id,
        host_name: host.name,
        image: String::new(),
        image_name: String::new(),
        image_size_bytes: disk.size_bytes,
        disk,
    })
}

/// Opens a session, if what was confirmed is still what the inventory says.
pub async fn open(boot: &Boot, confirmed: &Confirmed, by: &str) -> Result<Session, Error> {
    let now = boot.clock.now();
    // Sessions nobody will finish must not stand in the way.
    expire(boot).await?;
    let confirmation = preview(boot, &confirmed.host, Some(&confirmed.disk)).await?;
    confirmation.is_of(&confirmed.disk_serial, confirmed.disk_size_bytes)?;
    let id = records::open(&boot.db, confirmation, by, now, now + WINDOW).await?;
    get(&boot.db, &id).await
}
