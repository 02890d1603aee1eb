//! What is going on between us and each machine: the attempts of now in memory, what worked in the
//! database, so that a restart forgets nothing and a new machine starts as its model does.

use super::client::Client;
use super::negotiator::{self, Asking, Attempt, Way};
use super::records::{self, Learnt};
use crate::Mac;
use state::{Db, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Machines whose attempt is in memory; the one that asked longest ago makes room.
const MOST: usize = 4096;
/// Findings that wait to be written; with more, what is new is found again at the next boot.
const MOST_UNWRITTEN: usize = 1024;

/// Which firmware a way belongs to: a PC switched from BIOS to UEFI starts anew, and so does one whose address comes
/// from us now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Firmware {
    Bios,
    Uefi,
    BiosGiven,
    UefiGiven,
}

impl Firmware {
    pub(crate) fn of(asking: Asking) -> Option<Firmware> {
        match (asking.client, asking.gives) {
            (Client::Bios, false) => Some(Firmware::Bios),
            (Client::Bios, true) => Some(Firmware::BiosGiven),
            (Client::Uefi | Client::Arm64, false) => Some(Firmware::Uefi),
            (Client::Uefi | Client::Arm64, true) => Some(Firmware::UefiGiven),
            _ => None,
        }
    }

    /// Its name where it is kept.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Firmware::Bios => "bios",
            Firmware::Uefi => "uefi",
            Firmware::BiosGiven => "bios_given",
            Firmware::UefiGiven => "uefi_given",
        }
    }
}

/// What each machine is offered, and how it went. Cloning shares it; `Negotiations::default()` at
/// start.
#[derive(Clone, Default)]
pub struct Negotiations(Arc<Shared>);

#[derive(Default)]
struct Shared {
    // A std mutex: held for a look-up, never across an await.
    memory: Mutex<Memory>,
    news: Notify,
}

#[derive(Default)]
struct Memory {
    attempts: HashMap<Mac, Open>,
    unwritten: BTreeMap<(Mac, Firmware), Learnt>,
}

#[derive(Clone, Copy)]
struct Open {
    firmware: Firmware,
    attempt: Attempt,
    asked: Timestamp,
    /// It was offered something by another way since (HTTP Boot, iPXE): a file it fetches now is
    /// no merit of this one.
    elsewhere: bool,
    /// What the database knows of it.
    kept: Option<Learnt>,
}

/// An offer that was thought of: it counts once it is sent.
#[derive(Clone, Copy)]
pub(crate) struct Planned(Open);

impl Planned {
    pub(crate) fn way(&self) -> Way {
        self.0.attempt.way
    }
}

impl Negotiations {
    /// What to offer `mac`, which asks with transaction `xid`; `None` = its firmware takes one way
    /// only.
    pub(crate) async fn plan(
        &self,
        db: &Db,
        mac: Mac,
        asking: Asking,
        xid: [u8; 4],
        now: Timestamp,
    ) -> Option<Planned> {
        let firmware = Firmware::of(asking)?;
        let before = self.lock().attempts.get(&mac).copied();
        let before = before.filter(|open| open.firmware == firmware);
        let (kept, learnt) = match before {
            Some(open) => (open.kept, None),
            None => match records::recall(db, mac, firmware).await {
                Ok((own, model)) => (own, own.map(|learnt| learnt.way).or(model)),
                Err(error) => {
                    tracing::warn!(%mac, %error, "failed to read how this machine boots; it is offered the usual way");
                    (None, None)
                }
            },
        };
        let ladder = negotiator::ladder(asking);
        let before = before.map(|open| open.attempt);
        let attempt = negotiator::next(ladder, before, learnt, xid, now)?;
        Some(Planned(Open {
            firmware,
            attempt,
            asked: now,
            elsewhere: false,
            kept,
        }))
    }

