//! The parts of the appliance put together over one state folder: database, tables, certificate,
//! plans, boot server, console.

use crate::{terminal, tls, version};
use anyhow::anyhow;
use config::Config;
use continuity::{Continuity, Notifier};
use provisioner::{Boot, Heard, PortsBoard};
use state::db::Tables;
use state::folder::StateFolder;
use state::progress::Board;
use state::{Clock, Db, kept};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Every table that this version knows.
pub(crate) const TABLES: &[Tables] = &[
    state::db::SCHEMA,
    provisioner::SCHEMA,
    continuity::SCHEMA,
    web::SCHEMA,
];

/// Holds the state folder's lock as long as it lives.
pub(crate) struct Appliance {
    pub(crate) folder: StateFolder,
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) identity: tls::Identity,
    pub(crate) boot: Boot,
    pub(crate) continuity: Continuity,
    pub(crate) notifier: Notifier,
    pub(crate) app: web::App,
}

impl Appliance {
    /// Locks the state folder, opens the database and brings every table up to date.
    ///
    /// `console_port` is the port PCs are told to report to; the configured one when unknown.
    pub(crate) async fn open(
        config: Arc<Config>,
        console_port: Option<u16>,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Appliance> {
        let folder = StateFolder::open(&config.appliance.state_dir)?;
        let clock = Clock::System;
        let db = match &config.appliance.database_url {
            Some(url) => Db::open(url).await?,
            None => open_file(&folder, &clock).await?,
        };
        provisioner::migrate(&db).await?;
        continuity::migrate(&db).await?;
        web::migrate(&db).await?;
        let identity = tls::open(&folder.path().join("tls"), &config.appliance.name)?;
        let board = Board::default();
        let continuity = Continuity::new(db.clone(), clock.clone(), board.clone(), config.clone());
        let boot = Boot {
            db: db.clone(),
            clock: clock.clone(),
            board: board.clone(),
            assets_dir: assets_dir(&config),
            console_port: console_port.unwrap_or(config.console.listen.port()),
            fingerprint: identity.fingerprint.clone(),
            appliance: config.appliance.name.clone(),
            locale: config.appliance.locale,
            images: images(&config, continuity.vaults.clone()),
            store: store(continuity.clone()),
            choices: Arc::new(config.boot.clone()),
            glpi: config.registry.glpi.clone(),
            heard: Heard::default(),
            ports: PortsBoard::default(),
            recorder: provisioner::flight::Recorder::new(clock.clone()),
            leases: provisioner::lease::Leases::new(
                config.appliance.state_dir.join("leases"),
                config.dhcp.clone(),
                clock.clone(),
            ),
            negotiations: provisioner::Negotiations::default(),
            attempts: provisioner::Attempts::default(),
        };
        let compose = web::compose(&config, clock.clone());
        let notifier = Notifier::new(continuity.clone(), compose);
        let app = web::App {
            db: db.clone(),
            clock: clock.clone(),
            board,
            config: config.clone(),
            continuity: continuity.clone(),
            notifier: notifier.clone(),
            boot: boot.clone(),
            version: version::LONG.to_owned(),
            fingerprint: identity.fingerprint.clone(),
            shutdown,
        };
        Ok(Appliance {
            folder,
            db,
            clock,
            identity,
            boot,
            continuity,
            notifier,
            app,
        })
    }

    /// The API for the state folder's owner.
    pub(crate) fn control(&self) -> axum::Router {
        crate::control::router(
            web::control(self.app.clone()),
            self.db.clone(),
            self.clock.clone(),
            self.continuity.clone(),
        )
    }
}

/// Opens the SQLite database; a copy of one that an older version wrote is kept first.
async fn open_file(folder: &StateFolder, clock: &Clock) -> anyhow::Result<Db> {
    let path = folder.path();
    if let Some(kept) = kept::before_opening(path, TABLES, version::NUMBER, clock.now()).await? {
        tracing::info!(
            "an older version wrote the state; before it is brought up to date, a copy is kept: {}",
            kept.path.display()
        );
    }
    Ok(Db::open_file(&path.join(kept::DATABASE)).await?)
}

/// How the boot server reaches the vault of images: the open vaults are continuity's.
fn images(config: &Config, vaults: continuity::Vaults) -> provisioner::OpenVault {
    let target = config.image_target().map(|target| target.name.clone());
    Arc::new(move || {
        let (vaults, target) = (vaults.clone(), target.clone());
        Box::pin(async move {
            let target =
                target.ok_or("find the vault of images: the configuration has no target")?;
            vaults.open(&target).await.map_err(|e| e.to_string())
        })
    })
}

/// How the disk of a PC becomes an image.
fn store(continuity: Continuity) -> provisioner::StoreImage {
    Arc::new(move |name, disk, size| {
        let continuity = continuity.clone();
        Box::pin(async move {
            let stored = continuity.import_arriving(&name, disk, size).await;
            stored.map(|image| image.id).map_err(|e| e.to_string())
        })
    })
}

/// Where `boot assets build` puts what PCs boot.
pub(crate) fn assets_dir(config: &Config) -> std::path::PathBuf {
    config.appliance.state_dir.join("boot")
}

/// Reads the configuration that `--config` names, or the one that is found. What is wrong with it
/// is said line by line on stderr.
pub(crate) fn configuration(explicit: Option<&std::path::Path>) -> anyhow::Result<Config> {
    config::find(explicit)
        .and_then(|path| config::load(&path))
        .map_err(|complaints| {
            for complaint in &complaints.0 {
                terminal::note(&complaint.to_string());
            }
            anyhow!("read the configuration; correct what the lines above name")
        })
}
