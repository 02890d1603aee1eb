//! Did the proof pass? Pure. Nothing passes because nothing was looked at.

use crate::wire::{Difference, Evidence};
use config::Level;
use vault::Problem;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Everything in the snapshot that is not a folder, by its own listing.
    pub(crate) listed: u64,
    /// The same, by the snapshot's own count.
    pub(crate) declared: u64,
    /// Objects that were compared (restored), or covered by the check (listed, scrubbed).
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Everything that was not as it must be.
    pub(crate) differences: Vec<Problem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) passed: bool,
    /// Why not, or what is worth saying.
    pub(crate) detail: Option<String>,
}

pub(crate) fn judge(seen: &Seen) -> Judgement {
    let failed = |detail: String| Judgement {
        passed: false,
        detail: Some(detail),
    };
    if let Some(first) = seen.differences.first() {
        return failed(match seen.differences.len() {
            1 => format!("1 difference: {first}"),
            n => format!("{n} differences, the first: {first}"),
        });
    }
    if seen.listed != seen.declared {
        return failed(format!(
            "the snapshot says it holds {} files, its folders list {}; run `reprise vault check`",
            seen.declared, seen.listed
        ));
    }
    if seen.files != seen.declared {
        return failed(format!(
            "{} files of {} were compared; look in the log for what stopped the others",
            seen.files, seen.declared
        ));
    }
    let empty = seen.declared == 0;
    Judgement {
        passed: true,
        detail: empty.then(|| "the snapshot holds no file, only folders: look whether the plan names the right ones".to_owned()),
    }
}

/// What a level leaves unproven, as keys: the console has a sentence for each.
pub(crate) fn not_proven(level: Level) -> &'static [&'static str] {
    match level {
        Level::Listed => &["bytes", "restore", "application", "machine", "elsewhere"],
        Level::Scrubbed => &["restore", "application", "machine", "elsewhere"],
        Level::Restored | Level::Loaded => &["application", "machine", "elsewhere"],
    }
}

/// Most differences kept with a proof; the rest are counted only.
const KEPT: usize = 200;

/// The part of the evidence that follows from what was seen.
pub(crate) fn evidence(level: Level, seen: &Seen) -> Evidence {
    let kept = seen.differences.iter().take(KEPT).map(|p| Difference {
        object: p.object.clone(),
        what: p.what.clone(),
    });
    Evidence {
        files: seen.files,
        bytes: seen.bytes,
        differences: kept.collect(),
        differences_total: seen.differences.len() as u64,
        not_proven: not_proven(level).iter().map(|&k| k.to_owned()).collect(),
        empty: seen.declared == 0,
        ..Evidence::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(listed: u64, declared: u64, files: u64, differences: &[&str]) -> Seen {
        Seen {
            listed,
            declared,
            files,
            bytes: 10,
            differences: differences.iter().map(|d| Problem::new("/a", *d)).collect(),
        }
    }

    #[test]
    fn nothing_passes_because_nothing_was_looked_at() {
        for (case, passed, detail) in [
            (seen(3, 3, 3, &[]), true, None),
            (
                seen(3, 3, 0, &[]),
                false,
                Some("0 files of 3 were compared"),
            ),
            (
                seen(3, 3, 2, &[]),
                false,
                Some("2 files of 3 were compared"),
            ),
            (
                seen(2, 3, 3, &[]),
                false,
                Some("says it holds 3 files, its folders list 2"),
            ),
            (
                seen(3, 3, 3, &["mode"]),
                false,
                Some("1 difference: /a: mode"),
            ),
            (
                seen(3, 3, 3, &["mode", "owner"]),
                false,
                Some("2 differences, the first: /a: mode"),
            ),
            (seen(0, 0, 0, &[]), true, Some("holds no file")),
            (
                seen(0, 0, 0, &["folder missing"]),
                false,
                Some("1 difference"),
            ),
        ] {
            let got = judge(&case);
            assert_eq!(got.passed, passed, "{case:?}");
            match (got.detail, detail) {
                (None, None) => {}
                (Some(got), Some(want)) => assert!(got.contains(want), "{got}"),
                other => panic!("{case:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn evidence_keeps_some_differences_and_counts_all() {
        let many = vec!["content"; 500];
        let kept = evidence(Level::Restored, &seen(9, 9, 9, &many));
        assert_eq!(
            (kept.differences.len(), kept.differences_total),
            (KEPT, 500)
        );
        assert!(!kept.empty);
        assert!(evidence(Level::Listed, &seen(0, 0, 0, &[])).empty);
    }

    #[test]
    fn a_lower_level_proves_less() {
        let weight = |level| not_proven(level).len();
        assert!(weight(Level::Listed) > weight(Level::Scrubbed));
        assert!(weight(Level::Scrubbed) > weight(Level::Restored));
        assert!(not_proven(Level::Restored).contains(&"machine"));
    }
}
