//! Option 82, what a relay adds about the port a machine hangs on. Pure.

use std::net::Ipv4Addr;

/// The sub-options of use here (RFC 3046, RFC 3527, RFC 5107); the option itself is given back to
/// the relay byte for byte, whatever is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RelayInfo {
    /// Sub-option 1: the switch port, in words of the switch's maker.
    pub(crate) circuit: Vec<u8>,
    /// Sub-option 2: the switch, or the modem behind it.
    pub(crate) remote: Vec<u8>,
    /// Sub-option 5: an address of the network the machine is in, when `giaddr` is of another.
    pub(crate) link: Option<Ipv4Addr>,
    /// Sub-option 11: the address the machine is to take for its DHCP server, so that all it sends
    /// later passes the relay too.
    pub(crate) server: Option<Ipv4Addr>,
}

/// A sub-option that runs past the end, and what follows it, is left out: relays of all makers
/// write here, and a boot does not depend on it.
pub(crate) fn read(option: &[u8]) -> RelayInfo {
    let mut info = RelayInfo::default();
    let mut rest = option;
    while let [code, len, tail @ ..] = rest {
        let Some((value, next)) = tail.split_at_checked(usize::from(*len)) else {
            break;
        };
        let address = || <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from);
        match code {
            1 => info.circuit = value.to_vec(),
            2 => info.remote = value.to_vec(),
            5 => info.link = address().or(info.link),
            11 => info.server = address().filter(is_host).or(info.server),
            _ => {}
        }
        rest = next;
    }
    info
}

/// An address one machine can have. A reply to any other would reach many, or ourselves.
pub(crate) fn is_host(address: &Ipv4Addr) -> bool {
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || address.octets()[0] == 0
        || address.octets()[0] >= 240)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_options_are_read_as_far_as_they_are_whole() {
        let whole =
            b"\x01\x04ge-3\x02\x02sw\x05\x04\x0a\x00\x05\x01\x0b\x04\x0a\x00\x05\xfe\x97\x01\x00";
        let expected = RelayInfo {
            circuit: b"ge-3".to_vec(),
            remote: b"sw".to_vec(),
            link: Some(Ipv4Addr::new(10, 0, 5, 1)),
            server: Some(Ipv4Addr::new(10, 0, 5, 254)),
        };
        assert_eq!(read(whole), expected);
        for cut in 0..whole.len() {
            let part = read(&whole[..cut]);
            assert!(part.circuit.is_empty() || part.circuit == b"ge-3", "{cut}");
        }
        assert_eq!(read(b""), RelayInfo::default());
        assert_eq!(read(b"\x05\x03\x0a\x00\x05"), RelayInfo::default());
        // Nobody's server is everybody.
        assert_eq!(read(b"\x0b\x04\xff\xff\xff\xff").server, None);
    }

    #[test]
    fn only_addresses_of_one_machine_are_answered() {
        for bad in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!is_host(&bad.parse().unwrap()), "{bad}");
        }
        for good in ["10.0.0.1", "192.168.1.255", "169.254.1.1"] {
            assert!(is_host(&good.parse().unwrap()), "{good}");
        }
    }
}
