//! A PC with UEFI firmware and no ROM: PXE by the firmware, then iPXE by TFTP.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::journey::{Journey, REBOOT};
use crate::machine::Firmware;

#[test]
fn a_uefi_pc_is_deployed_from_the_network_and_then_left_alone() -> Result<()> {
    let mut journey = Journey::begin(Firmware::Uefi)?;
    journey.boots_and_waits_for_approval()?;
    journey.gives_nothing_before_approval()?;
    journey.is_deployed()?;
    // The agent left its disk first: the firmware does not ask a silent network for minutes.
    let screen = journey.boots_its_own_system(REBOOT)?;
    ensure!(
        screen.matches("Start PXE over IPv4").count() == 1,
        "it asked the network again:\n{screen}"
    );
    journey.is_done_and_stays_done(Duration::from_secs(10))?;

    // Switched on again with the network first, it gets no offer.
    let mut again = journey.switches_on_again()?;
    again.wait_text("PXE-E16: No valid offer received", Duration::from_secs(240))?;
    journey.is_done_and_stays_done(Duration::from_secs(10))
}
