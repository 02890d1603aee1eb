//! A FAT16 volume, written in one go: short names, whole files, nothing is ever changed afterwards.
//!
//! Source: Microsoft, "FAT: General Overview of On-Disk Format", 1.03. UEFI 2.10 §13.3 has firmware read
//! FAT12, FAT16 and FAT32 from removable media.

const SECTOR: usize = 512;
const SECTORS_PER_CLUSTER: usize = 8;
const CLUSTER: usize = SECTOR * SECTORS_PER_CLUSTER;
const FAT_SECTORS: usize = 256;
const ROOT_ENTRIES: usize = 512;
const ROOT_SECTORS: usize = ROOT_ENTRIES * 32 / SECTOR;
/// Room for the largest FAT16 is always kept, and as much before it that the data begin at 1 MiB: then the
/// first file lies at the same place in every volume.
const RESERVED: usize = (DATA_AT as usize / SECTOR) - 2 * FAT_SECTORS - ROOT_SECTORS;
/// Where the first file begins.
pub(super) const DATA_AT: u64 = 1 << 20;
/// Fewer would make it FAT12, more FAT32: the number of clusters alone decides.
const FEWEST: usize = 4200;
const MOST: usize = 65_000;
const LAST: u16 = 0xffff;
/// 2026-01-01 00:00:00: a volume has no time of its own, or the same parts would make other bytes.
const DATE: u16 = ((2026 - 1980) << 9) | (1 << 5) | 1;
const IS_DIR: u8 = 0x10;
const IS_FILE: u8 = 0x20;
const IS_LABEL: u8 = 0x08;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(in crate::assets) enum Error {
    #[error("{0} is no short name")]
    Name(String),
    #[error("{0} has more files than a folder takes")]
    Folder(String),
    #[error("the files of {mebibytes} MiB do not fit a volume of 253 MiB")]
    Full { mebibytes: usize },
}

struct Folder {
    path: String,
    cluster: u16,
    entries: Vec<u8>,
}

/// The volume with these files (`FOLDER/NAME.EXT`, capitals); the first one begins at `DATA_AT`.
pub(super) fn volume(files: &[(&str, &[u8])]) -> Result<Vec<u8>, Error> {
    let mut folders: Vec<Folder> = vec![Folder {
        path: String::new(),
        cluster: 0,
        entries: entry(b"REPRISE    ", IS_LABEL, 0, 0).to_vec(),
    }];
    let mut table: Vec<u16> = vec![0xfff8, LAST];
    let mut data: Vec<u8> = Vec::new();
    let used: usize = files
        .iter()
        .map(|(_, bytes)| bytes.len().div_ceil(CLUSTER))
        .sum();
    if used + files.len() * 4 > MOST {
        return Err(Error::Full {
            mebibytes: (used * CLUSTER) >> 20,
        });
    }
    for (path, bytes) in files {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let short = short_name(name).ok_or_else(|| Error::Name((*path).to_owned()))?;
        let folder = folder(&mut folders, above)?;
        let first = put(&mut table, &mut data, bytes);
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        folders[folder]
            .entries
            .extend(entry(&short, IS_FILE, first, size));
    }
    lay_out(&mut folders, &mut table, &mut data)?;

    let clusters = (table.len() - 2 + 16).max(FEWEST);
    let sectors = RESERVED + 2 * FAT_SECTORS + ROOT_SECTORS + clusters * SECTORS_PER_CLUSTER;
    let serial = blake3::hash(&data).as_bytes()[..4].to_vec();
    let mut volume = vec![0u8; sectors * SECTOR];
    volume[..SECTOR].copy_from_slice(&boot_sector(sectors, &serial));
    let table: Vec<u8> = table.iter().flat_map(|n| n.to_le_bytes()).collect();
    for copy in 0..2 {
        let at = (RESERVED + copy * FAT_SECTORS) * SECTOR;
        volume[at..at + table.len()].copy_from_slice(&table);
    }
    let at = (RESERVED + 2 * FAT_SECTORS) * SECTOR;
    let root = &folders[0].entries;
    volume[at..at + root.len()].copy_from_slice(root);
    let at = at + ROOT_SECTORS * SECTOR;
    volume[at..at + data.len()].copy_from_slice(&data);
    Ok(volume)
}

/// The folder of that path, made with all above it when there is none.
fn folder(folders: &mut Vec<Folder>, path: &str) -> Result<usize, Error> {
    if let Some(at) = folders.iter().position(|f| f.path == path) {
        return Ok(at);
    }
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    short_name(name).ok_or_else(|| Error::Name(path.to_owned()))?;
    folder(folders, above)?;
    folders.push(Folder {
        path: path.to_owned(),
        cluster: 0,
        entries: Vec::new(),
    });
    Ok(folders.len() - 1)
}

