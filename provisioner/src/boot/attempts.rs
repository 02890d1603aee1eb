//! How often the menu's password may be tried. In memory: a restart forgets, and whoever can restart the appliance
//! needs no password. Bounded by what it counts.

use crate::Mac;
use state::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A person mistypes; a program tries thousands.
const OF_A_MACHINE: usize = 5;
/// A MAC is written by whoever sends it: the sum is what bounds a program.
const OF_ALL: usize = 30;
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// The tries that count, shared by all interfaces.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<Mutex<Vec<(Mac, Timestamp)>>>);

impl Attempts {
    /// A try begins, and counts until it is [`right`](Self::right): tries side by side are no way around.
    /// `Err`: not before then. `Ok`: how many are left to this machine after it.
    pub(crate) fn begin(&self, mac: Mac, now: Timestamp) -> Result<usize, Timestamp> {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.retain(|(_, at)| now.since(*at) < WINDOW);
        let left = judge(&tries, mac)?;
        tries.push((mac, now));
        Ok(left)
    }

    /// It was the password: what this machine tried before was a person's.
    pub(crate) fn right(&self, mac: Mac) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.retain(|(of, _)| *of != mac);
    }
}

fn judge(tries: &[(Mac, Timestamp)], mac: Mac) -> Result<usize, Timestamp> {
    let own: Vec<Timestamp> = tries
        .iter()
        .filter(|(of, _)| *of == mac)
        .map(|(_, at)| *at)
        .collect();
    let oldest = |times: &mut dyn Iterator<Item = Timestamp>| {
        times.min().map_or(Ok(0), |at| Err(at + WINDOW))
    };
    if own.len() >= OF_A_MACHINE {
        return oldest(&mut own.into_iter());
    }
    if tries.len() >= OF_ALL {
        return oldest(&mut tries.iter().map(|(_, at)| *at));
    }
    Ok((OF_A_MACHINE - own.len() - 1).min(OF_ALL - tries.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(last: u8) -> Mac {
        Mac([0x52, 0x54, 0, 0, 0, last])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    #[test]
    fn a_machine_has_five_tries_in_a_quarter_of_an_hour() {
        let attempts = Attempts::default();
        for (second, left) in [(0, 4), (1, 3), (2, 2), (3, 1), (4, 0)] {
            assert_eq!(attempts.begin(mac(1), at(second)), Ok(left));
        }
        assert_eq!(attempts.begin(mac(1), at(5)), Err(at(900)));
        assert_eq!(
            attempts.begin(mac(1), at(899)),
            Err(at(900)),
            "asking costs nothing"
        );
        assert_eq!(
            attempts.begin(mac(2), at(5)),
            Ok(4),
            "others are not locked out"
        );
        assert_eq!(
            attempts.begin(mac(1), at(900)),
            Ok(0),
            "the oldest is forgotten"
        );
    }

    #[test]
    fn the_right_one_makes_up_for_those_before() {
        let attempts = Attempts::default();
        for second in 0..5 {
            assert!(attempts.begin(mac(1), at(second)).is_ok());
        }
        attempts.right(mac(1));
        assert_eq!(attempts.begin(mac(1), at(6)), Ok(4));
    }

    #[test]
    fn a_program_that_changes_its_address_is_stopped_too() {
        let attempts = Attempts::default();
        let granted = (0..200)
            .filter(|n| attempts.begin(mac(*n), at(10)).is_ok())
            .count();
        assert_eq!(granted, OF_ALL);
        assert_eq!(attempts.begin(mac(201), at(11)), Err(at(910)));
        assert!(attempts.begin(mac(201), at(910)).is_ok());
        let kept = attempts.0.lock().unwrap().len();
        assert!(kept <= OF_ALL, "{kept}");
    }
}
