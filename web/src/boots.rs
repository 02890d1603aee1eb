//! What the boot flight recorder saw, as sentences. Pure.

use crate::words::Words;
use provisioner::flight::wire::Program;
use provisioner::flight::{Carrier, Cause, Evidence, Flight, Message, Step, Timed, Trace};
use std::fmt::Display;

/// A silence that is worth a line of its own.
const QUIET_MS: u64 = 5000;

/// The sentence of a code that other versions may know more of.
pub(crate) fn why(words: &Words, code: &str) -> String {
    if let Some(error) = code.strip_prefix("aborted ") {
        return words.t1("boot-why-aborted", "error", error);
    }
    let key = format!("boot-why-{code}");
    let sentence = words.t(&key);
    match sentence == key {
        true => code.to_owned(),
        false => sentence,
    }
}

fn of_cause(words: &Words, kind: &str, cause: &Cause) -> String {
    let values = cause.values();
    let shown: Vec<(&str, String)> = values
        .into_iter()
        .map(|(name, value)| {
            let value = match name {
                "why" => why(words, &value),
                "bytes" | "of" => value.parse().map_or(value, |bytes| words.size(bytes)),
                _ => value,
            };
            (name, value)
        })
        .collect();
    let values: Vec<(&str, &dyn Display)> = shown
        .iter()
        .map(|(name, value)| (*name, value as &dyn Display))
        .collect();
    words.with(&format!("boot-{kind}-{}", cause.code()), &values)
}

/// Why a machine did not boot.
pub(crate) fn cause(words: &Words, cause: &Cause) -> String {
    of_cause(words, "cause", cause)
}

/// What to do about it first.
pub(crate) fn fix(words: &Words, cause: &Cause) -> String {
    of_cause(words, "fix", cause)
}

/// The sentence of a cause that a fact names by its code.
pub(crate) fn cause_of_code(words: &Words, code: &str) -> String {
    let key = format!("boot-kind-{code}");
    let sentence = words.t(&key);
    match sentence == key {
        true => code.to_owned(),
        false => sentence,
    }
}

pub(crate) fn evidence(words: &Words, evidence: &Evidence) -> String {
    let key = format!("boot-seen-{}", evidence.code());
    match evidence.value() {
        Some(value) => words.t1(&key, "value", value),
        None => words.t(&key),
    }
}

pub(crate) fn certainty(words: &Words, trace: &Trace) -> String {
    words.t(&format!(
        "boot-certainty-{}",
        trace.diagnosis.certainty.code()
    ))
}

/// Who did it, for the eye: the machine, we, or somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Machine,
    Us,
    Other,
    Trouble,
}

impl Who {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Who::Machine => "machine",
            Who::Us => "us",
            Who::Other => "other",
            Who::Trouble => "trouble",
        }
    }
}

/// One step as it is shown.
pub(crate) struct Line {
    /// Since the flight began: `12,3 s`.
    pub(crate) after: String,
    /// The silence before it, when it is long.
    pub(crate) quiet: Option<String>,
    pub(crate) who: Who,
    pub(crate) sentence: String,
}

pub(crate) fn lines(words: &Words, flight: &Flight) -> Vec<Line> {
    let mut last = flight.started.0;
    flight
        .steps
        .iter()
        .map(|timed| {
            let gap = u64::try_from(timed.at_ms.saturating_sub(last)).unwrap_or(0);
            last = timed.last_ms.unwrap_or(timed.at_ms);
            let after = timed.at_ms.saturating_sub(flight.started.0);
            let mut sentence = step(words, &timed.step);
            if timed.times > 1 {
                let times = words.t1("boots-times", "times", words.count(timed.times.into()));
                sentence = format!("{sentence} ({times})");
            }
            Line {
                after: words.took(u64::try_from(after).unwrap_or(0)),
                quiet: (gap >= QUIET_MS).then(|| words.t1("boots-quiet", "time", words.took(gap))),
                who: who(timed),
                sentence,
            }
        })
        .collect()
}

fn who(timed: &Timed) -> Who {
    match &timed.step {
        Step::Asked { .. } | Step::FileAsked { .. } | Step::LookedForUs | Step::Reported => {
            Who::Machine
        }
        Step::Answered { .. } | Step::Silent { .. } => Who::Us,
        Step::FileSent { bytes, of, .. } if bytes == of || *bytes == 0 => Who::Us,
        Step::Heard { .. } => Who::Other,
        Step::NotSent { .. }
        | Step::FileRefused { .. }
        | Step::FileSent { .. }
        | Step::Stopped { .. } => Who::Trouble,
    }
}

fn carrier(by: Carrier) -> &'static str {
    match by {
        Carrier::Tftp => "TFTP",
        Carrier::Http => "HTTP",
    }
}

