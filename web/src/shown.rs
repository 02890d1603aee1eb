//! What was shown to somebody and waits for that person's word. It holds a password, so it is in memory only, for a
//! while, and confirmed by a name that nobody guesses: what is done is what was shown, and no page holds the password.

use continuity::DatabaseRequest;
use state::Timestamp;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The oldest goes when there are more.
const MOST: usize = 16;
const LASTS: Duration = Duration::from_secs(15 * 60);

struct Waiting {
    id: String,
    /// Who saw it.
    by: String,
    at: Timestamp,
    request: DatabaseRequest,
}

#[derive(Default)]
pub(crate) struct Shown(Mutex<VecDeque<Waiting>>);

impl Shown {
    /// The name by which `by` confirms it.
    pub(crate) fn keep(&self, request: DatabaseRequest, by: &str, now: Timestamp) -> String {
        let id = state::id::new();
        // Held for a moment, never across an await.
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|one| one.lasts(now));
        waiting.push_back(Waiting {
            id: id.clone(),
            by: by.to_owned(),
            at: now,
            request,
        });
        while waiting.len() > MOST {
            waiting.pop_front();
        }
        id
    }

    /// Once, by who saw it.
    pub(crate) fn take(&self, id: &str, by: &str, now: Timestamp) -> Option<DatabaseRequest> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|one| one.lasts(now));
        let at = waiting.iter().position(|w| w.id == id && w.by == by)?;
        waiting.remove(at).map(|one| one.request)
    }
}

impl Waiting {
    /// Also not when the clock was put back.
    fn lasts(&self, now: Timestamp) -> bool {
        now >= self.at && now.since(self.at) < LASTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_confirmed_once_by_who_saw_it_and_in_time() {
        let request = |snapshot: usize| DatabaseRequest {
            target: "nas".into(),
            snapshot: snapshot.to_string(),
            dump: None,
            to: config::DatabaseUrl::parse("mariadb://root@erp/back").expect("a URL"),
            password: None,
        };
        let (shown, start) = (Shown::default(), Timestamp(1_000_000));
        let one = shown.keep(request(1), "admin", start);
        assert!(shown.take(&one, "somebody", start).is_none(), "saw another");
        assert!(shown.take("", "admin", start).is_none());
        assert!(
            shown.take(&one, "admin", start + LASTS).is_none(),
            "too late"
        );
        assert!(shown.take(&one, "admin", start).is_none(), "gone by then");
        let all: Vec<String> = (0..=MOST)
            .map(|n| shown.keep(request(n), "admin", start))
            .collect();
        assert!(shown.take(&all[0], "admin", start).is_none(), "too many");
        let taken = shown.take(&all[1], "admin", start).expect("it waits");
        assert_eq!(taken.snapshot, "1");
        assert!(shown.take(&all[1], "admin", start).is_none(), "twice");
    }
}
