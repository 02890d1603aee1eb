//! Each rule by a table of packets.

use super::*;
use crate::tftp::options::agree;
use crate::tftp::packet::Asked;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// 512-byte blocks; `window` 1 means that nothing was asked.
fn opened(bytes: u64, window: u64, start: Instant) -> (Transfer, Act) {
    let asked = Asked {
        window: (window > 1).then_some(window),
        ..Asked::default()
    };
    Transfer::open(agree(asked, bytes, 1500), bytes, start)
}

fn ack(number: u16) -> Reply {
    Reply::Ack(number)
}

fn error() -> Reply {
    Reply::Error(8, "User aborted the transfer".to_owned())
}

#[test]
fn lock_step_sends_one_block_for_each_acknowledgement() {
    let t = Instant::now();
    // Bytes ⇒ blocks: a last block that is not full, or an empty one.
    for (bytes, last) in [(0, 1), (1, 1), (511, 1), (512, 2), (1024, 3), (1300, 3)] {
        let (mut transfer, act) = opened(bytes, 1, t);
        assert_eq!(act, Act::SendBlocks(1..=1), "{bytes}");
        for block in 1..last {
            let act = transfer.packet(ack(block), t);
            let next = u64::from(block) + 1;
            assert_eq!(act, Act::SendBlocks(next..=next), "{bytes}");
        }
        let (number, range) = transfer.block(u64::from(last));
        assert_eq!(number, last);
        assert_eq!((range.end, range.end - range.start), (bytes, bytes % 512));
        assert_eq!(transfer.packet(ack(last), t), Act::End(End::Complete));
        assert_eq!(transfer.acknowledged_bytes(), bytes);
    }
}

#[test]
fn an_echoed_acknowledgement_doubles_nothing() {
    let t = Instant::now();
    let (mut transfer, _) = opened(10_000, 1, t);
    assert_eq!(transfer.packet(ack(1), t), Act::SendBlocks(2..=2));
    for late in [0, 1, 50, 500] {
        assert_eq!(transfer.packet(ack(1), t + ms(late)), Act::Wait);
        assert_eq!(transfer.packet(ack(0), t + ms(late)), Act::Wait);
        assert_eq!(transfer.packet(ack(3), t + ms(late)), Act::Wait);
        assert_eq!(transfer.packet(Reply::Other, t + ms(late)), Act::Wait);
    }
    assert_eq!(transfer.packet(ack(2), t + ms(1)), Act::SendBlocks(3..=3));
}

#[test]
fn an_error_ends_it_at_once_at_any_moment() {
    let t = Instant::now();
    let end = Act::End(End::Aborted {
        code: 8,
        message: "User aborted the transfer".to_owned(),
    });
    let (mut first, _) = opened(10_000, 4, t);
    assert_eq!(first.packet(error(), t), end, "the size probe of UEFI");
    let (mut midway, _) = opened(10_000, 4, t);
    midway.packet(ack(0), t);
    assert_eq!(midway.packet(error(), t), end);
}

#[test]
fn windows_slide_and_go_back_to_what_was_lost() {
    let t = Instant::now();
    let (mut transfer, act) = opened(512 * 20, 4, t);
    assert_eq!(act, Act::SendOack);
    assert_eq!(transfer.packet(ack(4), t), Act::Wait, "not agreed yet");
    assert_eq!(transfer.packet(ack(0), t + ms(1)), Act::SendBlocks(1..=4));
    assert_eq!(transfer.packet(ack(4), t + ms(2)), Act::SendBlocks(5..=8));
    assert_eq!(transfer.packet(ack(6), t + ms(5)), Act::SendBlocks(7..=10));
    assert_eq!(transfer.resent_blocks(), 2);
    assert_eq!(transfer.packet(ack(4), t + ms(5)), Act::Wait, "from before");
    assert_eq!(transfer.packet(ack(11), t + ms(5)), Act::Wait, "not sent");
    assert_eq!(
        transfer.packet(ack(10), t + ms(6)),
        Act::SendBlocks(11..=14)
    );
    assert_eq!(
        transfer.packet(ack(14), t + ms(7)),
        Act::SendBlocks(15..=18)
    );
    assert_eq!(
        transfer.packet(ack(18), t + ms(8)),
        Act::SendBlocks(19..=21)
    );
    assert_eq!(transfer.packet(ack(21), t + ms(9)), Act::End(End::Complete));
}

