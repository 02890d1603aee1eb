//! A PC under emulation, with everything that a real one tells about itself.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::net::{Net, which};
use crate::shell::{Process, run, wait_for};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Firmware {
    /// SeaBIOS; the network card's ROM is iPXE.
    Bios,
    /// OVMF; its own network stack, no ROM.
    Uefi,
    /// The same machine with HTTP Boot chosen in its settings.
    Http,
    /// OVMF with Microsoft's keys enrolled and Secure Boot on; UEFI HTTP Boot chosen in its settings.
    SecureHttp,
    /// The same machine as it is delivered: PXE.
    SecurePxe,
    /// The same machine, with a stick and no network boot.
    SecureStick,
    /// [`Firmware::Uefi`] with PXE over IPv6 only.
    UefiSix,
    /// [`Firmware::Http`]; over IPv6 where it is not booted over IPv4.
    HttpSix,
    /// A machine with a 64-bit ARM processor, PXE.
    Arm64,
}

impl Firmware {
    /// Secure Boot is on, with the keys that machines are sold with.
    pub(crate) fn is_secure(self) -> bool {
        matches!(
            self,
            Firmware::SecureHttp | Firmware::SecurePxe | Firmware::SecureStick
        )
    }

    /// The versions of IP over which PXE is switched off in its settings.
    fn without_pxe(self) -> &'static [u8] {
        match self {
            Firmware::Bios => &[],
            Firmware::Uefi | Firmware::SecurePxe | Firmware::SecureStick | Firmware::Arm64 => &[6],
            Firmware::UefiSix => &[4],
            Firmware::Http | Firmware::SecureHttp | Firmware::HttpSix => &[4, 6],
        }
    }

    /// Its code, and its variables as delivered.
    fn images(self) -> (&'static str, &'static str) {
        if self.is_secure() {
            ("OVMF/OVMF_CODE_4M.ms.fd", "OVMF/OVMF_VARS_4M.ms.fd")
        } else if self == Firmware::Arm64 {
            ("AAVMF/AAVMF_CODE.fd", "AAVMF/AAVMF_VARS.fd")
        } else {
            ("OVMF/OVMF_CODE_4M.fd", "OVMF/OVMF_VARS_4M.fd")
        }
    }
}

/// What the machine says of itself through SMBIOS, its card and its disk.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) mac: String,
    pub(crate) serial: String,
    pub(crate) uuid: String,
    pub(crate) disk_serial: String,
}

impl Identity {
    pub(crate) const MANUFACTURER: &'static str = "Ateliers Reunis";
    pub(crate) const PRODUCT: &'static str = "Bureau 3000";
}

/// Serial number of a second disk, `other.raw`.
pub(crate) const OTHER_DISK: &str = "S4EWOTHER";

pub(crate) struct Machine {
    process: Process,
    serial: PathBuf,
}

