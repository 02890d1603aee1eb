//! A disk of a PC read into an image, then erased, and a shell for whoever wants to look.

use anyhow::{Result, ensure};

use crate::journey::Journey;
use crate::machine::Firmware;

#[test]
fn a_disk_becomes_an_image_is_erased_the_other_is_not_and_rescue_opens_a_shell() -> Result<()> {
    let mut journey = Journey::begin(Firmware::Bios)?;
    journey.has_its_own_system()?;
    journey.has_another_disk()?;
    journey.boots_and_waits_for_approval()?;
    journey.is_approved()?;
    journey.is_captured()?;
    // For its next start, which comes by itself once it is done.
    journey.gets_next("rescue")?;
    journey.is_erased()?;
    let rescue = journey.opens_a_shell()?;
    ensure!(
        rescue.contains("Reprise: eth0 10.77.0."),
        "the network is not up:\n{rescue}"
    );
    ensure!(
        !rescue.contains("PAIRING CODE"),
        "the agent was started:\n{rescue}"
    );
    Ok(())
}
