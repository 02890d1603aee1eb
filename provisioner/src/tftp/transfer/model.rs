//! The transfer against simulated machines over a wire that loses, doubles and reorders, in
//! simulated time.

use super::*;
use crate::tftp::options::agree;
use crate::tftp::packet::Asked;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug)]
struct Wire {
    /// Of 1000 packets.
    lost: u64,
    doubled: u64,
    /// One way, at least and at most: a range reorders.
    way_us: (u64, u64),
    /// This one of every window is lost the first time it is sent.
    first_of_window_lost: bool,
}

const CLEAN: Wire = Wire {
    lost: 0,
    doubled: 0,
    way_us: (500, 500),
    first_of_window_lost: false,
};

/// How a machine answers a block that is not the one it waits for.
#[derive(Clone, Copy, Debug)]
enum Machine {
    /// At once, with what it has: EDK2.
    Each,
    /// The same, but once per gap: atftp.
    Once,
    /// Only what it has already: RFC 1350.
    Known,
}

struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

#[derive(Clone)]
enum Packet {
    Oack,
    Block(u64),
    Ack(u64),
}

struct Outcome {
    took: Duration,
    blocks_sent: u64,
    resent_blocks: u64,
}

/// Runs one transfer to its end; fails unless the machine has every block once, in order.
fn run(blocks: u64, window: u64, wire: Wire, machine: Machine, seed: u64) -> Outcome {
    let name = format!("{blocks} blocks, window {window}, {wire:?}, {machine:?}, seed {seed}");
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let start = Instant::now();
    let bytes = 512 * blocks - 1;
    let asked = Asked {
        window: (window > 1).then_some(window),
        ..Asked::default()
    };
    let (mut transfer, first) = Transfer::open(agree(asked, bytes, 1500), bytes, start);

    let mut way: BTreeMap<(Instant, u64), Packet> = BTreeMap::new();
    let mut count = 0;
    let mut blocks_sent = 0;
    let mut lost_once = std::collections::BTreeSet::new();
    let mut send = |way: &mut BTreeMap<_, _>, random: &mut Random, now: Instant, packet| {
        if let Packet::Block(block) = packet {
            blocks_sent += 1;
            if wire.first_of_window_lost && block % window == 1 && lost_once.insert(block) {
                return;
            }
        }
        if random.below(1000) < wire.lost {
            return;
        }
        let copies = 1 + u64::from(random.below(1000) < wire.doubled);
        for _ in 0..copies {
            let (least, most) = wire.way_us;
            let took = Duration::from_micros(least + random.below(most - least + 1));
            count += 1;
            way.insert((now + took, count), packet.clone());
        }
    };

    let (mut received, mut in_window, mut answered_gap) = (0, 0, false);
    let mut last_ack: Option<u64> = None;
    let mut machine_waits = start + Duration::from_secs(1);
    let mut now = start;
    let mut act = first;
    loop {
        match act {
            Act::SendOack => send(&mut way, &mut random, now, Packet::Oack),
            Act::SendBlocks(range) => {
                for block in range {
                    send(&mut way, &mut random, now, Packet::Block(block));
                }
            }
            Act::Wait => {}
            // Nothing of it arrived: the machine asks anew, from another port.
            Act::End(End::Unanswered) if received == 0 => {
                let opened = Transfer::open(agree(asked, bytes, 1500), bytes, now);
                (transfer, act) = opened;
                way.clear();
                last_ack = None;
                machine_waits = now + Duration::from_secs(1);
                continue;
            }
            Act::End(end) => {
                assert_eq!(end, End::Complete, "{name}, {received} received");
                assert_eq!(received, blocks, "{name}");
                return Outcome {
                    took: now - start,
                    blocks_sent,
                    resent_blocks: transfer.resent_blocks(),
                };
            }
        }
        act = Act::Wait;
        let arrival = way.first_key_value().map(|(&(at, _), _)| at);
        let patience = transfer.deadline().min(machine_waits);
        match arrival.filter(|&at| at <= patience) {
            Some(at) => {
                now = at;
                let Some((_, packet)) = way.pop_first() else {
                    continue;
                };
                let answer = match packet {
                    Packet::Ack(block) => {
                        act = transfer.packet(Reply::Ack(transfer.block(block).0), now);
                        continue;
                    }
                    Packet::Oack => (received == 0).then_some(0),
                    Packet::Block(block) if block == received + 1 => {
                        received = block;
                        in_window += 1;
                        answered_gap = false;
                        (in_window == window || block == blocks).then_some(block)
                    }
                    Packet::Block(block) => match machine {
                        Machine::Each => Some(received),
                        Machine::Once if answered_gap => None,
                        Machine::Once => {
                            answered_gap = true;
                            Some(received)
                        }
                        Machine::Known => (block <= received).then_some(block),
                    },
                };
                machine_waits = now + Duration::from_secs(1);
                if let Some(block) = answer {
                    in_window = 0;
                    last_ack = Some(block);
                    send(&mut way, &mut random, now, Packet::Ack(block));
                }
            }
            None if transfer.deadline() <= machine_waits => {
                now = transfer.deadline();
                act = transfer.tick(now);
            }
            None => {
                now = machine_waits;
                machine_waits = now + Duration::from_secs(1);
                in_window = 0;
                answered_gap = false;
                if last_ack.is_some() {
                    send(&mut way, &mut random, now, Packet::Ack(received));
                }
            }
        }
        assert!(now - start < Duration::from_secs(3600), "{name} never ends");
    }
}

