//! How a command reaches the appliance: through the control socket of a running `serve`; without
//! one, the appliance is put together in this process, behind the same socket, for as long as the
//! command lasts. Commands have one way of asking either.

use crate::appliance::Appliance;
use crate::control::{self, Client};
use anyhow::{Context, bail};
use config::Config;
use serde_json::Value;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub(crate) struct Door {
    client: Client,
    targets: Vec<String>,
    plans: Vec<(String, Vec<String>)>,
    zone: jiff::tz::TimeZone,
    inside: Option<Inside>,
}

/// The appliance inside this process, and what ends it.
struct Inside {
    continuity: continuity::Continuity,
    runtime: Option<tokio::runtime::Runtime>,
    shutdown: CancellationToken,
    socket: PathBuf,
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // What the command started (the proof after a run) is part of it.
            runtime.block_on(self.continuity.settle());
            self.shutdown.cancel();
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl Door {
    pub(crate) fn open(config: Config) -> anyhow::Result<Door> {
        let socket = control::path(&config.appliance.state_dir);
        let names = |list: &[config::Target]| list.iter().map(|t| t.name.clone()).collect();
        let mut door = Door {
            client: Client::new(socket.clone()),
            targets: names(&config.targets),
            plans: config
                .plans
                .iter()
                .map(|p| (p.name.clone(), p.targets.clone()))
                .collect(),
            zone: jiff::tz::TimeZone::get(&config.appliance.timezone)
                .unwrap_or(jiff::tz::TimeZone::UTC),
            inside: None,
        };
        match UnixStream::connect(&socket) {
            Ok(_) => Ok(door),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                door.inside = Some(Inside::start(config, socket)?);
                Ok(door)
            }
            Err(e) => Err(e).with_context(|| {
                format!(
                    "reach the appliance at {}; run this as the user that runs `reprise serve`",
                    socket.display()
                )
            }),
        }
    }

    /// Is a `serve` running, that goes on after this command?
    pub(crate) fn is_serve(&self) -> bool {
        self.inside.is_none()
    }

    /// The target a snapshot is looked for in: the one named, the plan's first, or the only one.
    pub(crate) fn target_of(
        &self,
        snapshot: &str,
        named: Option<String>,
    ) -> anyhow::Result<String> {
        if let Some(named) = named {
            return Ok(named);
        }
        let plan = snapshot.split_once('@').map(|(plan, _)| plan);
        let of_plan = self
            .plans
            .iter()
            .find(|(name, _)| Some(name.as_str()) == plan)
            .and_then(|(_, targets)| targets.first());
        match (of_plan, self.targets.as_slice()) {
            (Some(target), _) => Ok(target.clone()),
            (None, [only]) => Ok(only.clone()),
            (None, []) => bail!("find a vault: the configuration has no target; add a [[target]]"),
            (None, several) => bail!(
                "choose a vault for {snapshot}: there are several; add --target with one of {}",
                several.join(", ")
            ),
        }
    }

    /// A time in milliseconds since 1970, in the appliance's time zone; `-` when there is none.
    pub(crate) fn when(&self, milliseconds: &Value) -> String {
        let at = milliseconds.as_i64().map(jiff::Timestamp::from_millisecond);
        match at {
            Some(Ok(at)) => at
                .to_zoned(self.zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string(),
            _ => "-".to_owned(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.client.get(path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.client.post(path, body)
    }

    /// As [`Door::post`], for work that is answered when it is done.
    pub(crate) fn post_patiently(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.client.post_patiently(path, body)
    }

    /// As [`Door::post`], when the answer is plain text.
    pub(crate) fn post_text(&self, path: &str) -> anyhow::Result<String> {
        self.client.post_text(path)
    }
}

impl Inside {
    fn start(config: Config, socket: PathBuf) -> anyhow::Result<Inside> {
        let runtime = crate::serve::runtime()?;
        let shutdown = CancellationToken::new();
        let (appliance, listener) = runtime.block_on(async {
            let appliance = Appliance::open(Arc::new(config), None, shutdown.clone()).await?;
            let listener = control::bind(appliance.folder.path())?;
            anyhow::Ok((appliance, listener))
        })?;
        let continuity = appliance.continuity.clone();
        let token = shutdown.clone();
        runtime.spawn(async move {
            control::serve(listener, appliance.control(), token).await;
            drop(appliance);
        });
        Ok(Inside {
            continuity,
            runtime: Some(runtime),
            shutdown,
            socket,
        })
    }
}
