//! A session that reads one disk of one host into a new image. Nothing is lost by it, so nobody is asked to confirm:
//! the disk is the one of the inventory, by serial number and size, or the agent refuses.

use super::{Confirmation, Error, Session, WINDOW, expire, get, records};
use crate::host::{self, HostId};
use crate::serve::Boot;
use images::wire::Task;

/// Opens one. `image` is the name that the image gets; `disk` is a serial number or kernel name, needed only when the
/// machine has several disks.
pub async fn open(
    boot: &Boot,
    host: &HostId,
    image: &str,
    disk: Option<&str>,
    by: &str,
) -> Result<Session, Error> {
    let now = boot.clock.now();
    // Sessions nobody will finish must not stand in the way.
    expire(boot).await?;
    images::import::judge_name(image)?;
    let host = host::get(&boot.db, host).await?;
    let Some(inventory) = &host.inventory else {
        return Err(Error::Refused {
            host: host.name,
            why: "its disks are not known yet; boot it from the network once".to_owned(),
        });
    };
    // A vault that cannot be reached is said now, not at the machine.
    (boot.images)().await.map_err(Error::Vault)?;
    let disk = images::capture::plan(inventory, disk)?.clone();
    let language = images::language::Language::from_code(boot.locale.code());
    let asked = Confirmation {
        task: Task::Capture,
        lost: images::capture::said(&disk, &host.name, image, language),
        host: host.id,
        host_name: host.name,
        image: String::new(),
        image_name: image.to_owned(),
        image_size_bytes: disk.size_bytes,
        disk,
    };
    let id = records::open(&boot.db, asked, by, now, now + WINDOW).await?;
    get(&boot.db, &id).await
}
