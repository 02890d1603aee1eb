//! Why a vault operation failed. Every message fits after "failed to …" and says what to do next.

use crate::{Problem, target};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Target(#[from] target::Error),
    #[error(
        "open {place}: it holds no vault; check the path, or make one with `reprise vault init`"
    )]
    NotAVault { place: String },
    #[error(
        "create a vault in {place}: it already holds one; open it instead, or choose an empty folder"
    )]
    AlreadyAVault { place: String },
    #[error(
        "create a vault in {place}: it is not empty (it holds {example}); choose an empty folder"
    )]
    NotEmpty { place: String, example: String },
    #[error(
        "open the vault in {place}: wrong password; check the password file, or type the password from the paper key"
    )]
    WrongPassword { place: String },
    #[error("open the vault in {place}: it has no {wanted}; open it with another kind of key")]
    NoSuchWay { place: String, wanted: &'static str },
    #[error("find the key {which}: {}; list them with `reprise vault key list`", if *.several { "several keys begin so" } else { "there is none" })]
    NoSuchKey { which: String, several: bool },
    #[error("remove the key {which}: no other opens the vault; add one first")]
    LastKey { which: String },
    #[error("add a key: the vault has {most}, and each makes opening it slower; remove one first")]
    TooManyKeys { most: usize },
    #[error("label the key: a label is {most} bytes long at most; shorten it")]
    LongLabel { most: usize },
    #[error(
        "open the vault in {place}: it has format {found}, this program reads up to {known}; use a newer reprise"
    )]
    NewerFormat {
        place: String,
        found: u32,
        known: u32,
    },
    #[error("read {object}: {what}; use a newer reprise")]
    Newer { object: String, what: String },
    #[error("read {object}: {what}; {}", after_damage(.object))]
    Damaged { object: String, what: String },
    #[error(
        "find snapshot {which}: there is none; `reprise snapshot list` shows those of the appliance, `reprise vault snapshots` those of one vault"
    )]
    NoSuchSnapshot { which: String },
    #[error("find snapshot {which}: {count} snapshots begin so; give more digits")]
    AmbiguousSnapshot { which: String, count: usize },
    #[error(
        "find {path} in snapshot {snapshot}: it is not there; write its whole path as it was saved, or list the folder above it"
    )]
    NoSuchPath { path: String, snapshot: String },
    #[error("read {path}: it is a {is}, not a {wanted}")]
    WrongKind {
        path: String,
        is: &'static str,
        wanted: &'static str,
    },
    #[error("save {path}: {what}; correct the plan's folders")]
    BadRoot { path: String, what: String },
    #[error("save plan {plan}: none of its folders could be read ({}); check that they exist and are mounted", .problems.first().map(ToString::to_string).unwrap_or_default())]
    NothingSaved {
        plan: String,
        problems: Vec<Problem>,
    },
    #[error("restore to {destination}: {what}")]
    BadDestination { destination: String, what: String },
    #[error(
        "restore to {destination}: {count} files are already there (first: {first}); choose an empty folder, or say what becomes of them (--replace, --older, --keep, --beside)"
    )]
    WouldOverwrite {
        destination: String,
        first: String,
        count: u64,
    },
    #[error("go on: stopped on request; nothing that was committed is lost")]
    Cancelled,
    #[error(
        "prune: what snapshot {snapshot} needs cannot be known ({why}); nothing was deleted. Run `reprise vault check`, or forget that snapshot by its id"
    )]
    Unknowable { snapshot: String, why: String },
    #[error("forget snapshot {snapshot}: it is kept ({why}); {next}")]
    MayNotForget {
        snapshot: String,
        why: String,
        next: &'static str,
    },
    #[error(
        "save: this run was revoked by a prune while it was at work, what it saves is void; run it again"
    )]
    Revoked,
    #[error(
        "save: a prune took away what this run counted on; run it again (its packs are used again)"
    )]
    Overtaken,
    #[error(
        "prune: another one is at work ({who}); wait for it, or end it with --revoke if it is gone for good"
    )]
    AnotherSweep { who: String },
    #[error(
        "prune: {} still at work: {}; prune again when they have ended, or end them with --revoke (what they save is then void)",
        count(.open.len()), .open.join("; ")
    )]
    WritersAtWork { open: Vec<String> },
    #[error("read {what}: {source}")]
    Source {
        what: String,
        source: std::io::Error,
    },
    #[error("get random numbers from the system: {0}; check /dev/urandom")]
    Random(String),
    #[error("derive the key: {0}; the key object is damaged or memory is short")]
    Derive(String),
    #[error("write the archive: {0}; the reader probably went away")]
    Archive(std::io::Error),
}

fn count(writers: usize) -> String {
    match writers {
        1 => "a writer is".to_owned(),
        n => format!("{n} writers are"),
    }
}

/// The key is read before anything can be checked.
fn after_damage(object: &str) -> &'static str {
    match object {
        _ if object.starts_with("keys/") => {
            "put your copy of that file back, or open the vault with another of its keys"
        }
        _ => "run `reprise vault check` to see what is hit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_key_does_not_send_to_a_check_that_needs_it() {
        let said = |object: &str| {
            let (object, what) = (object.to_owned(), "it ends too early".to_owned());
            Error::Damaged { object, what }.to_string()
        };
        assert!(said("keys/12").ends_with("another of its keys"));
        assert!(said("packs/12").contains("`reprise vault check`"));
    }
}
