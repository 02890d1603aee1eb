//! A boot server with a state folder of its own.

use config::{DhcpRole, Network};
use provisioner::{Boot, PortsBoard};
use state::progress::Board;
use state::{Clock, Db, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vault::Watch;
use vault::target::MemoryTarget;
use vault::{KdfCost, Secret, Vault};

pub(crate) const FINGERPRINT: &str =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

pub(crate) struct Folder(PathBuf, bool);

impl Folder {
    pub(crate) fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("reprise-boot-{}", state::id::new()));
        std::fs::create_dir_all(path.join("assets")).unwrap();
        Folder(path, true)
    }

    /// One that is another process's to remove.
    pub(crate) fn at(path: &Path) -> Folder {
        Folder(path.to_owned(), false)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn assets(&self) -> PathBuf {
        self.0.join("assets")
    }

    /// Files that look like nothing, so that a mix-up shows.
    pub(crate) fn fill_assets(&self) {
        for (name, len) in [
            ("snponly.efi", 213_444),
            ("undionly.kpxe", 71_680),
            ("kernel", 3_000_001),
            ("initrd", 5_000_000),
            ("boot.img", 6_000_001),
            ("memtest.efi", 150_000),
            ("memtest.bin", 150_001),
        ] {
            std::fs::write(self.assets().join(name), noise(len, name.len() as u64)).unwrap();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.1 {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// A proxy on `srv0` whose ports are all open.
pub(crate) struct Serving {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Serving {
    pub(crate) async fn start(boot: &Boot) -> Serving {
        let network = Network {
            interface: "srv0".to_owned(),
            dhcp: DhcpRole::Proxy,
            http_port: 8067,
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(provisioner::serve(
            boot.clone(),
            vec![network],
            stop.clone(),
        ));
        until("all ports open", async || {
            let ports = boot.ports.all().remove("srv0")?;
            [ports.dhcp, ports.pxe, ports.http, ports.tftp]
                .iter()
                .all(Option::is_some)
                .then_some(())
        })
        .await;
        Serving { stop, task }
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A new boot server and the vault of its images.
pub(crate) async fn boot(folder: &Folder, clock: Clock) -> (Boot, Arc<Vault>) {
    let db = Db::open_file(&folder.path().join("state.db"))
        .await
        .unwrap();
    provisioner::migrate(&db).await.unwrap();
    let password = Secret::new(b"test".to_vec());
    let target = Arc::new(MemoryTarget::new());
    let vault = Arc::new(Vault::create(target, &password, KdfCost::MINIMUM).unwrap());
    let opened = Arc::clone(&vault);
    let boot = Boot {
        db,
        recorder: provisioner::flight::Recorder::new(clock.clone()),
        leases: provisioner::lease::Leases::default(),
        negotiations: provisioner::Negotiations::default(),
        attempts: provisioner::Attempts::default(),
        clock,
        board: Board::default(),
        assets_dir: folder.assets(),
        console_port: 8443,
        fingerprint: FINGERPRINT.to_owned(),
        appliance: "agen".to_owned(),
        locale: config::Locale::En,
        images: Arc::new(move || {
            let vault = Arc::clone(&opened);
            Box::pin(async move { Ok(vault) })
        }),
        store: store(Arc::clone(&vault)),
        choices: Arc::default(),
        glpi: None,
        heard: provisioner::Heard::default(),
        ports: PortsBoard::default(),
    };
    (boot, vault)
}

/// As the appliance does it, without its queue.
fn store(vault: Arc<Vault>) -> provisioner::StoreImage {
    Arc::new(move |name, mut disk, size| {
        let vault = Arc::clone(&vault);
        Box::pin(async move {
            let import = move || {
                let watch = Watch::default();
                images::import::import(&vault, &name, &mut disk, Some(size), &|| 1, &watch)
                    .map(|image| image.id)
                    .map_err(|error| error.to_string())
            };
            tokio::task::spawn_blocking(import).await.unwrap()
        })
    })
}

pub(crate) fn manual_clock() -> Clock {
    Clock::manual(Timestamp(1_800_000_000_000))
}

/// Waits until `ready` gives something, or fails with `what`.
pub(crate) async fn until<T>(what: &str, mut ready: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = ready().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