fn program(words: &Words, program: Program) -> String {
    match program {
        Program::Bios => words.t("boot-program-bios"),
        Program::Uefi => words.t("boot-program-uefi"),
        Program::UefiHttp => words.t("boot-program-uefi-http"),
        Program::Ipxe => words.t("boot-program-ipxe"),
        Program::Unsupported => words.t("boot-program-unsupported"),
        Program::Ordinary => words.t("boot-program-ordinary"),
    }
}

fn asked(words: &Words, step: &Step) -> Option<String> {
    let Step::Asked {
        port,
        message,
        program: by,
        secs,
        server,
        relay,
        ..
    } = step
    else {
        return None;
    };
    let mut sentence = match (port, message) {
        (4011, _) => words.t("boot-step-request-4011"),
        (_, Message::Discover) => words.t1("boot-step-discover", "program", program(words, *by)),
        (_, Message::Request) => match server {
            Some(server) => words.t1("boot-step-request", "server", server),
            None => words.t("boot-step-request-any"),
        },
        _ => words.t("boot-step-other"),
    };
    if *port == 547 {
        let six = words.t("boot-step-six");
        sentence = format!("{sentence}, {six}");
    }
    if let Some(relay) = relay {
        let relayed = words.t1("boot-step-relayed", "relay", relay);
        sentence = format!("{sentence}, {relayed}");
    }
    if *secs > 0 && *message == Message::Discover {
        let asking = words.t1("boot-step-secs", "secs", secs);
        sentence = format!("{sentence}, {asking}");
    }
    Some(sentence)
}

