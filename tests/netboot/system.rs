//! A small real operating system on a raw disk that boots on BIOS and UEFI alike: GRUB, a kernel, and an
//! initramfs that says a word on the serial console and switches the machine off.
//!
//! GRUB's own installer wants a block device; the two numbers it would write are written here instead.
//! Source of the places: GRUB 2.06, `include/grub/i386/pc/boot.h`, `grub-core/boot/i386/pc/diskboot.S`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::shell::{output, run};

const SECTOR: usize = 512;
/// The BIOS boot partition, where GRUB's core image lives: from 1 MiB to 2 MiB.
const CORE_SECTOR: u64 = 2048;
const ESP_SECTOR: u64 = 4096;
const ESP_MIB: u64 = 40;
/// Size of the disk image.
pub(crate) const DISK_MIB: u64 = 48;

/// Makes `disk` from the host's GRUB and busybox and the given kernel; the system will say `marker`.
pub(crate) fn make(disk: &Path, work: &Path, kernel: &Path, marker: &str) -> Result<()> {
    let at = |name: &str| work.join(name);
    let name = |name: &str| work.join(name).display().to_string();
    initramfs(&at("system"), &at("system.cpio"), marker)?;

    std::fs::write(
        at("grub.cfg"),
        format!(
            "search.file /marker/{marker} root\nlinux /kernel console=ttyS0,115200 quiet\ninitrd /initrd\nboot\n"
        ),
    )?;
    let modules = "part_gpt fat search search_fs_file linux boot";
    let (core, efi, cfg) = (name("core.img"), name("bootx64.efi"), name("grub.cfg"));
    run(&format!(
        "grub-mkimage -O i386-pc -p /boot -c {cfg} -o {core} biosdisk {modules}"
    ))?;
    run(&format!(
        "grub-mkimage -O x86_64-efi -p /boot -c {cfg} -o {efi} {modules}"
    ))?;

    std::fs::File::create(disk)?.set_len(DISK_MIB << 20)?;
    let shown = disk.display();
    let (core_end, esp_end) = (ESP_SECTOR - 1, ESP_SECTOR + ESP_MIB * 2048 - 1);
    run(&format!(
        "sgdisk --clear --new=1:{CORE_SECTOR}:{core_end} --typecode=1:ef02 --new=2:{ESP_SECTOR}:{esp_end} \
         --typecode=2:ef00 {shown}"
    ))?;
    let esp = format!("{shown}@@{}", ESP_SECTOR * SECTOR as u64);
    run(&format!(
        "mformat -i {esp} -T {} -h 64 -s 32 -H {ESP_SECTOR} -v REPRISE ::",
        ESP_MIB * 2048
    ))?;
    run(&format!("mmd -i {esp} ::/EFI ::/EFI/BOOT ::/marker"))?;
    run(&format!("mcopy -i {esp} {efi} ::/EFI/BOOT/BOOTX64.EFI"))?;
    run(&format!("mcopy -i {esp} {} ::/kernel", kernel.display()))?;
    run(&format!("mcopy -i {esp} {} ::/initrd", name("system.cpio")))?;
    run(&format!("mcopy -i {esp} {cfg} ::/marker/{marker}"))?;
    install_bios(disk, &at("core.img"))
}

fn initramfs(tree: &Path, archive: &Path, marker: &str) -> Result<()> {
    std::fs::create_dir_all(tree.join("bin"))?;
    std::fs::create_dir_all(tree.join("dev"))?;
    std::fs::copy("/bin/busybox", tree.join("bin/busybox"))
        .context("the package busybox-static")?;
    let init = tree.join("init");
    std::fs::write(
        &init,
        format!(
            "#!/bin/busybox sh\n/bin/busybox mount -t devtmpfs devtmpfs /dev\n\
             /bin/busybox echo {marker} > /dev/ttyS0\n/bin/busybox poweroff -f\n"
        ),
    )?;
    run(&format!("chmod 755 {}", init.display()))?;
    run(&format!(
        "mknod {} c 5 1",
        tree.join("dev/console").display()
    ))?;
    let mut child = Command::new("busybox")
        .args(["cpio", "-o", "-H", "newc"])
        .current_dir(tree)
        .stdin(Stdio::piped())
        .stdout(std::fs::File::create(archive)?)
        .stderr(Stdio::null())
        .spawn()
        .context("the package busybox-static")?;
    let mut list = child.stdin.take().context("a pipe")?;
    list.write_all(b"init\nbin\nbin/busybox\ndev\ndev/console\n")?;
    drop(list);
    ensure!(child.wait()?.success(), "busybox cpio has failed");
    Ok(())
}

/// What `grub-bios-setup` does: the first sector knows where the core is, the core knows where its rest is.
fn install_bios(disk: &Path, core: &Path) -> Result<()> {
    use std::os::unix::fs::FileExt as _;
    const KERNEL_SECTOR: usize = 0x5c;
    const BOOTSTRAP_END: usize = 0x1b8;
    let mut boot =
        std::fs::read("/usr/lib/grub/i386-pc/boot.img").context("the package grub-pc-bin")?;
    boot[KERNEL_SECTOR..KERNEL_SECTOR + 8].copy_from_slice(&CORE_SECTOR.to_le_bytes());

    let mut core = std::fs::read(core)?;
    core.resize(core.len().div_ceil(SECTOR) * SECTOR, 0);
    let sectors = core.len() / SECTOR;
    ensure!(
        sectors as u64 <= ESP_SECTOR - CORE_SECTOR,
        "GRUB's core image does not fit its partition"
    );
    let list = SECTOR - 12;
    core[list..list + 8].copy_from_slice(&(CORE_SECTOR + 1).to_le_bytes());
    core[list + 8..list + 10].copy_from_slice(&u16::try_from(sectors - 1)?.to_le_bytes());
    core[list + 10..list + 12].copy_from_slice(&0x820u16.to_le_bytes());

    let file = std::fs::OpenOptions::new().write(true).open(disk)?;
    file.write_all_at(&boot[..BOOTSTRAP_END], 0)?;
    file.write_all_at(&core, CORE_SECTOR * SECTOR as u64)?;
    Ok(())
}

/// A name for what only this run can have written.
pub(crate) fn unique_marker() -> Result<String> {
    let mut command = Command::new("cat");
    command.arg("/proc/sys/kernel/random/uuid");
    Ok(format!(
        "REPRISE-{}",
        output(command)?.trim().to_uppercase()
    ))
}
