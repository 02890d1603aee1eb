//! The stick that the agent was started from, told by what is on it: a card reader or an adapter may
//! hide that it is removable.

use crate::assets::{CONFIG, CONFIG_LEN};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// What GRUB is told there, and nowhere else: the place is the same in every boot disk.
const SIGN: &[u8] = b"linux /kernel reprise.server=";

/// A disk that cannot be read starts nothing.
pub(super) fn starts_the_agent(disk: &Path) -> bool {
    let mut told = vec![0u8; CONFIG_LEN];
    File::open(disk)
        .and_then(|disk| disk.read_exact_at(&mut told, CONFIG.start))
        .is_ok_and(|()| told.windows(SIGN.len()).any(|part| part == SIGN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{Start, config};
    use crate::fixture::Folder;

    #[test]
    fn a_stick_is_known_by_what_it_starts() {
        let start = Start {
            appliance: "agen",
            server: "https://10.77.0.2:8443",
            fingerprint: "c0ffee",
            mac: None,
            locale: "fr",
        };
        let folder = Folder::new("medium");
        let place = usize::try_from(CONFIG.start).unwrap();
        let disk = |told: &[u8]| [&vec![0u8; place], told].concat();
        let stick = folder.write("stick", &disk(&config(&start)));
        assert!(starts_the_agent(&stick));
        let empty = folder.write("empty", &disk(&[0; CONFIG_LEN]));
        assert!(!starts_the_agent(&empty));
        let elsewhere = folder.write("elsewhere", &config(&start));
        assert!(!starts_the_agent(&elsewhere), "too short for a boot disk");
        assert!(!starts_the_agent(&folder.path().join("none")));
    }
}
