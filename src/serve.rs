//! The appliance from start to stop: state, certificate, listeners, schedule, boot server; one
//! token ends them all.

use crate::appliance::Appliance;
use crate::console::{self, Console};
use crate::wire::ports::Ports;
use crate::{control, file, terminal, version};
use anyhow::Context;
use config::Config;
use provisioner::PortsBoard;
use state::journal;
use state::wire::Fact;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Parts that have not ended this long after SIGTERM are cut off; nothing committed depends on them.
const LAST_WORDS: Duration = Duration::from_secs(20);

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the threads of reprise; the machine may be out of processes or memory")
}

/// Runs until SIGINT or SIGTERM.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    // Before anybody can be told that we are ready: from then on SIGTERM must be a clean stop.
    let stop = listen_for_stop();
    let config = Arc::new(config);
    let shutdown = CancellationToken::new();
    // Bound first, because PCs are told the port; served last, when there is something to show.
    let listener = console::bind(config.console.listen);
    let port = listener
        .as_ref()
        .ok()
        .and_then(|l| Some(l.local_addr().ok()?.port()));
    let appliance = Appliance::open(config.clone(), port, shutdown.clone()).await?;
    let folder = appliance.folder.path().to_owned();
    let leftover = ports_path(&folder);
    if leftover.exists() {
        std::fs::remove_file(&leftover)
            .with_context(|| format!("remove {}, left by an earlier start", leftover.display()))?;
    }
    let control = control::bind(&folder)?;
    let started = Fact::ApplianceStarted {
        version: version::LONG.to_owned(),
    };
    journal::record(&appliance.db, appliance.clock.now(), started).await?;
    let password = web::ensure_admin(&appliance.db, appliance.clock.now()).await?;

    let (answered, ports) = watch::channel(None);
    let mut parts = JoinSet::new();
    parts.spawn(control::serve(
        control,
        appliance.control(),
        shutdown.clone(),
    ));
    let console = Console {
        config: config.clone(),
        identity: appliance.identity.clone(),
        router: web::console(appliance.app.clone()),
        db: appliance.db.clone(),
        clock: appliance.clock.clone(),
        answered,
    };
    let console_is_bound = listener.is_ok();
    parts.spawn(console.serve(listener, shutdown.clone()));
    let continuity = appliance.continuity.clone();
    let token = shutdown.clone();
    parts.spawn(async move { continuity.serve(token).await });
    let (notifier, token) = (appliance.notifier.clone(), shutdown.clone());
    parts.spawn(async move { notifier.serve(token).await });
    let boot = appliance.boot.clone();
    let networks = config.networks.clone();
    parts.spawn(provisioner::serve(boot.clone(), networks, shutdown.clone()));
    parts.spawn(crate::watchdog::serve(shutdown.clone()));
    parts.spawn(write_ports(
        boot.ports,
        folder.clone(),
        ports,
        console_is_bound,
        shutdown.clone(),
    ));
    greet(&config, &appliance, port);
    say_password(&folder, password)?;

    tokio::select! {
        () = stop_signal(stop) => {}
        // Every part lasts until the token; one that ended before has failed, and was logged.
        () = all_ended(&mut parts, &appliance) => {}
    }
    tracing::info!("stopping");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    shutdown.cancel();
    if tokio::time::timeout(LAST_WORDS, all_ended(&mut parts, &appliance))
        .await
        .is_err()
    {
        tracing::warn!(
            "some work did not stop in time and was cut off; it is taken up at the next start"
        );
        parts.abort_all();
    }
    journal::record(&appliance.db, appliance.clock.now(), Fact::ApplianceStopped).await?;
    let _ = std::fs::remove_file(ports_path(&folder));
    let _ = std::fs::remove_file(control::path(&folder));
    Ok(())
}

async fn all_ended(parts: &mut JoinSet<()>, appliance: &Appliance) {
    while let Some(ended) = parts.join_next().await {
        if let Err(error) = ended {
            crashed(&appliance.db, appliance.clock.now(), &error).await;
        }
    }
}

/// The rest goes on, but whoever looks at the console must see that not everything does.
async fn crashed(db: &state::Db, now: state::Timestamp, error: &tokio::task::JoinError) {
    tracing::error!(%error, "a part of the appliance ended unexpectedly; restart reprise");
    let fact = Fact::Trouble {
        object: "appliance".to_owned(),
        sentence: "a part of the appliance stopped on a fault of reprise itself: backups, network boot or the console may not go on; restart reprise, and report what its log says".to_owned(),
    };
    if let Err(error) = journal::record(db, now, fact).await {
        tracing::error!(%error, "failed to journal it");
    }
}

type Stop = std::io::Result<(Signal, Signal)>;

fn listen_for_stop() -> Stop {
    Ok((
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    ))
}

