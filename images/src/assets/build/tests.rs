//! The whole build on small stand-ins for the packages; the real ones are built by the netboot tests.

use std::path::PathBuf;

use super::*;
use crate::assets::elf::tests::module;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("reprise-assets-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A program without a dynamic loader: header and one loadable segment.
fn static_program() -> Vec<u8> {
    let mut file = vec![0u8; 64 + 56];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    file[18..20].copy_from_slice(&62u16.to_le_bytes());
    file[32..40].copy_from_slice(&64u64.to_le_bytes());
    file[54..58].copy_from_slice(&[56, 0, 1, 0]);
    file[64] = 1;
    file
}

fn parts(folder: &Folder) -> BuildOptions {
    folder.put("program", &static_program());
    folder.put("kernel/boot/vmlinuz-6.1.0-1", b"old");
    folder.put("kernel/boot/vmlinuz-6.1.0-2", b"kernel");
    folder.put(
        "kernel/lib/modules/6.1.0-2/kernel/net/e1000e.ko",
        &module(b"depends=ptp\0alias=pci:v8086*\0"),
    );
    folder.put(
        "kernel/lib/modules/6.1.0-2/kernel/ptp.ko",
        &module(b"depends=\0"),
    );
    folder.put("ipxe/usr/lib/ipxe/snponly.efi", b"efi");
    folder.put("ipxe/usr/lib/ipxe/undionly.kpxe", b"kpxe");
    folder.put("busybox/usr/bin/busybox", b"busybox");
    folder.put("shim/usr/lib/shim/shimx64.efi.signed", b"shim");
    folder.put(
        "grub/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed",
        b"grub",
    );
    folder.put(
        "grub/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
        b"grub for networks",
    );
    folder.put("memtest/boot/memtest86+x64.efi", b"memtest efi");
    folder.put("memtest/boot/memtest86+x64.bin", b"memtest bin");
    let at = |name: &str| folder.0.join(name);
    BuildOptions {
        out: at("out/boot"),
        binary: at("program"),
        version: "0.1.0 test".to_owned(),
        mtime_s: 1_700_000_000,
        kernel: Some(at("kernel")),
        ipxe: Some(at("ipxe")),
        busybox: Some(at("busybox")),
        shim: Some(at("shim")),
        grub: Some(at("grub")),
        memtest: Some(at("memtest")),
    }
}

#[test]
fn a_build_is_complete_reproducible_and_replaces_the_last_one() {
    let folder = Folder::new("build");
    let options = parts(&folder);
    let mut lines = Vec::new();
    let first = build(&options, &mut |line| lines.push(line.to_owned())).unwrap();
    assert_eq!(
        std::fs::read(&first.kernel).unwrap(),
        b"kernel",
        "the version that has modules is taken"
    );
    assert_eq!(std::fs::read(&first.snponly_efi).unwrap(), b"efi");
    assert_eq!(std::fs::read(&first.undionly_kpxe).unwrap(), b"kpxe");
    assert_eq!(
        std::fs::read(&first.grub_net).unwrap(),
        b"grub for networks"
    );
    assert_eq!(std::fs::read(&first.memtest_efi).unwrap(), b"memtest efi");
    assert_eq!(std::fs::read(&first.memtest_bin).unwrap(), b"memtest bin");
    assert_eq!(
        first.made_of[0],
        ("reprise".to_owned(), "0.1.0 test".to_owned())
    );
    assert!(
        first.made_of[1].1.starts_with("6.1.0-2"),
        "{:?}",
        first.made_of
    );
    let initrd = std::fs::read(&first.initrd).unwrap();
    let archive = zstd::bulk::decompress(&initrd, 1 << 24).unwrap();
    let has = |text: &str| archive.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(
        has("lib/modules/6.1.0-2/kernel/net/e1000e.ko"),
        "the driver"
    );
    assert!(has("kernel/net/e1000e.ko: kernel/ptp.ko"), "what it needs");
    assert!(has("alias pci:v8086* e1000e"), "the hardware it is for");
    assert!(has("reprise agent"), "the script that starts the agent");
    assert!(lines.iter().any(|l| l.contains("2 drivers")), "{lines:?}");

    let disk = std::fs::read(&first.boot_img).unwrap();
    for content in [&b"shim"[..], b"grub", b"kernel", &initrd] {
        let found = disk
            .chunks(512)
            .any(|sector| sector.starts_with(&content[..content.len().min(64)]));
        assert!(found, "the boot disk has every part");
    }
    assert_eq!(std::fs::read(&first.shim).unwrap(), b"shim");

    let again = build(&options, &mut |_| {}).unwrap();
    assert_eq!(std::fs::read(&again.boot_img).unwrap(), disk);
    assert_eq!(
        std::fs::read(&again.initrd).unwrap(),
        initrd,
        "same parts, same bytes"
    );
    let left: Vec<_> = std::fs::read_dir(folder.0.join("out"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["boot"], "no work folder stays behind");
}

#[test]
fn what_is_missing_is_named_with_the_next_step() {
    let folder = Folder::new("missing");
    let options = parts(&folder);
    let says = |options: &BuildOptions| build(options, &mut |_| {}).unwrap_err().to_string();

    let mut other = options.clone();
    other.binary = folder.0.join("nothing");
    assert!(says(&other).starts_with("reading "), "{}", says(&other));
    folder.put("script", b"#!/bin/sh");
    other.binary = folder.0.join("script");
    assert!(
        says(&other).contains("x86_64-unknown-linux-musl"),
        "{}",
        says(&other)
    );

    for (field, expected) in [
        (0, "boot/vmlinuz-VERSION"),
        (1, "usr/lib/ipxe/snponly.efi"),
        (2, "bin/busybox"),
        (3, "usr/lib/shim/shimx64.efi.signed"),
        (4, "gcdx64.efi.signed"),
    ] {
        let mut other = options.clone();
        let empty = Some(folder.0.join("empty"));
        match field {
            0 => other.kernel = empty,
            1 => other.ipxe = empty,
            3 => other.shim = empty,
            4 => other.grub = empty,
            _ => other.busybox = empty,
        }
        assert!(says(&other).contains(expected), "{}", says(&other));
        assert!(!options.out.exists(), "nothing half-built is put in place");
    }

    folder.put("kernel/lib/modules/6.1.0-2/kernel/net/e1000e.ko", b"torn");
    assert!(says(&options).contains("e1000e"), "{}", says(&options));
    folder.put("foreign/letter.txt", b"dear");
    other = options.clone();
    other.out = folder.0.join("foreign");
    assert!(
        says(&other).contains("holds other files"),
        "{}",
        says(&other)
    );
    assert_eq!(
        std::fs::read(folder.0.join("foreign/letter.txt")).unwrap(),
        b"dear"
    );
}

#[test]
fn a_folder_that_changed_since_is_not_served() {
    let folder = Folder::new("load");
    let options = parts(&folder);
    assert!(matches!(load(&options.out), Err(Error::NotBuilt { .. })));
    build(&options, &mut |_| {}).unwrap();
    folder.put("out/boot/kernel", b"kernex");
    let said = load(&options.out).unwrap_err().to_string();
    assert!(
        said.contains("boot/kernel is damaged") && said.contains("reprise boot assets build"),
        "{said}"
    );
    folder.put("out/boot/assets.txt", b"file kernel many\n");
    assert!(matches!(load(&options.out), Err(Error::Damaged { .. })));
}

#[test]
fn the_scripts_of_the_initramfs_are_shell() {
    for script in ["init.sh", "udhcpc.sh"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src/assets")
            .join(script);
        let output = std::process::Command::new("sh")
            .arg("-n")
            .arg(&path)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