pub(crate) fn step(words: &Words, step: &Step) -> String {
    let w = words;
    match step {
        Step::Asked { .. } => asked(words, step).unwrap_or_default(),
        Step::Answered {
            message: Message::Nak,
            ..
        } => w.t("boot-step-refused"),
        Step::Answered { port, file, .. } => match (port, file) {
            (4011, Some(file)) => w.t1("boot-step-acked", "file", file),
            (_, Some(file)) => w.t1("boot-step-offered-file", "file", file),
            (_, None) => w.t("boot-step-offered"),
        },
        Step::Silent { why: code, .. } => w.t1("boot-step-silent", "why", why(words, code)),
        Step::NotSent { error, .. } => w.t1("boot-step-not-sent", "error", error),
        Step::FileAsked { by, file, head } => {
            let by = carrier(*by);
            match head {
                true => w.t2("boot-step-file-length", "file", file, "by", by),
                false => w.t2("boot-step-file-asked", "file", file, "by", by),
            }
        }
        Step::FileRefused {
            file, why: code, ..
        } => {
            let why = why(words, code);
            w.t2("boot-step-file-refused", "file", file, "why", why)
        }
        Step::FileSent {
            file,
            bytes,
            of,
            took_ms,
            why: ended,
            ..
        } => {
            let size = words.size(*bytes);
            let is_whole = bytes == of;
            let (of, time) = (words.size(*of), words.took(*took_ms));
            match ended {
                _ if is_whole => w.with(
                    "boot-step-file-sent",
                    &[("file", file), ("size", &size), ("time", &time)],
                ),
                // Every UEFI boot asks for the size and ends that transfer itself.
                Some(code) if *bytes == 0 && code.starts_with("aborted") => {
                    w.t1("boot-step-file-probed", "file", file)
                }
                Some(code) => w.with(
                    "boot-step-file-cut-why",
                    &[
                        ("file", file),
                        ("bytes", &size),
                        ("of", &of),
                        ("why", &why(words, code)),
                    ],
                ),
                None => w.with(
                    "boot-step-file-cut",
                    &[("file", file), ("bytes", &size), ("of", &of)],
                ),
            }
        }
        Step::Reported => w.t("boot-step-reported"),
        Step::Heard {
            server,
            address,
            boots,
            ..
        } => match (address, boots) {
            (Some(address), false) => w.t2(
                "boot-step-heard-address",
                "server",
                server,
                "address",
                address,
            ),
            (Some(address), true) => {
                w.t2("boot-step-heard-both", "server", server, "address", address)
            }
            (None, true) => w.t1("boot-step-heard-boot", "server", server),
            (None, false) => w.t1("boot-step-heard-other", "server", server),
        },
        Step::Stopped { port } => w.t1("boot-step-stopped", "port", port),
        Step::LookedForUs => w.t("boot-step-looked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Locale;
    use jiff::tz::TimeZone;
    use state::Timestamp;
    use std::net::Ipv4Addr;

    fn causes() -> Vec<Cause> {
        let ip = Ipv4Addr::new(10, 0, 0, 1);
        let text = || "no_assets".to_owned();
        vec![
            Cause::Booted,
            Cause::Going,
            Cause::OnPurpose(text()),
            Cause::NotReady(text()),
            Cause::WrongArchitecture(Some(11)),
            Cause::MissingFile(text()),
            Cause::AgentSilent,
            Cause::SecureBoot(text()),
            Cause::ThirdPartyCa(text()),
            Cause::LoaderDidNotStart(text()),
            Cause::TransferCut {
                file: text(),
                bytes: 1,
                of: 2,
            },
            Cause::TftpDataBlocked,
            Cause::TftpBlocked,
            Cause::HttpBlocked,
            Cause::OwnFirewall(69),
            Cause::Port4011,
            Cause::AnswersLost,
            Cause::Option60(ip),
            Cause::ForeignProxy(ip),
            Cause::AnotherReprise(ip),
            Cause::TwoServers(vec![ip, ip]),
            Cause::OtherSubnet {
                server: ip,
                address: ip,
            },
            Cause::NoAddressServer,
            Cause::NoSubnet(None),
            Cause::NoSubnet(Some(ip)),
            Cause::NoAddressLeft,
            Cause::AddressRefused,
            Cause::AskedWithoutAddress,
            Cause::Snooping,
            Cause::FirmwareGaveUp,
            Cause::GuestIsolation,
            Cause::PortFast,
            Cause::Dot1x,
            Cause::NothingHeard,
            Cause::NetworkStackOff,
            Cause::NeverAsked,
            Cause::Unknown,
        ]
    }

    fn evidences() -> Vec<Evidence> {
        let ip = Ipv4Addr::new(10, 0, 0, 1);
        vec![
            Evidence::Asked(3),
            Evidence::NeverAsked,
            Evidence::Offered(3),
            Evidence::Took(ip),
            Evidence::TookNone,
            Evidence::Heard(ip),
            Evidence::HeardNobody,
            Evidence::No4011,
            Evidence::Asked4011(2),
            Evidence::Whole("x".to_owned()),
            Evidence::SilentFor(60),
            Evidence::NextEntry,
            Evidence::SecureBootOn,
            Evidence::FirstSecs(28),
            Evidence::SpanningTree,
            Evidence::Dot1x,
            Evidence::LookedForUs,
            Evidence::OthersFollowed,
            Evidence::NobodyFollowed,
            Evidence::SystemAsked,
            Evidence::AtCard(69),
        ]
    }

    #[test]
    fn every_cause_and_what_speaks_for_it_is_said_in_both_languages() {
        for locale in [Locale::Fr, Locale::En] {
            let words = Words::new(locale, TimeZone::UTC, Timestamp(0));
            for found in causes() {
                for sentence in [
                    cause(&words, &found),
                    fix(&words, &found),
                    cause_of_code(&words, found.code()),
                ] {
                    let whole = !sentence.starts_with("boot-")
                        && !sentence.contains("{")
                        && !sentence.contains("no_assets is");
                    assert!(whole && !sentence.is_empty(), "{found:?}: {sentence}");
                }
                let kind = cause_of_code(&words, found.code());
                let named = kind != found.code();
                assert_eq!(named, found.is_failure(), "{found:?}: {kind}");
            }
            for found in evidences() {
                let sentence = evidence(&words, &found);
                assert!(!sentence.starts_with("boot-"), "{sentence}");
                assert!(!sentence.contains("{"), "{sentence}");
            }
        }
    }

    #[test]
    fn steps_are_told_with_their_times() {
        let words = Words::new(Locale::Fr, TimeZone::UTC, Timestamp(0));
        let timed = |at_ms, step| Timed {
            at_ms,
            step,
            times: 1,
            last_ms: None,
        };
        let asked = Step::Asked {
            port: 67,
            message: Message::Discover,
            program: Program::Uefi,
            arch: Some(7),
            secs: 12,
            xid: 1,
            server: None,
            relay: None,
            broadcast: true,
        };
        let sent = Step::FileSent {
            by: Carrier::Tftp,
            file: "snponly.efi".to_owned(),
            bytes: 400,
            of: 2000,
            took_ms: 900,
            why: Some("stopped_answering".to_owned()),
        };
        let flight = Flight {
            started: Timestamp(1000),
            steps: vec![timed(1000, asked), timed(12_000, sent)],
            omitted: 0,
        };
        let lines = lines(&words, &flight);
        assert_eq!(
            lines[0].sentence,
            "Le poste demande qui peut le démarrer (micrologiciel UEFI), il demande depuis 12 s"
        );
        assert!(lines[0].quiet.is_none());
        assert_eq!(lines[1].who, Who::Trouble);
        assert!(
            lines[1].sentence.ends_with("il a cessé de répondre"),
            "{}",
            lines[1].sentence
        );
        assert!(lines[1].quiet.is_some());
    }
}
