//! Troubles that go on, whoever reported them: read out of the journal.

use crate::desk::Desk;
use crate::error::Error;
use state::Timestamp;
use state::journal::{self, Entry};
use state::wire::Fact;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trouble {
    pub(crate) object: String,
    pub(crate) sentence: String,
    pub(crate) since: Timestamp,
}

/// Facts about troubles that are read; a week of a port that comes and goes each minute.
const WINDOW: i64 = 20_000;
/// What these report lasts beyond a restart: `continuity` keeps it in a table, and says once how it ends.
const KEPT: [&str; 7] = [
    "target ",
    "plan ",
    "proof of plan ",
    "age of plan ",
    "room on target ",
    "history of target ",
    "messages: ",
];

pub(crate) async fn open(desk: &Desk) -> Result<Vec<Trouble>, Error> {
    let mut entries = journal::troubles(&desk.app.db, WINDOW).await?;
    entries.reverse();
    Ok(still_open(&entries))
}

/// `entries` oldest first. A start of the appliance ends what it does not report again.
fn still_open(entries: &[Entry]) -> Vec<Trouble> {
    let mut open: Vec<Trouble> = Vec::new();
    for entry in entries {
        match &entry.fact {
            Fact::Trouble { object, sentence } => {
                let since = open
                    .iter()
                    .find(|t| &t.object == object)
                    .map_or(entry.at, |t| t.since);
                open.retain(|t| &t.object != object);
                open.push(Trouble {
                    object: object.clone(),
                    sentence: sentence.clone(),
                    since,
                });
            }
            Fact::TroubleOver { object } => open.retain(|t| &t.object != object),
            // Listeners of the start before are gone, and theirs with them.
            Fact::ApplianceStarted { .. } => {
                open.retain(|t| KEPT.iter().any(|kept| t.object.starts_with(kept)));
            }
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: i64, fact: Fact) -> Entry {
        Entry {
            number,
            at: Timestamp(number),
            fact,
        }
    }

    fn trouble(object: &str, sentence: &str) -> Fact {
        Fact::Trouble {
            object: object.into(),
            sentence: sentence.into(),
        }
    }

    #[test]
    fn a_trouble_lasts_until_it_is_over() {
        let over = |object: &str| Fact::TroubleOver {
            object: object.into(),
        };
        let started = || Fact::ApplianceStarted {
            version: "1".into(),
        };
        let facts = vec![
            entry(1, trouble("target nas", "not mounted")),
            entry(2, trouble("UDP port 67 on eth0", "taken")),
            entry(3, trouble("target usb", "full")),
            entry(3, trouble("interface eth0", "does not exist")),
            entry(3, trouble("appliance", "a part stopped")),
            entry(4, over("target usb")),
            entry(5, started()),
            entry(6, trouble("target nas", "wrong password")),
        ];
        let open = still_open(&facts);
        assert_eq!(
            open,
            [Trouble {
                object: "target nas".into(),
                sentence: "wrong password".into(),
                since: Timestamp(1),
            }]
        );
        assert!(still_open(&[]).is_empty());
    }
}
