//! What kind of boot client sent a DHCP packet: one enum, one function.

use super::arch::{self, Start};
use crate::Mac;
use std::fmt;

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
    /// Firmware PXE of a 64-bit ARM machine, for which there is no agent: it is told so on its screen.
    Arm64,
    /// The same by UEFI HTTP Boot.
    Arm64Http,
    /// It boots from the network, but we have no loader for it. Guessing a BIOS file hangs it.
    Unsupported(Unsupported),
    /// An ordinary DHCP client.
    NotBooting,
}

/// Why there is no loader for a boot client; displayed, it names what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Unsupported {
    /// It says neither in option 93 nor in option 60 what it is.
    NoArch,
    /// IANA's registry has no such number.
    Unknown(u16),
    /// A row of [`arch`] without a loader.
    Missing(u16),
    /// One that has a loader, but not by the way it asked (HTTP or TFTP).
    OtherWay(u16),
    /// It says "x86 BIOS" and is none: an x86 loader does nothing on it.
    RaspberryPi,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |number: u16| arch::find(number).map_or("", |arch| arch.name);
        match *self {
            Unsupported::NoArch => f.write_str(
                "it does not say what processor it has (no option 93); boot it from the boot stick",
            ),
            Unsupported::Unknown(number) => write!(
                f,
                "nobody knows architecture {number}; boot it from the boot stick"
            ),
            Unsupported::Missing(number) => match arch::find(number).map(|arch| arch.start) {
                Some(Start::Missing(file)) => write!(
                    f,
                    "this appliance has no loader for {} (architecture {number}); missing: {file}",
                    named(number)
                ),
                _ => write!(
                    f,
                    "this appliance has no image for {} (architecture {number})",
                    named(number)
                ),
            },
            Unsupported::OtherWay(number) => write!(
                f,
                "it asks in one way (option 60) for what {} (architecture {number}) fetches in another; switch its network boot to PXE or to HTTP Boot",
                named(number)
            ),
            Unsupported::RaspberryPi => f.write_str(
                "it is a Raspberry Pi that calls itself an x86 BIOS; missing: the Raspberry Pi's own boot files",
            ),
        }
    }
}

/// What a packet says of its sender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signs<'a> {
    pub(crate) mac: Mac,
    /// Option 60.
    pub(crate) vendor_class: &'a [u8],
    /// Option 77.
    pub(crate) user_class: &'a [u8],
    /// Option 175 is there.
    pub(crate) ipxe_options: bool,
    /// The whole list of option 93: dual-mode firmware names several.
    pub(crate) archs: &'a [u16],
    /// Option 97.
    pub(crate) machine_id: &'a [u8],
}

pub(crate) fn classify(signs: &Signs) -> Client {
    let http = signs.vendor_class.starts_with(b"HTTPClient");
    if !http && !signs.vendor_class.starts_with(b"PXEClient") {
        return Client::NotBooting;
    }
    // Some ROMs leave option 93 out; the vendor class carries the number too.
    let from_class = arch_in_class(signs.vendor_class);
    let archs = match (signs.archs, &from_class) {
        ([], Some(arch)) => std::slice::from_ref(arch),
        (list, _) => list,
    };
    let is_ipxe = signs.ipxe_options || is_ipxe(signs.user_class);
    if !is_ipxe && archs.contains(&0) && is_raspberry_pi(signs) {
        return Client::Unsupported(Unsupported::RaspberryPi);
    }
    if is_ipxe {
        // The kernel we serve is x86-64: an ARM or 32-bit UEFI iPXE could not start it. iPXE of a
        // BIOS started by HTTP says 20 and fetches its script like any other.
        let starts_it =
            |number: &u16| *number == BIOS_HTTP || start(*number).is_some_and(Start::is_served);
        return match archs.first() {
            Some(&first) if !archs.iter().any(starts_it) => Client::Unsupported(why_not(first)),
            _ => Client::Ipxe,
        };
    }
    let fits = |number: u16| match start(number)? {
        Start::Bios if !http => Some(Client::Bios),
        Start::Uefi if !http => Some(Client::Uefi),
        // Some firmware keeps 7 in its HTTP Boot.
        Start::Uefi | Start::UefiHttp if http => Some(Client::UefiHttp),
        Start::Arm64 if !http => Some(Client::Arm64),
        Start::Arm64 | Start::Arm64Http if http => Some(Client::Arm64Http),
        _ => None,
    };
    match archs.iter().find_map(|&number| fits(number)) {
        Some(client) => client,
        None => Client::Unsupported(archs.first().map_or(Unsupported::NoArch, |&n| why_not(n))),
    }
}