/// Gives each folder its cluster, then writes them: an entry in the one above, `.` and `..` in itself.
fn lay_out(folders: &mut [Folder], table: &mut Vec<u16>, data: &mut Vec<u8>) -> Result<(), Error> {
    for folder in folders.iter_mut().skip(1) {
        folder.cluster = put(table, data, &[0u8; CLUSTER]);
    }
    for at in 1..folders.len() {
        let (above, name) = match folders[at].path.rsplit_once('/') {
            Some((above, name)) => (above.to_owned(), name.to_owned()),
            None => (String::new(), folders[at].path.clone()),
        };
        let short = short_name(&name).ok_or(Error::Name(name))?;
        let own = folders[at].cluster;
        if let Some(above) = folders.iter_mut().find(|f| f.path == above) {
            above.entries.extend(entry(&short, IS_DIR, own, 0));
        }
    }
    for at in 0..folders.len() {
        let folder = &folders[at];
        let above = folder.path.rsplit_once('/').map_or("", |(above, _)| above);
        // The root has the number 0, also as `..`.
        let above = folders
            .iter()
            .find(|f| f.path == above)
            .map_or(0, |f| f.cluster);
        let room = if at == 0 {
            ROOT_ENTRIES * 32
        } else {
            CLUSTER - 64
        };
        if folder.entries.len() > room {
            return Err(Error::Folder(folder.path.clone()));
        }
        if at > 0 {
            let mut content = entry(b".          ", IS_DIR, folder.cluster, 0).to_vec();
            content.extend(entry(b"..         ", IS_DIR, above, 0));
            content.extend(&folder.entries);
            let place = (usize::from(folder.cluster) - 2) * CLUSTER;
            data[place..place + content.len()].copy_from_slice(&content);
        }
    }
    Ok(())
}

/// Appends a file; gives its first cluster, 0 for an empty one.
fn put(table: &mut Vec<u16>, data: &mut Vec<u8>, bytes: &[u8]) -> u16 {
    let clusters = bytes.len().div_ceil(CLUSTER);
    let first = table.len();
    for n in 1..=clusters {
        let next = u16::try_from(first + n).unwrap_or(LAST);
        table.push(if n == clusters { LAST } else { next });
    }
    data.extend_from_slice(bytes);
    data.resize(data.len().next_multiple_of(CLUSTER), 0);
    if clusters == 0 {
        0
    } else {
        u16::try_from(first).unwrap_or(0)
    }
}

fn entry(name: &[u8; 11], attributes: u8, cluster: u16, size: u32) -> [u8; 32] {
    let mut entry = [0u8; 32];
    entry[..11].copy_from_slice(name);
    entry[11] = attributes;
    for date in [16, 18, 24] {
        entry[date..date + 2].copy_from_slice(&DATE.to_le_bytes());
    }
    entry[26..28].copy_from_slice(&cluster.to_le_bytes());
    entry[28..].copy_from_slice(&size.to_le_bytes());
    entry
}

/// `BOOTX64.EFI` → `BOOTX64 EFI`
fn short_name(name: &str) -> Option<[u8; 11]> {
    let (base, extension) = name.split_once('.').unwrap_or((name, ""));
    let plain = |part: &str| {
        part.bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    if base.is_empty() || base.len() > 8 || extension.len() > 3 || !plain(base) || !plain(extension)
    {
        return None;
    }
    let mut short = [b' '; 11];
    short[..base.len()].copy_from_slice(base.as_bytes());
    short[8..8 + extension.len()].copy_from_slice(extension.as_bytes());
    Some(short)
}

fn boot_sector(sectors: usize, serial: &[u8]) -> [u8; SECTOR] {
    let mut sector = [0u8; SECTOR];
    let mut at = 0;
    let mut next = |bytes: &[u8]| {
        sector[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    let word = |n: usize| u16::try_from(n).unwrap_or(0).to_le_bytes();
    next(&[0xeb, 0x3c, 0x90]);
    next(b"REPRISE ");
    next(&word(SECTOR));
    next(&[SECTORS_PER_CLUSTER as u8]);
    next(&word(RESERVED));
    next(&[2]);
    next(&word(ROOT_ENTRIES));
    next(&word(0)); // the number of sectors is the long one below
    next(&[0xf8]);
    next(&word(FAT_SECTORS));
    next(&word(63));
    next(&word(255));
    next(
        &u32::try_from(super::VOLUME_AT as usize / SECTOR)
            .unwrap_or(0)
            .to_le_bytes(),
    );
    next(&u32::try_from(sectors).unwrap_or(0).to_le_bytes());
    next(&[0x80, 0, 0x29]);
    next(serial);
    next(b"REPRISE    FAT16   ");
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector
}
