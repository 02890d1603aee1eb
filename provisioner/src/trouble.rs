//! One fact when a part stops working, one when it works again; not one per attempt.

use state::wire::Fact;
use state::{Clock, Db, journal};

/// Facts about troubles that are looked through.
const REMEMBERED: i64 = 2000;

pub(crate) struct Trouble {
    db: Db,
    clock: Clock,
    object: String,
    open: Option<String>,
}

impl Trouble {
    /// Takes up an incident that an earlier task of this process left open: it may be over now. One
    /// of an earlier process ended with it, and is told again if it is still there.
    pub(crate) async fn of(db: &Db, clock: &Clock, object: String) -> Trouble {
        let entries = journal::troubles(db, REMEMBERED).await.unwrap_or_default();
        let open = entries.into_iter().find_map(|entry| match entry.fact {
            Fact::Trouble {
                object: found,
                sentence,
            } if found == object => Some(Some(sentence)),
            Fact::TroubleOver { object: found } if found == object => Some(None),
            Fact::ApplianceStarted { .. } => Some(None),
            _ => None,
        });
        Trouble {
            db: db.clone(),
            clock: clock.clone(),
            object,
            open: open.flatten(),
        }
    }

    pub(crate) async fn begins(&mut self, sentence: &str) {
        if self.open.as_deref() == Some(sentence) {
            return;
        }
        tracing::warn!(object = self.object, "{sentence}");
        let fact = Fact::Trouble {
            object: self.object.clone(),
            sentence: sentence.to_owned(),
        };
        if self.write(fact).await {
            self.open = Some(sentence.to_owned());
        }
    }

    pub(crate) async fn over(&mut self) {
        if self.open.is_none() {
            return;
        }
        tracing::info!(object = self.object, "works again");
        let fact = Fact::TroubleOver {
            object: self.object.clone(),
        };
        if self.write(fact).await {
            self.open = None;
        }
    }

    async fn write(&self, fact: Fact) -> bool {
        match journal::record(&self.db, self.clock.now(), fact).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "failed to write to the journal");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use state::Timestamp;

    #[tokio::test]
    async fn what_an_earlier_start_reported_is_reported_again() {
        let folder = std::env::temp_dir().join(format!("reprise-trouble-{}", state::id::new()));
        std::fs::create_dir_all(&folder).unwrap();
        let db = Db::open_file(&folder.join("state.db")).await.unwrap();
        let clock = Clock::manual(Timestamp(1));
        let taken = || Trouble::of(&db, &clock, "UDP port 67 on eth0".to_owned());
        taken().await.begins("taken").await;
        taken().await.begins("taken").await;
        assert_eq!(journal::head(&db).await.unwrap(), 1, "once in one start");
        let version = "1".to_owned();
        let started = Fact::ApplianceStarted { version };
        journal::record(&db, Timestamp(2), started).await.unwrap();
        taken().await.over().await;
        assert_eq!(journal::head(&db).await.unwrap(), 2, "nothing to end");
        taken().await.begins("taken").await;
        assert_eq!(journal::head(&db).await.unwrap(), 3, "told anew");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
