//! What an operator wants a machine to boot next, once.

pub(crate) mod records;

use super::{Error, HostId};
use config::BootChoices;
use state::{Db, Timestamp};
use std::time::Duration;

/// How long a wish waits for the machine to be switched on.
const EXPIRES_AFTER: Duration = Duration::from_secs(24 * 3600);

/// After its script was given: as long as somebody needs before a menu, and a slow line for what it
/// fetches then.
const GIVEN_FOR: Duration = Duration::from_secs(15 * 60);

/// The words for the menu, for memtest86+ and for a shell with the network up; the others are names of `[[boot_entry]]`.
pub const MENU: &str = "menu";
pub const MEMTEST: &str = "memtest";
pub const RESCUE: &str = "rescue";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextBoot {
    /// [`MENU`], [`MEMTEST`], [`RESCUE`], or the name of an entry.
    pub entry: String,
    pub by: String,
    pub asked: Timestamp,
    pub expires: Timestamp,
    /// When the machine got its script.
    pub given: Option<Timestamp>,
}

impl NextBoot {
    /// Is it what the machine gets now? `heard`: its last boot request. One after the script was
    /// given is another start, which gets nothing of it.
    pub(crate) fn is_due(&self, heard: Option<Timestamp>, now: Timestamp) -> bool {
        match self.given {
            None => now < self.expires,
            Some(given) => now.since(given) < GIVEN_FOR && heard.is_none_or(|heard| heard <= given),
        }
    }
}

/// At its next network boot the machine gets `entry`, exactly once, within a day.
pub async fn ask(
    db: &Db,
    choices: &BootChoices,
    host: &HostId,
    entry: &str,
    by: &str,
    now: Timestamp,
) -> Result<NextBoot, Error> {
    let own = choices.entry(entry).is_some();
    if entry == MEMTEST && !own {
        let host = super::get(db, host).await?;
        // iPXE itself would be refused, and memtest86+ after it.
        if host.inventory.and_then(|found| found.secure_boot) == Some(true) {
            return Err(Error::Unsigned(host.name));
        }
    } else if ![MENU, RESCUE].contains(&entry) && !own {
        let mut known = vec![MENU, MEMTEST, RESCUE];
        known.extend(choices.entries.iter().map(|e| e.name.as_str()));
        return Err(Error::NoEntry(entry.to_owned(), known.join(", ")));
    }
    let next = NextBoot {
        entry: entry.to_owned(),
        by: by.to_owned(),
        asked: now,
        expires: now + EXPIRES_AFTER,
        given: None,
    };
    records::ask(db, host, next.clone()).await?;
    Ok(next)
}

/// Nothing any more.
pub async fn withdraw(db: &Db, host: &HostId) -> Result<(), Error> {
    records::withdraw(db, host).await
}

/// What it gets next, as long as that is not over.
pub async fn of(db: &Db, host: &HostId, now: Timestamp) -> Result<Option<NextBoot>, Error> {
    let next = records::of(db, host).await?;
    Ok(next.filter(|next| next.given.is_none() && now < next.expires))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_fulfilled_once_and_not_for_ever() {
        let at = |seconds: i64| Timestamp(seconds * 1000);
        let next = |given: Option<i64>| NextBoot {
            entry: MENU.into(),
            by: "admin".into(),
            asked: at(0),
            expires: at(86_400),
            given: given.map(at),
        };
        // (what happens, given at, last boot request at, now, due)
        let table = [
            ("just asked", None, None, 1, true),
            ("it asks for a loader", None, Some(50), 50, true),
            ("a day later", None, Some(86_400), 86_400, false),
            (
                "it fetches what the script names",
                Some(60),
                Some(50),
                70,
                true,
            ),
            (
                "somebody stands before the menu",
                Some(60),
                Some(50),
                900,
                true,
            ),
            ("it asks for the script again", Some(60), Some(50), 61, true),
            ("it starts again", Some(60), Some(61), 61, false),
            ("long after", Some(60), Some(50), 960, false),
            ("the appliance started again", Some(60), None, 70, true),
        ];
        for (name, given, heard, now, due) in table {
            let found = next(given).is_due(heard.map(at), at(now));
            assert_eq!(found, due, "{name}");
        }
    }
}
