//! The image as other programs see it.

use std::path::PathBuf;
use std::process::Command;

use super::*;

fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut reader = blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof();
    let mut bytes = vec![0; len];
    reader.fill(&mut bytes);
    bytes
}

struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .env("MTOOLS_SKIP_CHECK", "0")
        .output()
        .unwrap_or_else(|e| {
            panic!("{program}: {e}; packages.txt of the netboot tests names its package")
        });
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// mtools, fsck.fat and sgdisk know nothing of us.
#[test]
fn other_programs_find_every_file_and_nothing_to_mend() {
    let files = [
        noise(1_048_504, 1),
        noise(3_835_328, 2),
        noise(8_247_232, 3),
        noise(19_890_673, 4),
    ];
    let image = image(Parts {
        shim: &files[0],
        grub: &files[1],
        kernel: &files[2],
        initrd: &files[3],
    })
    .unwrap();
    let name = format!("reprise-boot-disk-{}.img", std::process::id());
    let file = File(std::env::temp_dir().join(&name));
    std::fs::write(&file.0, &image).unwrap();
    let path = file.0.to_str().unwrap();

    let table = String::from_utf8(run("/usr/sbin/sgdisk", &["--verify", path])).unwrap();
    assert!(table.contains("No problems found"), "{table}");
    let volume = format!("{path}@@{VOLUME_AT}");
    for (at, expected) in [
        ("::/EFI/BOOT/BOOTX64.EFI", &files[0]),
        ("::/EFI/BOOT/GRUBX64.EFI", &files[1]),
        ("::/KERNEL", &files[2]),
        ("::/INITRD", &files[3]),
        ("::/BOOT/GRUB/GRUB.CFG", &grub::not_configured().to_vec()),
    ] {
        let found = run("mtype", &["-i", &volume, at]);
        assert!(found == *expected, "{at} is not what was put there");
    }

    let alone = File(std::env::temp_dir().join(format!("{name}.fat")));
    let end = image.len() - (VOLUME_AT as usize) - 34 * 512;
    let sectors = u32::from_le_bytes(image[VOLUME_AT as usize + 32..][..4].try_into().unwrap());
    assert!(sectors as usize * 512 <= end);
    let volume = &image[VOLUME_AT as usize..][..sectors as usize * 512];
    std::fs::write(&alone.0, volume).unwrap();
    run("/usr/sbin/fsck.fat", &["-n", alone.0.to_str().unwrap()]);
}

#[test]
fn the_configuration_lies_where_it_is_put_over() {
    let parts = Parts {
        shim: b"shim",
        grub: b"grub",
        kernel: b"kernel",
        initrd: b"",
    };
    let built = image(parts).unwrap();
    let place = usize::try_from(CONFIG.start).unwrap()..usize::try_from(CONFIG.end).unwrap();
    assert_eq!(built[place], grub::not_configured());
    assert_eq!(built, image(parts).unwrap(), "same parts, same bytes");
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(matches!(
        fat::volume(&[("kernel", b"")]),
        Err(fat::Error::Name(_))
    ));
    assert!(matches!(
        fat::volume(&[("LONGNAME9", b"")]),
        Err(fat::Error::Name(_))
    ));
    let long = vec![0u8; 260 << 20];
    let refused = fat::volume(&[("INITRD", &long)]).unwrap_err().to_string();
    assert_eq!(
        refused,
        "the files of 260 MiB do not fit a volume of 253 MiB"
    );
    let names: Vec<String> = (0..200).map(|n| format!("A/F{n}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), b"".as_slice())).collect();
    assert_eq!(fat::volume(&files), Err(fat::Error::Folder("A".to_owned())));
}
