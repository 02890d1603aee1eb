use super::*;
use config::{Reservation, Told};
use std::collections::BTreeMap;

const LEASE: Duration = Duration::from_secs(3600);

fn site(last: u8, reservations: Vec<Reservation>) -> Dhcp {
    Dhcp {
        subnets: vec![Subnet {
            network: [10, 77, 0, 0].into(),
            prefix: 24,
            ranges: vec![([10, 77, 0, 10].into(), [10, 77, 0, last].into())],
            exclude: vec![([10, 77, 0, 12].into(), [10, 77, 0, 12].into())],
            lease: LEASE,
            told: Told {
                router: vec![[10, 77, 0, 11].into()],
                ..Told::default()
            },
            authoritative: true,
        }],
        reservations,
        profiles: Vec::new(),
    }
}

fn ip(last: u8) -> Ipv4Addr {
    [10, 77, 0, last].into()
}

fn mac(number: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, number])
}

fn card(number: u8) -> Holder {
    Holder {
        id: Vec::new(),
        mac: mac(number),
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(1_800_000_000_000 + seconds * 1000)
}

/// What it is offered, as if nobody answered there.
fn offered(pool: &mut Pool, holder: &Holder, wish: Option<u8>, now: Timestamp) -> Option<u8> {
    pool.settle(now);
    let candidate = pool.offer(0, holder, wish.map(ip), now)?;
    if candidate.probe {
        pool.silent(candidate.address, now);
    }
    Some(candidate.address.octets()[3])
}

fn bound(pool: &mut Pool, holder: &Holder, now: Timestamp) -> Option<u8> {
    let last = offered(pool, holder, None, now)?;
    let standing = pool.standing(0, holder, ip(last), now);
    assert!(
        matches!(standing, Standing::Offered | Standing::Own),
        "{standing:?}"
    );
    pool.bind(0, ip(last), holder, "", LEASE, now);
    Some(last)
}

#[test]
fn the_best_address_is_the_reserved_one_then_the_own_then_the_wish_then_the_oldest() {
    let reserved = Reservation {
        mac: mac(9).0,
        address: ip(15),
        name: Some("printer".into()),
    };
    let mut pool = Pool::new(site(16, vec![reserved]));
    // 11 is the router's, 12 excluded, 15 reserved.
    assert_eq!(bound(&mut pool, &card(1), at(0)), Some(10));
    assert_eq!(offered(&mut pool, &card(2), Some(16), at(0)), Some(16));
    assert_eq!(
        offered(&mut pool, &card(2), Some(13), at(1)),
        Some(16),
        "once offered"
    );
    assert_eq!(offered(&mut pool, &card(3), Some(15), at(0)), Some(13));
    assert_eq!(offered(&mut pool, &card(4), Some(11), at(0)), Some(14));
    assert_eq!(offered(&mut pool, &card(5), None, at(0)), None);
    assert_eq!(bound(&mut pool, &card(9), at(0)), Some(15));
    assert_eq!(pool.name_of(mac(9)), Some("printer"));
    // Offers that nobody took are over after a minute; 10 belongs to 1.
    let own = pool.offer(0, &card(1), None, at(100)).unwrap();
    assert_eq!(
        own,
        Candidate {
            address: ip(10),
            probe: false
        }
    );
    // After its time it comes last, and stays its former holder's as long as it can.
    let late = at(4000);
    for (number, expected) in [(5, 13), (6, 14), (7, 16), (1, 10)] {
        assert_eq!(bound(&mut pool, &card(number), late), Some(expected));
    }
    // When all are over, the one that is free for the longest goes first.
    let later = at(20_000);
    assert_eq!(bound(&mut pool, &card(8), later), Some(10));
    assert_eq!(bound(&mut pool, &card(6), later), Some(14));
}

fn fixed(last: u8, cards: &[u8]) -> Fixed {
    Fixed {
        address: ip(last),
        name: format!("PC-{last}"),
        cards: cards.iter().map(|card| mac(*card)).collect(),
    }
}

#[test]
fn an_address_is_kept_for_every_card_of_its_machine() {
    let mut pool = Pool::new(site(20, Vec::new()));
    pool.ours(ip(2));
    let total = pool.load(0).total;
    assert_eq!(offered(&mut pool, &card(8), Some(14), at(0)), Some(14));
    pool.reserve(&[fixed(14, &[1, 2]), fixed(50, &[3])]);
    // It was promised to somebody, and lies in a range; the other one in none.
    assert_eq!(pool.load(0).total, total - 1);
    assert_eq!(pool.standing(0, &card(8), ip(14), at(1)), Standing::Others);
    assert_ne!(offered(&mut pool, &card(8), Some(14), at(1)), Some(14));
    assert_eq!(bound(&mut pool, &card(3), at(1)), Some(50));
    assert_eq!(pool.name_of(mac(3)), Some("PC-50"));
    // Its firmware tries one card after the other.
    assert_eq!(offered(&mut pool, &card(2), None, at(1)), Some(14));
    let next = pool.offer(0, &card(1), None, at(2)).unwrap();
    assert_eq!((next.address, next.probe), (ip(14), true));
    // Its cable, then its dock, while the lease by the cable goes on.
    assert_eq!(bound(&mut pool, &card(1), at(2)), Some(14));
    let dock = pool.offer(0, &card(2), None, at(3)).unwrap();
    assert_eq!((dock.address, dock.probe), (ip(14), true));
    // Both are plugged in: the one that has it answers, and keeps it.
    assert!(!pool.answered(ip(14), Some(mac(9)), at(3)));
    assert!(!pool.answered(ip(14), None, at(3)));
    assert!(pool.answered(ip(14), Some(mac(1)), at(3)));
    let other = offered(&mut pool, &card(2), None, at(3)).unwrap();
    assert_ne!(other, 14);
    pool.bind(0, ip(other), &card(2), "", LEASE, at(3));
    assert_eq!(pool.standing(0, &card(1), ip(14), at(4)), Standing::Own);
    // It is not sent away at its renewal as long as the other one has it; only when it asks anew.
    let after = at(4) + SILENT;
    assert_eq!(pool.standing(0, &card(2), ip(other), after), Standing::Own);
    assert_eq!(bound(&mut pool, &card(2), after), Some(14));
    let cable = pool.standing(0, &card(1), ip(14), after);
    assert_eq!(cable, Standing::Free { silent: false });
    // Nobody's any more: everybody's, when its lease ends.
    pool.reserve(&[]);
    assert_eq!(pool.load(0).total, total);
    assert_eq!(pool.standing(0, &card(2), ip(14), after), Standing::Own);
    assert_eq!(pool.standing(0, &card(1), ip(14), after), Standing::Others);
    let later = after + LEASE;
    pool.settle(later);
    assert_eq!(offered(&mut pool, &card(9), Some(14), later), Some(14));
}

#[test]
fn an_address_that_becomes_reserved_is_left_at_the_next_renewal() {
    let mut pool = Pool::new(site(20, Vec::new()));
    let mine = bound(&mut pool, &card(7), at(0)).unwrap();
    pool.reserve(&[fixed(mine, &[1])]);
    // Its machine waits until whoever has it is gone, behind a router too.
    assert_ne!(bound(&mut pool, &card(1), at(1)), Some(mine));
    assert_eq!(
        pool.standing(0, &card(7), ip(mine), at(2)),
        Standing::Others
    );
    assert_eq!(pool.leave(ip(mine), &card(1), at(3)), None);
    assert!(pool.leave(ip(mine), &card(7), at(3)).is_some());
    assert_eq!(bound(&mut pool, &card(1), at(4)), Some(mine));
    // After a restart the registry is read before anybody is served.
    let mut again = Pool::new(site(20, Vec::new()));
    again.reserve(&[fixed(mine, &[1])]);
    pool.records(at(5))
        .into_iter()
        .for_each(|record| again.restore(record));
    assert_eq!(again.standing(0, &card(1), ip(mine), at(5)), Standing::Own);
    again.settle(at(5) + LEASE);
    let free = again.parts[0].free.len();
    assert_eq!(free, again.load(0).total, "what is kept is not among them");
    // Behind a relay nobody can be asked for sure: another card waits for the end of the lease.
    let dock = [fixed(mine, &[1, 2])];
    pool.reserve(&dock);
    assert_ne!(bound(&mut pool, &card(2), at(6)), Some(mine));
    // An address of ours is never given, whoever reserved it.
    pool.reserve(&[fixed(18, &[5])]);
    pool.ours(ip(18));
    assert_ne!(bound(&mut pool, &card(5), at(7)), Some(18));
}

#[test]
fn each_address_is_something_to_each_client() {
    let reserved = Reservation {
        mac: mac(9).0,
        address: ip(200),
        name: None,
    };
    let mut pool = Pool::new(site(20, vec![reserved]));
    pool.ours(ip(18));
    bound(&mut pool, &card(1), at(0));
    let offer = pool.offer(0, &card(2), Some(ip(14)), at(0)).unwrap();
    assert!(offer.probe);
    let stand = |pool: &Pool, number: u8, address: Ipv4Addr| {
        pool.standing(0, &card(number), address, at(1))
    };
    assert_eq!(stand(&pool, 1, ip(10)), Standing::Own);
    assert_eq!(stand(&pool, 2, ip(10)), Standing::Others);
    assert_eq!(
        stand(&pool, 2, ip(14)),
        Standing::Free { silent: false },
        "not asked yet"
    );
    pool.silent(ip(14), at(0));
    assert_eq!(stand(&pool, 2, ip(14)), Standing::Offered);
    assert_eq!(stand(&pool, 3, ip(14)), Standing::Others);
    assert_eq!(stand(&pool, 3, ip(13)), Standing::Free { silent: false });
    for never in [11, 12, 18, 30] {
        assert_eq!(stand(&pool, 3, ip(never)), Standing::NotGiven, "{never}");
    }
    assert_eq!(stand(&pool, 3, ip(200)), Standing::Others);
    assert_eq!(stand(&pool, 9, ip(200)), Standing::Free { silent: false });
    assert_eq!(
        stand(&pool, 9, ip(13)),
        Standing::Others,
        "it is to take its own"
    );
    for elsewhere in [ip(0), ip(255), [10, 78, 0, 10].into()] {
        assert_eq!(stand(&pool, 3, elsewhere), Standing::Elsewhere);
    }
    // Found in use by 7: nobody else's, and 7 may go on with it.
    pool.set_aside(ip(13), Some(mac(7)), ASIDE, at(1));
    assert_eq!(stand(&pool, 3, ip(13)), Standing::Others);
    assert_eq!(stand(&pool, 7, ip(13)), Standing::Free { silent: false });
    pool.settle(at(1) + ASIDE);
    assert_eq!(
        pool.standing(0, &card(3), ip(13), at(1) + ASIDE),
        Standing::Free { silent: false }
    );
}

#[test]
fn invented_cards_that_decline_do_not_empty_a_subnet() {
    // 10 to 250, without the router's and the excluded one.
    let mut pool = Pool::new(site(250, Vec::new()));
    let total = pool.load(0).total;
    assert_eq!(total, 239);
    // What was only offered is not its to decline.
    for number in 1..=200 {
        let address = offered(&mut pool, &card(number), None, at(0)).unwrap();
        assert_eq!(pool.decline(ip(address), &card(number), at(0)), None);
    }
    let held = pool.load(0).held;
    assert_eq!(held, 0, "set aside by two packets each");
    pool.settle(at(100));
    for number in 1..=200 {
        let address = bound(&mut pool, &card(number), at(100)).unwrap();
        let record = pool.decline(ip(address), &card(number), at(100)).unwrap();
        let lasts = match record {
            Record::Aside { until, .. } => until.since(at(100)),
            _ => Duration::ZERO,
        };
        assert!(lasts < Duration::from_secs(600), "{record:?}");
    }
    let load = pool.load(0);
    assert!(
        load.held <= total / 8 && load.free >= total * 7 / 8,
        "{load:?}"
    );
    // One faulty card takes three, and minutes later none.
    let mut pool = Pool::new(site(250, Vec::new()));
    for second in 0..60 {
        let address = bound(&mut pool, &card(1), at(second)).unwrap();
        pool.decline(ip(address), &card(1), at(second)).unwrap();
    }
    assert_eq!(pool.load(0).held, 3);
    pool.settle(at(600));
    assert_eq!(pool.load(0).free, total);
}

#[test]
fn a_real_conflict_is_set_aside_for_a_day_unless_it_was_given_meanwhile() {
    let mut pool = Pool::new(site(20, Vec::new()));
    bound(&mut pool, &card(1), at(0));
    pool.decline(ip(10), &card(1), at(1)).unwrap();
    let record = pool.is_in_use(ip(10), Some(mac(7)), at(2)).unwrap();
    let until = at(2) + ASIDE;
    assert!(matches!(record, Record::Aside { until: u, .. } if u == until));
    pool.settle(at(2) + ASIDE / 2);
    assert_eq!(
        pool.standing(0, &card(1), ip(10), at(2) + ASIDE / 2),
        Standing::Others
    );
    // Found by the network after somebody got it: that is who answered.
    bound(&mut pool, &card(2), at(3));
    assert_eq!(pool.is_in_use(ip(13), Some(mac(2)), at(4)), None);
}

#[test]
fn a_reserved_address_that_is_aside_hides_no_other() {
    let reserved = Reservation {
        mac: mac(9).0,
        address: ip(10),
        name: None,
    };
    let mut pool = Pool::new(site(14, vec![reserved]));
    pool.known([mac(3)]);
    // The reserved one went aside first; then all others.
    for (second, address) in [(0, 10), (1, 13), (2, 14)] {
        pool.set_aside(ip(address), Some(mac(7)), ASIDE, at(second));
    }
    assert_eq!(
        offered(&mut pool, &card(1), None, at(10)),
        None,
        "a stranger"
    );
    assert_eq!(offered(&mut pool, &card(3), None, at(10)), Some(13));
}

#[test]
fn what_is_not_theirs_is_neither_given_back_nor_set_aside() {
    let mut pool = Pool::new(site(20, Vec::new()));
    bound(&mut pool, &card(1), at(0));
    assert_eq!(pool.release(ip(10), &card(2), at(1)), None);
    assert_eq!(pool.decline(ip(10), &card(2), at(1)), None);
    assert_eq!(pool.decline(ip(13), &card(2), at(1)), None);
    assert_eq!(pool.free(ip(13), at(1)), None);
    assert!(pool.decline(ip(10), &card(1), at(1)).is_some());
    assert_eq!(bound(&mut pool, &card(1), at(2)), Some(13));
    assert!(pool.release(ip(13), &card(1), at(3)).is_some());
    assert_eq!(pool.release(ip(13), &card(1), at(3)), None);
    // What it gave back is still the first it is offered.
    assert_eq!(bound(&mut pool, &card(1), at(4)), Some(13));
}

#[test]
fn the_same_name_by_another_card_gets_another_address() {
    let mut pool = Pool::new(site(20, Vec::new()));
    let clone = |number: u8| Holder {
        id: vec![0xff, 1, 2, 3],
        mac: mac(number),
    };
    assert_eq!(bound(&mut pool, &clone(1), at(0)), Some(10));
    assert_eq!(bound(&mut pool, &clone(2), at(1)), Some(13));
    assert_eq!(bound(&mut pool, &clone(1), at(2)), Some(10));
    // Its firmware, that says no name, has the same one; so has its system after that.
    assert_eq!(bound(&mut pool, &card(1), at(3)), Some(10));
    assert_eq!(bound(&mut pool, &clone(1), at(4)), Some(10));
    let second = Holder {
        id: vec![0xff, 9],
        ..card(1)
    };
    assert_eq!(
        bound(&mut pool, &second, at(5)),
        Some(14),
        "its second system"
    );
    // The dock changed, and nobody has the old address any more.
    assert_eq!(bound(&mut pool, &clone(3), at(4000)), Some(13));
}

/// dhcpstarv and dhcpig, without the wire.
#[test]
fn a_flood_of_invented_cards_takes_nothing_from_known_machines() {
    let mut pool = Pool::new(site(115, Vec::new()));
    let total = pool.load(0).total;
    assert_eq!(total, 104);
    pool.known([mac(1), mac(2), mac(3)]);
    assert_eq!(bound(&mut pool, &card(1), at(0)), Some(10));
    assert_eq!(bound(&mut pool, &card(2), at(0)), Some(13));
    // The second one went home; its time is over.
    let flood = at(4000);
    let invented = |number: u32| {
        let [_, b, c, d] = number.to_be_bytes();
        Holder {
            id: Vec::new(),
            mac: Mac([6, 6, 0, b, c, d]),
        }
    };
    bound(&mut pool, &card(1), at(3000));
    // Questions only: each gets its offer, however many there are.
    for number in 0..2000 {
        let now = flood + Duration::from_millis(u64::from(number) * 100);
        assert!(
            offered(&mut pool, &invented(number), None, now).is_some(),
            "{number}"
        );
    }
    assert!(pool.offers.len() <= total);
    // And now those that take what they are offered.
    let taken = (2000..3000)
        .filter(|number| {
            let now = flood + Duration::from_secs(400);
            bound(&mut pool, &invented(*number), now).is_some()
        })
        .count();
    assert_eq!(
        taken,
        total - 1 - 10,
        "all but what is bound and the room that is kept"
    );
    let now = flood + Duration::from_secs(401);
    assert_eq!(offered(&mut pool, &invented(5000), None, now), None);
    assert_eq!(pool.lease(0, &invented(1), LEASE), SCARCE_LEASE);
    assert_eq!(pool.lease(0, &card(1), LEASE), LEASE);
    assert_eq!(bound(&mut pool, &card(1), now), Some(10));
    assert_eq!(bound(&mut pool, &card(2), now), Some(13));
    assert!(
        bound(&mut pool, &card(3), now).is_some(),
        "known, and never here before"
    );
}

#[test]
fn a_restart_remembers_everything_but_offers() {
    let mut pool = Pool::new(site(20, Vec::new()));
    bound(&mut pool, &card(1), at(0));
    bound(&mut pool, &card(2), at(0));
    pool.release(ip(13), &card(2), at(1));
    pool.set_aside(ip(14), Some(mac(7)), ASIDE, at(1));
    offered(&mut pool, &card(3), Some(16), at(1));
    let mut again = Pool::new(site(20, Vec::new()));
    pool.records(at(2))
        .into_iter()
        .for_each(|record| again.restore(record));
    again.settle(at(2));
    let told = |pool: &Pool| pool.held();
    assert_eq!(told(&again), told(&pool));
    assert_eq!(
        again.load(0),
        Load {
            offered: 0,
            free: pool.load(0).free + 1,
            ..pool.load(0)
        }
    );
    assert_eq!(bound(&mut again, &card(2), at(3)), Some(13));
    // The configuration has another network now: what was there is nobody's business.
    let mut elsewhere = site(20, Vec::new());
    elsewhere.subnets[0].network = [10, 78, 0, 0].into();
    elsewhere.subnets[0].ranges = vec![([10, 78, 0, 10].into(), [10, 78, 0, 12].into())];
    let mut moved = Pool::new(elsewhere);
    pool.records(at(2))
        .into_iter()
        .for_each(|record| moved.restore(record));
    assert_eq!(moved.held(), []);
}

/// A machine in the world: what it believes to have, and until when by the true time.
#[derive(Clone, Copy, Default)]
struct Machine {
    has: Option<(Ipv4Addr, i64)>,
}

/// Machines come, renew, go, give back and move; the appliance crashes at any moment, forgets what
/// was not durable, finds its file damaged and its clock set. Never do two have one address.
#[test]
fn no_address_is_given_twice_whatever_happens() {
    for seed in 1..=100u64 {
        World::new(seed).live(3000);
    }
}

/// It uses an address that the book has lost, and asks without taking what it is offered.
#[test]
fn silence_around_one_machine_is_not_believed_for_another() {
    let mut pool = Pool::new(site(12, Vec::new()));
    let first = pool.offer(0, &card(1), None, at(0)).unwrap();
    assert!(first.probe);
    // Nobody else than itself answers.
    pool.silent(first.address, at(0));
    let again = pool.offer(0, &card(1), None, at(1)).unwrap();
    assert_eq!((again.address, again.probe), (first.address, false));
    // Its offer is over, and what was heard is not old yet.
    pool.settle(at(61));
    for other in 2..=3 {
        if let Some(candidate) = pool.offer(0, &card(other), None, at(62)) {
            assert!(candidate.probe, "{candidate:?}");
        }
    }
    let standing = pool.standing(0, &card(9), first.address, at(62));
    assert_ne!(standing, Standing::Free { silent: true });
}

struct World {
    random: u64,
    /// True time, seconds.
    time: i64,
    /// What the wall clock says besides.
    wall: i64,
    /// True time at the start of the book, and its own then.
    started: (i64, Timestamp),
    pool: Pool,
    /// What the registry says.
    fixed: Vec<Fixed>,
    /// Lines that are durable, and those that are not yet.
    disk: Vec<Record>,
    machines: BTreeMap<u8, Machine>,
    acks: usize,
}

impl World {
    fn new(seed: u64) -> World {
        World {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            time: 0,
            wall: 0,
            started: (0, at(0)),
            pool: Pool::new(site(19, Vec::new())),
            fixed: Vec::new(),
            disk: Vec::new(),
            machines: (1..=14)
                .map(|number| (number, Machine::default()))
                .collect(),
            acks: 0,
        }
    }

    fn next(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.time - self.started.0).unwrap();
        self.started.1 + Duration::from_secs(passed)
    }

    fn live(&mut self, steps: usize) {
        for _ in 0..steps {
            self.time += i64::try_from(self.next(900)).unwrap();
            for machine in self.machines.values_mut() {
                machine.has = machine.has.filter(|(_, until)| *until > self.time);
            }
            let number = u8::try_from(self.next(14)).unwrap() + 1;
            match self.next(20) {
                0 => self.crash(),
                1 => {
                    if let Some((address, _)) = self.machines[&number].has {
                        self.machines.get_mut(&number).unwrap().has = None;
                        let now = self.now();
                        self.pool.settle(now);
                        let record = self.pool.release(address, &card(number), now);
                        self.disk.extend(record);
                    }
                }
                2 => {
                    // Somebody gives it back in another's name; the holder goes on.
                    let address = ip(10 + u8::try_from(self.next(10)).unwrap());
                    let now = self.now();
                    let record = self.pool.free(address, now);
                    self.disk.extend(record);
                }
                3..=8 => self.asks_again(number),
                9 => {
                    // Somebody changes the registry: a machine of one to three cards, or none has an address.
                    let last = 13 + u8::try_from(self.next(9)).unwrap();
                    let cards: Vec<u8> = (number..=14).step_by(4).take(3).collect();
                    self.fixed.retain(|f| f.address != ip(last));
                    match self.next(3) {
                        0 => self.fixed.clear(),
                        _ => self.fixed.insert(0, fixed(last, &cards)),
                    }
                    self.pool.reserve(&self.fixed);
                }
                _ => self.asks(number),
            }
            self.check();
        }
        assert!(self.acks > steps / 5, "only {}", self.acks);
    }

    /// The power fails: what was not durable is gone, and so is any line that the disk lost.
    fn crash(&mut self) {
        // The mark beside the file says how far it was written.
        let newest = self.disk.iter().map(Record::at).max();
        let damaged = self.next(3) == 0;
        if damaged && !self.disk.is_empty() {
            let lost = self.next(u64::try_from(self.disk.len()).unwrap());
            self.disk.remove(usize::try_from(lost).unwrap());
        }
        let year = 366 * 86_400;
        self.wall = match self.next(4) {
            0 => -year,
            1 => year,
            _ => 0,
        };
        let wall = at(self.time + self.wall);
        let now = newest.map_or(wall, |newest| newest.max(wall));
        self.pool = Pool::new(site(19, Vec::new()));
        self.pool.ours(ip(2));
        self.pool.reserve(&self.fixed);
        for record in self.disk.clone() {
            self.pool.restore(record);
        }
        if let Some(newest) = newest {
            self.pool.distrust(newest, now);
        }
        self.pool.settle(now);
        self.disk = self.pool.records(now);
        self.started = (self.time, now);
    }

    /// Who answers at an address, besides `number`.
    fn somebody(&self, address: Ipv4Addr, number: u8) -> Option<Mac> {
        let mut machines = self.machines.iter();
        let there = machines.find(|(other, machine)| {
            **other != number && machine.has.is_some_and(|(has, _)| has == address)
        });
        there.map(|(other, _)| mac(*other))
    }

    fn hears(&mut self, address: Ipv4Addr, user: Mac, now: Timestamp) {
        if !self.pool.answered(address, Some(user), now) {
            let record = self.pool.set_aside(address, Some(user), ASIDE_HEARD, now);
            self.disk.push(record);
        }
    }

    fn asks(&mut self, number: u8) {
        for _ in 0..4 {
            let now = self.now();
            self.pool.settle(now);
            let Some(candidate) = self.pool.offer(0, &card(number), None, now) else {
                return;
            };
            let address = candidate.address;
            if candidate.probe {
                if let Some(user) = self.somebody(address, number) {
                    self.hears(address, user, now);
                    continue;
                }
                self.pool.silent(address, now);
            }
            // Some never answer their offer, some late.
            match self.next(4) {
                0 => return,
                1 => self.time += 90,
                _ => {}
            }
            self.takes(number, address);
            return;
        }
    }

    fn takes(&mut self, number: u8, address: Ipv4Addr) {
        let now = self.now();
        self.pool.settle(now);
        match self.pool.standing(0, &card(number), address, now) {
            Standing::Own | Standing::Offered | Standing::Free { silent: true } => {}
            Standing::Free { silent: false } => {
                if let Some(user) = self.somebody(address, number) {
                    self.hears(address, user, now);
                    return;
                }
            }
            _ => {
                // NAK: it stops using it.
                let record = self.pool.leave(address, &card(number), now);
                self.disk.extend(record);
                self.machines.get_mut(&number).unwrap().has = None;
                return;
            }
        }
        let relieved = self.pool.relieve(address, &card(number), now);
        self.disk.extend(relieved);
        let record = self.pool.bind(0, address, &card(number), "", LEASE, now);
        // The power fails before it is durable: it is not answered.
        if self.next(30) == 0 {
            self.crash();
            return;
        }
        self.disk.push(record);
        self.acks += 1;
        // The answer is lost on the way.
        if self.next(20) != 0 {
            let lease = i64::try_from(LEASE.as_secs()).unwrap();
            let machine = self.machines.get_mut(&number).unwrap();
            machine.has = Some((address, self.time + lease));
        }
    }

    fn asks_again(&mut self, number: u8) {
        if let Some((address, _)) = self.machines[&number].has {
            self.takes(number, address);
        }
    }

    fn check(&self) {
        let mut seen = BTreeMap::new();
        for (number, machine) in &self.machines {
            if let Some((address, _)) = machine.has {
                let other = seen.insert(address, number);
                assert_eq!(other, None, "{address} is {number}'s too, at {}", self.time);
                assert!(address != ip(11) && address != ip(12), "{address}");
            }
        }
    }
}

