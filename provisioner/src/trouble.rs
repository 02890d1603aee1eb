//! One fact when a part stops working, one when it works again; not one per attempt.

use state::wire::Fact;
use state::{Clock, Db, journal};

/// How far back the journal is searched for what an earlier process left open.
const REMEMBERED: i64 = 2000;

pub(crate) struct Trouble {
    db: Db,
    clock: Clock,
    object: String,
    open: Option<String>,
}

impl Trouble {
    /// Takes up an incident that an earlier process left open: it may be over now.
    pub(crate) async fn of(db: &Db, clock: &Clock, object: String) -> Trouble {
        let entries = journal::latest(db, REMEMBERED).await.unwrap_or_default();
        let open = entries.into_iter().find_map(|entry| match entry.fact {
            Fact::Trouble {
                object: found,
                sentence,
            } if found == object => Some(Some(sentence)),
            Fact::TroubleOver { object: found } if found == object => Some(None),
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