async fn stop_signal(stop: Stop) {
    let (mut interrupt, mut terminate) = match stop {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!(%error, "failed to listen for SIGTERM; stop reprise with SIGKILL, nothing committed is lost");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn ports_path(folder: &Path) -> PathBuf {
    folder.join("ports.json")
}

/// Tells where we answer, first when the console does (or cannot), then whenever that changes.
async fn write_ports(
    networks: PortsBoard,
    folder: PathBuf,
    mut console: watch::Receiver<Option<u16>>,
    console_is_bound: bool,
    shutdown: CancellationToken,
) {
    let path = ports_path(&folder);
    let mut boot = networks.changes();
    if console_is_bound {
        tokio::select! {
            _ = console.wait_for(Option::is_some) => {}
            () = shutdown.cancelled() => return,
        }
    }
    let mut ready = false;
    loop {
        let ports = Ports::of(*console.borrow_and_update(), &boot.borrow_and_update());
        let written = serde_json::to_vec(&ports)
            .map_err(std::io::Error::other)
            .and_then(|json| file::publish(&path, &json));
        if let Err(error) = written {
            tracing::error!(%error, "failed to write {}; make the state folder writable", path.display());
        }
        if !ready {
            ready = true;
            // Without a service manager there is no socket, and that is no error.
            if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
                tracing::warn!(%error, "failed to tell the service manager that reprise is ready");
            }
        }
        tokio::select! {
            changed = console.changed() => if changed.is_err() { return },
            changed = boot.changed() => if changed.is_err() { return },
            () = shutdown.cancelled() => return,
        }
    }
}

fn greet(config: &Config, appliance: &Appliance, port: Option<u16>) {
    tracing::info!("reprise {} of {}", version::LONG, config.appliance.name);
    if let Some(port) = port {
        for url in urls(config, port) {
            tracing::info!("the console is at {url}");
        }
    }
    tracing::info!(
        "its certificate has the SHA-256 fingerprint {}",
        appliance.identity.shown_fingerprint()
    );
    if config.networks.is_empty() {
        tracing::info!(
            "network boot is off: no interface is named (`./run --interface NAME`, or [[network]] in the configuration)"
        );
    }
}

/// Where a browser finds the console: the address listened on, or each of this box's own.
pub(crate) fn urls(config: &Config, port: u16) -> Vec<String> {
    let listen = config.console.listen.ip();
    if !listen.is_unspecified() {
        return vec![format!(
            "https://{}/",
            std::net::SocketAddr::new(listen, port)
        )];
    }
    let mut addresses: Vec<std::net::IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .iter()
        .map(if_addrs::Interface::ip)
        .filter(|ip| !ip.is_loopback() && ip.is_ipv4())
        .collect();
    if addresses.is_empty() {
        addresses.push(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let url = |ip| format!("https://{}/", std::net::SocketAddr::new(ip, port));
    addresses.into_iter().map(url).collect()
}

/// A one-time password is shown to a terminal only; else it lies in a file of its owner's.
fn say_password(folder: &Path, password: Option<web::OneTimePassword>) -> anyhow::Result<()> {
    let path = folder.join("admin-password");
    let Some(one_time) = password else {
        // A password was chosen: what is left of the one-time one is of no use to anybody.
        if path.exists() {
            std::fs::remove_file(&path)
                .with_context(|| format!("remove {}; remove it by hand", path.display()))?;
        }
        return Ok(());
    };
    if std::io::stderr().is_terminal() {
        terminal::note(&format!(
            "\n  user {}, one-time password  {}\n  (good for one log-in, where you choose your own; lost: `reprise user password {}`)\n",
            one_time.user, one_time.password, one_time.user
        ));
        return Ok(());
    }
    file::publish(&path, format!("{}\n", one_time.password).as_bytes()).with_context(|| {
        format!(
            "write the one-time password to {}; make the state folder writable",
            path.display()
        )
    })?;
    tracing::info!(
        "the one-time password of user {} is in {} (good for one log-in)",
        one_time.user,
        path.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_crashed_is_told_to_whoever_reads_the_console() {
        let dir = std::env::temp_dir().join(format!("reprise-serve-{}", state::id::new()));
        file::folder(&dir).expect("temp");
        let db = state::Db::open_file(&dir.join("state.db"))
            .await
            .expect("open");
        let part = tokio::spawn(async { panic!("a fault, made by the test") });
        let error = part.await.expect_err("it crashed");
        crashed(&db, state::Timestamp(1), &error).await;
        let found = journal::troubles(&db, 10).await.expect("read");
        assert!(
            matches!(&found[0].fact, Fact::Trouble { object, .. } if object == "appliance"),
            "{found:?}"
        );
        std::fs::remove_dir_all(&dir).expect("clean");
    }
}