impl Machine {
    /// Switches the PC on: network first, then its disk. `variables` keeps the UEFI settings between starts.
    pub(crate) fn start(
        net: &Net,
        work: &Path,
        firmware: Firmware,
        identity: &Identity,
        disk: &Path,
    ) -> Result<Self> {
        let serial = work.join("serial.log");
        let _ = std::fs::remove_file(&serial);
        let arm = firmware == Firmware::Arm64;
        let qemu = which(if arm {
            "qemu-system-aarch64"
        } else {
            "qemu-system-x86_64"
        })?;
        let process = Process::start("the PC", &net.lan.name, &qemu, |command| {
            command.args([
                "-accel",
                "tcg",
                "-cpu",
                if arm { "cortex-a57" } else { "max" },
                "-m",
                "1024",
                "-nodefaults",
                "-display",
                "none",
            ]);
            command.arg("-machine");
            command.arg(match firmware {
                Firmware::Bios => "q35,graphics=off",
                Firmware::Uefi | Firmware::Http | Firmware::UefiSix | Firmware::HttpSix => "q35",
                Firmware::Arm64 => "virt",
                // Secure Boot's variables are written in System Management Mode only.
                Firmware::SecureHttp | Firmware::SecurePxe | Firmware::SecureStick => "q35,smm=on",
            });
            if firmware.is_secure() {
                command.args(["-global", "driver=cfi.pflash01,property=secure,value=on"]);
                command.args(["-global", "ICH9-LPC.disable_s3=1"]);
            }
            if !arm {
                command.args(["-device", "VGA"]);
            }
            command.args(["-monitor", "none"]);
            command.arg("-smbios").arg(format!(
                "type=1,manufacturer={},product={},serial={},uuid={}",
                Identity::MANUFACTURER,
                Identity::PRODUCT,
                identity.serial,
                identity.uuid
            ));
            command.arg("-drive").arg(format!(
                "file={},if=none,id=disk,format=raw,cache=unsafe",
                disk.display()
            ));
            command.arg("-netdev").arg(format!(
                "tap,id=lan,ifname={},script=no,downscript=no,vnet_hdr=off",
                Net::TAP
            ));
            if firmware == Firmware::SecureStick {
                command.args(["-device", "qemu-xhci", "-drive"]);
                command.arg(format!(
                    "file={},if=none,id=stick,format=raw",
                    work.join("stick.img").display()
                ));
                let stick = "usb-storage,drive=stick,removable=on,bootindex=0";
                command.args(["-device", stick]);
            }
            let card = match firmware {
                Firmware::Bios => format!("e1000,netdev=lan,mac={},bootindex=1", identity.mac),
                _ => format!(
                    "virtio-net-pci,netdev=lan,mac={},bootindex=1,romfile=",
                    identity.mac
                ),
            };
            command.arg("-device").arg(card);
            command.arg("-device").arg(format!(
                "virtio-blk-pci,drive=disk,serial={},bootindex=2",
                identity.disk_serial
            ));
            let other = work.join("other.raw");
            if other.exists() {
                command.arg("-drive").arg(format!(
                    "file={},if=none,id=other,format=raw,cache=unsafe",
                    other.display()
                ));
                let serial = OTHER_DISK;
                command
                    .arg("-device")
                    .arg(format!("virtio-blk-pci,drive=other,serial={serial}"));
            }
            command
                .arg("-serial")
                .arg(format!("file:{}", serial.display()));
            if firmware != Firmware::Bios {
                let (code, delivered) = firmware.images();
                let variables = work.join("uefi-variables.fd");
                if !variables.exists() {
                    std::fs::copy(Path::new("/usr/share").join(delivered), &variables)
                        .context("the packages ovmf and qemu-efi-aarch64")?;
                }
                command.arg("-drive").arg(format!(
                    "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/{code}"
                ));
                command.arg("-drive").arg(format!(
                    "if=pflash,unit=1,format=raw,file={}",
                    variables.display()
                ));
                // Each attempt in another way would only take time.
                for version in firmware.without_pxe() {
                    let off = format!("name=opt/org.tianocore/IPv{version}PXESupport,string=n");
                    command.args(["-fw_cfg", &off]);
                }
                if firmware == Firmware::SecureStick {
                    command.args(["-fw_cfg", "name=opt/org.tianocore/IPv4Support,string=n"]);
                }
            }
            let log = std::fs::File::create(work.join("qemu.log"))?;
            command.stdout(Stdio::null()).stderr(log);
            Ok(())
        })?;
        Ok(Self { process, serial })
    }

    /// What the serial console has shown so far, without terminal control sequences.
    pub(crate) fn screen(&self) -> String {
        plain(&std::fs::read(&self.serial).unwrap_or_default())
    }

    /// Waits until `look` finds something on the screen; shows the screen when it does not.
    pub(crate) fn wait<T>(
        &mut self,
        what: &str,
        patience: Duration,
        look: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let serial = self.serial.clone();
        let screen = || plain(&std::fs::read(&serial).unwrap_or_default());
        let process = &mut self.process;
        wait_for(what, patience, || match look(&screen()) {
            Some(found) => Ok(Some(found)),
            None if process.has_ended()? => bail!("the PC was switched off"),
            None => Ok(None),
        })
        .with_context(|| format!("the PC's screen:\n{}\n", screen()))
    }

    pub(crate) fn wait_text(&mut self, text: &str, patience: Duration) -> Result<()> {
        self.wait(
            &format!("“{text}” on the PC's screen"),
            patience,
            |screen| screen.contains(text).then_some(()),
        )
    }

    /// Waits until the machine switched itself off.
    pub(crate) fn wait_off(&mut self, patience: Duration) -> Result<()> {
        let process = &mut self.process;
        wait_for("the PC to switch itself off", patience, || {
            Ok(process.has_ended()?.then_some(()))
        })
    }
}

/// Firmware and boot loaders paint; only the text matters here.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => {
                // ESC [ … letter, or ESC and one character.
                if rest.next() == Some('[') {
                    let _ = rest.find(|c| c.is_ascii_alphabetic());
                }
            }
            '\r' => {}
            c => out.push(c),
        }
    }
    out
}

/// An empty disk of a given size, which takes no room.
pub(crate) fn empty_disk(path: &Path, mebibytes: u64) -> Result<()> {
    let file = std::fs::File::create(path)?;
    file.set_len(mebibytes << 20)?;
    Ok(())
}

/// Tells a reader of a failed test whether the machine was only slow.
pub(crate) fn load_average() -> String {
    run("cat /proc/loadavg").unwrap_or_default()
}
