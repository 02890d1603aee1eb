//! How long an answer that cannot wait waits for the registry. DHCP is answered one after the other: a database that
//! hangs (PostgreSQL behind a dead switch, a full disk) must not keep the addresses of the whole company from it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Firmware and iPXE ask again after one second at the earliest.
const LONGEST: Duration = Duration::from_millis(500);
/// After it was too slow it is not asked for so long: at most a fifth of the time is spent waiting.
const REST: Duration = Duration::from_secs(2);

/// Cloning shares it.
#[derive(Clone)]
pub(crate) struct Patience {
    longest: Duration,
    rest: Duration,
    /// It was too slow, and is not asked before.
    slow_until: Arc<Mutex<Option<Instant>>>,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            longest: LONGEST,
            rest: REST,
            slow_until: Arc::default(),
        }
    }
}

impl Patience {
    /// What `look` finds, or `None` when it takes too long, now or a moment ago.
    pub(crate) async fn within<T>(&self, look: impl Future<Output = T>) -> Option<T> {
        let was_slow = *self.slow_until();
        if was_slow.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let found = tokio::time::timeout(self.longest, look).await.ok();
        if found.is_none() && was_slow.is_none() {
            tracing::error!(
                "the registry takes more than {} ms: machines get their address, and nothing to boot until it answers again; look at the disk or the database server of the appliance",
                self.longest.as_millis()
            );
        }
        *self.slow_until() = match found {
            Some(_) => None,
            None => Some(Instant::now() + self.rest),
        };
        found
    }

    fn slow_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.slow_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn what_hangs_is_waited_for_once_and_asked_again_after_a_rest() {
        let patience = |rest| Patience {
            longest: Duration::from_millis(20),
            rest,
            ..Patience::default()
        };
        let asked = Cell::new(0);
        let hangs = async || {
            asked.set(asked.get() + 1);
            std::future::pending::<u8>().await
        };
        let resting = patience(Duration::from_secs(3600));
        assert_eq!(resting.within(async { 1 }).await, Some(1));
        for _ in 0..100 {
            assert_eq!(resting.within(hangs()).await, None);
        }
        assert_eq!(asked.get(), 1, "only the first was waited for");
        assert_eq!(resting.within(async { 2 }).await, None, "it rests");

        let tireless = patience(Duration::ZERO);
        assert_eq!(tireless.within(hangs()).await, None);
        assert_eq!(tireless.within(async { 3 }).await, Some(3));
        assert_eq!(*tireless.slow_until(), None, "and is well again");
    }
}
