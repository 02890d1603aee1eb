//! Every firmware beside every network that companies have: each cell boots an unmodified PC to the agent, which is
//! known by the code on its screen. The column *dnsmasq on one cable* is that of the whole journeys beside.

use anyhow::{Result, ensure};

use crate::journey::Journey;
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
    let screen = journey.screen();
    ensure!(
        screen.contains(loader),
        "it came by another way than {loader}:\n{screen}"
    );
    Ok(journey)
}

const ROM: &str = "iPXE initialising devices";
const PXE: &str = "snponly.efi";
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
    boots(Firmware::Uefi, Company::Alone, PXE)
}

#[test]
fn http_boot_given_its_address_by_us() -> Result<()> {
    boots(Firmware::Http, Company::Alone, HTTP)
}

#[test]
fn secure_http_boot_given_its_address_by_us() -> Result<()> {
    boots(Firmware::SecureHttp, Company::Alone, HTTP)
}
