//! Every firmware beside every network that companies have: each cell boots an unmodified PC to the agent, which is
//! known by the code on its screen. The column *dnsmasq on one cable* is that of the whole journeys beside.

use anyhow::{Result, ensure};

use crate::journey::{BOOT, Journey};
use crate::machine::Firmware;
use crate::net::Company;

/// What the PC shows when it has come by the way that its firmware is meant to take.
fn boots(firmware: Firmware, company: Company, loader: &str) -> Result<()> {
    boots_in(firmware, company, loader).map(drop)
}

/// The same, and goes on.
fn boots_in(firmware: Firmware, company: Company, loader: &str) -> Result<Journey> {
    let mut journey = Journey::begin_in(company, firmware)?;
    journey.boots_and_waits_for_approval()?;
    shows(&journey, loader)?;
    Ok(journey)
}

const ROM: &str = "iPXE initialising devices";
const PXE: &str = "snponly.efi";
const SIGNED: &str = "shimx64.efi";
const HTTP: &str = "boot.img";

#[test]
fn bios_beside_kea() -> Result<()> {
    boots(Firmware::Bios, Company::Kea, ROM)
}

#[test]
fn uefi_pxe_beside_kea() -> Result<()> {
    boots(Firmware::Uefi, Company::Kea, PXE)
}

#[test]
fn secure_http_boot_beside_kea() -> Result<()> {
    boots(Firmware::SecureHttp, Company::Kea, HTTP)
}

#[test]
fn http_boot_beside_dnsmasq() -> Result<()> {
    boots(Firmware::Http, Company::Dnsmasq, HTTP)
}

#[test]
fn bios_behind_a_relay() -> Result<()> {
    boots(Firmware::Bios, Company::Relayed, ROM)
}

#[test]
fn uefi_pxe_behind_a_relay() -> Result<()> {
    boots(Firmware::Uefi, Company::Relayed, PXE)
}

#[test]
fn secure_http_boot_behind_a_relay() -> Result<()> {
    boots(Firmware::SecureHttp, Company::Relayed, HTTP)
}

/// Besides, the appliance loses power while the PC waits.
#[test]
fn bios_given_its_address_by_us() -> Result<()> {
    let mut journey = boots_in(Firmware::Bios, Company::Alone, ROM)?;
    journey.outlives_a_power_cut_of_the_appliance()
}

#[test]
fn uefi_pxe_given_its_address_by_us() -> Result<()> {
    boots(Firmware::Uefi, Company::Alone, SIGNED)
}

/// Nobody switches anything off, nobody enrols a key.
#[test]
fn secure_pxe_given_its_address_by_us() -> Result<()> {
    let journey = boots_in(Firmware::SecurePxe, Company::Alone, SIGNED)?;
    ensure!(journey.inventory()["secure_boot"] == true);
    Ok(())
}

#[test]
fn http_boot_given_its_address_by_us() -> Result<()> {
    boots(Firmware::Http, Company::Alone, HTTP)
}

#[test]
fn secure_http_boot_given_its_address_by_us() -> Result<()> {
    boots(Firmware::SecureHttp, Company::Alone, HTTP)
}

#[test]
fn uefi_pxe_over_ipv6() -> Result<()> {
    let journey = boots_in(Firmware::UefiSix, Company::Six, PXE)?;
    shows(&journey, "Server IP address is FD77:0:0:0:0:0:0:2")
}

#[test]
fn http_boot_over_ipv6() -> Result<()> {
    let journey = boots_in(Firmware::HttpSix, Company::Six, HTTP)?;
    shows(&journey, "URI: http://[fd77::2]:8067/b/")
}

fn shows(journey: &Journey, words: &str) -> Result<()> {
    let screen = journey.screen();
    ensure!(
        screen.contains(words),
        "it came by another way than {words}:\n{screen}"
    );
    Ok(())
}

/// There is no agent for it, so that it gets a loader that says so, whole, and is left to itself.
#[test]
fn uefi_arm64_is_told_that_there_is_no_image() -> Result<()> {
    let mut journey = Journey::begin_in(Company::Dnsmasq, Firmware::Arm64)?;
    let mut pc = journey.switches_on_again()?;
    pc.wait_text("There is no image for such machines here", BOOT)?;
    pc.wait_text("failed to start", BOOT)?;
    let trace = journey.trace();
    assert_eq!(
        trace["diagnosis"]["cause"], "wrong-architecture",
        "{trace:#}"
    );
    let steps = trace["flights"][0]["steps"].as_array();
    let whole = |step: &serde_json::Value| {
        step["file"] == "no-image-aa64.efi"
            && step["of"].as_u64() > Some(1000)
            && step["bytes"] == step["of"]
    };
    ensure!(
        steps.is_some_and(|steps| steps.iter().any(whole)),
        "{trace:#}"
    );
    Ok(())
}