    /// The offer went out.
    pub(crate) fn offered(&self, mac: Mac, Planned(mut open): Planned, now: Timestamp) {
        let mut memory = self.lock();
        let way = open.attempt.way;
        // The usual way of a machine nobody knows is no finding.
        let stood = open.kept.map(|kept| kept.way);
        let stood = stood.or_else(|| memory.attempts.get(&mac).map(|last| last.attempt.way));
        if stood.is_some_and(|stood| stood != way) {
            tracing::info!(%mac, way = way.code(), "another kind of offer");
            let learnt = Learnt {
                way,
                worked: false,
                at: now,
            };
            memory.note(mac, &mut open, learnt);
            self.0.news.notify_one();
        }
        if !memory.attempts.contains_key(&mac) && memory.attempts.len() >= MOST {
            let oldest = memory.attempts.iter().min_by_key(|(_, open)| open.asked);
            if let Some(oldest) = oldest.map(|(mac, _)| *mac) {
                memory.attempts.remove(&oldest);
            }
        }
        memory.attempts.insert(mac, open);
    }

    /// How it was offered its loader: whoever takes our offer is told the same again.
    pub(crate) fn standing(&self, mac: Mac, asking: Asking) -> Option<Way> {
        let firmware = Firmware::of(asking)?;
        let open = self.lock().attempts.get(&mac).copied();
        open.filter(|open| open.firmware == firmware)
            .map(|open| open.attempt.way)
    }

    /// It took an address, from the LAN's own server or from us.
    pub(crate) fn took_address(&self, mac: Mac, now: Timestamp) {
        if let Some(open) = self.lock().attempts.get_mut(&mac) {
            open.attempt.took_address(now);
        }
    }

    /// It was offered something that has no ladder: its HTTP Boot, or iPXE.
    pub(crate) fn offered_elsewhere(&self, mac: Mac) {
        if let Some(open) = self.lock().attempts.get_mut(&mac) {
            open.elsewhere = !open.attempt.was_followed();
        }
    }

    /// It came to port 4011.
    pub(crate) fn came_back(&self, mac: Mac) {
        if let Some(open) = self.lock().attempts.get_mut(&mac) {
            open.attempt.followed();
        }
    }

    /// It asked for a file of its own, whose path only our offer says: that way works.
    pub(crate) fn fetched(&self, mac: Mac, now: Timestamp) {
        let mut memory = self.lock();
        let Some(mut open) = memory.attempts.get(&mac).copied() else {
            return;
        };
        if open.elsewhere {
            return;
        }
        open.attempt.followed();
        let way = open.attempt.way;
        let known = open.kept.is_some_and(|kept| kept.way == way && kept.worked);
        if !known {
            let learnt = Learnt {
                way,
                worked: true,
                at: now,
            };
            memory.note(mac, &mut open, learnt);
            self.0.news.notify_one();
        }
        memory.attempts.insert(mac, open);
    }

