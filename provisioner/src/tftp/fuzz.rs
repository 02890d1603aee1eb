//! What the parsers and the transfer must stand: any bytes, in any order, at any time, without a
//! panic, and never more under way than a window. Tests run it on seeded mutations; `fuzz/` runs it
//! under cargo-fuzz.

#![allow(
    clippy::panic,
    unreachable_pub,
    reason = "a fuzz target says what is wrong by stopping"
)]

use super::options;
use super::packet::{self, Incoming, Reply};
use super::transfer::{Act, Transfer};
use std::time::{Duration, Instant};

const FILE_BYTES: u64 = 1 << 20;

/// A request, then a conversation: each length-prefixed. Returns whether the request was accepted.
pub fn conversation(bytes: &[u8]) -> bool {
    let (request, mut rest) = cut(bytes);
    let Incoming::Read(request) = packet::incoming(request) else {
        return false;
    };
    let mut now = Instant::now();
    let terms = options::agree(request.asked, FILE_BYTES, 1500);
    let (mut transfer, mut act) = Transfer::open(terms, FILE_BYTES, now);
    loop {
        match act {
            Act::End(_) => return true,
            Act::Wait => {}
            Act::SendOack => assert!(
                transfer.terms().oack.is_some(),
                "an OACK that does not exist"
            ),
            Act::SendBlocks(blocks) => {
                let window = u64::from(transfer.terms().window);
                assert!(blocks.end() - blocks.start() < window, "more than a window");
                for block in blocks {
                    let (_, range) = transfer.block(block);
                    assert!(
                        range.start <= range.end && range.end <= FILE_BYTES,
                        "past the end"
                    );
                }
            }
        }
        let Some((&wait, after)) = rest.split_first() else {
            return true;
        };
        now += Duration::from_millis(u64::from(wait));
        act = transfer.tick(now);
        if act == Act::Wait {
            let (packet, after) = cut(after);
            act = transfer.packet(packet::reply(packet), now);
            rest = after;
        } else {
            rest = after;
        }
        assert!(
            transfer.acknowledged_bytes() <= FILE_BYTES,
            "more than there is"
        );
    }
}

/// A byte says how long the next packet is.
fn cut(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.split_first() {
        Some((&len, rest)) => rest.split_at(usize::from(len).min(rest.len())),
        None => (&[], &[]),
    }
}

/// Whether a reply is one that a transfer listens to.
pub fn reply(bytes: &[u8]) -> bool {
    !matches!(packet::reply(bytes), Reply::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(state: &mut u64, below: usize) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state % below as u64).unwrap()
    }

    fn prefixed(packet: &[u8]) -> Vec<u8> {
        [&[u8::try_from(packet.len()).unwrap()], packet].concat()
    }

    /// UEFI's request and the start of its transfer.
    fn good() -> Vec<u8> {
        let request = b"\0\x01b/525400123456/snponly.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0timeout\x003\0";
        let mut bytes = prefixed(request);
        for number in [0u8, 4, 8, 8, 10, 14] {
            bytes.push(number);
            bytes.extend(prefixed(&[0, 4, 0, number]));
        }
        bytes.push(1);
        bytes.extend(prefixed(b"\0\x05\0\x08User aborted the transfer\0"));
        bytes
    }

    #[test]
    fn mutated_conversations_never_panic() {
        let seed = 0x7f4a_7c15_u64;
        let mut state = seed;
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let mut bytes = good();
            for _ in 0..1 + random(&mut state, 8) {
                let at = random(&mut state, bytes.len());
                let value = u8::try_from(random(&mut state, 256)).unwrap();
                match random(&mut state, 4) {
                    0 => bytes[at] = value,
                    1 => bytes[at] ^= 1 << (value % 8),
                    2 => bytes.insert(at, value),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            if conversation(&bytes) {
                accepted += 1;
            } else {
                refused += 1;
            }
            reply(&bytes);
        }
        assert!(conversation(&good()));
        // Both sides of the parser were tried.
        assert!(
            accepted > 1000 && refused > 1000,
            "seed {seed}: {accepted} accepted, {refused} refused"
        );
    }
}
