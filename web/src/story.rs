//! A fact of the journal as a sentence. Pure.

use crate::boots;
use crate::letter;
use crate::words::{Told, Words};
use state::journal::Entry;
use state::wire::{Fact, Outcome};

/// How a line is marked, besides its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    Bad,
    Care,
    Plain,
}

impl Mood {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Mood::Good => "good",
            Mood::Bad => "bad",
            Mood::Care => "care",
            Mood::Plain => "plain",
        }
    }

    /// The shape that goes with the colour, for whoever does not see colours.
    pub(crate) fn shape(self) -> &'static str {
        match self {
            Mood::Good => "✓",
            Mood::Bad => "✕",
            Mood::Care => "!",
            Mood::Plain => "·",
        }
    }
}

/// One fact, written for the reader.
pub(crate) struct Line {
    pub(crate) when: String,
    pub(crate) machine_date: String,
    pub(crate) mood: Mood,
    pub(crate) sentence: String,
    /// A detail, or a trouble's sentence.
    pub(crate) detail: Option<Told>,
    /// The page about it.
    pub(crate) link: Option<String>,
}

pub(crate) fn outcome(words: &Words, outcome: Outcome) -> String {
    match outcome {
        Outcome::Done => words.t("outcome-done"),
        Outcome::Problems => words.t("outcome-problems"),
        Outcome::Failed => words.t("outcome-failed"),
        Outcome::Cancelled => words.t("outcome-cancelled"),
        Outcome::Interrupted => words.t("outcome-interrupted"),
    }
}

pub(crate) fn mood(outcome: Outcome) -> Mood {
    match outcome {
        Outcome::Done => Mood::Good,
        Outcome::Problems => Mood::Care,
        Outcome::Failed | Outcome::Interrupted => Mood::Bad,
        Outcome::Cancelled => Mood::Plain,
    }
}