/// A PXE client that says it can do HTTP Boot too.
pub(crate) fn offers_http(archs: &[u16]) -> bool {
    archs
        .iter()
        .any(|&number| start(number) == Some(Start::UefiHttp))
}

const BIOS_HTTP: u16 = 20;

fn start(number: u16) -> Option<Start> {
    arch::find(number).map(|arch| arch.start)
}

fn why_not(number: u16) -> Unsupported {
    match start(number) {
        None => Unsupported::Unknown(number),
        // An iPXE of such a machine could not start our kernel.
        Some(Start::Missing(_) | Start::Arm64 | Start::Arm64Http) => Unsupported::Missing(number),
        Some(_) => Unsupported::OtherWay(number),
    }
}

/// The blocks of addresses of the Raspberry Pi's makers. Its boot ROM sends
/// `PXEClient:Arch:00000:UNDI:002001` and option 93 = 0, as a BIOS does; the boot loader of a
/// Pi 4 and later also writes `RPi` into option 97.
fn is_raspberry_pi(signs: &Signs) -> bool {
    const MAKERS: [[u8; 3]; 7] = [
        [0xb8, 0x27, 0xeb],
        [0xdc, 0xa6, 0x32],
        [0xe4, 0x5f, 0x01],
        [0x28, 0xcd, 0xc1],
        [0xd8, 0x3a, 0xdd],
        [0x2c, 0xcf, 0x67],
        [0x88, 0xa2, 0x9e],
    ];
    let [a, b, c, ..] = signs.mac.0;
    MAKERS.contains(&[a, b, c]) || signs.machine_id.get(1..4) == Some(b"RPi")
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

    const PC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
    const PI: Mac = Mac([0xdc, 0xa6, 0x32, 1, 2, 3]);
    const PXE7: &[u8] = b"PXEClient:Arch:00007:UNDI:003000";
    const PXE0: &[u8] = b"PXEClient:Arch:00000:UNDI:002001";
    const HTTP16: &[u8] = b"HTTPClient:Arch:00016:UNDI:003000";

    fn signs<'a>(vendor_class: &'a [u8], archs: &'a [u16]) -> Signs<'a> {
        Signs {
            mac: PC,
            vendor_class,
            user_class: b"",
            ipxe_options: false,
            archs,
            machine_id: &[0; 17],
        }
    }

    #[test]
    fn firmware_is_told_apart() {
        use super::Unsupported::*;
        use Client::*;
        // (what it is, vendor class, architectures)
        type Row<'a> = (&'a str, &'a [u8], &'a [u16], Client);
        let table: &[Row] = &[
            ("OVMF PXE", PXE7, &[7], Uefi),
            ("erratum 4624", PXE7, &[9], Uefi),
            ("odd 8", PXE7, &[8], Uefi),
            ("several archs, ours second", PXE7, &[6, 7], Uefi),
            ("PXE and HTTP Boot in one option", PXE7, &[7, 16], Uefi),
            (
                "HTTP Boot and PXE in one option",
                HTTP16,
                &[7, 16],
                UefiHttp,
            ),
            ("BIOS ROM", PXE0, &[0], Bios),
            ("no option 93", PXE0, &[], Bios),
            ("no option 93, UEFI", PXE7, &[], Uefi),
            ("bare class", b"PXEClient", &[], Unsupported(NoArch)),
            ("bare class, arch", b"PXEClient", &[7], Uefi),
            ("OVMF HTTP Boot", HTTP16, &[16], UefiHttp),
            ("HTTP Boot saying 7", HTTP16, &[7], UefiHttp),
            ("HTTP Boot, class only", HTTP16, &[], UefiHttp),
            ("HTTP of a BIOS", HTTP16, &[0], Unsupported(OtherWay(0))),
            ("PXE saying 16", PXE7, &[16], Unsupported(OtherWay(16))),
            ("32-bit UEFI", PXE7, &[6], Unsupported(Missing(6))),
            ("64-bit ARM", PXE7, &[11], Arm64),
            ("64-bit ARM, HTTP Boot", HTTP16, &[19], Arm64Http),
            ("HTTP Boot saying 11", HTTP16, &[11], Arm64Http),
            ("PXE saying 19", PXE7, &[19], Unsupported(Missing(19))),
            ("32-bit ARM", PXE7, &[10], Unsupported(Missing(10))),
            ("BIOS HTTP Boot", HTTP16, &[20], Unsupported(Missing(20))),
            ("a new number", PXE7, &[42], Unsupported(Unknown(42))),
            ("a wild one", PXE7, &[65535], Unsupported(Unknown(65535))),
            ("Windows", b"MSFT 5.0", &[], NotBooting),
            ("nothing", b"", &[], NotBooting),
            ("arch without class", b"", &[7], NotBooting),
        ];
        for (name, vendor, archs, expected) in table {
            assert_eq!(classify(&signs(vendor, archs)), *expected, "{name}");
        }
    }

    #[test]
    fn loaders_are_given_to_their_own_only_and_what_is_missing_is_named() {
        for number in 0..=100 {
            for class in [PXE7, HTTP16] {
                let found = classify(&signs(class, &[number]));
                let served = match number {
                    0 => class == PXE7,
                    7..=9 | 11 => true,
                    16 | 19 => class == HTTP16,
                    _ => false,
                };
                match found {
                    Client::Unsupported(why) => {
                        assert!(!served, "{number}");
                        let text = why.to_string();
                        assert!(text.contains(&number.to_string()), "{text}");
                    }
                    _ => assert!(served, "{number} is taken for {found:?}"),
                }
            }
        }
        for (number, expected) in [
            (
                10,
                "this appliance has no loader for 32-bit ARM UEFI (architecture 10); missing: an arm32 snponly.efi",
            ),
            // Its iPXE.
            (
                11,
                "this appliance has no image for 64-bit ARM UEFI (architecture 11)",
            ),
        ] {
            assert_eq!(Unsupported::Missing(number).to_string(), expected);
        }
    }

    #[test]
    fn ipxe_is_known_by_either_sign() {
        use super::Unsupported::*;
        use Client::*;
        // (what it is, user class, option 175, architectures)
        type Row<'a> = (&'a str, &'a [u8], bool, &'a [u16], Client);
        let table: &[Row] = &[
            ("raw user class", b"iPXE", false, &[7], Ipxe),
            ("length-prefixed", b"\x04iPXE", false, &[7], Ipxe),
            ("second user class", b"\x02ab\x04iPXE", false, &[7], Ipxe),
            ("option 175", b"", true, &[0], Ipxe),
            ("after HTTP Boot keeps 7", b"iPXE", true, &[7], Ipxe),
            ("on a BIOS started by HTTP", b"iPXE", true, &[20], Ipxe),
            ("on ARM", b"iPXE", true, &[11], Unsupported(Missing(11))),
            (
                "on 32-bit UEFI",
                b"iPXE",
                true,
                &[6],
                Unsupported(Missing(6)),
            ),
            ("truncated user class", b"\xffiPXE", false, &[7], Uefi),
            ("of length 0", b"\x00", false, &[7], Uefi),
        ];
        for (name, user_class, ipxe_options, archs, expected) in table {
            let signs = Signs {
                user_class,
                ipxe_options: *ipxe_options,
                ..signs(PXE7, archs)
            };
            assert_eq!(classify(&signs), *expected, "{name}");
        }
    }

    #[test]
    fn a_raspberry_pi_that_says_bios_gets_no_x86_loader() {
        let pi = Client::Unsupported(Unsupported::RaspberryPi);
        let by_address = Signs {
            mac: PI,
            ..signs(PXE0, &[0])
        };
        assert_eq!(classify(&by_address), pi);
        let by_class_only = Signs {
            mac: PI,
            ..signs(PXE0, &[])
        };
        assert_eq!(classify(&by_class_only), pi);
        // Behind an adapter of another maker.
        let by_id = Signs {
            machine_id: b"\x00RPi4\x14\x31\xd0\x00\x32\x9e\xd5\x3f\x01\x23\x45\x67",
            ..signs(PXE0, &[0])
        };
        assert_eq!(classify(&by_id), pi);
        // UEFI firmware on a Pi says what it is.
        let uefi = Signs {
            mac: PI,
            ..signs(PXE7, &[11])
        };
        assert_eq!(classify(&uefi), Client::Arm64);
        assert_eq!(classify(&signs(PXE0, &[0])), Client::Bios);
    }

    #[test]
    fn a_client_that_can_do_both_is_known() {
        assert!(offers_http(&[7, 16]));
        assert!(!offers_http(&[7]));
        assert!(!offers_http(&[15, 19, 4242]));
    }
}
