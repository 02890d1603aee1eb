//! What the boot server is given, and the task per interface.

use crate::boot::attempts::Attempts;
use crate::boot::heard::Heard;
use crate::boot::negotiations::Negotiations;
use crate::dhcp::lease::{Leases, unserved};
use crate::flight::Recorder;
use crate::ports::PortsBoard;
use crate::session::Arriving;
use crate::{flight, interface, session};
use config::DhcpRole;
use state::progress::Board;
use state::{Clock, Db};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Gives the vault that holds the images, opened now or before; its error is a sentence.
pub type OpenVault = Arc<
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<Arc<vault::Vault>, String>> + Send>>
        + Send
        + Sync,
>;

/// Puts a disk that arrives into the vault of images as an image of this name; gives its id once it is committed, or a
/// sentence.
pub type StoreImage = Arc<
    dyn Fn(String, Arriving, u64) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>>
        + Send
        + Sync,
>;

/// Everything the boot server and the agent API need. Cloning shares it.
#[derive(Clone)]
pub struct Boot {
    pub db: Db,
    pub clock: Clock,
    pub board: Board,
    /// Kernel, initramfs and loaders made by `reprise boot assets build`.
    pub assets_dir: PathBuf,
    /// Port of the console, where the agent API is; the agent reaches it at the interface's address.
    pub console_port: u16,
    /// SHA-256 of the console's certificate (DER), hex.
    pub fingerprint: String,
    /// The appliance's name, shown on the PC's screen.
    pub appliance: String,
    pub locale: config::Locale,
    pub images: OpenVault,
    pub store: StoreImage,
    /// The admin's own entries and rules.
    pub choices: Arc<config::BootChoices>,
    /// Where the inventory of approved machines is sent; `None`: nowhere.
    pub glpi: Option<config::Glpi>,
    /// What boot requests said of their machines; `Heard::default()`.
    pub heard: Heard,
    /// Where `serve` says which ports it got; `PortsBoard::default()`.
    pub ports: PortsBoard,
    /// What each machine did at every power-on; `Recorder::new(clock)`.
    pub recorder: Recorder,
    /// The addresses given where a network's role is `server`; `Leases::default()` = none.
    pub leases: Leases,
    /// How each machine is offered its loader; `Negotiations::default()`.
    pub negotiations: Negotiations,
    /// The tries of the menu's password; `Attempts::default()`.
    pub attempts: Attempts,
}

/// How often sessions whose time window passed are ended.
const EXPIRE_EVERY: Duration = Duration::from_secs(30);

/// Serves every interface until `shutdown`; what cannot be served is journalled and tried again.
pub async fn serve(boot: Boot, networks: Vec<config::Network>, shutdown: CancellationToken) {
    let mut tasks = JoinSet::new();
    let (negotiations, db) = (boot.negotiations.clone(), boot.db.clone());
    let stop = shutdown.clone();
    tasks.spawn(async move { negotiations.write_down(&db, &stop).await });
    if let Some(glpi) = boot.glpi.clone() {
        let (db, clock) = (boot.db.clone(), boot.clock.clone());
        tasks.spawn(crate::host::glpi::queue::keep(
            db,
            clock,
            glpi,
            shutdown.clone(),
        ));
    }
    if networks
        .iter()
        .any(|network| network.dhcp == DhcpRole::Server)
    {
        let (keeper, until) = (boot.clone(), shutdown.clone());
        tasks.spawn(async move { unserved::watch(&keeper, &until).await });
    } else if boot.leases.are_configured() {
        tracing::warn!(
            "a [[dhcp_subnet]] is configured, and no [[network]] has `dhcp = \"server\"`: no address is given"
        );
    }
    let shared = interface::Shared::default();
    let (strays, db, clock) = (shared.strays.clone(), boot.db.clone(), boot.clock.clone());
    let stop = shutdown.clone();
    tasks.spawn(async move { strays.write_down(&db, &clock, &stop).await });
    for network in networks {
        tasks.spawn(interface::serve(
            boot.clone(),
            network,
            shared.clone(),
            shutdown.clone(),
        ));
    }
    let (keeper, until) = (boot.clone(), shutdown.clone());
    tasks.spawn(async move { flight::keep(&keeper, &until).await });
    loop {
        if let Err(error) = session::expire(&boot).await {
            tracing::error!(%error, "failed to end sessions whose time passed");
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(Err(crash)) = tasks.join_next() => {
                tracing::error!(%crash, "the boot server of an interface crashed; restart reprise serve");
            }
            () = tokio::time::sleep(EXPIRE_EVERY) => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}
