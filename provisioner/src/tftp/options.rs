//! What is granted of the options a machine asks for: RFC 2347, 2348, 2349 and 7440.

use super::packet::{self, Asked, HEADER_BYTES};
use std::time::Duration;

/// Without the option (RFC 1350).
const PLAIN_BLOCK: u16 = 512;
/// RFC 2348.
const BLOCKS: std::ops::RangeInclusive<u64> = 8..=65464;
/// More gains nothing (measured by u-root up to 64), and a window is what a machine gets unasked.
const LARGEST_WINDOW: u16 = 64;
/// What may be under way to one machine, whatever the blocks.
const MOST_UNDER_WAY: u32 = 512 << 10;
/// RFC 2349.
const TIMEOUTS_S: std::ops::RangeInclusive<u64> = 1..=255;

/// The number that follows 65535.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RollOver {
    /// What EDK2, iPXE and all servers do.
    #[default]
    Zero,
    /// What some old ROMs do; asked with tftp-hpa's option `rollover`.
    One,
}

/// What both sides go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) block_bytes: u16,
    /// Blocks sent before an acknowledgement is waited for; 1 = RFC 1350.
    pub(super) window: u16,
    /// A silence after which the machine expects a packet again, if it said so.
    pub(super) timeout: Option<Duration>,
    pub(super) roll_over: RollOver,
    /// The packet that says what is granted; `None` = nothing was, the first block says it.
    pub(super) oack: Option<Vec<u8>>,
}

/// Pure. `file_bytes` is told as `tsize`; `room_bytes` is what one UDP datagram holds on the way to
/// the machine: a block never travels in fragments, which ROMs do not put together.
pub(super) fn agree(asked: Asked, file_bytes: u64, room_bytes: u32) -> Terms {
    let mut granted = Vec::new();
    let room = room_bytes.saturating_sub(HEADER_BYTES as u32).max(8);
    let block_bytes = match asked.block_bytes.filter(|bytes| BLOCKS.contains(bytes)) {
        Some(bytes) => {
            let bytes = bytes.min(u64::from(room));
            granted.push(("blksize", bytes));
            u16::try_from(bytes).unwrap_or(PLAIN_BLOCK)
        }
        None => PLAIN_BLOCK,
    };
    let window = match asked.window.filter(|window| (1..=65535).contains(window)) {
        Some(window) => {
            let fit = MOST_UNDER_WAY / (u32::from(block_bytes) + HEADER_BYTES as u32);
            let most = fit.clamp(1, u32::from(LARGEST_WINDOW));
            let window = window.min(u64::from(most));
            granted.push(("windowsize", window));
            u16::try_from(window).unwrap_or(1)
        }
        None => 1,
    };
    if asked.size.is_some() {
        granted.push(("tsize", file_bytes));
    }
    // Echoed exactly or left out: EDK2 refuses any other value.
    let timeout_s = asked.timeout_s.filter(|s| TIMEOUTS_S.contains(s));
    if let Some(seconds) = timeout_s {
        granted.push(("timeout", seconds));
    }
    let roll_over = match asked.rollover {
        Some(0) => Some(RollOver::Zero),
        Some(1) => Some(RollOver::One),
        _ => None,
    };
    if let Some(roll_over) = roll_over {
        granted.push(("rollover", u64::from(roll_over == RollOver::One)));
    }
    Terms {
        block_bytes,
        window,
        timeout: timeout_s.map(Duration::from_secs),
        roll_over: roll_over.unwrap_or_default(),
        oack: (!granted.is_empty()).then(|| packet::oack(&granted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 213_444;
    /// Of IPv4 and UDP.
    const HEADERS: u32 = 28;

    /// The OACK's strings, joined by blanks.
    fn said(terms: &Terms) -> String {
        let packet = terms.oack.clone().unwrap_or_default();
        let strings = packet.get(2..).unwrap_or_default();
        let text = String::from_utf8(strings.to_vec()).unwrap();
        text.trim_end_matches('\0').replace('\0', " ")
    }

    #[test]
    fn options_are_clamped_echoed_or_left_out() {
        let block = |bytes| Asked {
            block_bytes: Some(bytes),
            ..Asked::default()
        };
        let window = |block_bytes, window| Asked {
            block_bytes: Some(block_bytes),
            window: Some(window),
            ..Asked::default()
        };
        let timeout = |seconds| Asked {
            timeout_s: Some(seconds),
            ..Asked::default()
        };
        let rollover = |value| Asked {
            rollover: Some(value),
            ..Asked::default()
        };
        let size = |size| Asked {
            size: Some(size),
            ..Asked::default()
        };
        // Asked, MTU ⇒ OACK, block, window.
        let table = [
            (Asked::default(), 1500, "", 512, 1),
            (block(1468), 1500, "blksize 1468", 1468, 1),
            (block(1432), 1500, "blksize 1432", 1432, 1),
            (block(65464), 1500, "blksize 1468", 1468, 1),
            (block(1468), 1280, "blksize 1248", 1248, 1),
            (block(1468), 576, "blksize 544", 544, 1),
            (block(1468), 0, "blksize 8", 8, 1),
            (block(9000), 9000, "blksize 8968", 8968, 1),
            (block(65464), 65536, "blksize 65464", 65464, 1),
            (block(8), 1500, "blksize 8", 8, 1),
            (block(7), 1500, "", 512, 1),
            (block(0), 1500, "", 512, 1),
            (block(65465), 1500, "", 512, 1),
            (window(1468, 4), 1500, "blksize 1468 windowsize 4", 1468, 4),
            (
                window(65464, 65535),
                1500,
                "blksize 1468 windowsize 64",
                1468,
                64,
            ),
            (
                window(65464, 65535),
                65536,
                "blksize 65464 windowsize 8",
                65464,
                8,
            ),
            (window(1468, 0), 1500, "blksize 1468", 1468, 1),
            (window(1468, 65536), 1500, "blksize 1468", 1468, 1),
            (size(0), 1500, "tsize 213444", 512, 1),
            (size(7), 1500, "tsize 213444", 512, 1),
            (timeout(1), 1500, "timeout 1", 512, 1),
            (timeout(255), 1500, "timeout 255", 512, 1),
            (timeout(0), 1500, "", 512, 1),
            (timeout(256), 1500, "", 512, 1),
            (rollover(0), 1500, "rollover 0", 512, 1),
            (rollover(1), 1500, "rollover 1", 512, 1),
            (rollover(2), 1500, "", 512, 1),
        ];
        for (asked, mtu, oack, block_bytes, window) in table {
            let terms = agree(asked, SIZE, mtu - HEADERS.min(mtu));
            assert_eq!(said(&terms), oack, "{asked:?} over {mtu}");
            assert_eq!(terms.block_bytes, block_bytes, "{asked:?} over {mtu}");
            assert_eq!(terms.window, window, "{asked:?} over {mtu}");
        }
    }

    #[test]
    fn no_request_puts_more_under_way_than_allowed() {
        for block_bytes in [8, 511, 1468, 8968, 65464] {
            for window in [1, 16, 64, 65535] {
                let asked = Asked {
                    block_bytes: Some(block_bytes),
                    window: Some(window),
                    ..Asked::default()
                };
                for mtu in [68, 1500, 9000, 65536] {
                    let terms = agree(asked, SIZE, mtu - HEADERS.min(mtu));
                    let bytes = u32::from(terms.window) * u32::from(terms.block_bytes);
                    assert!(bytes <= MOST_UNDER_WAY, "{asked:?} over {mtu}: {bytes}");
                    assert!(terms.window >= 1, "{asked:?} over {mtu}");
                }
            }
        }
    }
}
