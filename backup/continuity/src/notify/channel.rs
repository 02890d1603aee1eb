//! The ways out that the configuration names.

use super::records::Letter;
use super::{Error, http, mail};
use config::{Config, Mail, Ping};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One way out: one server, one recipient.
#[derive(Clone, Debug)]
pub struct Channel {
    /// `mail to admin@example.net`, `mattermost`, `ping`; kept in the outbox.
    pub name: String,
    pub kind: Kind,
    ca_file: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Mail { server: Arc<Mail>, to: String },
    Mattermost { url_file: PathBuf },
    Ping(Ping),
}

pub(super) fn channels(config: &Config) -> Vec<Channel> {
    let notify = &config.notify;
    let channel = |name: String, kind: Kind| Channel {
        name,
        kind,
        ca_file: notify.ca_file.clone(),
    };
    let mut found = Vec::new();
    if let Some(mail) = &notify.mail {
        let server = Arc::new(mail.clone());
        for to in &mail.to {
            let (server, to) = (Arc::clone(&server), to.clone());
            found.push(channel(format!("mail to {to}"), Kind::Mail { server, to }));
        }
    }
    if let Some(url_file) = notify.mattermost_url_file.clone() {
        found.push(channel("mattermost".into(), Kind::Mattermost { url_file }));
    }
    if let Some(ping) = notify.ping.clone() {
        found.push(channel("ping".into(), Kind::Ping(ping)));
    }
    found
}

impl Channel {
    /// Carries messages that people read; a ping carries none.
    pub(super) fn is_read(&self) -> bool {
        !matches!(self.kind, Kind::Ping(_))
    }

    /// Says something also after a bad night.
    pub(super) fn tells(&self, good: bool) -> bool {
        match &self.kind {
            Kind::Ping(ping) => good || ping.fail_suffix.is_some(),
            _ => true,
        }
    }

    /// Sends now; returns what the server answered.
    pub(super) async fn send(&self, letter: &Letter) -> Result<String, Error> {
        let (channel, letter) = (self.clone(), letter.clone());
        match &self.kind {
            Kind::Mail { server, to } => {
                mail::send(server, to, &letter, self.ca_file.as_deref()).await
            }
            Kind::Mattermost { .. } | Kind::Ping(_) => {
                crate::blocking(move || channel.fetch(&letter)).await?
            }
        }
    }

    fn fetch(&self, letter: &Letter) -> Result<String, Error> {
        let ca = self.ca_file.as_deref();
        match &self.kind {
            Kind::Mattermost { url_file } => {
                let url = secret("the address of the webhook", url_file)?;
                http::post(&url, &letter.body, ca)
            }
            Kind::Ping(ping) => {
                let mut url = secret("the address of the ping", &ping.url_file)?;
                if letter.subject == FAIL {
                    url.push_str(ping.fail_suffix.as_deref().unwrap_or_default());
                }
                http::get(&url, ca)
            }
            Kind::Mail { .. } => Ok(String::new()),
        }
    }
}

/// What stands in the subject of a ping.
pub(super) const SUCCESS: &str = "a good night";
pub(super) const FAIL: &str = "a bad night";

/// The first line of a file; read each time, so that a changed one needs no restart.
pub(super) fn secret(what: &'static str, path: &Path) -> Result<String, Error> {
    let refused = |why: String| Error::Secret {
        what,
        path: path.display().to_string(),
        why,
    };
    let text = std::fs::read_to_string(path).map_err(|e| refused(e.to_string()))?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(refused("its first line is empty".to_owned()));
    }
    Ok(line.to_owned())
}
