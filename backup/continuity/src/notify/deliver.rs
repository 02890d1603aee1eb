//! Sends the outbox: one task for each channel, so that a slow server holds up only its own messages.

use super::channel::Channel;
use super::records::{self, Letter};
use super::serve::{BEAT, ROUND};
use super::{Error, Notifier, hour};
use state::Timestamp;
use tokio_util::sync::CancellationToken;

/// Failed attempts after which the console tells of it.
const TOLD_AFTER: u64 = 5;

impl Notifier {
    pub(super) async fn deliver(&self, channel: &Channel, shutdown: CancellationToken) {
        let db = &self.continuity.db;
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut commits = db.commits();
        commits.mark_changed();
        let mut next: Option<Timestamp> = None;
        let mut sender = Sender::default();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = beat.tick() => {}
            }
            let now = self.continuity.clock.now();
            if !commits.has_changed().unwrap_or(true) && next.is_none_or(|at| at > now) {
                continue;
            }
            commits.mark_unchanged();
            while !shutdown.is_cancelled() {
                let now = self.continuity.clock.now();
                let step = match records::due(db, &channel.name, now).await {
                    Ok((None, later)) => {
                        next = later;
                        break;
                    }
                    Ok((Some(letter), _)) => self.attempt(channel, &letter, &mut sender).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = step {
                    // A letter that left and could not be noted would leave again: better late than often.
                    tracing::error!(%error, channel = channel.name, "failed to work on the outbox; trying again in a minute");
                    next = Some(now + ROUND);
                    break;
                }
            }
        }
    }

    async fn attempt(
        &self,
        channel: &Channel,
        letter: &Letter,
        sender: &mut Sender,
    ) -> Result<(), state::db::Error> {
        let db = &self.continuity.db;
        if letter.expires <= self.continuity.clock.now() {
            return records::expired(db, letter, self.continuity.clock.now()).await;
        }
        let answer = channel.send(letter).await;
        let now = self.continuity.clock.now();
        match answer {
            Ok(answer) => {
                tracing::info!(channel = channel.name, answer, "message sent");
                records::sent(db, letter, answer, now).await?;
                if !sender.works {
                    self.continuity.incident(&unsent(channel), None).await;
                }
                *sender = Sender { works: true };
            }
            Err(error) => {
                let attempts = letter.attempts + 1;
                let why = format!("failed to {error}");
                if attempts == 1 || attempts == TOLD_AFTER {
                    tracing::warn!(channel = channel.name, attempts, "{why}");
                }
                let next = now + hour::pause(attempts, &letter.id);
                let refused = matches!(
                    error,
                    Error::Answer { .. } | Error::Mail(_) | Error::Refused { .. }
                );
                records::failed(db, letter, refused, why.clone(), next).await?;
                sender.works = false;
                if attempts >= TOLD_AFTER {
                    let found = Some(("unsent", why));
                    self.continuity.incident(&unsent(channel), found).await;
                }
            }
        }
        Ok(())
    }
}

/// Whether the last attempt of this process succeeded.
#[derive(Default)]
struct Sender {
    works: bool,
}

/// The object by which the console tells that messages do not leave; that channel itself is not asked to tell it.
pub(super) fn unsent(channel: &Channel) -> String {
    format!("messages: {}", channel.name)
}
