//! One fact per incident, not one per attempt: a NAS that is off all night is one line in the journal.

use state::Timestamp;

/// An incident that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// `target nas`, `plan compta` …
    pub object: String,
    /// Tells one cause from another; the sentence may hold numbers that change.
    pub kind: String,
    /// What is wrong and what to do.
    pub sentence: String,
    pub since: Timestamp,
}

/// What to write down when `found` is seen while `open` is already known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing changed.
    Nothing,
    Begins,
    /// Another cause took the place of the first.
    Changes,
    Ends,
}

/// Both arguments are kinds of cause.
pub fn news(open: Option<&str>, found: Option<&str>) -> News {
    match (open, found) {
        (None, None) => News::Nothing,
        (None, Some(_)) => News::Begins,
        (Some(_), None) => News::Ends,
        (Some(a), Some(b)) if a == b => News::Nothing,
        (Some(_), Some(_)) => News::Changes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_news_when_it_begins_changes_or_ends() {
        for (open, found, want) in [
            (None, None, News::Nothing),
            (None, Some("missing"), News::Begins),
            (Some("missing"), Some("missing"), News::Nothing),
            (Some("missing"), Some("full"), News::Changes),
            (Some("full"), None, News::Ends),
        ] {
            assert_eq!(news(open, found), want, "{open:?} {found:?}");
        }
    }
}
