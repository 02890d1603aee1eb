//! Which drivers go into the initramfs: the network cards, disks and keyboards of office PCs, small servers
//! and virtual machines.
//!
//! Only drivers that work without firmware files: Debian's kernel package has none, and the firmware of
//! e.g. Broadcom bnx2 is not free. Realtek cards work without theirs (it only tunes the link).
//! Names that a kernel does not have are reported, not fatal: drivers are renamed, merged and built in.

/// Cards on the bus and in virtual machines, and the transceivers that some of them need.
pub(super) const NETWORK: &[&str] = &[
    "8139cp",
    "8139too",
    "alx",
    "amd-xgbe",
    "atl1",
    "atl1c",
    "atl1e",
    "atl2",
    "atlantic",
    "b44",
    "bnxt_en",
    "dwmac-intel",
    "e1000",
    "e1000e",
    "ena",
    "forcedeth",
    "hv_netvsc",
    "i40e",
    "iavf",
    "igb",
    "igbvf",
    "igc",
    "ixgbe",
    "ixgbevf",
    "jme",
    "ne2k-pci",
    "pcnet32",
    "r8169",
    "sis190",
    "sis900",
    "skge",
    "sky2",
    "tg3",
    "via-rhine",
    "via-velocity",
    "virtio_net",
    "vmxnet3",
    "xen-netfront",
    "at803x",
    "broadcom",
    "marvell",
    "micrel",
    "microchip",
    "realtek",
    "smsc",
    "vitesse",
];

/// Adapters for machines without a socket: the only way to boot many thin laptops from the network.
pub(super) const USB_NETWORK: &[&str] = &[
    "aqc111",
    "asix",
    "ax88179_178a",
    "cdc_eem",
    "cdc_ether",
    "cdc_ncm",
    "dm9601",
    "lan78xx",
    "mcs7830",
    "pegasus",
    "r8152",
    "r8153_ecm",
    "rtl8150",
    "smsc75xx",
    "smsc95xx",
    "sr9700",
    "sr9800",
];

pub(super) const DISKS: &[&str] = &[
    "ahci",
    "ata_generic",
    "ata_piix",
    "pata_amd",
    "pata_atiixp",
    "pata_jmicron",
    "pata_marvell",
    "pata_sis",
    "pata_via",
    "sata_mv",
    "sata_nv",
    "sata_promise",
    "sata_sil",
    "sata_sil24",
    "sata_sis",
    "sata_uli",
    "sata_via",
    "sata_vsc",
    "nvme",
    "vmd",
    "virtio_blk",
    "virtio_scsi",
    "sd_mod",
    "mmc_block",
    "rtsx_pci_sdmmc",
    "sdhci-acpi",
    "sdhci-pci",
    "ufshcd-pci",
    "usb-storage",
    "uas",
    "hv_storvsc",
    "vmw_pvscsi",
    "xen-blkfront",
    "3w-9xxx",
    "aacraid",
    "hpsa",
    "megaraid_sas",
    "mpi3mr",
    "mpt3sas",
    "mptsas",
    "mptspi",
    "smartpqi",
    "sym53c8xx",
];

/// Buses and keyboards: without these a USB disk, adapter or key press is never seen.
pub(super) const BUSES: &[&str] = &[
    "ehci-pci",
    "ohci-pci",
    "uhci-hcd",
    "xhci-pci",
    "rtsx_pci",
    "virtio_pci",
    "hv_vmbus",
    "hid-generic",
    "hid-hyperv",
    "hyperv-keyboard",
    "usbhid",
];

/// Not hardware: the firmware's boot order, and checksums that the kernel asks for by name at run time.
pub(super) const OTHER: &[&str] = &[
    "efivarfs",
    "crc32c_generic",
    "crct10dif_generic",
    "crc64_rocksoft_generic",
];

pub(super) fn all() -> impl Iterator<Item = &'static str> {
    [NETWORK, USB_NETWORK, DISKS, BUSES, OTHER]
        .into_iter()
        .flatten()
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_driver_is_named_twice() {
        let unique: BTreeSet<&str> = all().collect();
        assert_eq!(unique.len(), all().count());
    }
}
