//! Which machine of the registry reports here? Pure. Serial number and SMBIOS UUID make the
//! machine; where those are missing, what is in its case; a network card alone never does, because
//! docks and dongles travel.

use super::HostId;
use super::identity::Identity;
use super::parts::Parts;
use super::uuid::Uuid;

/// A machine of the registry, as far as recognising it needs.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) id: HostId,
    /// Before its agent reported, at most the UUID its firmware said.
    pub(crate) identity: Identity,
    pub(crate) parts: Parts,
    /// Its agent reported once.
    pub(crate) reported: bool,
    /// It was seen with the card of this report.
    pub(crate) has_mac: bool,
    /// Another agent speaks for it right now.
    pub(crate) alive: bool,
}

impl Candidate {
    /// It never reported, and its serial number is known all the same: somebody wrote it into a list.
    fn is_listed(&self) -> bool {
        !self.reported && !self.identity.serial.is_empty()
    }
}

/// What a report says of its machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reporter {
    pub(crate) identity: Identity,
    pub(crate) parts: Parts,
    /// Option 97 of the request it booted by: some firmware says another UUID there than in SMBIOS.
    pub(crate) heard: Option<Uuid>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    New,
    Known(HostId),
    /// `known` came back by a network card that was only seen so far: that sighting is the same
    /// machine.
    Absorb {
        known: HostId,
        sighting: HostId,
    },
    /// It says the name of a machine that runs right now, and has nothing else of it.
    Double {
        of: HostId,
        /// The sighting that it was so far.
        sighting: Option<HostId>,
    },
}

pub(crate) fn identify(candidates: &[Candidate], reporter: &Reporter) -> Match {
    let Reporter {
        identity,
        parts,
        heard,
    } = reporter;
    // A sighting whose firmware said another UUID is another machine behind the same card; and a host that a list
    // names by its serial number is that machine only.
    let sighting = candidates
        .iter()
        .filter(|c| !c.reported && c.has_mac && !c.is_listed())
        .filter(|c| {
            c.identity
                .uuid()
                .is_none_or(|uuid| Some(uuid) == *heard || Some(uuid) == identity.uuid())
        })
        .max_by_key(|c| c.identity.uuid().is_some());
    let (doubles, named): (Vec<&Candidate>, Vec<&Candidate>) = candidates
        .iter()
        .filter(|c| (c.reported || c.is_listed()) && c.identity.is(identity))
        .partition(|c| c.alive && c.parts.is_other(parts));
    // Of two that share a name, the one it shares a part with; else the one of this card.
    let known = named.iter().max_by_key(|c| {
        (
            c.reported,
            c.parts.shares_card(parts),
            c.parts.shares_disk(parts),
            c.has_mac,
        )
    });
    match (known, sighting, doubles.first()) {
        (Some(known), Some(seen), _) => Match::Absorb {
            known: known.id.clone(),
            sighting: seen.id.clone(),
        },
        (Some(known), None, _) => Match::Known(known.id.clone()),
        (None, seen, Some(double)) => Match::Double {
            of: double.id.clone(),
            sighting: seen.map(|seen| seen.id.clone()),
        },
        (None, Some(seen), None) => Match::Known(seen.id.clone()),
        (None, None, None) => match nameless(candidates, reporter) {
            Some(known) => Match::Known(known.id.clone()),
            None => Match::New,
        },
    }
}

