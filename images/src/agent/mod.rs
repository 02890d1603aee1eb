//! The agent: inventories the machine, asks the appliance what to do, does it, restarts.
//! Blocking, on a few threads; it runs alone on a machine that has nothing else to do.
//!
//! - `options`: what it is told
//! - `inventory`, `disks`: what the machine is
//! - `client`, `pinned`: the appliance, over HTTPS to one certificate
//! - `screen`, `text`: what people see at the machine, and the key that cancels
//! - `deployment`, `chunks`, `disk`: an image onto a disk, and read back
//! - `erasure`: a disk overwritten, and looked at
//! - `capture`, `source`: a disk read into an image
//! - `medium`: the stick that it was started from
//! - `boot_order`: what a UEFI firmware starts next

mod boot_order;
mod capture;
pub mod chunks;
pub mod client;
pub mod deployment;
pub mod disk;
mod disks;
mod erasure;
mod inventory;
mod medium;
mod options;
pub mod pinned;
mod screen;
pub mod source;
mod text;

pub use options::{Options, OptionsError};

use crate::pairing_code;
use crate::wire::{DeployOrder, Finished, Firmware, Hello, Inventory, Next, Task, Wiped};
use client::Client;
use deployment::Deployment;
use screen::Screen;
use std::net::{IpAddr, ToSocketAddrs, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};
use text::Text;

/// Somebody may want to read why.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(3);
/// The server may be wrong about how long to wait, but not for hours.
const LONGEST_WAIT_S: u32 = 60;
/// Somebody chose a task at the machine, and walks to the console to confirm it.
const ASKED_PATIENCE: Duration = Duration::from_secs(15 * 60);
/// A machine that only asks must not hold a company up: less patience than in the middle of a disk.
const ASKING_PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error("make a key: {0}; check /dev/urandom")]
    Random(getrandom::Error),
    #[error("restart the machine: {0}; switch it off and on")]
    Restart(std::io::Error),
}

/// How the agent's work ended, when it does not restart the machine itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server leaves the machine to its own disk.
    LocalDisk { why: String },
    /// An image was written and read back.
    Deployed { written_bytes: u64 },
    /// A disk was overwritten and looked at.
    Erased { bytes: u64 },
    /// A disk was read into an image, and what the vault holds was compared with it.
    Captured { bytes: u64 },
    /// A task was refused, cancelled or failed; the server was told.
    NotDeployed { why: String },
}

/// Does everything. With `options.reboot` it restarts the machine at the end and returns only if
/// that fails.
pub fn run(options: &Options) -> Result<Outcome, Error> {
    if options.reboot {
        mount_firmware_variables(options);
    }
    let screen = if options.consoles {
        Screen::consoles(&options.sys_root, &options.dev_root)
    } else {
        Screen::standard_output()
    };
    let text = Text(options.language);
    let outcome = work(options, &screen, text);
    let pause = match &outcome {
        Ok(
            Outcome::LocalDisk { .. }
            | Outcome::Deployed { .. }
            | Outcome::Erased { .. }
            | Outcome::Captured { .. },
        ) => PAUSE,
        Ok(Outcome::NotDeployed { .. }) => PAUSE_AFTER_FAILURE,
        Err(error) => {
            screen.block(&[text.failed(&error.to_string())]);
            PAUSE_AFTER_FAILURE
        }
    };
    if !options.reboot {
        return outcome;
    }
    screen.line(&text.restarting(pause.as_secs()));
    screen.drain_keys();
    screen.key_within(pause);
    rustix::fs::sync();
    rustix::system::reboot(rustix::system::RebootCommand::Restart)
        .map_err(|error| Error::Restart(error.into()))?;
    outcome
}

fn work(options: &Options, screen: &Screen, text: Text) -> Result<Outcome, Error> {
    let fingerprint = crate::hex::decode(&options.fingerprint).ok_or(OptionsError::Fingerprint)?;
    let mut inventory = inventory::take(
        &options.sys_root,
        &options.proc_root,
        &options.dev_root,
        &options.mac,
        local_address(&options.server),
    );
    if options.from_medium {
        // What it was started from is no disk of this machine, however it is plugged in.
        inventory
            .disks
            .retain(|disk| !medium::starts_the_agent(Path::new(&disk.path)));
    }
    screen.block(&text.machine(&inventory, &options.mac));

    let agent_key = new_key()?;
    let asking = Client::new(
        &options.server,
        fingerprint,
        &agent_key,
        options.patience.min(ASKING_PATIENCE),
    )?;
    screen.line(&text.reaching(&options.server));
    let welcome = asking.hello(&Hello {
        mac: options.mac.clone(),
        agent_key: agent_key.clone(),
        inventory: inventory.clone(),
        version: options.version.clone(),
    })?;
    let code = pairing_code(&agent_key, &options.fingerprint);
    let mut lines = vec![text.known_as(&welcome.name), text.pairing_code(&code)];
    if welcome.pairing_code != code {
        lines.push(text.other_code(&welcome.pairing_code));
    }
    screen.block(&lines);

    let began = Instant::now();
    if let Some(task) = options.asked {
        screen.line(text.waiting_for(task));
    }
    let mut is_waiting = false;
    loop {
        let asked = Instant::now();
        let (task, order) = match asking.next(&welcome.host)? {
            Next::Wait { seconds } => {
                if !is_waiting {
                    screen.line(text.waiting());
                    is_waiting = true;
                }
                let wait = Duration::from_secs(seconds.min(LONGEST_WAIT_S).into());
                // A server that neither holds the request nor says how long is asked once a second.
                let least = Duration::from_secs(1).saturating_sub(asked.elapsed());
                std::thread::sleep(wait.max(least));
                continue;
            }
            Next::LocalDisk { .. }
                if options.asked.is_some() && began.elapsed() < ASKED_PATIENCE =>
            {
                std::thread::sleep(PAUSE);
                continue;
            }
            Next::LocalDisk { why } => {
                screen.line(&text.local_disk(&why));
                if options.reboot && inventory.firmware == Firmware::Uefi {
                    boot_order::disk_once(&options.sys_root);
                }
                return Ok(Outcome::LocalDisk { why });
            }
            Next::Deploy(order) => (Task::Deploy, order),
            Next::Wipe(order) => (Task::Wipe, order),
            Next::Capture(order) => (Task::Capture, order),
        };
        let client = Client::new(&options.server, fingerprint, &agent_key, options.patience)?;
        return Ok(carry_out(
            options,
            screen,
            &client,
            (task, &order),
            &inventory,
        ));
    }
}

