//! What relays wrapped around a machine's message (RFC 8415 §19), and wrapping the answer the same
//! way. Pure; hostile until read.

use super::message::Malformed;
use super::{INTERFACE_ID, LINK_LAYER, RELAY_PORT, RELAYED, options};
use crate::Mac;
use std::net::Ipv6Addr;

/// RELAY-FORW and RELAY-REPL.
const FORWARD: u8 = 12;
const REPLY: u8 = 13;
/// Type, hop count, two addresses.
const HEAD: usize = 34;
/// HOP_COUNT_LIMIT (RFC 8415 §7.6).
const MOST: usize = 8;

/// One relay on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    count: u8,
    link: [u8; 16],
    /// Whom it had the message from: the machine, or the relay before it.
    pub(super) peer: Ipv6Addr,
    /// Option 18 as it wrote it, to be given back: mostly the port of a switch.
    pub(super) interface_id: Option<Vec<u8>>,
    /// Option 79 (RFC 6939): the card that sent to it.
    pub(super) card: Option<Mac>,
    /// Option 135 (RFC 8357), to be given back: it listens on another port than 547.
    relay_port: Option<Vec<u8>>,
}

impl Hop {
    pub(super) fn has_own_port(&self) -> bool {
        self.relay_port.is_some()
    }
}

/// The relays from us to the machine, and its own message.
pub(super) fn unwrap(packet: &[u8]) -> Result<(Vec<Hop>, &[u8]), Malformed> {
    let mut hops = Vec::new();
    let mut message = packet;
    while message.first() == Some(&FORWARD) {
        if hops.len() == MOST {
            return Err(Malformed::TooManyRelays);
        }
        let (head, tail) = message.split_at_checked(HEAD).ok_or(Malformed::Short)?;
        let address = |at: usize| -> Result<[u8; 16], Malformed> {
            let bytes = head.get(at..at + 16).ok_or(Malformed::Short)?;
            bytes.try_into().map_err(|_| Malformed::Short)
        };
        let mut hop = Hop {
            count: head[1],
            link: address(2)?,
            peer: address(18)?.into(),
            interface_id: None,
            card: None,
            relay_port: None,
        };
        let mut inner = None;
        for option in options(tail) {
            let (code, value) = option?;
            match code {
                RELAYED => inner = inner.or(Some(value)),
                INTERFACE_ID if hop.interface_id.is_none() => {
                    hop.interface_id = Some(value.to_vec());
                }
                LINK_LAYER => hop.card = hop.card.or_else(|| ethernet(value)),
                RELAY_PORT if hop.relay_port.is_none() => hop.relay_port = Some(value.to_vec()),
                _ => {}
            }
        }
        message = inner.ok_or(Malformed::NothingRelayed)?;
        hops.push(hop);
    }
    Ok((hops, message))
}

/// A hardware type (1 = Ethernet) and the address.
pub(super) fn ethernet(value: &[u8]) -> Option<Mac> {
    let mac = Mac(value.strip_prefix(&[0, 1])?.try_into().ok()?);
    mac.is_station().then_some(mac)
}

/// `answer`, to travel back through `hops`.
pub(super) fn wrap(hops: &[Hop], answer: Vec<u8>) -> Vec<u8> {
    hops.iter().rev().fold(answer, |inner, hop| {
        let mut message = Vec::with_capacity(HEAD + inner.len() + 64);
        message.extend([REPLY, hop.count]);
        message.extend(hop.link);
        message.extend(hop.peer.octets());
        for (code, value) in [
            (INTERFACE_ID, hop.interface_id.as_deref()),
            (RELAY_PORT, hop.relay_port.as_deref()),
            (RELAYED, Some(&*inner)),
        ] {
            if let Some(value) = value {
                super::reply::option(&mut message, code, value);
            }
        }
        message
    })
}
