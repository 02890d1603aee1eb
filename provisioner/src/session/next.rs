//! What an agent that asks "what now?" is told. Pure.

use super::records::Bound;
use super::{Session, SessionState};
use crate::boot::policy::APPROVAL_WINDOW;
use crate::host::{Host, HostState};
use images::wire::{DeployOrder, Next};
use state::Timestamp;
use std::time::Duration;

/// How long an approved machine stays in its agent for an operator to choose an image.
const CHOICE_WINDOW: Duration = Duration::from_secs(10 * 60);

/// A session is taken over from an agent that was silent this long: a PC that was switched off in
/// the middle comes back with another key.
const TAKE_OVER_AFTER: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// Nothing yet; not later than this something changes by itself.
    Hold(Timestamp),
    Now(Next),
    /// Hand out the order of the host's session.
    Order,
}

pub(super) fn answer(
    host: &Host,
    session: Option<&Bound>,
    agent_hash: &str,
    now: Timestamp,
) -> Answer {
    if let Some(bound) = session.filter(|bound| now < bound.session.expires || begun(bound)) {
        let free_at = match &bound.agent_hash {
            Some(holder) if holder != agent_hash => held_until(&bound.session),
            _ => now,
        };
        return if free_at <= now {
            Answer::Order
        } else {
            Answer::Hold(free_at)
        };
    }
    let (until, why) = match (host.state, host.approved) {
        (HostState::Approved, Some(approved)) => {
            let reported = host.reported.unwrap_or(now);
            (
                (approved + CHOICE_WINDOW).max(reported + APPROVAL_WINDOW),
                "approved, and nothing is to be deployed",
            )
        }
        _ => (
            host.reported.unwrap_or(now) + APPROVAL_WINDOW,
            "nobody approved this machine in time; ask it again in the console",
        ),
    };
    if now < until {
        Answer::Hold(until)
    } else {
        Answer::Now(Next::LocalDisk {
            why: why.to_owned(),
        })
    }
}

/// Until when a session stays with the agent that has it, without another word from it. The agent
/// whose pairing code the operator saw has it from the start.
pub(crate) fn held_until(session: &Session) -> Timestamp {
    session.last_beat.unwrap_or(session.opened) + TAKE_OVER_AFTER
}

fn begun(bound: &Bound) -> bool {
    !matches!(
        bound.session.state,
        SessionState::Opened | SessionState::Confirming
    )
}

/// Of a wipe too: its image has no name.
pub(super) fn order(session: &Session) -> DeployOrder {
    DeployOrder {
        session: session.id.to_string(),
        host: session.host_name.clone(),
        image: session.image_name.clone(),
        image_size_bytes: session.image_size_bytes,
        disk_path: session.disk_path.clone(),
        disk_serial: session.disk_serial.clone(),
        disk_model: session.disk_model.clone(),
        disk_size_bytes: session.disk_size_bytes,
        lost: session.lost.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostId;
    use crate::session::SessionId;

    fn host(state: HostState, approved: Option<i64>) -> Host {
        Host {
            id: HostId("h".into()),
            name: "PC-1".into(),
            state,
            macs: Vec::new(),
            serial: String::new(),
            uuid: String::new(),
            product: String::new(),
            pairing_code: Some("ABCD-2345".into()),
            inventory: None,
            agent_version: None,
            first_seen: Timestamp(0),
            last_seen: Timestamp(0),
            reported: Some(Timestamp(0)),
            approved: approved.map(Timestamp),
            approved_by: None,
            details: Default::default(),
            place: None,
        }
    }

    fn bound(state: SessionState, agent: Option<&str>, beat: Option<i64>) -> Bound {
        Bound {
            agent_hash: agent.map(str::to_owned),
            session: Session {
                id: SessionId("s".into()),
                task: Default::default(),
                host: HostId("h".into()),
                host_name: "PC-1".into(),
                image: "i".into(),
                image_name: "debian".into(),
                image_size_bytes: 1,
                disk_path: "/dev/sda".into(),
                disk_serial: "D1".into(),
                disk_model: "M".into(),
                disk_size_bytes: 2,
                lost: "everything".into(),
                state,
                opened_by: "admin".into(),
                opened: Timestamp(0),
                expires: Timestamp(1_000_000),
                last_beat: beat.map(Timestamp),
                ended: None,
            },
        }
    }

    #[test]
    fn an_agent_waits_goes_home_or_gets_its_order() {
        use HostState::*;
        use SessionState::*;
        let hold = |at| Answer::Hold(Timestamp(at));
        let home = |why: &str| {
            Answer::Now(Next::LocalDisk {
                why: why.to_owned(),
            })
        };
        let waiting = host(Waiting, None);
        let approved = host(Approved, Some(30_000));
        let writing = Writing {
            done_bytes: 0,
            total_bytes: 1,
        };
        let late = "nobody approved this machine in time; ask it again in the console";
        let idle = "approved, and nothing is to be deployed";
        let table = [
            ("waits for approval", &waiting, None, 59_999, hold(60_000)),
            ("waited in vain", &waiting, None, 60_000, home(late)),
            (
                "approved, no image yet",
                &approved,
                None,
                60_000,
                hold(630_000),
            ),
            (
                "approved, none chosen",
                &approved,
                None,
                630_000,
                home(idle),
            ),
            (
                "a new session",
                &approved,
                Some(bound(Opened, None, None)),
                60_000,
                Answer::Order,
            ),
            (
                "asks again",
                &approved,
                Some(bound(Confirming, Some("me"), Some(59_000))),
                60_000,
                Answer::Order,
            ),
            (
                "opened for another agent just now",
                &approved,
                Some(bound(Opened, Some("other"), None)),
                29_999,
                hold(30_000),
            ),
            (
                "opened for an agent that is gone",
                &approved,
                Some(bound(Opened, Some("other"), None)),
                30_000,
                Answer::Order,
            ),
            (
                "another agent works on it",
                &approved,
                Some(bound(writing.clone(), Some("other"), Some(59_000))),
                60_000,
                hold(89_000),
            ),
            (
                "the other went silent",
                &approved,
                Some(bound(writing.clone(), Some("other"), Some(30_000))),
                60_000,
                Answer::Order,
            ),
            (
                "expired",
                &approved,
                Some(bound(Opened, None, None)),
                1_000_000,
                home(idle),
            ),
            (
                "late but at work",
                &approved,
                Some(bound(writing, Some("me"), Some(0))),
                1_000_000,
                Answer::Order,
            ),
        ];
        for (name, host, session, now, expected) in table {
            let found = answer(host, session.as_ref(), "me", Timestamp(now));
            assert_eq!(found, expected, "{name}");
        }
    }
}
