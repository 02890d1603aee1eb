//! Secure Boot: whom a machine's firmware trusts, who signed a boot file, and whether the one will start
//! the other. Pure; every input is hostile until it is read.
//!
//! - `list`: the firmware's `db` and `dbx`, EFI signature lists
//! - `authenticode`: the signatures inside a UEFI program
//! - `der`: as much of ASN.1 as both need
//!
//! Names are compared, not signatures checked: the answer is a warning for people. The firmware decides.

pub mod authenticode;
mod der;
pub mod list;

/// Microsoft's authorities for loaders that are not Windows: firmware may leave them out, or have a switch
/// for them. Debian's shim is signed by both.
pub const THIRD_PARTY: [&str; 2] = [
    "Microsoft Corporation UEFI CA 2011",
    "Microsoft UEFI CA 2023",
];

/// Will this firmware start the boot disk? Its shim has one signature under each of `THIRD_PARTY`.
pub fn judge_boot_disk(enabled: Option<bool>, trusted: &[String]) -> Verdict {
    judge(
        enabled,
        trusted,
        &THIRD_PARTY.map(|name| vec![name.to_owned()]),
    )
}

/// Will this firmware start that file?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Secure Boot is off, or one of the file's signatures leads to a certificate that the firmware trusts.
    Starts,
    /// The firmware did not say enough.
    Unknown,
    /// Nobody signed the file.
    Unsigned,
    /// Signed, by authorities that the firmware does not trust: these.
    Untrusted(Vec<String>),
}

/// `enabled` and `trusted` come from the machine's inventory, `signatures` from `authenticode::signatures`.
pub fn judge(enabled: Option<bool>, trusted: &[String], signatures: &[Vec<String>]) -> Verdict {
    match enabled {
        Some(true) => {}
        // A BIOS has no Secure Boot; neither has a firmware that does not say.
        Some(false) | None => return Verdict::Starts,
    }
    if signatures.is_empty() {
        return Verdict::Unsigned;
    }
    if trusted.is_empty() {
        return Verdict::Unknown;
    }
    let mut names = signatures.iter().flatten();
    if names.any(|name| trusted.contains(name)) {
        return Verdict::Starts;
    }
    let mut authorities: Vec<String> = signatures
        .iter()
        .filter_map(|names| authority(names).cloned())
        .collect();
    authorities.sort();
    authorities.dedup();
    Verdict::Untrusted(authorities)
}

/// Of the names of a signature, the one that firmware has in its `db`: who certified the signer. Roots
/// above travel along at times, and are in no firmware.
pub fn authority(names: &[String]) -> Option<&String> {
    names.get(1).or(names.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_that_will_fail_is_known_before() {
        let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let shim = vec![
            own(&[
                "Microsoft Windows UEFI Driver Publisher",
                THIRD_PARTY[0],
                "A root",
            ]),
            own(&["Microsoft UEFI Publisher", THIRD_PARTY[1]]),
        ];
        let windows = own(&[
            "Microsoft Windows Production PCA 2011",
            "Windows UEFI CA 2023",
        ]);
        let refused = Verdict::Untrusted(own(&[THIRD_PARTY[0], THIRD_PARTY[1]]));
        let table = [
            ("a BIOS", None, own(&[]), &shim, Verdict::Starts),
            (
                "switched off",
                Some(false),
                own(&[]),
                &shim,
                Verdict::Starts,
            ),
            (
                "as sold in 2020",
                Some(true),
                own(&[THIRD_PARTY[0]]),
                &shim,
                Verdict::Starts,
            ),
            (
                "2023 only",
                Some(true),
                own(&[THIRD_PARTY[1]]),
                &shim,
                Verdict::Starts,
            ),
            (
                "third parties shut out",
                Some(true),
                windows.clone(),
                &shim,
                refused,
            ),
            (
                "nothing is known",
                Some(true),
                own(&[]),
                &shim,
                Verdict::Unknown,
            ),
            (
                "our iPXE",
                Some(true),
                windows,
                &Vec::new(),
                Verdict::Unsigned,
            ),
            (
                "our iPXE, off",
                Some(false),
                own(&[]),
                &Vec::new(),
                Verdict::Starts,
            ),
        ];
        for (name, enabled, trusted, signatures, expected) in table {
            assert_eq!(judge(enabled, &trusted, signatures), expected, "{name}");
        }
    }
}
