//! The paths of boot files, the same over TFTP and HTTP: `b/<mac>/<file>`.
//!
//! Both protocols see an address that another server gave, so the MAC travels in the path.

use crate::Mac;
use std::fmt;
use std::net::IpAddr;

/// The files there are; nothing else is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum BootFile {
    /// The iPXE script: where the kernel is and what to tell it.
    Script,
    Kernel,
    Initrd,
    /// iPXE for UEFI that uses the firmware's own network driver.
    SnpOnly,
    /// The same for BIOS.
    UndiOnly,
    /// The disk image for UEFI HTTP Boot; starts under Secure Boot too.
    BootDisk,
    /// The admin's signed shim, which starts the signed `SnpOnly` beside itself.
    SignedShim,
    /// The technicians' menu, for whoever knows its password.
    Menu,
    /// Debian's shim, which starts `GrubNet` beside itself, and through which a signed iPXE starts Debian's kernel.
    Shim,
    /// Debian's signed GRUB for networks; knows no ProxyDHCP.
    GrubNet,
    /// What it is told.
    GrubConfig,
    MemtestEfi,
    MemtestBin,
    Wimboot,
    /// For 64-bit ARM: says on the screen that there is no image for it, and gives the machine back.
    NoImage,
}

impl BootFile {
    /// Its name in boot paths, and in the folder of assets.
    pub(crate) fn name(self) -> &'static str {
        match self {
            BootFile::Script => "boot.ipxe",
            BootFile::Kernel => "kernel",
            BootFile::Initrd => "initrd",
            BootFile::SnpOnly => "snponly.efi",
            BootFile::UndiOnly => "undionly.kpxe",
            BootFile::BootDisk => "boot.img",
            BootFile::SignedShim => "snponly-shim.efi",
            BootFile::Menu => "menu.ipxe",
            BootFile::Shim => "shimx64.efi",
            BootFile::GrubNet => "grubx64.efi",
            BootFile::GrubConfig => "grub.cfg",
            BootFile::MemtestEfi => "memtest.efi",
            BootFile::MemtestBin => "memtest.bin",
            BootFile::Wimboot => "wimboot",
            BootFile::NoImage => "no-image-aa64.efi",
        }
    }
}

/// An address as URLs write it: IPv6 in brackets (RFC 3986 §3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UrlHost(pub(crate) IpAddr);

impl fmt::Display for UrlHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// Reads a path from outside. Firmware writes leading, doubled and backward slashes, and capitals
/// where it likes; a redirect instead kills some boots.
pub(crate) fn parse(path: &str) -> Option<(Mac, BootFile)> {
    if path.len() > 255 {
        return None;
    }
    let path = path.replace('\\', "/").to_ascii_lowercase();
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (Some("b"), Some(mac), Some(file), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let file = match file {
        // Newer iPXE asks for autoexec.ipxe beside itself before it asks DHCP: the same script.
        "boot.ipxe" | "autoexec.ipxe" => BootFile::Script,
        "kernel" => BootFile::Kernel,
        "initrd" => BootFile::Initrd,
        // iPXE's shim takes the name of its loader from its own, or asks for ipxe.efi where firmware does not say
        // how shim was called (ipxe/ipxe#1684).
        "snponly.efi" | "ipxe.efi" => BootFile::SnpOnly,
        "undionly.kpxe" => BootFile::UndiOnly,
        "boot.img" => BootFile::BootDisk,
        "snponly-shim.efi" => BootFile::SignedShim,
        "menu.ipxe" => BootFile::Menu,
        "shimx64.efi" => BootFile::Shim,
        "grubx64.efi" => BootFile::GrubNet,
        "grub.cfg" => BootFile::GrubConfig,
        "memtest.efi" => BootFile::MemtestEfi,
        "memtest.bin" => BootFile::MemtestBin,
        "wimboot" => BootFile::Wimboot,
        "no-image-aa64.efi" => BootFile::NoImage,
        _ => return None,
    };
    let mac: Mac = mac.parse().ok()?;
    mac.is_station().then_some((mac, file))
}

/// Is it what Debian's GRUB for networks asks for before it names its machine? Its prefix is compiled in; 2.06 asks for
/// the shorter one (captured), and its script names the longer one too.
pub(crate) fn is_grub_entry(path: &str) -> bool {
    let path = path.replace('\\', "/");
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    matches!(
        parts.as_slice(),
        ["grub", "grub.cfg"] | ["grub", "x86_64-efi", "grub.cfg"]
    )
}

/// The path for `file`, without a leading slash: TFTP servers of old take it literally.
pub(crate) fn of(mac: Mac, file: BootFile) -> String {
    format!("{}{}", folder(mac), file.name())
}

/// Before the name of any file for this machine.
pub(crate) fn folder(mac: Mac) -> String {
    format!("{BEFORE_MAC}{}/", mac.bare())
}

/// Before the address of any machine.
pub(crate) const BEFORE_MAC: &str = "b/";

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);

    #[test]
    fn what_we_write_we_read() {
        for file in [
            BootFile::Script,
            BootFile::Kernel,
            BootFile::Initrd,
            BootFile::SnpOnly,
            BootFile::UndiOnly,
            BootFile::BootDisk,
            BootFile::SignedShim,
            BootFile::Menu,
            BootFile::Shim,
            BootFile::GrubNet,
            BootFile::GrubConfig,
            BootFile::MemtestEfi,
            BootFile::MemtestBin,
            BootFile::Wimboot,
            BootFile::NoImage,
        ] {
            assert_eq!(parse(&of(MAC, file)), Some((MAC, file)));
        }
    }

    #[test]
    fn firmware_spellings_are_read() {
        for path in [
            "/b/525400123456/kernel",
            "//b//52:54:00:12:34:56/kernel",
            "b/52-54-00-12-34-56/KERNEL",
            "\\B\\525400123456\\kernel",
        ] {
            assert_eq!(parse(path), Some((MAC, BootFile::Kernel)), "{path}");
        }
        let script = parse("b/525400123456/autoexec.ipxe");
        assert_eq!(script, Some((MAC, BootFile::Script)));
    }

    #[test]
    fn nothing_else_is_a_boot_path() {
        for path in [
            "",
            "/",
            "kernel",
            "b/kernel",
            "b/525400123456",
            "b/525400123456/../kernel",
            "b/525400123456/state.db",
            "b/525400123456/kernel/x",
            "b/ffffffffffff/kernel",
            "b/000000000000/kernel",
            "b/5254001234zz/kernel",
            "../b/525400123456/kernel",
            &format!("b/525400123456/kernel{}", "/".repeat(300)),
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
