//! `db` and `dbx` as the firmware keeps them. Source: UEFI 2.10 §32.4.1, EFI_SIGNATURE_LIST.

use super::der;

/// EFI_CERT_X509_GUID, a5c059a1-94e4-4aa7-87b5-ab155c2bf072, as it lies in memory.
const X509: [u8; 16] = [
    0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72,
];
/// Type, size of the list, of its header and of each signature.
const HEAD: usize = 16 + 4 + 4 + 4;
/// Who put a signature there.
const OWNER: usize = 16;
/// Firmware has four to ten.
const MOST: usize = 64;

/// The common names of the certificates in a variable's value (without efivarfs' four bytes of attributes).
/// Hashes of single programs, which the lists hold by the hundred, are passed over; so is what cannot be
/// read, with all that follows it.
pub fn authorities(mut lists: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((list, rest)) = next(lists) {
        lists = rest;
        for certificate in certificates(list) {
            if let Some((_, subject)) = der::names(certificate)
                && !names.contains(&subject)
                && names.len() < MOST
            {
                names.push(subject);
            }
        }
    }
    names
}

/// One whole list, and what follows it.
fn next(lists: &[u8]) -> Option<(&[u8], &[u8])> {
    let size = number(lists, 16)?;
    (size >= HEAD).then_some(())?;
    lists.split_at_checked(size)
}

fn certificates(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let each = number(list, 24).filter(|each| *each > OWNER && list.starts_with(&X509));
    let signatures = number(list, 20)
        .and_then(|header| list.get(HEAD..)?.get(header..))
        .unwrap_or_default();
    // One that is not for X.509 has no certificates.
    let each = each.unwrap_or(usize::MAX);
    signatures
        .chunks_exact(each)
        .filter_map(|signature| signature.get(OWNER..))
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes.get(at..at + 4)?;
    usize::try_from(u32::from_le_bytes(digits.try_into().ok()?)).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn certificate(name: &str) -> Vec<u8> {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let mut whole = rcgen::DistinguishedName::new();
        whole.push(rcgen::DnType::CountryName, "US");
        whole.push(rcgen::DnType::OrganizationName, "Microsoft Corporation");
        whole.push(rcgen::DnType::CommonName, name);
        parameters.distinguished_name = whole;
        let key = rcgen::KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    pub(crate) fn list(kind: [u8; 16], signatures: &[Vec<u8>]) -> Vec<u8> {
        let each = OWNER + signatures[0].len();
        let number = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
        let mut list = kind.to_vec();
        list.extend(number(HEAD + signatures.len() * each));
        list.extend(number(0));
        list.extend(number(each));
        for signature in signatures {
            list.extend([7; OWNER]);
            list.extend(signature);
        }
        list
    }

    pub(crate) fn x509(name: &str) -> Vec<u8> {
        list(X509, &[certificate(name)])
    }

    #[test]
    fn the_names_of_all_certificates_are_read_and_hashes_passed_over() {
        let db = [
            x509("Microsoft Windows Production PCA 2011"),
            list([9; 16], &[vec![1; 32], vec![2; 32]]),
            x509("Microsoft UEFI CA 2023"),
            x509("Microsoft UEFI CA 2023"),
        ];
        assert_eq!(
            authorities(&db.concat()),
            [
                "Microsoft Windows Production PCA 2011",
                "Microsoft UEFI CA 2023"
            ]
        );
        assert!(authorities(&[]).is_empty());
    }

    #[test]
    fn whatever_is_cut_or_flipped_is_survived() {
        let db = [x509("A"), x509("B")].concat();
        for cut in 0..db.len() {
            let found = authorities(&db[..cut]);
            assert!(
                found.len() <= 2 && found.first().is_none_or(|n| n == "A"),
                "{cut}: {found:?}"
            );
        }
        let mut flipped = db.clone();
        for at in 0..db.len() {
            for sign in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                flipped[at] = sign;
                assert!(authorities(&flipped).len() <= MOST, "{at}");
            }
            flipped[at] = db[at];
        }
    }
}
