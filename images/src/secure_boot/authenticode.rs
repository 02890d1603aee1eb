//! Who signed a UEFI program. Sources: Microsoft PE format ("The Attribute Certificate Table"),
//! UEFI 2.10 §32.2.4 (WIN_CERTIFICATE), RFC 2315 §9.1 (signedData).

use super::der;

/// WIN_CERT_TYPE_PKCS_SIGNED_DATA
const PKCS: u16 = 2;
/// signedData, 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// A signature carries one to four certificates, a program one to three signatures.
const MOST: usize = 16;

/// For each signature the names in its chain, from the signer to the authority above the last certificate
/// that travels along. Empty when nobody signed it, or when it is no UEFI program at all.
pub fn signatures(program: &[u8]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut table = certificate_table(program).unwrap_or_default();
    while let Some((kind, content, rest)) = next(table) {
        table = rest;
        if kind == PKCS
            && let Some(names) = chain(content)
            && found.len() < MOST
        {
            found.push(names);
        }
    }
    found
}

fn certificate_table(program: &[u8]) -> Option<&[u8]> {
    const CERTIFICATES: usize = 4;
    program.starts_with(b"MZ").then_some(())?;
    let header = program.get(long(program, 0x3c)?..)?;
    header.starts_with(b"PE\0\0").then_some(())?;
    let optional = header.get(24..)?;
    // PE32 and PE32+ differ in the width of a few addresses before the table of directories.
    let directories = match short(optional, 0)? {
        0x10b => 96,
        0x20b => 112,
        _ => return None,
    };
    (long(optional, directories - 4)? > CERTIFICATES).then_some(())?;
    let at = directories + CERTIFICATES * 8;
    // Here alone the address is a place in the file.
    let (start, len) = (long(optional, at)?, long(optional, at + 4)?);
    program.get(start..start.checked_add(len)?)
}

/// Length, revision, kind, content; each begins at a multiple of eight.
fn next(table: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let len = long(table, 0)?;
    let content = table.get(8..len)?;
    let rest = table.get(len.next_multiple_of(8)..).unwrap_or_default();
    Some((short(table, 6)?, content, rest))
}

fn chain(signature: &[u8]) -> Option<Vec<String>> {
    let (info, _) = der::expect(signature, der::SEQUENCE)?;
    let (_, kind, info) = der::value(info)?;
    (kind == SIGNED_DATA).then_some(())?;
    let (wrapped, _) = der::expect(info, 0xa0)?;
    let (data, _) = der::expect(wrapped, der::SEQUENCE)?;
    let (_, _, data) = der::value(data)?; // version
    let (_, _, data) = der::value(data)?; // digests
    let (_, _, data) = der::value(data)?; // what is signed
    let (mut certificates, _) = der::expect(data, 0xa0)?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    while let Some((_, _, rest)) = der::value(certificates) {
        if let Some(names) = der::names(certificates)
            && pairs.len() < MOST
        {
            pairs.push(names);
        }
        certificates = rest;
    }
    in_order(&pairs)
}

/// Certificates travel in any order: the signer is the one that signed none of the others.
fn in_order(pairs: &[(String, String)]) -> Option<Vec<String>> {
    let is_issuer = |name: &String| {
        pairs
            .iter()
            .any(|(issuer, subject)| issuer == name && subject != name)
    };
    let (issuer, subject) = pairs
        .iter()
        .find(|(_, subject)| !is_issuer(subject))
        .or(pairs.first())?;
    let mut names = vec![subject.clone()];
    let mut above = issuer.clone();
    while !names.contains(&above) {
        let higher = pairs.iter().find(|(_, subject)| *subject == above);
        names.push(above);
        match higher {
            Some((issuer, _)) => above = issuer.clone(),
            None => break,
        }
    }
    Some(names)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(digits.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secure_boot::list::tests::certificate;

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        let len = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &len[..], content].concat()
    }

    /// A signature without the signature: only its certificates are looked at.
    fn signature(names: &[&str]) -> Vec<u8> {
        let certificates: Vec<u8> = names.iter().flat_map(|n| certificate(n)).collect();
        let data = [
            wrap(2, &[1]),
            wrap(der::SET, &[]),
            wrap(der::SEQUENCE, &[]),
            wrap(0xa0, &certificates),
        ];
        let info = [
            wrap(6, SIGNED_DATA),
            wrap(0xa0, &wrap(der::SEQUENCE, &data.concat())),
        ];
        wrap(der::SEQUENCE, &info.concat())
    }

    fn program(signatures: &[Vec<u8>]) -> Vec<u8> {
        let mut file = vec![0u8; 512];
        file[..2].copy_from_slice(b"MZ");
        file[0x3c] = 0x80;
        file[0x80..0x84].copy_from_slice(b"PE\0\0");
        let optional = 0x80 + 24;
        file[optional..optional + 2].copy_from_slice(&0x20bu16.to_le_bytes());
        file[optional + 108] = 16;
        let start = file.len();
        for content in signatures {
            let len = u32::try_from(content.len() + 8).unwrap();
            file.extend(len.to_le_bytes());
            file.extend([0, 2, 2, 0]);
            file.extend(content);
            file.resize(file.len().next_multiple_of(8), 0);
        }
        let len = u32::try_from(file.len() - start).unwrap();
        let at = optional + 112 + 32;
        file[at..at + 4].copy_from_slice(&u32::try_from(start).unwrap().to_le_bytes());
        file[at + 4..at + 8].copy_from_slice(&len.to_le_bytes());
        file
    }

    #[test]
    fn every_signature_is_read() {
        let file = program(&[signature(&["Publisher"]), signature(&["Other publisher"])]);
        assert_eq!(signatures(&file), [["Publisher"], ["Other publisher"]]);
        assert!(signatures(&program(&[])).is_empty(), "unsigned");
        assert!(signatures(b"\x7fELF").is_empty());
    }

    #[test]
    fn a_chain_is_put_in_order_up_to_the_authority_that_does_not_travel_along() {
        let pair = |issuer: &str, subject: &str| (issuer.to_owned(), subject.to_owned());
        let pairs = [pair("Root", "UEFI CA"), pair("UEFI CA", "Publisher")];
        assert_eq!(in_order(&pairs).unwrap(), ["Publisher", "UEFI CA", "Root"]);
        let circle = [pair("A", "B"), pair("B", "A")];
        assert_eq!(in_order(&circle).unwrap(), ["B", "A"]);
        assert_eq!(in_order(&[]), None);
    }

    #[test]
    fn whatever_is_cut_or_flipped_is_survived() {
        let file = program(&[signature(&["Publisher", "UEFI CA"])]);
        for cut in 0..file.len() {
            assert!(signatures(&file[..cut]).len() <= 1, "{cut}");
        }
        let mut flipped = file.clone();
        for at in 0..file.len() {
            for sign in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                flipped[at] = sign;
                assert!(signatures(&flipped).len() <= MOST, "{at}");
            }
            flipped[at] = file[at];
        }
    }
}
