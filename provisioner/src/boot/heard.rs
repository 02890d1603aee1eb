//! What the last boot request of each network card said about the machine behind it. TFTP and HTTP
//! name a card only: this lets them give the answer that DHCP gave.
//!
//! In memory: a machine that was in the middle of a boot when the appliance started again is known
//! by its card alone, and then gets no more than the agent.

use crate::Mac;
use crate::host::uuid::Uuid;
use state::Timestamp;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Cards remembered; the one silent longest makes room.
const MOST: usize = 4096;
/// A boot loader of the same start asks again within this time, and may say less than its firmware.
const SAME_START: Duration = Duration::from_secs(180);

/// From the last boot request to the agent's report; a card that was moved meanwhile said so.
const AGENT_STARTS_IN: Duration = Duration::from_secs(15 * 60);

/// What a boot request says besides its card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Option 97, where it tells machines apart.
    pub(crate) uuid: Option<Uuid>,
    /// An address of the network that the machine is in.
    pub(crate) network: Option<Ipv4Addr>,
    /// Option 82, sub-option 1: mostly the port of a switch.
    pub(crate) circuit: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) said: Said,
    pub(crate) at: Timestamp,
}

/// The last requests of all cards. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Heard(Arc<Mutex<HashMap<Mac, Last>>>);

impl Heard {
    /// `loader`: it is a boot loader of ours that asks, not the firmware.
    pub(crate) fn note(&self, mac: Mac, said: Said, loader: bool, now: Timestamp) {
        let mut cards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = cards.get_mut(&mac) {
            let same_start = loader && now.since(last.at) < SAME_START;
            last.said = match same_start {
                // Another UUID is another machine, whatever the time.
                true if said.uuid.is_none() => Said {
                    uuid: last.said.uuid,
                    ..said
                },
                _ => said,
            };
            last.at = now;
            return;
        }
        if cards.len() >= MOST
            && let Some(oldest) = cards
                .iter()
                .min_by_key(|(_, last)| last.at)
                .map(|(mac, _)| *mac)
        {
            cards.remove(&oldest);
        }
        cards.insert(mac, Last { said, at: now });
    }

    pub(crate) fn last(&self, mac: Mac) -> Option<Last> {
        let cards = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cards.get(&mac).cloned()
    }

    /// The UUID that the firmware of an agent said, which reports by that card now.
    pub(crate) fn of_this_start(&self, mac: Mac, now: Timestamp) -> Option<Uuid> {
        let last = self.last(mac)?;
        (now.since(last.at) < AGENT_STARTS_IN).then_some(last.said.uuid)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        Said {
            uuid: Uuid::of_text(text),
            ..Said::default()
        }
    }

    const A: &str = "33221100-5544-7766-8899-aabbccddeeff";
    const B: &str = "43221100-5544-7766-8899-aabbccddeeff";

    #[test]
    fn a_loader_that_says_less_is_the_machine_its_firmware_named() {
        let mac = Mac([2, 0, 0, 0, 0, 1]);
        let uuid = |text| Uuid::of_text(text);
        // (who asks, what it says, at which second, the UUID known then)
        let table = [
            ("firmware", A, false, 0, uuid(A)),
            ("its loader", "", true, 20, uuid(A)),
            ("a loader that knows better", B, true, 21, uuid(B)),
            ("a loader long after", "", true, 1000, None),
            ("firmware again", A, false, 1001, uuid(A)),
            ("other firmware behind the same dock", "", false, 1010, None),
        ];
        let heard = Heard::default();
        let known = |mac| heard.last(mac).and_then(|last| last.said.uuid);
        for (who, text, loader, at, expected) in table {
            heard.note(mac, said(text), loader, Timestamp(at * 1000));
            assert_eq!(known(mac), expected, "{who}");
        }
        assert_eq!(known(Mac([2, 0, 0, 0, 0, 2])), None);
    }

    #[test]
    fn a_flood_of_cards_is_bounded_and_the_latest_stay() {
        let heard = Heard::default();
        for number in 0..5000u32 {
            let [_, b, c, d] = number.to_be_bytes();
            let mac = Mac([2, 0, 0, b, c, d]);
            heard.note(mac, said(A), false, Timestamp(i64::from(number)));
        }
        assert_eq!(heard.0.lock().unwrap().len(), MOST);
        assert!(heard.last(Mac([2, 0, 0, 0, 0x13, 0x87])).is_some());
        assert!(heard.last(Mac([2, 0, 0, 0, 0, 1])).is_none());
    }
}
