//! What kind of boot client sent a DHCP packet: one enum, one function.

/// Processor and firmware, DHCP option 93 (IANA registry "Processor Architecture Types"; RFC 4578
/// has 7 and 9 swapped, erratum 4624).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// Any iPXE: QEMU's ROM, Debian's, our chain-loaded copy. They cannot be told apart, and all
    /// fetch a script by HTTP.
    Ipxe,
    /// Firmware PXE of a BIOS machine.
    Bios,
    /// Firmware PXE of an x86-64 UEFI machine.
    Uefi,
    /// UEFI HTTP Boot of an x86-64 machine.
    UefiHttp,
    /// It boots from the network, but we have no loader for it. Guessing a BIOS file hangs it.
    Unsupported(Option<u16>),
    /// An ordinary DHCP client.
    NotBooting,
}

const BIOS: u16 = 0;
const UEFI_HTTP_X64: u16 = 16;
const BIOS_HTTP: u16 = 20;

/// 7 is x86-64; 9 is what RFC 4578's misprint made some firmware send, 8 is sent by some too.
fn is_uefi_x64(arch: u16) -> bool {
    matches!(arch, 7..=9)
}

/// `archs` is the whole list of option 93: dual-mode firmware names several.
pub(crate) fn classify(
    vendor_class: &[u8],
    user_class: &[u8],
    has_ipxe_options: bool,
    archs: &[u16],
) -> Client {
    let http = vendor_class.starts_with(b"HTTPClient");
    if !http && !vendor_class.starts_with(b"PXEClient") {
        return Client::NotBooting;
    }
    // Some ROMs leave option 93 out; the vendor class carries the number too.
    let from_class = arch_in_class(vendor_class);
    let archs = match (archs, &from_class) {
        ([], Some(arch)) => std::slice::from_ref(arch),
        (list, _) => list,
    };
    if has_ipxe_options || is_ipxe(user_class) {
        // The kernel we serve is x86-64: an ARM or 32-bit UEFI iPXE could not start it.
        let starts_it =
            |arch: &u16| is_uefi_x64(*arch) || matches!(*arch, BIOS | UEFI_HTTP_X64 | BIOS_HTTP);
        return match archs.first() {
            Some(first) if !archs.iter().any(starts_it) => Client::Unsupported(Some(*first)),
            _ => Client::Ipxe,
        };
    }
    archs
        .iter()
        .find_map(|&arch| match arch {
            UEFI_HTTP_X64 if http => Some(Client::UefiHttp),
            arch if is_uefi_x64(arch) && http => Some(Client::UefiHttp),
            arch if is_uefi_x64(arch) => Some(Client::Uefi),
            BIOS if !http => Some(Client::Bios),
            _ => None,
        })
        .unwrap_or(Client::Unsupported(archs.first().copied()))
}

/// Option 77 is raw text in iPXE, and length-prefixed (RFC 3004) elsewhere: both are read.
fn is_ipxe(user_class: &[u8]) -> bool {
    let mut rest = user_class;
    if rest == b"iPXE" || rest == b"gPXE" {
        return true;
    }
    while let Some((&len, tail)) = rest.split_first() {
        let Some((class, next)) = tail.split_at_checked(usize::from(len)) else {
            return false;
        };
        if class == b"iPXE" || class == b"gPXE" {
            return true;
        }
        rest = next;
    }
    false
}

/// `PXEClient:Arch:00007:UNDI:003000` → 7
fn arch_in_class(class: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(class).ok()?;
    let mut fields = text.split(':');
    fields.by_ref().find(|field| *field == "Arch")?;
    fields.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PXE7: &[u8] = b"PXEClient:Arch:00007:UNDI:003000";
    const PXE0: &[u8] = b"PXEClient:Arch:00000:UNDI:002001";
    const HTTP16: &[u8] = b"HTTPClient:Arch:00016:UNDI:003000";

    #[test]
    fn clients_are_told_apart() {
        use Client::*;
        // (what it is, vendor class, user class, option 175, architectures)
        type Row<'a> = (&'a str, &'a [u8], &'a [u8], bool, &'a [u16], Client);
        let table: &[Row] = &[
            ("OVMF PXE", PXE7, b"", false, &[7], Uefi),
            ("erratum 4624", PXE7, b"", false, &[9], Uefi),
            ("odd 8", PXE7, b"", false, &[8], Uefi),
            (
                "several archs, ours second",
                PXE7,
                b"",
                false,
                &[6, 7],
                Uefi,
            ),
            ("BIOS ROM", PXE0, b"", false, &[0], Bios),
            ("no option 93", PXE0, b"", false, &[], Bios),
            ("no option 93, UEFI", PXE7, b"", false, &[], Uefi),
            (
                "bare class, no arch",
                b"PXEClient",
                b"",
                false,
                &[],
                Unsupported(None),
            ),
            ("OVMF HTTP Boot", HTTP16, b"", false, &[16], UefiHttp),
            ("HTTP Boot saying 7", HTTP16, b"", false, &[7], UefiHttp),
            (
                "HTTP Boot of a BIOS",
                HTTP16,
                b"",
                false,
                &[0],
                Unsupported(Some(0)),
            ),
            ("iPXE raw user class", PXE7, b"iPXE", false, &[7], Ipxe),
            ("iPXE length-prefixed", PXE7, b"\x04iPXE", false, &[7], Ipxe),
            (
                "second user class",
                PXE7,
                b"\x02ab\x04iPXE",
                false,
                &[7],
                Ipxe,
            ),
            ("iPXE by option 175", PXE0, b"", true, &[0], Ipxe),
            (
                "iPXE after HTTP Boot keeps 7",
                PXE7,
                b"iPXE",
                true,
                &[7],
                Ipxe,
            ),
            (
                "iPXE on ARM",
                PXE7,
                b"iPXE",
                true,
                &[11],
                Unsupported(Some(11)),
            ),
            (
                "iPXE on 32-bit UEFI",
                PXE7,
                b"iPXE",
                true,
                &[6],
                Unsupported(Some(6)),
            ),
            ("32-bit UEFI", PXE7, b"", false, &[6], Unsupported(Some(6))),
            ("ARM", PXE7, b"", false, &[11], Unsupported(Some(11))),
            (
                "a number nobody knows",
                PXE7,
                b"",
                false,
                &[4242],
                Unsupported(Some(4242)),
            ),
            ("Windows", b"MSFT 5.0", b"", false, &[], NotBooting),
            ("nothing", b"", b"", false, &[], NotBooting),
            ("arch without class", b"", b"", false, &[7], NotBooting),
            ("truncated user class", PXE7, b"\xffiPXE", false, &[7], Uefi),
        ];
        for (name, vendor, user, ipxe, archs, expected) in table {
            assert_eq!(classify(vendor, user, *ipxe, archs), *expected, "{name}");
        }
    }
}
