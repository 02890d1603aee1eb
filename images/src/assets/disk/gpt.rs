//! The partition table around the volume. Source: UEFI 2.10 §5.3.

const SECTOR: usize = 512;
const ENTRIES: usize = 128;
const ENTRY: usize = 128;
const TABLE_SECTORS: u64 = (ENTRIES * ENTRY / SECTOR) as u64;
/// EFI system partition, C12A7328-F81F-11D2-BA4B-00A0C93EC93B, as it lies on disk.
const ESP: [u8; 16] = [
    0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b,
];

/// 16-bit code for a BIOS that starts the disk all the same: prints the text behind it and stops.
const STOP: &[u8] = &[
    0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x16, 0x7c, 0xfc, 0xac, 0x84, 0xc0, 0x74, 0x06, 0xb4, 0x0e, 0xcd,
    0x10, 0xeb, 0xf5, 0xf4, 0xeb, 0xfd,
];
const STOP_TEXT: &[u8] =
    b"Reprise: this disk starts UEFI machines only; choose its UEFI entry in the boot menu.\r\n\0";

/// The disk image: table, `volume` at `volume_at`, the table's copy.
pub(super) fn around(volume: &[u8], volume_at: u64) -> Vec<u8> {
    let first = volume_at / SECTOR as u64;
    let last = first + (volume.len() / SECTOR) as u64 - 1;
    let sectors = (last + 1 + TABLE_SECTORS + 1).next_multiple_of(2048);
    let hash = blake3::hash(volume);
    let entries = entries(hash.as_bytes(), first, last);
    let table = crc32(&entries);

    let mut image = vec![0u8; usize::try_from(sectors).unwrap_or(0) * SECTOR];
    let mut put = |sector: u64, bytes: &[u8]| {
        let at = usize::try_from(sector).unwrap_or(0) * SECTOR;
        image[at..at + bytes.len()].copy_from_slice(bytes);
    };
    put(0, &protective_mbr(sectors));
    let header = |own, other, entries_at| Header {
        own,
        other,
        entries_at,
        last_usable: sectors - TABLE_SECTORS - 2,
        disk: guid(hash.as_bytes(), 1),
        table,
    };
    put(1, &header(1, sectors - 1, 2).encode());
    put(2, &entries);
    put(first, volume);
    let copy = sectors - 1 - TABLE_SECTORS;
    put(copy, &entries);
    put(sectors - 1, &header(sectors - 1, 1, copy).encode());
    image
}

struct Header {
    own: u64,
    other: u64,
    entries_at: u64,
    last_usable: u64,
    disk: [u8; 16],
    /// CRC-32 of the entries.
    table: u32,
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut header = Vec::with_capacity(92);
        header.extend(b"EFI PART");
        header.extend(0x0001_0000u32.to_le_bytes());
        header.extend(92u32.to_le_bytes());
        header.extend([0; 8]); // its own CRC-32, then reserved
        for place in [self.own, self.other, 2 + TABLE_SECTORS, self.last_usable] {
            header.extend(place.to_le_bytes());
        }
        header.extend(self.disk);
        header.extend(self.entries_at.to_le_bytes());
        header.extend((ENTRIES as u32).to_le_bytes());
        header.extend((ENTRY as u32).to_le_bytes());
        header.extend(self.table.to_le_bytes());
        let crc = crc32(&header);
        header[16..20].copy_from_slice(&crc.to_le_bytes());
        header
    }
}

fn entries(hash: &[u8; 32], first: u64, last: u64) -> Vec<u8> {
    let mut entries = Vec::with_capacity(ENTRIES * ENTRY);
    entries.extend(ESP);
    entries.extend(guid(hash, 2));
    entries.extend(first.to_le_bytes());
    entries.extend(last.to_le_bytes());
    entries.extend([0; 8]);
    entries.extend("Reprise".encode_utf16().flat_map(u16::to_le_bytes));
    entries.resize(ENTRIES * ENTRY, 0);
    entries
}

/// Made from the content: the same parts, the same bytes. Version and variant of RFC 9562 §5.8.
fn guid(hash: &[u8; 32], which: u8) -> [u8; 16] {
    let mut guid = [0u8; 16];
    guid.copy_from_slice(&hash[..16]);
    guid[0] ^= which;
    guid[7] = (guid[7] & 0x0f) | 0x80;
    guid[8] = (guid[8] & 0x3f) | 0x80;
    guid
}

fn protective_mbr(sectors: u64) -> [u8; SECTOR] {
    let mut mbr = [0u8; SECTOR];
    mbr[..STOP.len()].copy_from_slice(STOP);
    mbr[STOP.len()..STOP.len() + STOP_TEXT.len()].copy_from_slice(STOP_TEXT);
    let entry = &mut mbr[446..462];
    entry[..8].copy_from_slice(&[0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff]);
    entry[8..12].copy_from_slice(&1u32.to_le_bytes());
    entry[12..].copy_from_slice(&u32::try_from(sectors - 1).unwrap_or(u32::MAX).to_le_bytes());
    mbr[510..].copy_from_slice(&[0x55, 0xaa]);
    mbr
}

/// CRC-32 of IEEE 802.3, bit by bit: a few kilobytes once per build.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn the_bios_code_finds_its_text() {
        // `mov si, 0x7c16`: the text follows the code, which the BIOS loads at 0x7c00.
        assert_eq!(STOP[4..7], [0xbe, STOP.len() as u8, 0x7c]);
        assert!(STOP.len() + STOP_TEXT.len() < 440);
    }
}
