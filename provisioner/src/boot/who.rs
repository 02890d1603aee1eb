//! Which machine is behind this network card now? Pure.
//!
//! A boot request names a card, and a card is a hint: docks and USB adapters go from PC to PC. The
//! UUID of option 97 often tells the machines apart before any loader runs; where it does not, the
//! card is ambiguous, and an ambiguous card gets no more than the agent, which reports who it is.

use super::policy::Known;
use crate::host::HostId;
use crate::host::uuid::Uuid;

/// A machine that the registry has for this card, or for this UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) host: HostId,
    pub(crate) known: Known,
    /// Its UUID, as it reported it or as its firmware said it when it was only seen.
    pub(crate) uuid: Option<Uuid>,
    /// It was seen with this card.
    pub(crate) has_card: bool,
    /// What its firmware said in option 97 when it last reported by this card: some say there
    /// something else than in SMBIOS.
    pub(crate) heard: Option<Uuid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Neither card nor UUID was ever seen.
    Nobody,
    /// This one of the suspects.
    One(usize),
    /// One of those that have the card; which, nothing says.
    OneOfSeveral,
    /// A machine never seen, behind a card that others have.
    Stranger,
}

pub(crate) fn who(uuid: Option<Uuid>, suspects: &[Suspect]) -> Who {
    let only = |fits: &dyn Fn(&Suspect) -> bool| {
        let mut found = (0..suspects.len()).filter(|at| fits(&suspects[*at]));
        let first = found.next()?;
        Some(found.next().is_none().then_some(first))
    };
    if uuid.is_some() {
        let steps: [&dyn Fn(&Suspect) -> bool; 4] = [
            &|suspect| suspect.has_card && suspect.uuid == uuid,
            &|suspect| suspect.uuid == uuid,
            // After those: what a card taught is worth less than what a machine says of itself.
            &|suspect| suspect.has_card && suspect.heard == uuid,
            // It may be one whose UUID nobody knows.
            &|suspect| suspect.has_card && suspect.uuid.is_none() && suspect.heard.is_none(),
        ];
        return match steps.iter().find_map(|fits| only(*fits)) {
            Some(Some(one)) => Who::One(one),
            Some(None) => Who::OneOfSeveral,
            None if suspects.is_empty() => Who::Nobody,
            None => Who::Stranger,
        };
    }
    match only(&|suspect| suspect.has_card) {
        Some(Some(one)) => Who::One(one),
        Some(None) => Who::OneOfSeveral,
        None => Who::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostState;
    use state::Timestamp;

    const A: &str = "33221100-5544-7766-8899-aabbccddeeff";
    /// A's, as the wire may carry it.
    const A_TURNED: &str = "00112233-4455-6677-8899-aabbccddeeff";
    const B: &str = "43221100-5544-7766-8899-aabbccddeeff";

    fn suspect(uuid: &str, has_card: bool, heard: &str) -> Suspect {
        Suspect {
            host: HostId("h".into()),
            known: Known {
                state: HostState::Approved,
                asked: Timestamp(0),
                reported: None,
                asked_again: false,
                session: false,
                next: None,
            },
            uuid: Uuid::of_text(uuid),
            has_card,
            heard: Uuid::of_text(heard),
        }
    }

    #[test]
    fn a_card_is_a_hint_and_the_uuid_tells() {
        use Who::*;
        let a = suspect(A, true, "");
        let b = suspect(B, true, "");
        let elsewhere = suspect(B, false, "");
        let unnamed = suspect("", true, "");
        // (what it is, option 97, suspects, answer)
        let table = [
            ("never seen", A, vec![], Nobody),
            ("never seen, says nothing", "", vec![], Nobody),
            ("its own card", A, vec![a.clone()], One(0)),
            (
                "its own card, bytes turned",
                A_TURNED,
                vec![a.clone()],
                One(0),
            ),
            ("its own card, says nothing", "", vec![a.clone()], One(0)),
            (
                "a dock of two, says A",
                A,
                vec![b.clone(), a.clone()],
                One(1),
            ),
            (
                "a dock of two, says nothing",
                "",
                vec![b.clone(), a.clone()],
                OneOfSeveral,
            ),
            ("another PC behind A's dock", B, vec![a.clone()], Stranger),
            (
                "B behind A's dock, known by its own",
                B,
                vec![a.clone(), elsewhere.clone()],
                One(1),
            ),
            ("B by a card never seen", B, vec![elsewhere.clone()], One(0)),
            (
                "says nothing behind A's dock, B is elsewhere",
                "",
                vec![a.clone(), elsewhere],
                One(0),
            ),
            ("listed by its card only", A, vec![unnamed.clone()], One(0)),
            (
                "a dock of A and of one without UUID, says B",
                B,
                vec![a.clone(), unnamed.clone()],
                One(1),
            ),
            (
                "two without UUID",
                B,
                vec![unnamed.clone(), unnamed],
                OneOfSeveral,
            ),
            (
                "firmware that says another UUID than SMBIOS, learnt",
                B,
                vec![suspect(A, true, B)],
                One(0),
            ),
            (
                "two with one UUID, told apart by the card",
                A,
                vec![suspect(A, false, ""), a.clone()],
                One(1),
            ),
            (
                "two with one UUID and card",
                A,
                vec![a.clone(), a],
                OneOfSeveral,
            ),
        ];
        for (name, uuid, suspects, expected) in table {
            assert_eq!(who(Uuid::of_text(uuid), &suspects), expected, "{name}");
        }
    }
}
