//! DHCP packets that no machine should send: each sender is told once a day in the journal, and a
//! flood of invented ones by its first few.

use super::request::Malformed;
use crate::Mac;
use state::wire::Fact;
use state::{Clock, Db, Timestamp, journal};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A sender is told again after this long.
const AGAIN: Duration = Duration::from_secs(24 * 3600);
/// Facts of one interface at once, and how long one more takes.
const AT_ONCE: u32 = 5;
const ONE_MORE: Duration = Duration::from_secs(600);
/// Senders and interfaces remembered.
const MOST_SENDERS: usize = 256;
const MOST_INTERFACES: usize = 64;

/// A packet that was not answered because of what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stray {
    pub(crate) interface: String,
    pub(crate) from: IpAddr,
    /// The card it names as its machine's.
    pub(crate) mac: Option<Mac>,
    /// A code: the console's catalogues have its sentence.
    pub(crate) why: &'static str,
}

/// The code of a relay whose address is none that a relay can have.
pub(crate) const BAD_RELAY: &str = "bad_relay";

/// Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strays(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    // A std mutex: held for a look-up, never across an await.
    desk: Mutex<Desk>,
    waits: Notify,
}

#[derive(Debug, Default)]
struct Desk {
    told: HashMap<(IpAddr, Option<Mac>), Timestamp>,
    interfaces: HashMap<String, Allowance>,
    waiting: VecDeque<Stray>,
}

/// Facts that an interface may still write.
#[derive(Debug)]
struct Allowance {
    left: u32,
    /// Since when the next one fills.
    since: Timestamp,
}

impl Strays {
    pub(crate) fn note(&self, stray: Stray, now: Timestamp) {
        if self.desk().take(stray, now) {
            self.0.waits.notify_one();
        }
    }

    /// A packet of `packet`'s bytes that could not be read.
    pub(crate) fn malformed(
        &self,
        interface: &str,
        from: IpAddr,
        packet: &[u8],
        why: Malformed,
        now: Timestamp,
    ) {
        // Where a card is named, if it is of one.
        let mac = packet.get(28..34).and_then(|mac| mac.try_into().ok());
        let stray = Stray {
            interface: interface.to_owned(),
            from,
            mac: mac.map(Mac).filter(|mac| mac.is_station()),
            why: code(why),
        };
        self.note(stray, now);
    }

    /// Until `stop`.
    pub(crate) async fn write_down(&self, db: &Db, clock: &Clock, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.waits.notified() => {}
            }
            while let Some(stray) = self.next() {
                let fact = Fact::PacketIgnored {
                    interface: stray.interface,
                    from: stray.from.to_string(),
                    mac: stray.mac.map(|mac| mac.to_string()),
                    why: stray.why.to_owned(),
                };
                if let Err(error) = journal::record(db, clock.now(), fact).await {
                    tracing::error!(%error, "failed to write to the journal");
                }
            }
        }
    }

    fn next(&self) -> Option<Stray> {
        self.desk().waiting.pop_front()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Whether it is to be told.
    fn take(&mut self, stray: Stray, now: Timestamp) -> bool {
        let sender = (stray.from, stray.mac);
        if self
            .told
            .get(&sender)
            .is_some_and(|at| now.since(*at) < AGAIN)
        {
            return false;
        }
        if !self.interfaces.contains_key(&stray.interface)
            && self.interfaces.len() >= MOST_INTERFACES
        {
            return false;
        }
        let allowance = self
            .interfaces
            .entry(stray.interface.clone())
            .or_insert(Allowance {
                left: AT_ONCE,
                since: now,
            });
        if !allowance.take(now) {
            return false;
        }
        if self.told.len() >= MOST_SENDERS {
            let oldest = self.told.iter().min_by_key(|(_, at)| **at);
            if let Some(oldest) = oldest.map(|(sender, _)| *sender) {
                self.told.remove(&oldest);
            }
        }
        self.told.insert(sender, now);
        self.waiting.push_back(stray);
        true
    }
}

impl Allowance {
    fn take(&mut self, now: Timestamp) -> bool {
        while self.left < AT_ONCE && now.since(self.since) >= ONE_MORE {
            self.left += 1;
            self.since = self.since + ONE_MORE;
        }
        if self.left == AT_ONCE {
            self.since = now;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

fn code(why: Malformed) -> &'static str {
    match why {
        Malformed::Short => "short",
        Malformed::NotARequest => "not_a_request",
        Malformed::NotEthernet => "not_ethernet",
        Malformed::BadMac => "bad_mac",
        Malformed::NotDhcp => "not_dhcp",
        Malformed::Truncated => "truncated",
        Malformed::NoType => "no_type",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp::packets;
    use crate::dhcp::request::parse;

    fn from(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0x0a4d_0000 + number).into()
    }

    fn told(strays: &Strays) -> Vec<Stray> {
        std::iter::from_fn(|| strays.next()).collect()
    }

    #[test]
    fn a_sender_is_told_once_a_day_with_its_card_and_why() {
        let strays = Strays::default();
        let mut packet = packets::ovmf_discover();
        packet[241] = 255;
        let why = parse(&packet).unwrap_err();
        let start = Timestamp(0);
        for _ in 0..1000 {
            strays.malformed("eth0", from(1), &packet, why, start);
        }
        let expected = Stray {
            interface: "eth0".to_owned(),
            from: from(1),
            mac: Some(Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56])),
            why: "truncated",
        };
        assert_eq!(told(&strays), std::slice::from_ref(&expected));
        strays.malformed("eth0", from(1), &packet, why, start + AGAIN / 2);
        assert_eq!(told(&strays), []);
        strays.malformed("eth0", from(1), &packet, why, start + AGAIN);
        assert_eq!(told(&strays), [expected]);
        // Nothing that could be a card.
        strays.malformed("eth0", from(2), &[0; 20], Malformed::Short, start + AGAIN);
        strays.malformed("eth0", from(3), &[255; 40], Malformed::Short, start + AGAIN);
        let cards: Vec<_> = told(&strays).into_iter().map(|stray| stray.mac).collect();
        assert_eq!(cards, [None, None]);
    }

    #[test]
    fn a_flood_of_invented_senders_fills_no_journal_and_no_memory() {
        let strays = Strays::default();
        let hour = Duration::from_secs(3600);
        let flood = |interface: &str, at: Timestamp| {
            for number in 0..5000u32 {
                strays.malformed(interface, from(number), &[0; 20], Malformed::Short, at);
            }
            told(&strays).len()
        };
        assert_eq!(flood("eth0", Timestamp(0)), 5);
        assert_eq!(flood("eth1", Timestamp(0)), 5, "another interface");
        assert_eq!(flood("eth0", Timestamp(0) + hour), 5);
        let mut facts = 0;
        for minute in 0..60 * 24 * 3i64 {
            let at = Timestamp(0) + hour + Duration::from_secs(60) * u32::try_from(minute).unwrap();
            strays.malformed(
                "eth0",
                from(u32::try_from(minute).unwrap()),
                &[0; 20],
                Malformed::Short,
                at,
            );
            facts += told(&strays).len();
        }
        assert!(facts <= 6 * 24 * 3 + 5, "{facts} in three days");
        assert!(strays.desk().told.len() <= MOST_SENDERS);
        for number in 0..1000 {
            flood(&format!("veth{number}"), Timestamp(0));
        }
        assert!(strays.desk().interfaces.len() <= MOST_INTERFACES);
    }
}