/// Some machines acknowledge every block although a window was agreed, or every copy.
#[test]
fn part_of_a_window_acknowledged_early_sends_nothing_twice() {
    let t = Instant::now();
    let (mut transfer, _) = opened(512 * 20, 4, t);
    transfer.packet(ack(0), t + ms(10));
    for block in 1..4 {
        let now = t + ms(10 + u64::from(block));
        assert_eq!(transfer.packet(ack(block), now), Act::Wait);
    }
    assert_eq!(transfer.packet(ack(4), t + ms(18)), Act::SendBlocks(5..=8));
    assert_eq!(transfer.resent_blocks(), 0);
    // Nothing better comes: the rest was lost.
    assert_eq!(transfer.packet(ack(6), t + ms(20)), Act::Wait);
    assert_eq!(transfer.tick(transfer.deadline()), Act::SendBlocks(7..=10));
    assert!(transfer.deadline() < t + ms(18 + 200), "no timeout between");
    assert_eq!(transfer.resent_blocks(), 2);
}

#[test]
fn a_lost_first_block_is_sent_again_a_round_trip_later_and_once() {
    let t = Instant::now();
    let (mut transfer, _) = opened(512 * 20, 4, t);
    // The OACK's round trip: 10 ms, of which an answer is believed after 15.
    transfer.packet(ack(0), t + ms(10));
    // At once: it may be an echo; the moment to believe it is noted.
    assert_eq!(transfer.packet(ack(0), t + ms(12)), Act::Wait);
    assert_eq!(transfer.deadline(), t + ms(25));
    assert_eq!(transfer.packet(ack(0), t + ms(13)), Act::Wait);
    assert_eq!(transfer.tick(t + ms(24)), Act::Wait);
    assert_eq!(transfer.tick(t + ms(25)), Act::SendBlocks(1..=4));
    assert_eq!(transfer.resent_blocks(), 4);
    // The answers to blocks 2, 3 and 4 of before do not send it again.
    for late in [25, 26, 30, 39] {
        assert_eq!(transfer.packet(ack(0), t + ms(late)), Act::Wait);
    }
    // Unless it was lost again.
    assert_eq!(transfer.packet(ack(0), t + ms(41)), Act::SendBlocks(1..=4));
    assert_eq!(transfer.packet(ack(4), t + ms(50)), Act::SendBlocks(5..=8));
    // Progress takes back the wish to repeat.
    assert_eq!(transfer.packet(ack(4), t + ms(51)), Act::Wait);
    assert_eq!(transfer.packet(ack(8), t + ms(60)), Act::SendBlocks(9..=12));
    assert_eq!(transfer.tick(t + ms(80)), Act::Wait);
}

#[test]
fn asking_again_without_end_is_not_answered_without_end() {
    let t = Instant::now();
    let (mut transfer, _) = opened(512 * 20, 4, t);
    transfer.packet(ack(0), t + ms(1));
    let sent = (2..500)
        .filter(|&late| transfer.packet(ack(0), t + ms(late)) != Act::Wait)
        .count();
    assert_eq!(sent, MOST_REPEATS as usize);
}

/// Lets time pass; returns when something was sent, and how it ended.
fn silence(transfer: &mut Transfer, start: Instant) -> (Vec<u64>, End) {
    let mut sent = Vec::new();
    loop {
        let now = transfer.deadline();
        match transfer.tick(now) {
            Act::Wait => panic!("a deadline that is none"),
            Act::End(end) => return (sent, end),
            _ => sent.push(u64::try_from((now - start).as_millis()).unwrap()),
        }
    }
}

