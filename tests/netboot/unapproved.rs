//! A PC of the company that happens to boot from the network at 08:00, and nobody looks at the console.

use anyhow::{Result, ensure};

use crate::journey::{Journey, REBOOT};
use crate::machine::Firmware;

#[test]
fn a_pc_that_nobody_approves_starts_its_own_system_and_keeps_its_disk() -> Result<()> {
    let mut journey = Journey::begin(Firmware::Bios)?;
    journey.has_its_own_system()?;
    journey.boots_and_waits_for_approval()?;
    journey.gives_nothing_before_approval()?;
    let screen = journey.boots_its_own_system(REBOOT)?;
    ensure!(
        screen.contains("starting from the disk"),
        "the agent did not say why it leaves:\n{screen}"
    );
    ensure!(!screen.contains("ABOUT TO ERASE"), "{screen}");
    let after = screen
        .rsplit("iPXE initialising devices")
        .next()
        .unwrap_or_default();
    ensure!(
        after.contains("Nothing to boot"),
        "the network was not silent at the restart:\n{after}"
    );
    journey.is_still_waiting()
}
