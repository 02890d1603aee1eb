//! A PC with a BIOS whose network card's ROM is iPXE.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::journey::{Journey, REBOOT};
use crate::machine::Firmware;

#[test]
fn a_bios_pc_is_deployed_from_the_network_and_then_left_alone() -> Result<()> {
    let mut journey = Journey::begin(Firmware::Bios)?;
    journey.boots_and_waits_for_approval()?;
    journey.gives_nothing_before_approval()?;
    journey.is_deployed()?;
    // Network first in its boot order: the restart asks the network again, which stays silent.
    let screen = journey.boots_its_own_system(REBOOT)?;
    let after = screen
        .rsplit("iPXE initialising devices")
        .next()
        .unwrap_or_default();
    ensure!(
        after.contains("Nothing to boot") && after.contains("Booting from Hard Disk"),
        "the restart was not: network silent, then disk:\n{after}"
    );
    journey.is_done_and_stays_done(Duration::from_secs(10))
}
