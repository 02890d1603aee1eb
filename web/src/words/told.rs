//! What other parts say is wrong, in the reader's words.
//!
//! They write one English sentence with its object and the next action, and that sentence is what the journal keeps.
//! As with gettext, the sentence itself is the key: each `told-…` of the English catalogue is one of those sentences
//! with holes, and the French one of the same key says it. A test makes every error of a bad night and looks it up
//! here, so that a sentence that changes is noticed. One that is not known stays as it is, marked as English.

use super::Words;
use super::catalogue::ENGLISH;
use config::Locale;
use std::fmt::Display;
use std::sync::LazyLock;

/// A sentence for the reader, and the language it is in.
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) lang: &'static str,
}

/// Longer ones hold more than a sentence.
const LONGEST: usize = 4000;
/// A sentence in a sentence in a sentence, about a deed done to a thing.
const DEPTH: u8 = 7;

/// A pattern of one class is never looked for in place of another: `views` is a thing, and no sentence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Sentence,
    /// What was being done, as a noun phrase in French.
    Deed,
    /// What it was done to.
    Thing,
}

struct Pattern {
    key: &'static str,
    class: Class,
    /// Text before each hole with the name of that hole, and the text after the last.
    parts: Vec<(&'static str, &'static str)>,
    end: &'static str,
    /// Characters outside of holes: the pattern that says most is the one that is meant.
    weight: usize,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let lines = ENGLISH.lines().filter(|line| line.starts_with("told-"));
    let mut patterns: Vec<Pattern> = lines.filter_map(pattern).collect();
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.weight));
    patterns
});

fn pattern(line: &'static str) -> Option<Pattern> {
    let (key, mut rest) = line.split_once(" = ")?;
    let mut parts = Vec::new();
    while let Some((before, after)) = rest.split_once("{ $") {
        let (name, after) = after.split_once(" }")?;
        parts.push((before, name));
        rest = after;
    }
    let class = match key {
        _ if key.starts_with("told-deed-") => Class::Deed,
        _ if key.starts_with("told-thing-") => Class::Thing,
        _ => Class::Sentence,
    };
    Some(Pattern {
        key,
        class,
        weight: parts.iter().map(|(before, _)| before.len()).sum::<usize>() + rest.len(),
        parts,
        end: rest,
    })
}

impl Pattern {
    /// What stands in the holes.
    fn holes<'a>(&self, sentence: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
        let mut holes = Vec::with_capacity(self.parts.len());
        let mut rest = sentence.strip_suffix(self.end)?;
        let mut open: Option<&'static str> = None;
        for (before, name) in &self.parts {
            match open {
                None => rest = rest.strip_prefix(before)?,
                Some(hole) => {
                    let (value, after) = rest.split_once(before)?;
                    holes.push((hole, value));
                    rest = after;
                }
            }
            open = Some(name);
        }
        match open {
            Some(hole) => holes.push((hole, rest)),
            None if rest.is_empty() => {}
            None => return None,
        }
        Some(holes)
    }
}

impl Words {
    /// A sentence of another part in the reader's words.
    pub(crate) fn told(&self, sentence: &str) -> Told {
        match self.locale {
            Locale::En => None,
            Locale::Fr => self.known(sentence, Class::Sentence, DEPTH),
        }
        .map_or_else(
            || Told {
                text: sentence.to_owned(),
                lang: Locale::En.code(),
            },
            |text| Told {
                text: capital(&text),
                lang: self.code(),
            },
        )
    }

    fn known(&self, sentence: &str, class: Class, depth: u8) -> Option<String> {
        if depth == 0 || sentence.len() > LONGEST {
            return None;
        }
        let mut patterns = PATTERNS.iter().filter(|pattern| pattern.class == class);
        patterns.find_map(|pattern| {
            let holes = pattern.holes(sentence)?;
            let mut values: Vec<(&str, String)> = Vec::with_capacity(holes.len());
            for (name, value) in holes {
                values.push((name, self.hole(name, value, depth)?));
            }
            let shown: Vec<(&str, &dyn Display)> = values
                .iter()
                .map(|(name, value)| (*name, value as &dyn Display))
                .collect();
            Some(self.with(pattern.key, &shown))
        })
    }

