//! Network boot over IPv6 (RFC 8415, RFC 5970), beside whoever gives the addresses: `message` reads,
//! `relay` unwraps what relays wrapped, `who` tells the machine's card, `decide` chooses (all pure),
//! `reply` writes, `repeat` says answers again; `server` and `socket` hold the sockets, `records` our own name.
//!
//! Never an address, and no router advertisement: firmware takes both from the network, and the URL
//! from an answer of ours that has no address in it.

mod decide;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod message;
#[cfg(test)]
mod packets;
mod records;
mod relay;
mod repeat;
mod reply;
mod server;
mod socket;
mod who;

pub(crate) use server::serve;

/// The two ports a boot server listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    /// 547, where machines ask everybody.
    Dhcp,
    /// 4011, where UEFI firmware asks again, alone.
    Pxe,
}

impl Port {
    fn number(self) -> u16 {
        match self {
            Port::Dhcp => 547,
            Port::Pxe => 4011,
        }
    }
}

// Options (IANA "DHCPv6 Option Codes").
const CLIENT_ID: u16 = 1;
const SERVER_ID: u16 = 2;
const IA_NA: u16 = 3;
const WISHES: u16 = 6;
const ELAPSED: u16 = 8;
const RELAYED: u16 = 9;
const STATUS: u16 = 13;
const USER_CLASS: u16 = 15;
const VENDOR_CLASS: u16 = 16;
const INTERFACE_ID: u16 = 18;
const BOOT_URL: u16 = 59;
const ARCHS: u16 = 61;
const LINK_LAYER: u16 = 79;
const RELAY_PORT: u16 = 135;

/// The options of a message, or of an option, in their order; the last is an error when it runs
/// past the end.
fn options(bytes: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), Truncated>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (head, tail) = match rest.split_at_checked(4) {
            Some(split) => split,
            None if rest.is_empty() => return None,
            None => {
                rest = &[];
                return Some(Err(Truncated));
            }
        };
        let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let Some((value, next)) = tail.split_at_checked(len) else {
            rest = &[];
            return Some(Err(Truncated));
        };
        rest = next;
        Some(Ok((u16::from_be_bytes([head[0], head[1]]), value)))
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Truncated;
