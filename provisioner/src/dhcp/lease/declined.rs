//! Addresses that their holders declined, and nobody else was heard at. Pure.
//!
//! A DECLINE costs its sender nothing, and takes an address from everybody: so few of them are
//! believed at a time, of one card and of a subnet in all.

use crate::Mac;
use state::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// How long such an address is left alone: its machine asks for another within seconds.
pub(super) const ASIDE_DECLINED: Duration = Duration::from_secs(5 * 60);
/// Of one card: it may be faulty, and decline whatever it is given.
const MOST_OF_ONE: usize = 3;
/// Of a subnet: one in eight addresses, at most this many.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Declined(VecDeque<One>);

#[derive(Debug)]
struct One {
    subnet: usize,
    address: u32,
    by: Mac,
    until: Timestamp,
}

impl Declined {
    /// Whether the address may be set aside on the word of this card. `total`: the subnet's
    /// addresses.
    pub(super) fn believe(
        &mut self,
        subnet: usize,
        total: usize,
        address: u32,
        by: Mac,
        now: Timestamp,
    ) -> bool {
        self.0
            .retain(|one| one.until > now && (one.subnet, one.address) != (subnet, address));
        let here = self.0.iter().filter(|one| one.subnet == subnet).count();
        let its = self.0.iter().filter(|one| one.by == by).count();
        let believed = here < (total / 8).clamp(1, MOST) && its < MOST_OF_ONE;
        if believed {
            self.0.push_back(One {
                subnet,
                address,
                by,
                until: now + ASIDE_DECLINED,
            });
        }
        believed
    }

    /// Somebody is there: that says the network, not the card.
    pub(super) fn is_confirmed(&mut self, address: u32) {
        self.0.retain(|one| one.address != address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(number: u8) -> Mac {
        Mac([2, 0, 0, 0, 0, number])
    }

    #[test]
    fn few_are_believed_of_one_card_and_of_all_until_time_has_passed() {
        let (start, later) = (Timestamp(0), Timestamp(0) + ASIDE_DECLINED);
        let believed = |addresses: u32, total, by: &dyn Fn(u32) -> Mac| {
            let mut declined = Declined::default();
            let all = 0..addresses;
            let first = all
                .clone()
                .filter(|a| declined.believe(0, total, *a, by(*a), start))
                .count();
            let again = all
                .filter(|a| declined.believe(0, total, *a, by(*a), later))
                .count();
            assert_eq!(first, again, "when the first are forgotten");
            // Another subnet has its own measure.
            assert!(declined.believe(1, total, 999, card(255), later));
            first
        };
        let one = |_| card(1);
        let many = |address: u32| card(u8::try_from(address % 200).unwrap());
        assert_eq!(believed(250, 250, &one), 3);
        assert_eq!(believed(250, 250, &many), 31);
        assert_eq!(believed(200, 4000, &many), 64);
        assert_eq!(believed(2, 2, &many), 1);

        let mut declined = Declined::default();
        for address in 0..30 {
            assert!(declined.believe(0, 250, address, card(1), start));
            declined.is_confirmed(address);
        }
    }
}