/// How a task ended well.
struct Done {
    outcome: Outcome,
    /// For the machine's screen.
    said: String,
    bytes: u64,
    wiped: Option<Wiped>,
}

/// Does what the order says, and tells the server how it ended.
fn carry_out(
    options: &Options,
    screen: &Screen,
    client: &Client,
    (task, order): (Task, &DeployOrder),
    inventory: &Inventory,
) -> Outcome {
    let text = Text(options.language);
    let start = Instant::now();
    let deployment = Deployment {
        client,
        screen,
        text,
        task,
        order,
        confirm: options.confirm,
    };
    let result = match task {
        Task::Deploy => deployment.run(inventory).map(|written| Done {
            outcome: Outcome::Deployed {
                written_bytes: written.bytes,
            },
            said: text.deployed(
                &order.image,
                written.bytes,
                client.fetched_bytes(),
                written.took,
            ),
            bytes: written.bytes,
            wiped: None,
        }),
        Task::Wipe => deployment.erase(inventory).map(|erased| Done {
            outcome: Outcome::Erased {
                bytes: erased.bytes,
            },
            said: text.erased(order, erased.wiped, erased.took),
            bytes: erased.bytes,
            wiped: Some(erased.wiped),
        }),
        Task::Capture => deployment
            .capture(inventory, &options.sys_root)
            .map(|captured| Done {
                outcome: Outcome::Captured {
                    bytes: captured.bytes,
                },
                said: text.captured(order, captured.bytes, client.fetched_bytes(), captured.took),
                bytes: captured.bytes,
                wiped: None,
            }),
    };
    let why = result.as_ref().err().map(ToString::to_string);
    let finished = Finished {
        session: order.session.clone(),
        ok: result.is_ok(),
        detail: why.unwrap_or_default(),
        written_bytes: result.as_ref().map(|done| done.bytes).unwrap_or(0),
        fetched_bytes: client.fetched_bytes(),
        took_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        wiped: result.as_ref().ok().and_then(|done| done.wiped),
    };
    // Before the report: the server may be told that all is done only when it is.
    if result.is_ok() && options.reboot && inventory.firmware == Firmware::Uefi {
        own_disk_next(options, task);
    }
    if let Err(error) = client.finished(&finished) {
        screen.line(&text.failed(&error.to_string()));
    }
    match result {
        Ok(done) => {
            screen.block(&[done.said]);
            done.outcome
        }
        Err(error) => {
            let why = error.to_string();
            let shown = match error {
                deployment::Error::Cancelled(_) => why.clone(),
                _ => text.failed(&why),
            };
            screen.block(&[text.not_done(task, &shown)]);
            Outcome::NotDeployed { why }
        }
    }
}

/// What a UEFI firmware starts after this.
fn own_disk_next(options: &Options, task: Task) {
    match task {
        Task::Deploy => {
            boot_order::disk_first(&options.sys_root);
            // Some firmware orders its entries anew at each start (OVMF after QEMU's bootindex does),
            // but all obey this.
            boot_order::disk_once(&options.sys_root);
        }
        Task::Capture => boot_order::disk_once(&options.sys_root),
        // Nothing is left there to start.
        Task::Wipe => {}
    }
}

/// 256 random bits, new at each start: nothing of it survives on the machine.
fn new_key() -> Result<String, Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(Error::Random)?;
    Ok(crate::hex::encode(&key))
}

/// The address this machine talks to the server from. Nothing is sent.
fn local_address(server: &str) -> Option<IpAddr> {
    let place = server.strip_prefix("https://")?;
    let server = place.to_socket_addrs().ok()?.next()?;
    let any = if server.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(server).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Best effort: without them Secure Boot is unknown and the boot order stays.
fn mount_firmware_variables(options: &Options) {
    let variables = options.sys_root.join("firmware/efi/efivars");
    let is_empty = std::fs::read_dir(&variables).is_ok_and(|mut names| names.next().is_none());
    if is_empty {
        let _ = rustix::mount::mount(
            "efivarfs",
            &variables,
            "efivarfs",
            rustix::mount::MountFlags::empty(),
            None,
        );
    }
}
