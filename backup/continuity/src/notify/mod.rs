//! Messages: one when something breaks, one when it works again, one every morning, a ping after a good night.
//!
//! - `decide`: which facts are news to people; pure. `hour`: when the morning message is due, how long a failed
//!   attempt waits; pure.
//! - `morning`: gathers what the morning message tells; `overdue`: a backup that is too old is an incident too.
//! - `channel`: the ways out that the configuration names; `mail`, `http`: each sends, and returns the server's answer.
//! - `serve`: reads the journal into the outbox; `deliver`: sends it; `records`: the outbox and what was told.
//!
//! What is to be said is decided here and worded by whoever knows the languages: see [`Compose`].

mod channel;
mod decide;
mod deliver;
mod hour;
mod http;
mod mail;
mod morning;
mod overdue;
mod records;
mod serve;

pub use channel::{Channel, Kind};
pub use morning::{Figures, Morning, Saved, Week};
pub use records::{Letter, State, letters};

use crate::Continuity;
use crate::blocking::Crashed;
use state::Timestamp;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Something to tell people.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// An incident has begun.
    Opened {
        object: String,
        sentence: String,
        at: Timestamp,
        /// It began and ended several times within a day: nothing more is said of it for that day.
        comes_and_goes: bool,
    },
    /// An incident is over.
    Over {
        object: String,
        sentence: String,
        since: Timestamp,
        at: Timestamp,
    },
    Morning(Box<Morning>),
    /// Asked for by a person, to see whether messages arrive.
    Try,
}

/// A message in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub subject: String,
    pub plain: String,
    pub html: String,
    /// For chats.
    pub markdown: String,
}

/// Words a message in the language of the configuration. Pure; called on a worker thread of tokio.
pub type Compose = Arc<dyn Fn(&Message) -> Text + Send + Sync>;

/// Why a message did not leave. Nothing of it is secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "read {what} from {path}: {why}; write it on the first line of that file, readable by reprise only"
    )]
    Secret {
        what: &'static str,
        path: String,
        why: String,
    },
    #[error(
        "read the certificates in {path}: {why}; give `ca_file` in [notify] a file of PEM certificates"
    )]
    Certificates { path: String, why: String },
    #[error("write the mail: {0}; check `mail_from` and `mail_to` in [notify]")]
    Mail(String),
    #[error(
        "hand the mail to {server}: {why}; check `smtp` in [notify], and ask the mail server's log"
    )]
    Smtp { server: String, why: String },
    /// It was reached, and did not take this very mail.
    #[error(
        "get {server} to take the mail: it answered {why}; check `mail_from` and `mail_to` in [notify]"
    )]
    Refused { server: String, why: String },
    #[error("reach {what}: {why}; check the address in its file, and that this box may go out")]
    Http { what: &'static str, why: String },
    #[error("get {what} to accept it: it answered {status} {said}; check the address in its file")]
    Answer {
        what: &'static str,
        status: u16,
        said: String,
    },
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

/// How one try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub channel: String,
    /// What the server answered, or the whole sentence of why not.
    pub answer: Result<String, String>,
}

/// Why a try was not begun.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum NoTry {
    #[error(
        "try the messages: [notify] names no way to send any; add `smtp` with `mail_from` and `mail_to`, `mattermost_url_file` or `ping_url_file`, then restart reprise"
    )]
    NoChannel,
    #[error("try the messages: a try is going on; wait for its end")]
    Busy,
}

/// Everything messages need. Cloning shares it.
#[derive(Clone)]
pub struct Notifier {
    continuity: Continuity,
    compose: Compose,
    channels: Arc<Vec<Channel>>,
    trying: Arc<Mutex<()>>,
}

impl Notifier {
    /// Sends nothing before [`Notifier::serve`] or [`Notifier::try_all`].
    pub fn new(continuity: Continuity, compose: Compose) -> Notifier {
        let channels = channel::channels(&continuity.config);
        Notifier {
            continuity,
            compose,
            channels: Arc::new(channels),
            trying: Arc::new(Mutex::new(())),
        }
    }

    /// The ways out that the configuration names.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Sends a message by every way now, past the outbox, and says what each server answered.
    pub async fn try_all(&self) -> Result<Vec<Tried>, NoTry> {
        if self.channels.is_empty() {
            return Err(NoTry::NoChannel);
        }
        let _turn = self.trying.try_lock().map_err(|_| NoTry::Busy)?;
        let text = (self.compose)(&Message::Try);
        let mut tried = Vec::with_capacity(self.channels.len());
        for channel in self.channels.iter() {
            let letter = Letter::to_try(channel, &text, self.continuity.clock.now());
            let answer = channel.send(&letter).await;
            if answer.is_ok() {
                records::sent_by_hand(&self.continuity.db, &letter).await;
            }
            tried.push(Tried {
                channel: channel.name.clone(),
                answer: answer.map_err(|error| format!("failed to {error}")),
            });
        }
        Ok(tried)
    }
}
