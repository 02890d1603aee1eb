//! Answers on 4011 that are said again.
//!
//! EDK2 (OVMF 2022.11) opens its ear after it has asked: an answer that is faster finds nobody, and comes back as
//! *port unreachable*. It asks once and listens for three seconds, so that it would be offered nothing. What it has
//! heard already it does not hear again.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// After the first answer.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(1000)];
/// Answers that wait to be said again; a flood is answered once.
const MOST: usize = 128;

/// What is to be said again, and when.
pub(super) struct Repeats<T> {
    /// One queue for each pause, each in the order of its times.
    waiting: [VecDeque<(Instant, T)>; PAUSES.len()],
}

impl<T> Default for Repeats<T> {
    fn default() -> Repeats<T> {
        Repeats {
            waiting: Default::default(),
        }
    }
}

impl<T: Clone> Repeats<T> {
    /// `answer` was said `now`.
    pub(super) fn said(&mut self, answer: &T, now: Instant) {
        for (queue, pause) in self.waiting.iter_mut().zip(PAUSES) {
            if queue.len() < MOST {
                queue.push_back((now + pause, answer.clone()));
            }
        }
    }

    /// One that is due.
    pub(super) fn due(&mut self, now: Instant) -> Option<T> {
        let queue = self
            .waiting
            .iter_mut()
            .find(|queue| queue.front().is_some_and(|(at, _)| *at <= now))?;
        queue.pop_front().map(|(_, answer)| answer)
    }

    /// Ends when one is due; never while none waits.
    pub(super) async fn wait(&self) {
        let fronts = self.waiting.iter().filter_map(VecDeque::front);
        match fronts.map(|(at, _)| *at).min() {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_said_again_twice_while_firmware_listens() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut repeats = Repeats::default();
        repeats.said(&'a', at(0));
        repeats.said(&'b', at(100));
        let mut heard = Vec::new();
        for ms in (0..3000).step_by(50) {
            while let Some(answer) = repeats.due(at(ms)) {
                heard.push((ms, answer));
            }
        }
        assert_eq!(heard, [(200, 'a'), (300, 'b'), (1000, 'a'), (1100, 'b')]);
    }

    #[test]
    fn a_flood_is_not_kept() {
        let start = Instant::now();
        let mut repeats = Repeats::default();
        for number in 0..10_000 {
            repeats.said(&number, start);
        }
        let later = start + Duration::from_secs(60);
        let said = std::iter::from_fn(|| repeats.due(later)).count();
        assert_eq!(said, MOST * PAUSES.len());
    }
}
