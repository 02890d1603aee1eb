//! A PC with Secure Boot on and Microsoft's keys, as laptops are sold.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::journey::Journey;
use crate::machine::Firmware;

/// Chosen in its settings: HTTP Boot. Nobody enrols a key, nobody switches anything off.
#[test]
fn a_secure_boot_pc_is_deployed_by_http_boot_without_enrolling_a_key() -> Result<()> {
    let mut journey = Journey::begin(Firmware::SecureHttp)?;
    journey.boots_and_waits_for_approval()?;
    journey.gives_nothing_before_approval()?;
    let screen = journey.screen();
    ensure!(
        screen.contains("boot.img") && !screen.contains("snponly.efi"),
        "it was started by another file than the boot disk:\n{screen}"
    );
    journey.is_deployed()?;
    journey.is_done_and_stays_done(Duration::from_secs(10))
}

/// By PXE it gets iPXE, which nobody signed: the firmware refuses it and goes on.
#[test]
fn a_secure_boot_pc_refuses_the_unsigned_loader_of_pxe() -> Result<()> {
    let mut journey = Journey::begin(Firmware::SecurePxe)?;
    let mut pc = journey.switches_on_again()?;
    pc.wait_text("snponly.efi", Duration::from_secs(240))?;
    pc.wait_text("Access Denied", Duration::from_secs(120))?;
    let screen = pc.screen();
    ensure!(
        !screen.contains("iPXE initialising devices"),
        "an unsigned loader was started under Secure Boot:\n{screen}"
    );
    Ok(())
}

/// Who signed what is served: the same authorities that machines are judged by.
#[test]
fn the_boot_disk_s_shim_is_signed_by_both_authorities() -> Result<()> {
    let shim = std::fs::read(crate::appliance::assets()?.join("shimx64.efi"))?;
    let signatures = images::secure_boot::authenticode::signatures(&shim);
    for authority in images::secure_boot::THIRD_PARTY {
        ensure!(
            signatures
                .iter()
                .any(|names| names.iter().any(|n| n == authority)),
            "no signature under {authority}: {signatures:?}"
        );
    }
    let ipxe = std::fs::read(crate::appliance::assets()?.join("snponly.efi"))?;
    ensure!(images::secure_boot::authenticode::signatures(&ipxe).is_empty());
    Ok(())
}