pub(crate) fn line(words: &Words, entry: &Entry) -> Line {
    let w = words;
    let short = |id: &str| id.chars().take(8).collect::<String>();
    let (mood, sentence, detail, link) = match &entry.fact {
        Fact::ApplianceStarted { version } => (
            Mood::Plain,
            w.t1("fact-appliance-started", "version", version),
            None,
            None,
        ),
        Fact::ApplianceStopped => (Mood::Plain, w.t("fact-appliance-stopped"), None, None),
        Fact::Trouble { object, sentence } => (
            Mood::Bad,
            w.t1("fact-trouble", "object", letter::named(w, object)),
            Some(sentence.clone()),
            None,
        ),
        Fact::TroubleOver { object } => (
            Mood::Good,
            w.t1("fact-trouble-over", "object", letter::named(w, object)),
            None,
            None,
        ),
        Fact::RunStarted { run, plan, target } => (
            Mood::Plain,
            w.t2("fact-run-started", "plan", w.plan(plan), "target", target),
            None,
            Some(format!("/runs/{run}")),
        ),
        Fact::RunFinished {
            run,
            plan,
            target,
            outcome: ended,
            problems,
            read_bytes,
            stored_bytes,
            took_ms,
            detail,
            ..
        } => (
            mood(*ended),
            w.n_with(
                "fact-run-finished",
                *problems,
                &[
                    ("plan", &w.plan(plan)),
                    ("target", target),
                    ("outcome", &outcome(w, *ended)),
                    ("read", &w.size(*read_bytes)),
                    ("stored", &w.size(*stored_bytes)),
                    ("took", &w.took(*took_ms)),
                ],
            ),
            detail.clone(),
            Some(format!("/runs/{run}")),
        ),
        Fact::ProofFinished {
            proof,
            plan,
            target,
            snapshot,
            passed,
            files,
            bytes,
            took_ms,
            detail,
            ..
        } => (
            if *passed { Mood::Good } else { Mood::Bad },
            w.n_with(
                if *passed {
                    "fact-proof-passed"
                } else {
                    "fact-proof-failed"
                },
                *files,
                &[
                    ("plan", &w.plan(plan)),
                    ("target", target),
                    ("snapshot", &short(snapshot)),
                    ("bytes", &w.size(*bytes)),
                    ("took", &w.took(*took_ms)),
                ],
            ),
            detail.clone(),
            Some(format!("/proofs/{proof}")),
        ),
        Fact::Restored {
            snapshot,
            destination,
            by,
            outcome: ended,
            files,
            bytes,
            took_ms,
        } => (
            mood(*ended),
            w.n_with(
                "fact-restored",
                *files,
                &[
                    ("snapshot", &short(snapshot)),
                    ("destination", destination),
                    ("by", by),
                    ("outcome", &outcome(w, *ended)),
                    ("bytes", &w.size(*bytes)),
                    ("took", &w.took(*took_ms)),
                ],
            ),
            None,
            None,
        ),
        Fact::Downloaded { snapshot, path, by } => (
            Mood::Plain,
            w.with(
                "fact-downloaded",
                &[
                    ("snapshot", &short(snapshot)),
                    ("path", &crate::path::shown(path.as_bytes())),
                    ("by", by),
                ],
            ),
            None,
            None,
        ),
        Fact::ImageImported { name, bytes, .. } => (
            Mood::Good,
            w.t2("fact-image-imported", "name", name, "bytes", w.size(*bytes)),
            None,
            Some("/images".to_owned()),
        ),
        Fact::HostSeen { host, mac } => (
            Mood::Plain,
            w.t1("fact-host-seen", "mac", mac),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::HostReported { host, name } => (
            Mood::Care,
            w.t1("fact-host-reported", "name", name),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::HostApproved { host, by } => (
            Mood::Good,
            w.t1("fact-host-approved", "by", by),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::HostNamed {
            host,
            before,
            name,
            by,
        } => (
            Mood::Plain,
            w.with(
                "fact-host-named",
                &[("before", before), ("name", name), ("by", by)],
            ),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::HostDetailed { host, name, by } => (
            Mood::Plain,
            w.t2("fact-host-detailed", "name", name, "by", by),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::NextBootAsked {
            host,
            name,
            entry,
            by,
        } => (
            Mood::Plain,
            w.with(
                "fact-next-boot-asked",
                &[("name", name), ("entry", entry), ("by", by)],
            ),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::MenuOpened { host, name, who } => (
            Mood::Care,
            w.with("fact-menu-opened", &[("name", name), ("who", who)]),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::MenuRefused { host, name, who } => (
            Mood::Care,
            w.with("fact-menu-refused", &[("name", name), ("who", who)]),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::NextBootGiven { host, name, entry } => (
            Mood::Good,
            w.t2("fact-next-boot-given", "name", name, "entry", entry),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::AdapterShared {
            mac,
            host,
            name,
            other,
        } => (
            Mood::Plain,
            w.with(
                "fact-adapter-shared",
                &[("mac", mac), ("name", name), ("other", other)],
            ),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::HostDoubled { host, name, other } => (
            Mood::Care,
            w.t2("fact-host-doubled", "name", name, "other", other.clone()),
            None,
            Some(format!("/hosts/{host}")),
        ),
        Fact::HostForgotten { by, .. } => (
            Mood::Plain,
            w.t1("fact-host-forgotten", "by", by),
            None,
            None,
        ),
        Fact::SessionOpened {
            session, disk, by, ..
        } => (
            Mood::Care,
            w.t2("fact-session-opened", "disk", disk, "by", by),
            None,
            Some(format!("/sessions/{session}")),
        ),
        Fact::CaptureOpened {
            session,
            name,
            image,
            disk,
            by,
            ..
        } => (
            Mood::Plain,
            w.with(
                "fact-capture-opened",
                &[("name", name), ("image", image), ("disk", disk), ("by", by)],
            ),
            None,
            Some(format!("/sessions/{session}")),
        ),
        Fact::WipeOpened {
            session,
            name,
            disk,
            by,
            ..
        } => (
            Mood::Care,
            w.with(
                "fact-wipe-opened",
                &[("name", name), ("disk", disk), ("by", by)],
            ),
            None,
            Some(format!("/sessions/{session}")),
        ),
        Fact::DiskWiped {
            session,
            name,
            disk,
            model,
            serial,
            by,
            written_bytes,
            checked_bytes,
            freed,
            took_ms,
            ..
        } => {
            let how = if *freed { "wiped-and-freed" } else { "wiped" };
            let serial = if serial.is_empty() { "?" } else { serial };
            let disk = format!("{disk} {model}").trim_end().to_owned();
            (
                Mood::Good,
                w.with(
                    "fact-disk-wiped",
                    &[
                        ("name", name),
                        ("disk", &disk),
                        ("serial", &serial),
                        ("by", by),
                    ],
                ),
                Some(w.with(
                    how,
                    &[
                        ("written", &w.size(*written_bytes)),
                        ("checked", &w.size(*checked_bytes)),
                        ("took", &w.took(*took_ms)),
                    ],
                )),
                Some(format!("/sessions/{session}")),
            )
        }
        Fact::SessionAdvanced {
            session,
            step,
            detail,
            ..
        } => (
            match step.as_str() {
                "done" => Mood::Good,
                "failed" | "expired" => Mood::Bad,
                _ => Mood::Plain,
            },
            w.t1("fact-session-advanced", "step", session_step(w, step)),
            detail.clone(),
            Some(format!("/sessions/{session}")),
        ),
        Fact::SnapshotsForgotten {
            plan,
            target,
            count,
        } => (
            Mood::Plain,
            w.n_with(
                "fact-snapshots-forgotten",
                *count,
                &[("plan", &w.plan(plan)), ("target", target)],
            ),
            None,
            None,
        ),
        Fact::Pruned {
            target,
            freed_bytes,
            took_ms,
        } => (
            Mood::Plain,
            w.n_with(
                "fact-pruned",
                0,
                &[
                    ("target", target),
                    ("freed", &w.size(*freed_bytes)),
                    ("took", &w.took(*took_ms)),
                ],
            ),
            None,
            None,
        ),
        Fact::MessageSent { channel, subject } => (
            Mood::Plain,
            w.t2(
                "fact-message-sent",
                "channel",
                w.channel(channel),
                "subject",
                subject,
            ),
            None,
            Some("/notify".to_owned()),
        ),
        Fact::MessageLost {
            channel,
            subject,
            why,
        } => (
            Mood::Bad,
            w.t2(
                "fact-message-lost",
                "channel",
                w.channel(channel),
                "subject",
                subject,
            ),
            Some(why.clone()),
            Some("/notify".to_owned()),
        ),
        Fact::Recovered {
            target,
            taken_ms,
            took_ms,
            ..
        } => (
            Mood::Good,
            w.n_with(
                "fact-recovered",
                0,
                &[
                    ("target", &target.as_deref().unwrap_or("?")),
                    ("taken", &w.date(state::Timestamp(*taken_ms))),
                    ("took", &w.took(*took_ms)),
                ],
            ),
            None,
            None,
        ),
        Fact::StatePutBack { taken_ms, aside } => (
            Mood::Care,
            w.t1(
                "fact-state-put-back",
                "taken",
                w.date(state::Timestamp(*taken_ms)),
            ),
            aside.clone(),
            None,
        ),
        Fact::KeyConfirmed { target, by } => (
            Mood::Good,
            w.t2("fact-key-confirmed", "target", target, "by", by),
            None,
            None,
        ),
        Fact::PaperMade { target, by } => (
            Mood::Care,
            w.t2("fact-paper-made", "target", target, "by", by),
            None,
            Some("/account#keys".to_owned()),
        ),
        Fact::HostsImported { added, by } => (
            Mood::Plain,
            w.n_with("fact-hosts-imported", *added, &[("by", by)]),
            None,
            Some("/hosts".to_owned()),
        ),
        Fact::RiskAccepted {
            object,
            by,
            why,
            until_ms,
        } => (
            Mood::Care,
            w.with(
                "fact-risk-accepted",
                &[
                    ("object", object),
                    ("by", by),
                    ("date", &w.date(state::Timestamp(*until_ms))),
                    ("why", why),
                ],
            ),
            None,
            Some("/unprotected".to_owned()),
        ),
        Fact::RiskWithdrawn { object, by } => (
            Mood::Plain,
            w.t2("fact-risk-withdrawn", "object", object, "by", by),
            None,
            Some("/unprotected".to_owned()),
        ),
        Fact::RiskRanOut { object } => (
            Mood::Care,
            w.t1("fact-risk-ran-out", "object", object),
            None,
            Some("/unprotected".to_owned()),
        ),
        Fact::VaultAccepted { target, by, .. } => (
            Mood::Care,
            w.t2("fact-vault-accepted", "target", target, "by", by),
            None,
            Some("/targets".to_owned()),
        ),
        Fact::DiskCame { target, vault } => (
            Mood::Plain,
            w.t2("fact-disk-came", "target", target, "vault", short(vault)),
            None,
            Some("/targets".to_owned()),
        ),
        Fact::DiskWent { target, vault } => (
            Mood::Plain,
            w.t2("fact-disk-went", "target", target, "vault", short(vault)),
            None,
            Some("/targets".to_owned()),
        ),
        Fact::BootsFail {
            host,
            name,
            cause,
            times,
            ..
        } => {
            let cause = boots::cause_of_code(w, cause);
            let times = w.count(*times);
            let values: [(&str, &dyn std::fmt::Display); 3] =
                [("name", name), ("times", &times), ("cause", &cause)];
            let link = (!host.is_empty()).then(|| format!("/hosts/{host}/boots"));
            (Mood::Care, w.with("fact-boots-fail", &values), None, link)
        }
        Fact::AddressInUse {
            address,
            mac,
            declined_by,
        } => (
            Mood::Care,
            match (declined_by, mac.as_str()) {
                (None, "") => w.t1("fact-address-in-use-unknown", "address", address),
                (None, mac) => w.t2("fact-address-in-use", "address", address, "mac", mac),
                (Some(by), "") => {
                    let key = "fact-address-declined-unknown";
                    w.t2(key, "address", address, "by", by)
                }
                (Some(by), mac) => w.with(
                    "fact-address-declined",
                    &[("address", address), ("by", by), ("mac", &mac)],
                ),
            },
            None,
            None,
        ),
        Fact::LeasesDamaged { lines, kept } => (
            Mood::Bad,
            w.n_with("fact-leases-damaged", *lines, &[]),
            kept.clone(),
            None,
        ),
        Fact::AddressReleased { address, by } => (
            Mood::Plain,
            w.t2("fact-address-released", "address", address, "by", by),
            None,
            None,
        ),
        Fact::PacketIgnored {
            interface,
            from,
            mac,
            why,
        } => {
            let why = crate::boots::why(w, why);
            let sender = match mac {
                Some(mac) => format!("{mac} ({from})"),
                None => from.clone(),
            };
            let values: [(&str, &dyn std::fmt::Display); 3] =
                [("interface", interface), ("sender", &sender), ("why", &why)];
            (
                Mood::Bad,
                w.with("fact-packet-ignored", &values),
                None,
                None,
            )
        }
        Fact::WordsConfirmed { target, by } => (
            Mood::Good,
            w.t2("fact-words-confirmed", "target", target, "by", by),
            None,
            None,
        ),
        Fact::DatabaseOpened {
            plan,
            database,
            listen,
            until_ms,
            by,
            ..
        } => (
            Mood::Good,
            w.with(
                "fact-database-opened",
                &[
                    ("name", &database.escape_debug()),
                    ("plan", &w.plan(plan)),
                    ("address", listen),
                    ("date", &w.date(state::Timestamp(*until_ms))),
                    ("by", by),
                ],
            ),
            None,
            Some("/databases".to_owned()),
        ),
        Fact::DatabaseClosed {
            plan,
            database,
            why,
            ..
        } => {
            let known = ["time", "asked", "stop"].contains(&why.as_str());
            let key = match known {
                true => "fact-database-closed",
                false => "fact-database-not-opened",
            };
            (
                if known { Mood::Plain } else { Mood::Bad },
                w.t2(key, "name", database.escape_debug(), "plan", w.plan(plan)),
                (!known).then(|| why.clone()),
                Some("/databases".to_owned()),
            )
        }
        Fact::LoggedIn { user } => (
            Mood::Plain,
            w.t1("fact-logged-in", "user", user),
            None,
            None,
        ),
        Fact::LogInRefused { user } => (
            Mood::Care,
            w.t1("fact-log-in-refused", "user", user),
            None,
            None,
        ),
        Fact::PasswordChanged { user } => (
            Mood::Plain,
            w.t1("fact-password-changed", "user", user),
            None,
            None,
        ),
    };
    Line {
        when: w.date(entry.at),
        machine_date: w.machine_date(entry.at),
        mood,
        sentence,
        detail: detail.map(|detail| w.told(&detail)),
        link,
    }
}

/// A session's step in the reader's words; a step of a newer version as it is.
pub(crate) fn session_step(words: &Words, step: &str) -> String {
    match step {
        "opened" => words.t("session-opened"),
        "confirming" => words.t("session-confirming"),
        "read" | "reading" => words.t("session-reading"),
        "write" | "writing" => words.t("session-writing"),
        "verify" | "verifying" => words.t("session-verifying"),
        "done" => words.t("session-done"),
        "failed" => words.t("session-failed"),
        "cancelled" => words.t("session-cancelled"),
        "expired" => words.t("session-expired"),
        other => other.to_owned(),
    }
}
