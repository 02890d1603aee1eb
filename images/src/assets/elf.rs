//! The few facts we need from ELF files: is a program static, and one named section of a kernel module.
//!
//! Source: System V ABI, ELF-64 object file format. Only little-endian x86-64 files, all offsets checked.

const X86_64: u16 = 62;
const PT_INTERP: u32 = 3;

/// `Ok` for a program that runs without a dynamic loader, else why not.
pub(super) fn check_static_program(file: &[u8]) -> Result<(), &'static str> {
    header(file)?;
    let table = usize::try_from(u64_at(file, 32).ok_or(SHORT)?).map_err(|_| SHORT)?;
    let size = usize::from(u16_at(file, 54).ok_or(SHORT)?);
    let count = usize::from(u16_at(file, 56).ok_or(SHORT)?);
    if count == 0 {
        return Err("it is an object file, not a program");
    }
    for index in 0..count {
        let at = size
            .checked_mul(index)
            .and_then(|o| o.checked_add(table))
            .ok_or(SHORT)?;
        if u32_at(file, at).ok_or(SHORT)? == PT_INTERP {
            return Err("it asks for a dynamic loader");
        }
    }
    Ok(())
}

/// The bytes of a named section; `None` when there is none.
pub(super) fn section<'f>(file: &'f [u8], name: &str) -> Result<Option<&'f [u8]>, &'static str> {
    header(file)?;
    let table = usize::try_from(u64_at(file, 40).ok_or(SHORT)?).map_err(|_| SHORT)?;
    let size = usize::from(u16_at(file, 58).ok_or(SHORT)?);
    let count = usize::from(u16_at(file, 60).ok_or(SHORT)?);
    let names = usize::from(u16_at(file, 62).ok_or(SHORT)?);
    // A header is read in part, but a file cut inside one is cut.
    let place = |index: usize| -> Result<usize, &'static str> {
        let at = size
            .checked_mul(index)
            .and_then(|o| o.checked_add(table))
            .ok_or(SHORT)?;
        bytes_at::<64>(file, at).map(|_| at).ok_or(SHORT)
    };
    let content = |at: usize| -> Result<&'f [u8], &'static str> {
        let offset = usize::try_from(u64_at(file, at + 24).ok_or(SHORT)?).map_err(|_| SHORT)?;
        let length = usize::try_from(u64_at(file, at + 32).ok_or(SHORT)?).map_err(|_| SHORT)?;
        file.get(offset..offset.checked_add(length).ok_or(SHORT)?)
            .ok_or(SHORT)
    };
    let strings = content(place(names)?)?;
    for index in 0..count {
        let at = place(index)?;
        let name_at = u32_at(file, at).ok_or(SHORT)? as usize;
        let found = strings
            .get(name_at..)
            .and_then(|s| s.split(|b| *b == 0).next());
        if found == Some(name.as_bytes()) {
            return content(at).map(Some);
        }
    }
    Ok(None)
}

const SHORT: &str = "it is cut short";

fn header(file: &[u8]) -> Result<(), &'static str> {
    if file.get(..4) != Some(b"\x7fELF") {
        return Err("it is not an ELF file");
    }
    if file.get(4..6) != Some(&[2, 1]) || u16_at(file, 18) != Some(X86_64) {
        return Err("it is for another processor");
    }
    Ok(())
}

fn bytes_at<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(file: &[u8], at: usize) -> Option<u16> {
    bytes_at(file, at).map(u16::from_le_bytes)
}

fn u32_at(file: &[u8], at: usize) -> Option<u32> {
    bytes_at(file, at).map(u32::from_le_bytes)
}

fn u64_at(file: &[u8], at: usize) -> Option<u64> {
    bytes_at(file, at).map(u64::from_le_bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A module with one section, `.modinfo`, laid out by hand: header, strings, content, three section headers.
    pub(in crate::assets) fn module(modinfo: &[u8]) -> Vec<u8> {
        let strings = b"\0.modinfo\0.shstrtab\0";
        let mut file = vec![0u8; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[18..20].copy_from_slice(&X86_64.to_le_bytes());
        let strings_at = file.len() as u64;
        file.extend_from_slice(strings);
        let modinfo_at = file.len() as u64;
        file.extend_from_slice(modinfo);
        let table = file.len() as u64;
        for (name, offset, length) in [
            (0u32, 0, 0),
            (1, modinfo_at, modinfo.len() as u64),
            (10, strings_at, strings.len() as u64),
        ] {
            let mut header = [0u8; 64];
            header[..4].copy_from_slice(&name.to_le_bytes());
            header[24..32].copy_from_slice(&offset.to_le_bytes());
            header[32..40].copy_from_slice(&length.to_le_bytes());
            file.extend_from_slice(&header);
        }
        file[40..48].copy_from_slice(&table.to_le_bytes());
        file[58..64].copy_from_slice(&[64, 0, 3, 0, 2, 0]);
        file
    }

    #[test]
    fn a_section_is_found_by_name() {
        let file = module(b"license=GPL\0");
        assert_eq!(section(&file, ".modinfo"), Ok(Some(&b"license=GPL\0"[..])));
        assert_eq!(section(&file, ".text"), Ok(None));
    }

    #[test]
    fn every_cut_is_an_error_or_a_missing_section_never_a_panic() {
        let file = module(b"license=GPL\0alias=pci:v1\0");
        for end in 0..file.len() {
            assert!(section(&file[..end], ".modinfo").is_err(), "cut at {end}");
        }
        for at in 0..file.len() {
            let mut wrong = file.clone();
            wrong[at] ^= 0xff;
            let _: Result<Option<&[u8]>, &str> = section(&wrong, ".modinfo");
            let _: Result<(), &str> = check_static_program(&wrong);
        }
    }

    #[test]
    fn the_reason_why_a_program_is_refused() {
        let program = |kind: u32| {
            let mut file = vec![0u8; 64 + 56];
            file[..6].copy_from_slice(b"\x7fELF\x02\x01");
            file[18..20].copy_from_slice(&X86_64.to_le_bytes());
            file[32..40].copy_from_slice(&64u64.to_le_bytes());
            file[54..58].copy_from_slice(&[56, 0, 1, 0]);
            file[64..68].copy_from_slice(&kind.to_le_bytes());
            file
        };
        assert_eq!(check_static_program(&program(1)), Ok(()));
        assert_eq!(
            check_static_program(&program(PT_INTERP)),
            Err("it asks for a dynamic loader")
        );
        assert_eq!(
            check_static_program(b"#!/bin/sh\n"),
            Err("it is not an ELF file")
        );
        assert_eq!(
            check_static_program(&module(b"")),
            Err("it is an object file, not a program")
        );
        let mut arm = program(1);
        arm[18] = 183;
        assert_eq!(
            check_static_program(&arm),
            Err("it is for another processor")
        );
    }
}