/// Neither serial number nor UUID, then or now: what is in the case decides.
fn nameless<'a>(candidates: &'a [Candidate], reporter: &Reporter) -> Option<&'a Candidate> {
    candidates.iter().find(|c| {
        let unnamed = !c.identity.is_usable() || !reporter.identity.is_usable();
        let same_model = c.identity.product == reporter.identity.product;
        let bare = c.parts.cards.is_empty() || reporter.parts.cards.is_empty();
        c.reported
            && c.has_mac
            && unnamed
            && same_model
            && (c.parts.shares_card(&reporter.parts)
                || (bare && c.parts.shares_disk(&reporter.parts)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mac;
    use images::wire::System;

    const UUID_A: &str = "33221100-5544-7766-8899-aabbccddeeff";
    const UUID_A_TURNED: &str = "00112233-4455-6677-8899-AABBCCDDEEFF";
    const UUID_B: &str = "43221100-5544-7766-8899-aabbccddeeff";

    fn identity(serial: &str, uuid: &str) -> Identity {
        Identity::of(&System {
            serial: serial.into(),
            uuid: uuid.into(),
            ..System::default()
        })
    }

    fn a() -> Identity {
        identity("SERIAL-A", UUID_A)
    }

    fn b() -> Identity {
        identity("SERIAL-B", UUID_B)
    }

    fn none() -> Identity {
        identity("Default string", "03000200-0400-0500-0006-000700080009")
    }

    fn parts(cards: &[u8], disks: &[&str]) -> Parts {
        Parts {
            cards: cards.iter().map(|n| Mac([2, 0, 0, 0, 0, *n])).collect(),
            disks: disks.iter().map(|disk| (*disk).to_owned()).collect(),
        }
    }

    /// A machine that reported.
    fn known(id: &str, identity: Identity, has_mac: bool) -> Candidate {
        Candidate {
            id: HostId(id.into()),
            reported: true,
            identity,
            parts: Parts::default(),
            has_mac,
            alive: false,
        }
    }

    fn with(candidate: Candidate, parts: Parts, alive: bool) -> Candidate {
        Candidate {
            parts,
            alive,
            ..candidate
        }
    }

    /// One that never reported, out of a list.
    fn listed(identity: Identity, has_mac: bool) -> Candidate {
        Candidate {
            reported: false,
            ..known("listed", identity, has_mac)
        }
    }

    /// A machine that was only seen, whose firmware said `uuid`.
    fn seen(uuid: &str) -> Candidate {
        Candidate {
            reported: false,
            ..known("seen", identity("", uuid), true)
        }
    }

    fn is(id: &str) -> Match {
        Match::Known(HostId(id.into()))
    }

    fn absorb(known: &str) -> Match {
        Match::Absorb {
            known: HostId(known.into()),
            sighting: HostId("seen".into()),
        }
    }

    type Row = (&'static str, Vec<Candidate>, Reporter, Match);

    fn check(table: Vec<Row>) {
        for (name, candidates, reporter, expected) in table {
            assert_eq!(identify(&candidates, &reporter), expected, "{name}");
        }
    }

    fn reporter(identity: Identity, parts: Parts, heard: &str) -> Reporter {
        Reporter {
            identity,
            parts,
            heard: Uuid::of_text(heard),
        }
    }

    fn says(identity: Identity) -> Reporter {
        reporter(identity, Parts::default(), "")
    }

    #[test]
    fn a_machine_is_its_serial_number_and_uuid() {
        let other_way = identity("serial-a", UUID_A_TURNED);
        check(vec![
            ("nobody known", vec![], says(a()), Match::New),
            ("only seen", vec![seen("")], says(a()), is("seen")),
            ("back", vec![known("a", a(), true)], says(a()), is("a")),
            (
                "its UUID turned by another kernel",
                vec![known("a", a(), true)],
                says(other_way),
                is("a"),
            ),
            (
                "back by another card",
                vec![known("a", a(), false), seen("")],
                says(a()),
                absorb("a"),
            ),
            (
                "bought, listed, never seen",
                vec![listed(a(), false)],
                says(a()),
                is("listed"),
            ),
            (
                "listed by its serial number only, seen by its card a moment ago",
                vec![listed(identity("serial-a", ""), false), seen("")],
                says(a()),
                absorb("listed"),
            ),
            (
                "listed with this card too",
                vec![listed(a(), true)],
                says(a()),
                is("listed"),
            ),
            (
                "the card is listed for another machine",
                vec![listed(a(), true)],
                says(b()),
                Match::New,
            ),
            (
                "it reported before it was listed twice",
                vec![listed(a(), true), known("a", a(), false)],
                says(a()),
                is("a"),
            ),
            (
                "one serial for a batch",
                vec![known("a", a(), false)],
                says(identity("SERIAL-A", UUID_B)),
                Match::New,
            ),
            (
                "serial only",
                vec![known("a", a(), false)],
                says(identity("SERIAL-A", "")),
                is("a"),
            ),
        ]);
    }

    #[test]
    fn a_dock_gives_nobody_the_name_of_another() {
        check(vec![
            (
                "another PC behind A's dock",
                vec![known("a", a(), true)],
                says(b()),
                Match::New,
            ),
            (
                "a known PC behind A's dock",
                vec![known("a", a(), true), known("b", b(), false)],
                says(b()),
                is("b"),
            ),
            (
                "another PC, told by its UUID when it was seen",
                vec![known("a", a(), true), seen(UUID_B)],
                says(b()),
                is("seen"),
            ),
            (
                "A, behind a dock where B was only seen",
                vec![known("a", a(), true), seen(UUID_B)],
                says(a()),
                is("a"),
            ),
            (
                "C, behind a dock where B was only seen",
                vec![known("a", a(), true), seen(UUID_B)],
                says(identity("SERIAL-C", "")),
                Match::New,
            ),
            (
                "firmware says another UUID than SMBIOS",
                vec![known("a", a(), false), seen(UUID_B)],
                reporter(a(), Parts::default(), UUID_B),
                absorb("a"),
            ),
            (
                "one without a name, behind A's dock",
                vec![known("a", a(), true)],
                says(none()),
                Match::New,
            ),
            (
                "one with a name, behind the dock of one without",
                vec![known("x", none(), true)],
                says(a()),
                Match::New,
            ),
        ]);
    }

    #[test]
    fn without_a_name_the_parts_decide() {
        let x = |cards: &[u8], disks: &[&str]| {
            vec![with(known("x", none(), true), parts(cards, disks), false)]
        };
        let now = |cards: &[u8], disks: &[&str]| reporter(none(), parts(cards, disks), "");
        check(vec![
            ("a new disk", x(&[1], &["D1"]), now(&[1], &["D9"]), is("x")),
            (
                "two behind one dock",
                x(&[1], &["D1"]),
                now(&[2], &["D2"]),
                Match::New,
            ),
            (
                "two behind one dock, without a card of their own",
                x(&[], &["D1"]),
                now(&[], &["D2"]),
                Match::New,
            ),
            ("its disk", x(&[], &["D1"]), now(&[], &["D1"]), is("x")),
            (
                "x's disk in another case",
                x(&[1], &["D1"]),
                now(&[2], &["D1"]),
                Match::New,
            ),
            ("nothing to go by", x(&[], &[]), now(&[], &[]), Match::New),
            (
                "a new firmware lost its serial number",
                vec![with(known("a", a(), true), parts(&[1], &[]), false)],
                now(&[1], &[]),
                is("a"),
            ),
            (
                "an unknown card",
                vec![with(known("x", none(), false), parts(&[1], &[]), false)],
                now(&[1], &[]),
                Match::New,
            ),
        ]);
    }

    #[test]
    fn two_that_run_with_one_name_are_two() {
        let first = |alive| with(known("a", a(), false), parts(&[1], &["D1"]), alive);
        let copy = || with(known("copy", a(), false), parts(&[2], &["D2"]), false);
        let now = |cards: &[u8], disks: &[&str]| reporter(a(), parts(cards, disks), "");
        let double = |sighting: Option<&str>| Match::Double {
            of: HostId("a".into()),
            sighting: sighting.map(|id| HostId(id.into())),
        };
        check(vec![
            (
                "a copy beside it",
                vec![first(true)],
                now(&[2], &["D2"]),
                double(None),
            ),
            (
                "a copy beside it, seen before",
                vec![first(true), seen("")],
                now(&[2], &["D2"]),
                double(Some("seen")),
            ),
            (
                "the same, started again at once",
                vec![first(true)],
                now(&[1], &["D9"]),
                is("a"),
            ),
            (
                "new card and disk while it was off",
                vec![first(false)],
                now(&[2], &["D2"]),
                is("a"),
            ),
            (
                "nothing to compare",
                vec![first(true)],
                now(&[], &[]),
                is("a"),
            ),
            (
                "the copy comes back",
                vec![first(false), copy()],
                now(&[2], &["D2"]),
                is("copy"),
            ),
            (
                "the copy comes back beside the other",
                vec![first(true), copy()],
                now(&[2], &["D2"]),
                is("copy"),
            ),
        ]);
    }
}
