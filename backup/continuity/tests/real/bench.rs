//! A folder with files to save, two vaults, a database, and a clock moved by hand.

use config::{
    Appliance, Config, Console, Keep, Level, Locale, Log, LogFormat, Place, Plan, Prove, Target,
    TimeOfDay,
};
use continuity::Continuity;
use state::progress::Board;
use state::wire::Fact;
use state::{Clock, Db, Timestamp, journal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vault::target::LocalTarget;
use vault::{KdfCost, Secret, Vault};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Bench {
    folder: PathBuf,
    pub(crate) continuity: Continuity,
}

impl Drop for Bench {
    fn drop(&mut self) {
        if std::fs::remove_dir_all(&self.folder).is_err() {
            eprintln!("left behind: {}", self.folder.display());
        }
    }
}

/// 2026-11-22 12:00 in Paris.
pub(crate) const NOON: Timestamp = Timestamp(1_795_345_200_000);

pub(crate) fn plan(name: &str, folder: &Path) -> Plan {
    Plan {
        name: name.into(),
        files: vec![folder.to_owned()],
        at: None,
        targets: vec!["nas".into()],
        exclude: Vec::new(),
        database: None,
        database_password_file: None,
        recipe: None,
        skip_caches: false,
        keep: Keep::default(),
        tier: 1,
        rpo: None,
        rto: None,
        prove: Prove {
            level: Level::Restored,
            every: None,
        },
    }
}

pub(crate) fn at(plan: Plan, hour: u8, minute: u8) -> Plan {
    Plan {
        at: Some(TimeOfDay { hour, minute }),
        ..plan
    }
}

impl Bench {
    /// One plan `compta` on target `nas`.
    pub(crate) async fn new() -> Bench {
        Bench::with(|folder| vec![plan("compta", &folder.join("share"))]).await
    }

    /// Targets `nas` and `second` hold a vault each; `share` holds some files.
    pub(crate) async fn with(plans: impl FnOnce(&Path) -> Vec<Plan>) -> Bench {
        Bench::configured(|folder, config| config.plans = plans(folder)).await
    }

    /// The same; `change` may set anything in the configuration.
    pub(crate) async fn configured(change: impl FnOnce(&Path, &mut Config)) -> Bench {
        let folder = std::env::temp_dir().join(format!("reprise-continuity-{}", state::id::new()));
        for sub in ["state/tls", "share/clients", "share/empty", "nas", "second"] {
            std::fs::create_dir_all(folder.join(sub)).unwrap();
        }
        std::fs::write(folder.join("password"), format!("{PASSWORD}\nnote\n")).unwrap();
        std::fs::write(folder.join("state/tls/key.pem"), "a key\n").unwrap();
        std::fs::write(folder.join("reprise.toml"), config::example()).unwrap();
        for n in 0..20 {
            let text = format!("invoice {n}\n").repeat(n * 100);
            std::fs::write(folder.join(format!("share/clients/{n}.txt")), text).unwrap();
        }
        std::os::unix::fs::symlink("clients/3.txt", folder.join("share/third")).unwrap();
        for name in ["nas", "second"] {
            make_vault(&folder.join(name));
        }
        let target = |name: &str| Target {
            name: name.into(),
            place: Place::Folder {
                path: folder.join(name),
                must_be_mounted: false,
            },
            removable: None,
            password_file: folder.join("password"),
        };
        let mut config = Config {
            origin: folder.join("reprise.toml"),
            appliance: Appliance {
                name: "test".into(),
                state_dir: folder.join("state"),
                database_url: None,
                locale: Locale::En,
                timezone: "Europe/Paris".into(),
                image_target: None,
                index_memory_mb: 512,
                keep_free_mb: 0,
                scan: Vec::new(),
            },
            console: Console {
                listen: "127.0.0.1:0".parse().unwrap(),
            },
            log: Log {
                format: LogFormat::Human,
                filter: "info".into(),
            },
            notify: config::Notify::default(),
            networks: Vec::new(),
            dhcp: config::Dhcp::default(),
            registry: config::Registry::default(),
            boot: config::BootChoices::default(),
            targets: vec![target("nas"), target("second")],
            servers: Vec::new(),
            plans: Vec::new(),
        };
        change(&folder, &mut config);
        let continuity = open(config, Clock::manual(NOON)).await;
        Bench { folder, continuity }
    }

    pub(crate) fn join(&self, leaf: &str) -> PathBuf {
        self.folder.join(leaf)
    }

    pub(crate) fn db(&self) -> &Db {
        &self.continuity.db
    }

    /// The appliance stops and starts again: same state, nothing kept in memory.
    pub(crate) async fn restart(&mut self) {
        let clock = self.continuity.clock.clone();
        let config = (*self.continuity.config).clone();
        self.continuity = open(config, clock).await;
    }

    /// One run of `plan` on its first target, ended, proven.
    pub(crate) async fn run(&self, plan: &str) -> continuity::Run {
        let ids = self.continuity.start_run(plan, "test").await.unwrap();
        let run = self.continuity.wait_run(&ids[0]).await.unwrap();
        self.continuity.settle().await;
        run
    }

    /// Kinds of the facts in the journal, oldest first.
    pub(crate) async fn facts(&self) -> Vec<Fact> {
        let entries = journal::after(self.db(), 0, 10_000).await.unwrap();
        entries.into_iter().map(|entry| entry.fact).collect()
    }

    pub(crate) fn scratch_is_empty(&self) -> bool {
        match std::fs::read_dir(self.join("state/scratch")) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }
}

async fn open(config: Config, clock: Clock) -> Continuity {
    let db = Db::open_file(&config.appliance.state_dir.join("state.db"))
        .await
        .unwrap();
    continuity::migrate(&db).await.unwrap();
    Continuity::new(db, clock, Board::default(), Arc::new(config))
}

pub(crate) fn make_vault(folder: &Path) {
    let target = LocalTarget::open(folder, false).unwrap();
    let password = Secret::new(PASSWORD.into());
    Vault::create(Arc::new(target), &password, KdfCost::MINIMUM).unwrap();
}

/// Every regular file below, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut list = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                list.push(entry.path());
            }
        }
    }
    list.sort();
    list
}
