//! The boot disk: one small disk image that starts the agent on any x86-64 UEFI machine, with Secure Boot
//! on or off. Firmware fetches it by HTTP Boot and starts it out of memory; on a USB stick it does the
//! same work without any network boot.
//!
//! ```text
//! 0        protective MBR and GPT
//! 1 MiB    FAT16 volume: EFI/BOOT/BOOTX64.EFI (shim) → GRUBX64.EFI (GRUB, signed by Debian) →
//! 2 MiB      BOOT/GRUB/GRUB.CFG, 4 KiB: the only bytes that differ from machine to machine
//!            KERNEL (signed by Debian), INITRD (ours)
//! ```
//!
//! Debian's signed GRUB has no HTTP and knows no ProxyDHCP, so it is given everything on a disk and needs
//! no network of its own.
//!
//! - `fat`: the volume; `gpt`: the table around it; `grub`: what GRUB is told

mod fat;
mod gpt;
pub(super) mod grub;

use std::ops::Range;

pub use grub::{CONFIG_LEN, Start, config, network_config, network_entry};

/// Where the volume begins: the usual first MiB is left to the partition table.
const VOLUME_AT: u64 = 1 << 20;

/// Where in the image GRUB's configuration lies; the same in every image.
pub const CONFIG: Range<u64> =
    VOLUME_AT + fat::DATA_AT..VOLUME_AT + fat::DATA_AT + CONFIG_LEN as u64;

/// What is on the boot disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'p> {
    pub shim: &'p [u8],
    pub grub: &'p [u8],
    pub kernel: &'p [u8],
    pub initrd: &'p [u8],
}

/// The whole image, with a configuration that only says that it was not given one. The same parts make the
/// same bytes.
pub(super) fn image(parts: Parts<'_>) -> Result<Vec<u8>, fat::Error> {
    let empty = grub::not_configured();
    let volume = fat::volume(&[
        // First, so that it lies at the beginning of the data.
        ("BOOT/GRUB/GRUB.CFG", &empty),
        ("EFI/BOOT/BOOTX64.EFI", parts.shim),
        ("EFI/BOOT/GRUBX64.EFI", parts.grub),
        ("KERNEL", parts.kernel),
        ("INITRD", parts.initrd),
    ])?;
    Ok(gpt::around(&volume, VOLUME_AT))
}

#[cfg(test)]
mod tests;
