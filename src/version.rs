//! Which reprise this is.

/// The version alone.
pub(crate) const NUMBER: &str = env!("CARGO_PKG_VERSION");

/// Version, commit and build date (the commit's), as `--version` prints them.
pub(crate) const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("REPRISE_COMMIT"),
    ", ",
    env!("REPRISE_COMMIT_DATE"),
    ")"
);

/// The commit's time, for files that must come out the same from the same source.
pub(crate) fn commit_seconds() -> i64 {
    env!("REPRISE_COMMIT_SECONDS").parse().unwrap_or(0)
}
