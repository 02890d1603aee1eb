//! Which way of offering a loader a machine is given, when one way does not bring it further. Pure.
//!
//! Firmware disagrees: some ignores a proxy offer that skips the second step on port 4011, some
//! never takes that step (two offers, no request: seen on an HP laptop); where one box gives the address
//! too, some ROMs take only what a DHCP server without any PXE would say. So each machine has a
//! ladder of ways; it climbs one rung when an offer brought nothing, and what worked is remembered.

use super::client::Client;
use state::Timestamp;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// No file and no option 43: firmware asks again on port 4011.
    Ask4011,
    /// The file at once, with option 43 "boot it, show no menu".
    Direct,
    /// The file at once in the answer that gives the address, in the field, in option 66 and 67, and not a word of PXE:
    /// what ISC's dhcpd says with `next-server` and `filename`. For the server role only: a proxy without its class
    /// is nobody's.
    Plain,
    /// A URL, as an offer for HTTP Boot.
    Http,
}

impl Way {
    /// Its name where it is kept.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Way::Ask4011 => "ask_4011",
            Way::Direct => "direct",
            Way::Plain => "plain",
            Way::Http => "http",
        }
    }

    pub(crate) fn of_code(code: &str) -> Option<Way> {
        [Way::Ask4011, Way::Direct, Way::Plain, Way::Http]
            .into_iter()
            .find(|way| way.code() == code)
    }
}

/// Who asks, as far as it counts for the ways there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asking {
    pub(crate) client: Client,
    /// The PXE client says that it can do HTTP Boot too.
    pub(crate) offers_http: bool,
    /// We give its address too.
    pub(crate) gives: bool,
}

/// The ways to try, first to last, then from the first again; none for clients that take one only.
pub(crate) fn ladder(asking: Asking) -> &'static [Way] {
    let Asking {
        client,
        offers_http,
        gives,
    } = asking;
    match (client, offers_http) {
        // It has its address from us, and need not ask a second time: EDK2 takes such an offer before all others
        // (DHCP-PXE10), and one without PXE last (DHCP-only with a file).
        (Client::Uefi, true) if gives => &[Way::Direct, Way::Plain, Way::Ask4011, Way::Http],
        (Client::Uefi | Client::Arm64 | Client::Bios, _) if gives => {
            &[Way::Direct, Way::Plain, Way::Ask4011]
        }
        (Client::Uefi, true) => &[Way::Ask4011, Way::Direct, Way::Http],
        (Client::Uefi, false) | (Client::Arm64, _) => &[Way::Ask4011, Way::Direct],
        // BIOS ROMs boot from the first offer, and show a menu of their own without option 43.
        (Client::Bios, _) => &[Way::Direct, Way::Ask4011],
        _ => &[],
    }
}

/// Firmware asks at 0, 4, 12 and 28 s while it waits for an address (OVMF, Intel's ROMs; some with
/// a new transaction each time): nothing is wrong with our offer until after that.
const PATIENCE: Duration = Duration::from_secs(35);
/// From its address to port 4011 or to the file; firmware that probes the network first takes two.
const SECOND_STEP: Duration = Duration::from_secs(5);
/// An offer that brought nothing says nothing about a power-on much later: somebody may have
/// pulled the plug.
const SAME_EVENING: Duration = Duration::from_secs(15 * 60);

/// A machine's offers since one of them brought it further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) way: Way,
    xid: [u8; 4],
    /// When this way was first offered.
    offered: Timestamp,
    /// It took an address from the LAN's server since.
    took_address: Option<Timestamp>,
    /// It asked on 4011, or for a file.
    followed: bool,
}

impl Attempt {
    fn new(way: Way, xid: [u8; 4], now: Timestamp) -> Attempt {
        Attempt {
            way,
            xid,
            offered: now,
            took_address: None,
            followed: false,
        }
    }

