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
    let inventory = journey.inventory();
    ensure!(inventory["secure_boot"] == true, "{inventory}");
    let trusted = inventory["trusted"].to_string();
    let [of_2011, _] = images::secure_boot::THIRD_PARTY;
    ensure!(trusted.contains(of_2011), "{inventory}");
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
    // It is switched off before its firmware comes to HTTP Boot, its next entry, which starts.
    drop(pc);
    // The console says so to whoever was not there to read it.
    let found = journey.is_diagnosed();
    ensure!(found["cause"] == "secure-boot", "{found}");
    let fix = found["fix"].as_str().unwrap_or_default();
    ensure!(fix.contains("HTTP Boot"), "{found}");
    Ok(())
}

/// A stick of `reprise boot stick`, in a PC that boots nothing from the network.
#[test]
fn a_stick_starts_the_agent_under_secure_boot() -> Result<()> {
    let mut journey = Journey::begin(Firmware::SecureStick)?;
    journey.has_a_stick()?;
    journey.boots_and_waits_for_approval()?;
    ensure!(journey.inventory()["secure_boot"] == true);
    journey.is_deployed()?;
    journey.is_done_and_stays_done(Duration::from_secs(10))
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