#[test]
fn silence_ends_it_soon_and_sooner_if_nobody_ever_answered() {
    let t = Instant::now();
    // Block 1 may come twice; atftp ends when the OACK does.
    for (window, expected, over) in [(1, 200, 2700), (64, 1000, 3500)] {
        let (mut spoofed, _) = opened(1 << 20, window, t);
        let (sent, end) = silence(&mut spoofed, t);
        assert_eq!(sent, [expected], "window {window}: twice in all");
        assert_eq!(spoofed.deadline(), t + ms(over), "window {window}");
        assert_eq!(end, End::Unanswered);
    }
    let (mut transfer, _) = opened(1 << 20, 4, t);
    transfer.packet(ack(0), t + ms(1));
    let (sent, end) = silence(&mut transfer, t + ms(1));
    assert_eq!(
        sent,
        [100, 300, 700, 1500, 3100, 6300, 11_300, 16_300],
        "doubling up to 5 s"
    );
    assert_eq!(end, End::Silent);
    assert_eq!(transfer.resent_blocks(), 8 * 4);
}

#[test]
fn the_timeout_that_was_agreed_is_the_longest_wait() {
    let t = Instant::now();
    for (timeout_s, longest_ms) in [(1, 1000), (3, 3000), (255, 5000)] {
        let asked = Asked {
            timeout_s: Some(timeout_s),
            ..Asked::default()
        };
        let (mut transfer, act) = Transfer::open(agree(asked, 5000, 1500), 5000, t);
        assert_eq!(act, Act::SendOack);
        transfer.packet(ack(0), t);
        let (sent, _) = silence(&mut transfer, t);
        let waits = sent.windows(2).map(|two| two[1] - two[0]);
        assert_eq!(waits.max(), Some(longest_ms), "{timeout_s} s");
    }
}

/// A satellite link: every first answer comes later than the first patience.
#[test]
fn a_slow_link_is_learnt_and_then_left_in_peace() {
    let start = Instant::now();
    let (mut transfer, _) = opened(512 * 50, 1, start);
    let mut now = start;
    let mut answers = std::collections::VecDeque::from([(now + ms(500), 1u16)]);
    while let Some(&(at, number)) = answers.front() {
        if transfer.deadline() < at {
            now = transfer.deadline();
            // The copy is acknowledged too.
            assert!(matches!(transfer.tick(now), Act::SendBlocks(_)));
            continue;
        }
        now = at;
        answers.pop_front();
        match transfer.packet(ack(number), now) {
            Act::SendBlocks(blocks) => {
                let number = u16::try_from(*blocks.end()).unwrap();
                answers.push_back((now + ms(500), number));
            }
            act => assert_eq!(act, Act::End(End::Complete)),
        }
    }
    assert!(transfer.resent_blocks() < 6, "{}", transfer.resent_blocks());
}

#[test]
fn numbers_roll_over_to_what_was_agreed() {
    let t = Instant::now();
    for (rollover, after) in [(None, 0), (Some(0), 0), (Some(1), 1)] {
        let asked = Asked {
            block_bytes: Some(8),
            window: Some(64),
            rollover,
            ..Asked::default()
        };
        let bytes = 8 * 140_000;
        let (mut transfer, _) = Transfer::open(agree(asked, bytes, 1500), bytes, t);
        let mut act = transfer.packet(ack(0), t);
        let mut next = 1;
        while let Act::SendBlocks(blocks) = act {
            assert_eq!(*blocks.start(), next, "{rollover:?}");
            next = *blocks.end() + 1;
            let (number, range) = transfer.block(*blocks.end());
            assert_eq!(range.start, (*blocks.end() - 1) * 8);
            act = transfer.packet(ack(number), t);
        }
        assert_eq!(act, Act::End(End::Complete), "{rollover:?}");
        assert_eq!(next, 140_002, "{rollover:?}");
        let numbers = [65535, 65536].map(|block| transfer.block(block).0);
        assert_eq!(numbers, [65535, after], "{rollover:?}");
    }
}
