//! DHCP option 93: every number of IANA's registry "Processor Architecture Types", and which of
//! them this appliance has a loader for.
//!
//! RFC 4578 has 7 and 9 swapped (erratum 4624); firmware sends 7, 8 and 9 for x86-64 all the same.

/// How the loader of an architecture is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Start {
    /// x86 BIOS, by TFTP.
    Bios,
    /// x86-64 UEFI, by TFTP.
    Uefi,
    /// x86-64 UEFI HTTP Boot.
    UefiHttp,
    /// 64-bit ARM UEFI, by TFTP: a program that says there is no image for it.
    Arm64,
    /// The same by HTTP Boot.
    Arm64Http,
    /// Nothing here starts it; the file that would.
    Missing(&'static str),
}

impl Start {
    /// What it starts brings the agent up.
    pub(crate) fn is_served(self) -> bool {
        matches!(self, Start::Bios | Start::Uefi | Start::UefiHttp)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Arch {
    pub(crate) number: u16,
    pub(crate) name: &'static str,
    pub(crate) start: Start,
}

/// The number's row; `None` = IANA does not know it either.
pub(crate) fn find(number: u16) -> Option<&'static Arch> {
    // The rows are in order, without a gap.
    ARCHS.get(usize::from(number))
}

const fn missing(number: u16, name: &'static str, file: &'static str) -> Arch {
    Arch {
        number,
        name,
        start: Start::Missing(file),
    }
}

const fn known(number: u16, name: &'static str, start: Start) -> Arch {
    Arch {
        number,
        name,
        start,
    }
}

/// Machines nobody makes a loader for any more, or that no loader of this kind can start.
const NONE: &str = "no loader exists";

const ARCHS: &[Arch] = &[
    known(0, "x86 BIOS", Start::Bios),
    missing(1, "NEC PC-98", NONE),
    missing(2, "Itanium", NONE),
    missing(3, "DEC Alpha", NONE),
    missing(4, "ARC x86", NONE),
    missing(5, "Intel Lean Client", NONE),
    missing(6, "32-bit x86 UEFI", "an ia32 snponly.efi"),
    known(7, "x86-64 UEFI", Start::Uefi),
    known(8, "x86-64 UEFI that says Xscale", Start::Uefi),
    known(9, "x86-64 UEFI that says EBC", Start::Uefi),
    missing(10, "32-bit ARM UEFI", "an arm32 snponly.efi"),
    known(11, "64-bit ARM UEFI", Start::Arm64),
    missing(12, "PowerPC Open Firmware", NONE),
    missing(13, "PowerPC ePAPR", NONE),
    missing(14, "POWER OPAL", NONE),
    missing(15, "32-bit x86 UEFI HTTP Boot", "an ia32 snponly.efi"),
    known(16, "x86-64 UEFI HTTP Boot", Start::UefiHttp),
    missing(17, "EBC UEFI HTTP Boot", NONE),
    missing(18, "32-bit ARM UEFI HTTP Boot", "an arm32 snponly.efi"),
    known(19, "64-bit ARM UEFI HTTP Boot", Start::Arm64Http),
    missing(
        20,
        "x86 BIOS HTTP Boot",
        "a BIOS loader that starts by HTTP",
    ),
    missing(21, "32-bit ARM U-Boot", "an arm32 boot script"),
    missing(22, "64-bit ARM U-Boot", "an arm64 boot script"),
    missing(23, "32-bit ARM U-Boot by HTTP", "an arm32 boot script"),
    missing(24, "64-bit ARM U-Boot by HTTP", "an arm64 boot script"),
    missing(25, "32-bit RISC-V UEFI", "a riscv32 snponly.efi"),
    missing(26, "32-bit RISC-V UEFI HTTP Boot", "a riscv32 snponly.efi"),
    missing(27, "64-bit RISC-V UEFI", "a riscv64 snponly.efi"),
    missing(28, "64-bit RISC-V UEFI HTTP Boot", "a riscv64 snponly.efi"),
    missing(29, "128-bit RISC-V UEFI", NONE),
    missing(30, "128-bit RISC-V UEFI HTTP Boot", NONE),
    missing(31, "s390 Basic", NONE),
    missing(32, "s390 Extended", NONE),
    missing(33, "32-bit MIPS UEFI", NONE),
    missing(34, "64-bit MIPS UEFI", NONE),
    missing(35, "32-bit Sunway UEFI", NONE),
    missing(36, "64-bit Sunway UEFI", NONE),
    missing(37, "32-bit LoongArch UEFI", NONE),
    missing(38, "32-bit LoongArch UEFI HTTP Boot", NONE),
    missing(39, "64-bit LoongArch UEFI", "a loong64 snponly.efi"),
    missing(
        40,
        "64-bit LoongArch UEFI HTTP Boot",
        "a loong64 snponly.efi",
    ),
    missing(41, "Raspberry Pi", "the Raspberry Pi's own boot files"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_its_own_row() {
        for (at, arch) in ARCHS.iter().enumerate() {
            assert_eq!(usize::from(arch.number), at, "{}", arch.name);
        }
        assert_eq!(find(42), None);
        assert_eq!(find(u16::MAX), None);
    }

    #[test]
    fn only_what_has_an_agent_is_started() {
        let started: Vec<u16> = ARCHS
            .iter()
            .filter(|arch| arch.start.is_served())
            .map(|arch| arch.number)
            .collect();
        assert_eq!(started, [0, 7, 8, 9, 16]);
    }
}