    /// Keeps what is found, many findings in one commit, until `stop`; then the last ones.
    pub(crate) async fn write_down(&self, db: &Db, stop: &CancellationToken) {
        loop {
            let last = tokio::select! {
                () = stop.cancelled() => true,
                () = self.0.news.notified() => false,
            };
            let findings = std::mem::take(&mut self.lock().unwritten);
            if !findings.is_empty()
                && let Err(error) = records::keep(db, findings).await
            {
                tracing::error!(%error, "failed to write down how machines boot; it is found again at their next boot");
            }
            if last {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn note(&mut self, mac: Mac, open: &mut Open, learnt: Learnt) {
        let key = (mac, open.firmware);
        if self.unwritten.len() < MOST_UNWRITTEN || self.unwritten.contains_key(&key) {
            self.unwritten.insert(key, learnt);
            open.kept = Some(learnt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PC: Mac = Mac([0xa4, 0xbb, 0x6d, 1, 2, 3]);
    const TWIN: Mac = Mac([0xa4, 0xbb, 0x6d, 9, 9, 9]);
    const STRANGER: Mac = Mac([0x00, 0x1b, 0x21, 1, 2, 3]);

    fn proxy(client: Client) -> Asking {
        Asking {
            client,
            offers_http: false,
            gives: false,
        }
    }

    async fn asks(negotiations: &Negotiations, db: &Db, mac: Mac, seconds: i64) -> Way {
        let now = Timestamp(seconds * 1000);
        let xid = u32::try_from(seconds).unwrap().to_be_bytes();
        let uefi = proxy(Client::Uefi);
        let planned = negotiations.plan(db, mac, uefi, xid, now).await.unwrap();
        negotiations.offered(mac, planned, now);
        planned.way()
    }

    /// What a stop writes.
    async fn end(negotiations: Negotiations, db: &Db) {
        let stop = CancellationToken::new();
        stop.cancel();
        negotiations.write_down(db, &stop).await;
    }

    #[tokio::test]
    async fn what_worked_outlives_a_restart_and_helps_machines_of_its_maker() {
        let folder = std::env::temp_dir().join(format!("reprise-ways-{}", state::id::new()));
        std::fs::create_dir_all(&folder).unwrap();
        let db = Db::open_file(&folder.join("state.db")).await.unwrap();
        crate::migrate(&db).await.unwrap();

        let first = Negotiations::default();
        assert_eq!(asks(&first, &db, PC, 0).await, Way::Ask4011);
        assert_eq!(asks(&first, &db, PC, 60).await, Way::Direct);
        end(first, &db).await;
        // Where it stood, though nothing worked yet; its maker's other machines start as usual.
        let second = Negotiations::default();
        for seconds in [100, 104] {
            assert_eq!(asks(&second, &db, TWIN, seconds).await, Way::Ask4011);
        }
        assert_eq!(asks(&second, &db, PC, 100).await, Way::Direct);
        second.fetched(PC, Timestamp(101_000));
        end(second, &db).await;

        let third = Negotiations::default();
        assert_eq!(asks(&third, &db, PC, 200_000).await, Way::Direct);
        assert_eq!(asks(&third, &db, TWIN, 200_000).await, Way::Direct);
        assert_eq!(asks(&third, &db, STRANGER, 200_000).await, Way::Ask4011);
        // Another firmware in the same machine starts anew.
        let bios = third
            .plan(&db, PC, proxy(Client::Bios), [9; 4], Timestamp(0))
            .await;
        assert_eq!(bios.unwrap().way(), Way::Direct);
        // And so does the same firmware where its address comes from us.
        let given = Asking {
            gives: true,
            ..proxy(Client::Uefi)
        };
        assert_eq!(third.standing(PC, given), None);
        assert_eq!(third.standing(PC, proxy(Client::Uefi)), Some(Way::Direct));
        let planned = third.plan(&db, PC, given, [9; 4], Timestamp(0)).await;
        assert_eq!(planned.unwrap().way(), Way::Direct);
        let http = third
            .plan(&db, PC, proxy(Client::UefiHttp), [9; 4], Timestamp(0))
            .await;
        assert!(http.is_none());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_file_fetched_by_http_boot_says_nothing_of_pxe() {
        let folder = std::env::temp_dir().join(format!("reprise-ways-{}", state::id::new()));
        std::fs::create_dir_all(&folder).unwrap();
        let db = Db::open_file(&folder.join("state.db")).await.unwrap();
        crate::migrate(&db).await.unwrap();
        let negotiations = Negotiations::default();
        assert_eq!(asks(&negotiations, &db, PC, 0).await, Way::Ask4011);
        negotiations.offered_elsewhere(PC);
        negotiations.fetched(PC, Timestamp(60_000));
        assert_eq!(asks(&negotiations, &db, PC, 70).await, Way::Direct);
        // iPXE comes after the file: that was the way.
        negotiations.fetched(PC, Timestamp(80_000));
        negotiations.offered_elsewhere(PC);
        negotiations.fetched(PC, Timestamp(81_000));
        assert_eq!(asks(&negotiations, &db, PC, 160).await, Way::Direct);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn invented_machines_fill_neither_memory_nor_disk() {
        let folder = std::env::temp_dir().join(format!("reprise-ways-{}", state::id::new()));
        std::fs::create_dir_all(&folder).unwrap();
        let db = Db::open_file(&folder.join("state.db")).await.unwrap();
        crate::migrate(&db).await.unwrap();
        let negotiations = Negotiations::default();
        for round in 0..2 {
            for number in 0..6000u32 {
                let [a, b, c, d] = number.to_be_bytes();
                asks(&negotiations, &db, Mac([2, 0, a, b, c, d]), round * 60).await;
            }
        }
        {
            let memory = negotiations.lock();
            assert!(memory.attempts.len() <= MOST);
            assert!(memory.unwritten.len() <= MOST_UNWRITTEN);
        }
        end(negotiations, &db).await;
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