    /// `what` is a sentence and `deed` a deed, and must be known; `why`, `first` and `thing` may be. Bytes and plans have
    /// their own way of being written.
    fn hole(&self, name: &str, value: &str, depth: u8) -> Option<String> {
        let known = |class| self.known(value, class, depth - 1);
        let as_it_is = || value.to_owned();
        Some(match name {
            "what" => known(Class::Sentence)?,
            "deed" => known(Class::Deed)?,
            "why" | "first" => known(Class::Sentence).unwrap_or_else(as_it_is),
            "thing" => known(Class::Thing).unwrap_or_else(as_it_is),
            "plan" => self.plan(value),
            // A hole at the beginning would take the sentence around it too.
            "rows" | "came" | "count" => value.parse::<u64>().ok()?.to_string(),
            _ if name.ends_with("bytes") => self.size(value.parse().ok()?),
            _ => value.to_owned(),
        })
    }
}

/// Fragments begin with a small letter; a sentence does not.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::catalogue;
    use continuity::vaults::Error as Open;
    use jiff::tz::TimeZone;
    use state::Timestamp;
    use vault::target::Error as Target;

    fn french() -> Words {
        Words::new(Locale::Fr, TimeZone::UTC, Timestamp(0))
    }

    fn said(sentence: &str) -> String {
        let told = french().told(sentence);
        assert_eq!(told.lang, "fr", "not known: {sentence}");
        told.text.replace(['\u{a0}', '\u{202f}'], " ")
    }

    /// What a target says on a bad night.
    fn targets() -> Vec<Target> {
        let folder = || "/mnt/nas".to_owned();
        let object = || "packs/ab".to_owned();
        let io = || std::io::Error::from_raw_os_error(5);
        vec![
            Target::Missing { folder: folder() },
            Target::NotAFolder { folder: folder() },
            Target::NotMounted { folder: folder() },
            Target::ReadOnly {
                folder: folder(),
                object: object(),
            },
            Target::Denied {
                folder: folder(),
                object: object(),
            },
            Target::Full {
                folder: folder(),
                object: object(),
                free_bytes: 1024,
                needed_bytes: 4 << 20,
            },
            Target::Reserved {
                folder: folder(),
                object: object(),
                free_bytes: 1 << 20,
                keep_bytes: 1 << 30,
            },
            Target::Exchanged { folder: folder() },
            Target::NotFound {
                folder: folder(),
                object: object(),
            },
            Target::Short {
                folder: folder(),
                object: object(),
            },
            Target::Untrue {
                folder: folder(),
                object: object(),
            },
            Target::Io {
                folder: folder(),
                object: object(),
                source: io(),
            },
        ]
    }

    fn vaults() -> Vec<vault::Error> {
        let place = || "/mnt/nas".to_owned();
        vec![
            vault::Error::NotAVault { place: place() },
            vault::Error::WrongPassword { place: place() },
            vault::Error::NewerFormat {
                place: place(),
                found: 9,
                known: 1,
            },
            vault::Error::Damaged {
                object: "packs/ab".into(),
                what: "its end is missing".into(),
            },
            vault::Error::BadRoot {
                path: "/srv".into(),
                what: "it lies in the vault".into(),
            },
            vault::Error::NothingSaved {
                plan: "compta".into(),
                problems: vec![vault::Problem::new("/srv", "no such file")],
            },
            vault::Error::Revoked,
            vault::Error::Overtaken,
        ]
    }

    /// Why GLPI has not got an inventory.
    fn inventories() -> Vec<String> {
        use provisioner::host::glpi::Fault;
        let text = || "x".to_owned();
        let (status, said) = (500, text);
        let faults = [
            Fault::Silent(text()),
            Fault::Login {
                status,
                said: said(),
            },
            Fault::NoPage(404),
            Fault::Elsewhere(text()),
            Fault::NoGlpi {
                status,
                said: said(),
            },
            Fault::Server {
                status,
                said: said(),
            },
            Fault::Busy {
                status,
                said: said(),
            },
            Fault::Inventory(text()),
            Fault::StillPending,
            Fault::Password {
                path: text(),
                why: text(),
            },
            Fault::Certificates {
                path: text(),
                why: text(),
            },
        ];
        let mut all: Vec<String> = faults.iter().map(ToString::to_string).collect();
        all.extend([
            format!("failed to send inventories to GLPI: {}", faults[0]),
            format!(
                "failed to send the inventory of PC-1 to GLPI: {}",
                faults[7]
            ),
            format!(
                "failed to send the inventory of PC-1 and 2 more to GLPI: {}",
                faults[7]
            ),
        ]);
        all
    }

    /// What a database says on a bad night, as a run, a proof and a restore tell it.
    fn databases() -> Vec<String> {
        use databases::{Cause, Engine, Error};
        let url = || "mysql://doli@erp/dolibarr".to_owned();
        let io = || std::io::Error::from_raw_os_error(2);
        let mut errors = vec![
            Error::NoTool {
                engine: Engine::MariaDb,
                program: "mariadb-dump",
                package: "mariadb-client",
            },
            Error::Start {
                program: "psql".into(),
                source: io(),
            },
            Error::Password {
                database: url(),
                file: "/etc/reprise/erp".into(),
                source: io(),
            },
            Error::Login {
                database: url(),
                folder: "/tmp".into(),
                source: io(),
            },
            Error::Silent {
                doing: "count",
                object: "table llx_facture".into(),
                minutes: 10,
            },
            Error::Short {
                object: "table llx_facture".into(),
                counted: 9,
                got: 8,
            },
            Error::Strange {
                program: "mariadb",
                object: "table llx_facture".into(),
                what: "a row has another number of fields".into(),
            },
            Error::Empty { database: url() },
            Error::Stopped,
        ];
        let causes = [
            Cause::Unreachable,
            Cause::Credentials,
            Cause::NoDatabase,
            Cause::Denied,
            Cause::Locked,
            Cause::Altered,
            Cause::Lost,
            Cause::Untrusted,
            Cause::OldClient,
            Cause::Other,
        ];
        let deeds = [
            ("log in to", url()),
            ("ask the version of", url()),
            ("begin a transaction of", url()),
            ("fix the instant of", url()),
            ("begin", "table llx_facture".to_owned()),
            ("dump", "table llx_facture".to_owned()),
            ("dump the tables' shape of", url()),
            ("count", "table llx_facture".to_owned()),
            ("read", "the dump".to_owned()),
            ("see who locks", "table llx_facture".to_owned()),
            ("see who is at", url()),
            ("prepare a session with", url()),
            ("make the database of", url()),
            ("look for the new database on the server of", url()),
        ];
        for (doing, object) in deeds {
            errors.extend(causes.map(|cause| Error::Refused {
                doing,
                object: object.clone(),
                cause,
                said: "ERROR 1045 (28000): Access denied; bye".into(),
            }));
        }
        let tell = |error: &Error| {
            [
                format!("failed to {error}"),
                format!(
                    "failed to save database {} of plan erp: nothing of it is saved: failed to {error}",
                    url()
                ),
                format!(
                    "failed to save plan erp: database {}: nothing of it is saved: failed to {error}",
                    url()
                ),
                format!(
                    "plan erp on target nas could not be proven: 1 difference: database dolibarr: failed to {error}"
                ),
            ]
        };
        errors.iter().flat_map(tell).collect()
    }

    /// What a run says of an application that lost something, and a proof of a copy that differs.
    fn parts() -> Vec<String> {
        let point = "restore point 12ab34cd of 2026-11-22 02:00 UTC";
        let mut all = Vec::new();
        for matter in ["is empty", "is not there", "could not be read"] {
            let lost = format!("failed to save documents of plan erp: /srv/documents {matter}");
            all.push(format!("{lost}, and {point} is the last that holds it; find out what emptied it, restore it from there, and keep that point meanwhile (`reprise vault hold`)"));
            all.push(format!("{lost}, and no restore point holds it; correct the settings of the application, or is a disk not mounted?"));
        }
        all.push(format!("failed to find 5000 of the 6000 rows of database mysql://doli@erp/dolibarr of plan erp that {point} holds: they are gone; find out what removed them, and restore them from that point"));
        all.push("failed to find 60 of the 70 files of plan erp that the restore point before holds: they are gone; find out what removed them, and restore them from that point".to_owned());
        for what in [
            "was not restored",
            "has mode 0644 instead of 0600",
            "has another content than what was read at backup time",
        ] {
            all.push(format!("plan erp on target nas could not be proven: 2 differences, the first: /srv/a: {what}"));
        }
        for (object, what) in [
            ("table llx_facture", "it is missing; 9 rows were saved"),
            ("table llx_facture", "9 rows were saved, none came back"),
            ("table llx_facture", "9 rows were saved, 8 came back"),
            (
                "table llx_facture",
                "its 9 rows are not the ones that were saved",
            ),
            (
                "table llx_facture",
                "it was not there when the dump was made; it came with 9 rows",
            ),
            ("table llx_facture", "CHECK TABLE says: Corrupt"),
            ("views", "3 were saved, 2 came back"),
            ("events", "3 were saved, 2 came back"),
        ] {
            all.push(format!("plan erp on target nas could not be proven: 2 differences, the first: database dolibarr, {object}: {what}"));
        }
        all.push("plan erp on target nas could not be proven: 1 difference: last invoice: the loaded copy gives 0, at least 1 is expected; look whether the application was empty when it was saved".to_owned());
        all
    }

    #[test]
    fn every_trouble_of_a_night_is_said_in_french() {
        let name = || "nas".to_owned();
        let mut sentences: Vec<String> = Vec::new();
        for error in targets() {
            sentences.push(format!("failed to {error}"));
            sentences.push(format!(
                "failed to {}",
                Open::Target {
                    target: name(),
                    source: error
                }
            ));
        }
        for error in vaults() {
            sentences.push(format!("failed to {error}"));
            sentences.push(format!(
                "failed to {}",
                Open::Open {
                    target: name(),
                    source: error
                }
            ));
        }
        let file = std::env::temp_dir().join("reprise-told-no-such-password");
        let secret = vault::Secret::from_file(&file).expect_err("no file");
        for error in [
            Open::Password {
                target: name(),
                what: secret.to_string(),
            },
            Open::Silent {
                target: name(),
                path: "/mnt/nas".into(),
            },
            Open::Foreign {
                target: name(),
                now: " (//nas/b)".into(),
                was: "2026-11-22 02:00".into(),
            },
            Open::Foreign {
                target: name(),
                now: String::new(),
                was: "2026-11-22 02:00 (//nas/a)".into(),
            },
            Open::Emptied {
                target: name(),
                place: "/mnt/nas".into(),
                was: "2026-11-22 02:00".into(),
            },
        ] {
            sentences.push(format!("failed to {error}"));
        }
        let key = |text: &str| vault::RecoveryKey::parse(text).expect_err("no key");
        for what in [
            key("one two"),
            key(&["abandon"; 24].join(" ")),
            key(&(["abandon"; 23].join(" ") + " facture")),
            "they are words of another vault, or their sheet was taken back".to_owned(),
        ] {
            let target = name();
            sentences.push(format!(
                "failed to {}",
                continuity::Error::Words { target, what }
            ));
        }
        let verified =
            "verified: 2 tables with 20000 rows are in the new database as they were saved";
        sentences.push(verified.to_owned());
        let month = Timestamp(31 * 86_400_000);
        sentences.push(continuity::clock::sentence(Timestamp(0), month));
        sentences.extend(databases());
        sentences.extend(parts());
        sentences.extend(inventories());
        for sentence in sentences {
            let told = said(&sentence);
            for left in [
                "failed to",
                "check the",
                "mount",
                "give this user",
                "rows",
                "run the plan",
                "instead of",
                "another content",
                "database ",
                "table ll",
                "were saved",
            ]
            .iter()
            .filter(|left| !(**left == "table ll" && told.contains("la table ll")))
            {
                assert!(!told.contains(left), "{left:?} in {told:?}");
            }
            assert!(!told.starts_with(char::is_lowercase), "{told}");
        }
    }

    #[test]
    fn what_stands_in_a_sentence_stays_and_its_figures_are_written_as_the_reader_does() {
        let full = Target::Full {
            folder: "/mnt/nas".into(),
            object: "packs/ab".into(),
            free_bytes: 1024,
            needed_bytes: 3 << 20,
        };
        let error = Open::Target {
            target: "nas".into(),
            source: full,
        };
        assert_eq!(
            said(&format!("failed to {error}")),
            "Le disque de la cible nas est plein : packs/ab n'a pas pu être écrit dans /mnt/nas (1,0 Kio libres, 3,0 Mio nécessaires). Libérez de la place, ou choisissez une cible plus grande.".replace('\'', "’")
        );
        let proof = "plan compta on target nas could not be proven: 2 differences, the first: /srv/a: was not restored";
        assert_eq!(
            said(proof),
            "La restauration d'essai de compta depuis nas a échoué : 2 différences, la première : /srv/a : n'a pas été restauré".replace('\'', "’")
        );
    }

    #[test]
    fn a_sentence_that_is_not_known_stays_and_says_its_language() {
        for sentence in [
            "something new happened",
            "failed to do something new",
            "",
            "failed to ",
        ] {
            let told = french().told(sentence);
            assert_eq!((told.text.as_str(), told.lang), (sentence, "en"));
        }
        let long = format!(
            "failed to open the vault folder {}: it does not exist",
            "x".repeat(9000)
        );
        assert_eq!(french().told(&long).lang, "en");
        let english = Words::new(Locale::En, TimeZone::UTC, Timestamp(0));
        assert_eq!(english.told("failed to go on").text, "failed to go on");
    }

    #[test]
    fn each_pattern_has_its_sentence_in_french_with_the_same_holes() {
        assert!(PATTERNS.len() > 30, "{}", PATTERNS.len());
        for pattern in PATTERNS.iter() {
            assert!(pattern.weight >= 2, "{}", pattern.key);
            let text = catalogue::format(Locale::Fr, pattern.key, None);
            assert_ne!(text, pattern.key);
        }
    }
}