#[test]
fn who_got_an_address_while_the_network_was_asked_may_answer_there() {
    let mut pool = Pool::new(site(20, Vec::new()));
    let (one, two) = (card(1), card(2));
    assert!(pool.lacks_answer(0, ip(10), at(0)));
    assert!(!pool.lacks_answer(0, ip(11), at(0)), "the router's");
    assert!(!pool.got_here(ip(10), Some(one.mac)));
    assert_eq!(offered(&mut pool, &one, Some(10), at(0)), Some(10));
    assert!(!pool.lacks_answer(0, ip(10), at(0)), "it is offered");
    assert!(pool.got_here(ip(10), Some(one.mac)));
    assert!(!pool.got_here(ip(10), Some(two.mac)), "another is there");
    assert!(!pool.got_here(ip(10), None));
    pool.bind(0, ip(10), &one, "", LEASE, at(1));
    assert!(pool.got_here(ip(10), Some(one.mac)));
    assert!(pool.got_here(ip(10), None), "behind a relay");
    assert!(!pool.lacks_answer(0, ip(10), at(1)));
    pool.silent(ip(13), at(1));
    assert!(!pool.lacks_answer(0, ip(13), at(1)), "it was asked about");
    assert!(pool.lacks_answer(0, ip(13), at(1) + SILENT));
}