fn machine(window: u64, number: u64) -> Machine {
    match number % 3 {
        0 => Machine::Each,
        1 => Machine::Once,
        // It knows no windows.
        _ if window == 1 => Machine::Known,
        _ => Machine::Each,
    }
}

#[test]
fn every_block_arrives_over_wires_that_lose_double_and_reorder() {
    for seed in 1..=600 {
        let mut random = Random(seed * 77 + 1);
        let window = [1, 2, 4, 16, 64][usize::try_from(seed % 5).unwrap()];
        let least = random.below(20_000);
        let wire = Wire {
            lost: random.below(100),
            doubled: random.below(100),
            way_us: (least, least + random.below(5_000)),
            first_of_window_lost: seed % 7 == 0,
        };
        let blocks = 1 + random.below(400);
        run(blocks, window, wire, machine(window, seed), seed);
    }
}

#[test]
fn a_wire_that_doubles_everything_starts_no_storm() {
    for seed in 1..=60 {
        for window in [1, 4, 64] {
            // A machine keeps no block that comes too early, so a window that arrives shuffled is
            // lost whoever sends it: only lock-step is also tried on a wire that reorders.
            let most = if window == 1 { 500 + seed * 20 } else { 500 };
            let wire = Wire {
                doubled: 1000,
                way_us: (500, most),
                ..CLEAN
            };
            let blocks = 500;
            let outcome = run(blocks, window, wire, machine(window, seed), seed);
            let (sent, name) = (outcome.blocks_sent, format!("window {window}, seed {seed}"));
            if window == 1 {
                assert_eq!(sent, blocks, "{name}");
            } else {
                // The copies look like losses to the machine, which says so.
                assert!(sent <= 2 * blocks, "{name}: {sent}");
            }
        }
    }
}

/// What a server that only knows timeouts needs 200 ms for, each time.
#[test]
fn a_lost_first_block_of_every_window_costs_round_trips_not_timeouts() {
    for machine in [Machine::Each, Machine::Once] {
        let wire = Wire {
            first_of_window_lost: true,
            ..CLEAN
        };
        let windows = 100;
        let outcome = run(4 * windows, 4, wire, machine, 1);
        assert!(
            outcome.took < Duration::from_millis(10 * windows),
            "{machine:?}: {:?}",
            outcome.took
        );
        assert_eq!(outcome.resent_blocks, 4 * windows, "{machine:?}");
    }
}

#[test]
fn a_clean_wire_carries_every_block_once() {
    for window in [1, 4, 16, 64] {
        for blocks in [1, 2, 63, 64, 65, 1000] {
            let outcome = run(blocks, window, CLEAN, Machine::Each, 1);
            assert_eq!(outcome.blocks_sent, blocks, "window {window}");
            assert_eq!(outcome.resent_blocks, 0, "window {window}");
        }
    }
}
