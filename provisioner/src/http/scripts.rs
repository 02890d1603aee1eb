//! Which script a machine gets, with what it takes to write it. TFTP gives the same.

use super::menu::{self, Offers};
use super::script::{self, Place};
use super::unlock::{self, Last};
use crate::Mac;
use crate::boot::path::{self, BootFile};
use crate::boot::policy::{BootStep, Given, Why};
use crate::boot::{asset, records};
use crate::host::{self, HostId, next};
use crate::interface::Served;
use images::assets;

const OUR_TROUBLE: &str = "the appliance has a problem; its log says which";

/// `host`: the machine has it now, which counts for what it is given once.
pub(crate) async fn script(
    served: &Served,
    mac: Mac,
    step: BootStep,
    host: Option<&HostId>,
) -> String {
    let boot = &served.boot;
    let place = place(served, mac);
    let entries = &boot.choices.entries;
    let script = match step {
        BootStep::Give(Given::Menu) => {
            menu::menu(&place, entries, offers(served, host, true).await)
        }
        BootStep::Give(Given::MenuByRule) => match boot.choices.menu_password {
            Some(_) => return unlock::ask(&place, Last::None),
            None => menu::menu(&place, entries, offers(served, host, false).await),
        },
        BootStep::Give(Given::Memtest) => menu::memtest(&place),
        BootStep::Give(Given::Rescue) => menu::rescue(&place),
        BootStep::Give(Given::Entry(rank)) => match entries.get(rank) {
            Some(entry) => menu::entry(&place, entry),
            None => return script::nothing(&boot.appliance, Why::NothingToDo.text()),
        },
        BootStep::Agent | BootStep::Ignore(_) => return script::agent(&place),
    };
    if let Some(host) = host
        && let Err(error) = next::records::given(&boot.db, host, boot.clock.now()).await
    {
        // Once means once: what cannot be written down is not given.
        tracing::error!(%mac, %error, "failed to write down what a machine was given; it gets nothing");
        return script::nothing(&boot.appliance, OUR_TROUBLE);
    }
    script
}

/// What GRUB is told; it knows the agent, and no menu.
pub(crate) fn grub(served: &Served, mac: Mac, step: BootStep) -> String {
    match step {
        BootStep::Agent => {
            let folder = path::folder(mac);
            tell(served, mac, |start| {
                assets::network_config(start, folder.trim_end_matches('/'))
            })
        }
        BootStep::Give(_) | BootStep::Ignore(_) => "sleep 2\nexit\n".to_owned(),
    }
}

/// `write` what GRUB must know, from the boot disk and over TFTP alike: the same as the script.
pub(super) fn tell<T>(served: &Served, mac: Mac, write: impl FnOnce(&assets::Start<'_>) -> T) -> T {
    let boot = &served.boot;
    write(&assets::Start {
        appliance: &boot.appliance,
        server: &format!("https://{}:{}", served.address, boot.console_port),
        fingerprint: &boot.fingerprint,
        mac: Some(&mac.to_string()),
        locale: boot.locale.code(),
    })
}

/// The menu behind its password; `typed`: who somebody says they are, and what they typed. A machine that is given
/// no menu gets none with any password.
pub(super) async fn menu(
    served: &Served,
    mac: Mac,
    step: BootStep,
    host: Option<&HostId>,
    typed: Option<(String, String)>,
) -> String {
    let boot = &served.boot;
    let place = place(served, mac);
    let stored = match (step, &boot.choices.menu_password) {
        (BootStep::Give(Given::MenuByRule), Some(stored)) => stored.clone(),
        _ => return script(served, mac, step, host).await,
    };
    let Some((who, word)) = typed else {
        return unlock::ask(&place, Last::None);
    };
    let now = boot.clock.now();
    let left = match boot.attempts.begin(mac, now) {
        Ok(left) => left,
        Err(until) => return unlock::ask(&place, Last::Closed(until.since(now))),
    };
    // As slow as it is meant to be; the count of tries bounds how many run at once.
    let checked = tokio::task::spawn_blocking(move || state::password::matches(&word, &stored));
    let Ok(opened) = checked.await else {
        return script::nothing(&boot.appliance, OUR_TROUBLE);
    };
    let who: String = who.chars().filter(|c| !c.is_control()).take(64).collect();
    if opened {
        boot.attempts.right(mac);
    }
    tracing::info!(%mac, who, opened, left, "the menu's password was typed");
    if let Err(error) = records::menu_tried(&boot.db, mac, host, who, opened, now).await {
        // What nobody could look up afterwards does not happen.
        tracing::error!(%mac, %error, "failed to write down who opened the menu; it stays closed");
        return script::nothing(&boot.appliance, OUR_TROUBLE);
    }
    match opened {
        true => {
            let offers = offers(served, host, true).await;
            menu::menu(&place, &boot.choices.entries, offers)
        }
        false => unlock::ask(&place, Last::Wrong { left }),
    }
}

fn place<'a>(served: &'a Served, mac: Mac) -> Place<'a> {
    let boot = &served.boot;
    Place {
        appliance: &boot.appliance,
        server: served.url_host(),
        http_port: served.open_http().unwrap_or(served.http_port),
        console: served.address,
        console_port: boot.console_port,
        fingerprint: &boot.fingerprint,
        locale: boot.locale.code(),
        mac,
        shim: served.own.has_chain(),
    }
}

/// What the menu can keep its word about. `trusted`: an operator or a password stands behind it.
async fn offers(served: &Served, host: Option<&HostId>, trusted: bool) -> Offers {
    let boot = &served.boot;
    let mut memtest = true;
    for file in [BootFile::MemtestEfi, BootFile::MemtestBin] {
        let path = asset::path(&boot.assets_dir, &served.own, file).await;
        memtest &= tokio::fs::metadata(path)
            .await
            .is_ok_and(|found| found.is_file());
    }
    let known = match host {
        Some(host) => host::get(&boot.db, host).await.ok(),
        None => None,
    };
    let inventory = known.and_then(|host| host.inventory);
    // Nobody signed it.
    let secure_boot = inventory.and_then(|found| found.secure_boot) == Some(true);
    Offers {
        memtest: memtest && !secure_boot,
        trusted,
    }
}
