//! The last boot packets of one interface, in memory, and their file for Wireshark.

use super::frame;
use crate::Mac;
use state::Timestamp;
use std::collections::VecDeque;

/// What one interface's packets may hold in memory: about 20,000 DHCP messages.
const MOST_BYTES: usize = 8 << 20;
/// What a packet costs besides its bytes.
const OVERHEAD: usize = size_of::<Packet>();

#[derive(Debug)]
struct Packet {
    at: Timestamp,
    len: usize,
}

/// The oldest packets make room. One piece of memory for all: a crowd's packets would tear many
/// small ones in and out.
#[derive(Debug, Default)]
pub(super) struct Ring {
    packets: VecDeque<Packet>,
    /// Of all packets, one behind the other.
    bytes: VecDeque<u8>,
}

impl Ring {
    pub(super) fn push(&mut self, at: Timestamp, frame: &[u8]) {
        let len = frame.len();
        while self.held() + len + OVERHEAD > MOST_BYTES {
            let Some(oldest) = self.packets.pop_front() else {
                return;
            };
            self.bytes.drain(..oldest.len);
        }
        self.packets.push_back(Packet { at, len });
        self.bytes.extend(frame);
    }

    fn held(&self) -> usize {
        self.bytes.len() + self.packets.len() * OVERHEAD
    }

    /// The packets of these machines since `since`, oldest first.
    pub(super) fn of(&self, macs: &[Mac], since: Timestamp) -> Vec<(Timestamp, Vec<u8>)> {
        let mut from = 0;
        let mut found = Vec::new();
        for packet in &self.packets {
            let place = from..from + packet.len;
            from = place.end;
            if packet.at < since {
                continue;
            }
            let bytes: Vec<u8> = self.bytes.range(place).copied().collect();
            if frame::machine(&bytes).iter().any(|mac| macs.contains(mac)) {
                found.push((packet.at, bytes));
            }
        }
        found
    }
}

/// A capture file of Ethernet frames, in the format that every tool reads (libpcap 2.4, RFC draft
/// `draft-ietf-opsawg-pcap`), little-endian, with microseconds.
pub(super) fn pcap(packets: &[(Timestamp, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4u32.to_le_bytes());
    file.extend([2, 0, 4, 0]);
    file.extend([0; 8]);
    file.extend(65535u32.to_le_bytes());
    // LINKTYPE_ETHERNET
    file.extend(1u32.to_le_bytes());
    for (at, bytes) in packets {
        let seconds = u32::try_from(at.seconds()).unwrap_or(u32::MAX);
        let micros = u32::try_from(at.0.rem_euclid(1000) * 1000).unwrap_or(0);
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        for field in [seconds, micros, len, len] {
            file.extend(field.to_le_bytes());
        }
        file.extend(bytes);
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame_of(mac: u8, len: usize) -> Vec<u8> {
        let mut frame = vec![0; len];
        frame[..6].fill(0xff);
        frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, mac]);
        frame
    }

    #[test]
    fn the_oldest_packets_make_room() {
        let mut ring = Ring::default();
        for number in 0..10_000 {
            ring.push(Timestamp(number), &frame_of(1, 1500));
        }
        ring.push(Timestamp(10_000), &frame_of(2, 60));
        assert!(ring.held() <= MOST_BYTES);
        let kept = ring.of(&[Mac([2, 0, 0, 0, 0, 1])], Timestamp(0));
        assert!(kept.len() > 5000, "{}", kept.len());
        assert_eq!(kept.last().unwrap().0, Timestamp(9999));
        let other = ring.of(&[Mac([2, 0, 0, 0, 0, 2])], Timestamp(0));
        assert_eq!(other, [(Timestamp(10_000), frame_of(2, 60))]);
    }

    #[test]
    fn a_capture_file_is_as_its_format_says() {
        let file = pcap(&[(Timestamp(1_500), vec![1, 2, 3])]);
        assert_eq!(file.len(), 24 + 16 + 3);
        assert_eq!(file[..8], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
        assert_eq!(file[24..28], [1, 0, 0, 0]);
        assert_eq!(file[28..32], 500_000u32.to_le_bytes());
        assert_eq!(file[32..40], [3, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(file[40..], [1, 2, 3]);
    }
}
