//! The boot assets: what a PC without a system fetches to run the agent.
//!
//! - `load` / `build`: a folder holding `kernel`, `initrd`, `snponly.efi`, `undionly.kpxe`, `boot.img`,
//!   `shimx64.efi`, `grubx64.efi`, `memtest.efi`, `memtest.bin` and `assets.txt`
//! - `own`: what the admin drops in, each file under its pinned hash
//! - `packages`: Debian's kernel, iPXE, shim, GRUB, busybox and memtest86+, downloaded and unpacked, never installed
//! - `disk`: the disk image that starts the agent under Secure Boot: by HTTP Boot, or on a stick
//! - `selection`, `modinfo`, `modules`: which kernel modules, what they need, which hardware asks for them
//! - `cpio`, `initramfs`: the archive the kernel unpacks into memory; same input, same bytes
//! - `manifest`: `assets.txt`, which says what the folder was made of

mod build;
mod cpio;
mod disk;
mod elf;
mod error;
mod initramfs;
mod manifest;
mod modinfo;
mod modules;
pub mod own;
mod packages;
mod selection;

use std::path::{Path, PathBuf};

pub use build::{BuildOptions, build};
pub use disk::{CONFIG, CONFIG_LEN, Start, config, network_config, network_entry};
pub use error::Error;

/// Name of the file that describes an assets folder.
pub const MANIFEST: &str = "assets.txt";

/// A folder of boot assets, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assets {
    pub dir: PathBuf,
    /// Debian's kernel, as it was signed by Debian.
    pub kernel: PathBuf,
    /// Our initramfs (zstd), with modules, busybox and this program.
    pub initrd: PathBuf,
    /// iPXE for UEFI machines.
    pub snponly_efi: PathBuf,
    /// iPXE for BIOS machines whose ROM is not iPXE already.
    pub undionly_kpxe: PathBuf,
    /// The disk image for UEFI HTTP Boot and boot sticks; `CONFIG` says which bytes each machine gets anew.
    pub boot_img: PathBuf,
    /// The loader at the head of its chain, signed by Microsoft for Debian.
    pub shim: PathBuf,
    /// What the shim starts when it came over TFTP: Debian's signed GRUB for networks.
    pub grub_net: PathBuf,
    /// memtest86+, which nobody signed: Secure Boot refuses it.
    pub memtest_efi: PathBuf,
    pub memtest_bin: PathBuf,
    /// What it was made of: (`kernel`, `6.1.0-56-amd64`), (`ipxe`, …), (`busybox`, …), (`reprise`, …).
    pub made_of: Vec<(String, String)>,
}

/// Opens a folder of boot assets: every file is there and is the one that was built (size and blake3).
pub fn load(dir: &Path) -> Result<Assets, Error> {
    let path = dir.join(MANIFEST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::NotBuilt {
                dir: dir.to_owned(),
            });
        }
        Err(e) => return Err(Error::io("reading", &path)(e)),
    };
    let manifest = manifest::parse(&text).map_err(|why| Error::Damaged {
        path: path.clone(),
        why,
    })?;
    for name in FILES {
        let file = dir.join(name);
        let Some(entry) = manifest.files.iter().find(|f| f.name == *name) else {
            return Err(Error::Damaged {
                path,
                why: format!("it does not mention {name}"),
            });
        };
        let bytes = std::fs::read(&file).map_err(Error::io("reading", &file))?;
        if bytes.len() as u64 != entry.size
            || blake3::hash(&bytes).to_hex().as_str() != entry.blake3
        {
            return Err(Error::Damaged {
                path: file,
                why: format!("it is not the file that {MANIFEST} describes"),
            });
        }
    }
    Ok(Assets {
        dir: dir.to_owned(),
        kernel: dir.join(KERNEL),
        initrd: dir.join(INITRD),
        snponly_efi: dir.join(SNPONLY),
        undionly_kpxe: dir.join(UNDIONLY),
        boot_img: dir.join(BOOT_IMG),
        shim: dir.join(SHIM),
        grub_net: dir.join(GRUB_NET),
        memtest_efi: dir.join(MEMTEST_EFI),
        memtest_bin: dir.join(MEMTEST_BIN),
        made_of: manifest.made_of,
    })
}

/// The whole boot disk for one machine, or for any.
pub fn boot_disk(assets: &Assets, start: &Start<'_>) -> Result<Vec<u8>, Error> {
    let path = &assets.boot_img;
    let mut disk = std::fs::read(path).map_err(Error::io("reading", path))?;
    let place = usize::try_from(CONFIG.start).ok();
    let Some(told) = place.and_then(|at| disk.get_mut(at..at.checked_add(CONFIG_LEN)?)) else {
        return Err(Error::Damaged {
            path: path.clone(),
            why: "it is too short".to_owned(),
        });
    };
    told.copy_from_slice(&config(start));
    Ok(disk)
}

const KERNEL: &str = "kernel";
const INITRD: &str = "initrd";
const SNPONLY: &str = "snponly.efi";
const UNDIONLY: &str = "undionly.kpxe";
const BOOT_IMG: &str = "boot.img";
const SHIM: &str = "shimx64.efi";
const GRUB_NET: &str = "grubx64.efi";
const MEMTEST_EFI: &str = "memtest.efi";
const MEMTEST_BIN: &str = "memtest.bin";
const FILES: &[&str] = &[
    KERNEL,
    INITRD,
    SNPONLY,
    UNDIONLY,
    BOOT_IMG,
    SHIM,
    GRUB_NET,
    MEMTEST_EFI,
    MEMTEST_BIN,
];
