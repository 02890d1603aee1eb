//! Files whose programs write in place, page by page: disks of virtual machines, databases.
//!
//! Cut at fixed places, a page written over changes one chunk; cut by content, it may move the cuts around it, and chunks
//! of 64 KiB store sixteen times a 4 KiB page. Everything else is cut by content, since insertions move what follows.

/// Smaller ones are cut by content like any file: there is little to win.
pub(crate) const LEAST_BYTES: u64 = 1024 * 1024;
/// How much of the beginning [`is_paged`] wants to see.
pub(crate) const HEAD_BYTES: usize = 4096;

/// (offset, bytes): what such files begin with.
const MAGICS: [(usize, &[u8]); 22] = [
    (0, b"SQLite format 3\0"),
    (0, b"QFI\xfb"),
    (0, b"KDMV"),
    (0, b"COWD"),
    (64, b"\x7f\x10\xda\xbe"),
    (0, b"vhdxfile"),
    (0, b"conectix"),
    // Partition tables (the end of a boot record, the head of a GPT) and file systems without one.
    (510, b"\x55\xaa"),
    (512, b"EFI PART"),
    (0, b"XFSB"),
    (3, b"NTFS    "),
    (3, b"ReFS\0"),
    (1080, b"\x53\xef"),
    (512, b"LABELONE"),
    (1024, b"H+"),
    (32, b"NXSB"),
    // Extensible storage engine: Exchange, Active Directory. Outlook's folders. LMDB. Firebird has none.
    (4, b"\xef\xcd\xab\x89"),
    (0, b"!BDN"),
    (16, b"\xde\xc0\xef\xbe"),
    (4, b"Standard Jet DB\0"),
    (4, b"Standard ACE DB\0"),
    (0, b"LUKS\xba\xbe"),
];

/// Database files that begin with nothing certain, and images that may begin with anything.
const ENDINGS: [&[u8]; 20] = [
    b"ibd", b"myd", b"myi", b"mdf", b"ndf", b"ldf", b"dbf", b"fdb", b"gdb", b"edb", b"mdb",
    b"accdb", b"img", b"raw", b"vhd", b"vhdx", b"vmdk", b"vdi", b"qcow2", b"hdd",
];
const NAMES: [&[u8]; 3] = [b"ibdata1", b"aria_log_control", b"ntds.dit"];

pub(crate) fn is_paged(name: &[u8], head: &[u8], size: u64) -> bool {
    if size < LEAST_BYTES {
        return false;
    }
    let starts =
        |(at, magic): &(usize, &[u8])| head.get(*at..).is_some_and(|rest| rest.starts_with(magic));
    MAGICS.iter().any(starts) || is_named_so(name) || is_postgres(name, head, size)
}

fn is_named_so(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let mut parts = name.rsplit(|b| *b == b'.');
    let ending = parts.next().unwrap_or_default();
    NAMES.contains(&name.as_slice()) || (parts.next().is_some() && ENDINGS.contains(&ending))
}

/// A table of PostgreSQL is named by a number (`16384`, `16384.1`, `16384_vm`); its pages hold their size and layout.
fn is_postgres(name: &[u8], head: &[u8], size: u64) -> bool {
    name.first().is_some_and(u8::is_ascii_digit)
        && name
            .iter()
            .all(|b| b.is_ascii_digit() || b"._fsmvinit".contains(b))
        && size.is_multiple_of(8192)
        && head.get(18..20) == Some(&[0x04, 0x20])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_databases_are_told_by_their_head_or_name() {
        let head = |at: usize, magic: &[u8]| {
            let mut head = vec![1; HEAD_BYTES];
            head[at..at + magic.len()].copy_from_slice(magic);
            head
        };
        let text = vec![b'x'; HEAD_BYTES];
        for (name, head, want) in [
            ("a", head(0, b"SQLite format 3\0"), true),
            ("a", head(1, b"SQLite format 3\0"), false),
            ("disk", head(510, &[0x55, 0xaa]), true),
            ("disk", head(512, b"EFI PART"), true),
            ("disk", head(0, b"XFSB"), true),
            ("disk", head(1080, &[0x53, 0xef]), true),
            ("A.VMDK", text.clone(), true),
            ("orders.ibd", text.clone(), true),
            ("ibdata1", text.clone(), true),
            ("img", text.clone(), false),
            ("a.txt", text.clone(), false),
            ("16384.1", head(18, &[0x04, 0x20]), true),
            ("16384", text.clone(), false),
            ("table", head(18, &[0x04, 0x20]), false),
        ] {
            assert_eq!(is_paged(name.as_bytes(), &head, 8 << 20), want, "{name}");
        }
        let small = is_paged(b"a.img", &text, LEAST_BYTES - 1);
        assert!(
            !small && !is_paged(b"a", &[], LEAST_BYTES) && is_paged(b"a.img", &[], LEAST_BYTES)
        );
    }
}