    /// It took an address from another server: our offer is next.
    pub(crate) fn took_address(&mut self, now: Timestamp) {
        self.took_address.get_or_insert(now);
    }

    /// It came back to us for its file.
    pub(crate) fn followed(&mut self) {
        self.followed = true;
    }

    pub(crate) fn was_followed(&self) -> bool {
        self.followed
    }

    fn failed(&self, xid: [u8; 4], now: Timestamp) -> bool {
        // It has its address, went another way, and begins anew.
        let passed_by = self.xid != xid
            && self
                .took_address
                .is_some_and(|at| now.since(at) >= SECOND_STEP);
        passed_by || now.since(self.offered) >= PATIENCE
    }
}

/// What a machine that asks (DISCOVER with transaction `xid`) is offered. `before`: its last
/// attempt; `learnt`: what it took once, or what its model takes.
pub(crate) fn next(
    ladder: &[Way],
    before: Option<Attempt>,
    learnt: Option<Way>,
    xid: [u8; 4],
    now: Timestamp,
) -> Option<Attempt> {
    let first = *ladder.first()?;
    let start = learnt.filter(|way| ladder.contains(way)).unwrap_or(first);
    let Some(before) = before.filter(|attempt| ladder.contains(&attempt.way)) else {
        return Some(Attempt::new(start, xid, now));
    };
    if before.followed || now.since(before.offered) > SAME_EVENING {
        return Some(Attempt::new(before.way, xid, now));
    }
    if before.failed(xid, now) {
        let rung = ladder.iter().position(|way| *way == before.way);
        let above = rung.map_or(0, |rung| (rung + 1) % ladder.len());
        let way = ladder.get(above).copied().unwrap_or(first);
        return Some(Attempt::new(way, xid, now));
    }
    Some(Attempt { xid, ..before })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UEFI: &[Way] = &[Way::Ask4011, Way::Direct, Way::Http];

    fn at(seconds: i64) -> Timestamp {
        Timestamp(1_000_000 + seconds * 1000)
    }

    enum Event {
        /// At this second, with this transaction: it is offered this.
        Asks(i64, u8, Way),
        TakesAddress(i64),
        Follows,
    }

    fn play(ladder: &[Way], learnt: Option<Way>, events: &[Event]) {
        let mut attempt = None;
        for (number, event) in events.iter().enumerate() {
            match *event {
                Event::Asks(second, xid, expected) => {
                    attempt = next(ladder, attempt, learnt, [xid; 4], at(second));
                    let way = attempt.map(|attempt| attempt.way);
                    assert_eq!(way, Some(expected), "event {number}");
                }
                Event::TakesAddress(second) => attempt.as_mut().unwrap().took_address(at(second)),
                Event::Follows => attempt.as_mut().unwrap().followed(),
            }
        }
    }

    use Event::*;
    use Way::*;

    #[test]
    fn a_machine_that_only_waits_for_an_address_keeps_its_way() {
        // OVMF: one transaction. Some ROMs: a new one each time.
        let ovmf = [
            Asks(0, 1, Ask4011),
            Asks(4, 1, Ask4011),
            Asks(12, 1, Ask4011),
            Asks(28, 1, Ask4011),
        ];
        play(UEFI, None, &ovmf);
        let rom = [
            Asks(0, 1, Ask4011),
            Asks(4, 2, Ask4011),
            Asks(12, 3, Ask4011),
            Asks(28, 4, Ask4011),
        ];
        play(UEFI, None, &rom);
    }

    #[test]
    fn a_machine_that_is_not_brought_further_climbs_and_begins_again_at_the_top() {
        let climbs = [
            Asks(0, 1, Ask4011),
            Asks(28, 1, Ask4011),
            Asks(70, 2, Direct),
            Asks(98, 2, Direct),
            // The same transaction for ever, as Intel's ROMs make it of the hardware address.
            Asks(140, 2, Http),
            Asks(210, 3, Ask4011),
        ];
        play(UEFI, None, &climbs);
    }

    #[test]
    fn an_address_taken_and_our_offer_passed_by_is_enough() {
        let passed_by = [
            Asks(0, 1, Ask4011),
            TakesAddress(4),
            Asks(15, 2, Direct),
            TakesAddress(19),
            // Still in the same try: it may be about to come.
            Asks(20, 2, Direct),
            Follows,
            Asks(80, 3, Direct),
        ];
        play(UEFI, None, &passed_by);
        // An address a second ago is no failure yet.
        play(
            UEFI,
            None,
            &[Asks(0, 1, Ask4011), TakesAddress(4), Asks(6, 2, Ask4011)],
        );
    }

    #[test]
    fn what_was_followed_stays() {
        let boots = [
            Asks(0, 1, Ask4011),
            Follows,
            Asks(300, 2, Ask4011),
            Follows,
            Asks(400, 3, Ask4011),
        ];
        play(UEFI, None, &boots);
    }

    #[test]
    fn a_power_on_much_later_says_nothing() {
        play(UEFI, None, &[Asks(0, 1, Ask4011), Asks(86_400, 2, Ask4011)]);
        // The clock went back.
        play(UEFI, None, &[Asks(100, 1, Ask4011), Asks(0, 2, Ask4011)]);
    }

    #[test]
    fn a_machine_starts_where_its_model_does() {
        play(UEFI, Some(Direct), &[Asks(0, 1, Direct), Asks(70, 2, Http)]);
        // Learnt from one that could do more.
        let proxy = |client| Asking {
            client,
            offers_http: false,
            gives: false,
        };
        let (bios, uefi) = (ladder(proxy(Client::Bios)), ladder(proxy(Client::Uefi)));
        play(uefi, Some(Http), &[Asks(0, 1, Ask4011)]);
        play(bios, None, &[Asks(0, 1, Direct), Asks(70, 2, Ask4011)]);
    }

    #[test]
    fn what_takes_one_way_only_has_no_ladder() {
        for client in [Client::Ipxe, Client::UefiHttp, Client::NotBooting] {
            for gives in [false, true] {
                let ladder = ladder(Asking {
                    client,
                    offers_http: true,
                    gives,
                });
                assert_eq!(next(ladder, None, None, [1; 4], at(0)), None);
            }
        }
        for way in [Ask4011, Direct, Plain, Http] {
            assert_eq!(Way::of_code(way.code()), Some(way));
        }
    }

    #[test]
    fn each_role_has_its_ladder() {
        let of = |client, offers_http, gives| {
            ladder(Asking {
                client,
                offers_http,
                gives,
            })
        };
        assert_eq!(of(Client::Uefi, true, false), UEFI);
        let given = [Direct, Plain, Ask4011];
        for client in [Client::Uefi, Client::Arm64, Client::Bios] {
            assert_eq!(of(client, false, true), given);
            let proxy = of(client, true, false);
            assert!(!proxy.contains(&Plain), "no proxy without its class");
        }
        assert_eq!(of(Client::Uefi, true, true), [Direct, Plain, Ask4011, Http]);
    }

    #[test]
    fn a_machine_with_an_address_of_ours_climbs_when_it_fetches_nothing() {
        let given = ladder(Asking {
            client: Client::Uefi,
            offers_http: false,
            gives: true,
        });
        let climbs = [
            Asks(0, 1, Direct),
            TakesAddress(1),
            // The answer was lost, or slow.
            Asks(2, 1, Direct),
            Asks(20, 2, Plain),
            TakesAddress(21),
            Asks(40, 3, Ask4011),
            TakesAddress(41),
            Follows,
            Asks(90, 4, Ask4011),
            Follows,
            Asks(7200, 5, Ask4011),
        ];
        play(given, None, &climbs);
        play(
            given,
            Some(Plain),
            &[Asks(0, 1, Plain), Asks(60, 1, Ask4011)],
        );
    }
}
