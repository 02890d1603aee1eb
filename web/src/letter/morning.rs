//! Good morning: what was saved, what was restored for real and how long it took, what is not protected.

use super::incident::named;
use super::{Letter, Section};
use crate::page::unprotected;
use crate::readiness;
use crate::words::Words;
use config::{Level, Locale};
use continuity::notify::{Figures, Morning, Saved, Week};
use continuity::overview::{Service, Verdict};
use continuity::unprotected::Exposed;
use continuity::wire::LoadedDatabase;
use continuity::{Proof, Run};
use state::wire::Outcome;

/// More things that nobody saves are counted only.
const NAMED: usize = 10;

/// Fewer measurements make no range that one could promise.
const ENOUGH: usize = 3;

pub(super) fn letter(words: &Words, hour: &str, morning: &Morning) -> Letter {
    let overview = &morning.overview;
    let sentence = match overview.protected {
        // The figure itself: whoever reads only subjects must see the zero.
        0 => words.t("letter-none-protected"),
        _ => readiness::sentence(words, overview),
    };
    let mut sections = vec![troubles(words, morning)];
    let own = std::iter::once(&overview.appliance);
    let services = || overview.services.iter().chain(own.clone());
    for service in services() {
        sections.push(measured(words, service, figures(morning, service)));
    }
    let exposed = services().filter(|s| s.verdict != Verdict::Protected);
    let lines: Vec<String> = exposed
        .map(|service| not_protected(words, service, figures(morning, service)))
        .collect();
    if !lines.is_empty() {
        sections.push(Section {
            title: words.t("letter-exposed-title"),
            lines,
        });
    }
    sections.extend(by_nobody(words, morning));
    if let Some(week) = &morning.week {
        sections.push(seven_days(words, week));
    }
    let next = match morning.weekly {
        true => words.t1("letter-next-week", "hour", hour),
        false => words.t1("letter-next-day", "hour", hour),
    };
    Letter {
        subject: sentence.clone(),
        lead: match overview.services.is_empty() {
            true => format!("{sentence} {}", words.t("letter-only-itself")),
            false => sentence,
        },
        sections,
        foot: vec![next],
    }
}

fn figures<'a>(morning: &'a Morning, service: &Service) -> Option<&'a Figures> {
    morning.figures.iter().find(|f| f.plan == service.plan)
}

fn troubles(words: &Words, morning: &Morning) -> Section {
    let lines = morning.troubles.iter().map(|trouble| {
        let told = words.told(&trouble.sentence);
        // What the catalogue has names its object itself, and ends as a sentence does or with what was found.
        let key = match told.lang == Locale::Fr.code() {
            true if told.text.ends_with('.') => "letter-trouble-since",
            true => "letter-trouble-found-since",
            false => "letter-trouble",
        };
        words.with(
            key,
            &[
                ("object", &named(words, &trouble.object)),
                ("date", &words.date(trouble.since)),
                ("sentence", &told.text),
            ],
        )
    });
    let mut lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        lines.push(words.t("letter-no-trouble"));
    }
    Section {
        title: words.t("letter-troubles-title"),
        lines,
    }
}

fn measured(words: &Words, service: &Service, figures: Option<&Figures>) -> Section {
    let verdict = readiness::verdict(words, service);
    let copies = figures.map_or(&[][..], |f| &f.copies);
    let mut lines = Vec::new();
    for copy in copies {
        lines.push(saved(words, copy));
        if copy.busy {
            lines.push(words.t1("letter-busy", "target", &copy.target));
        }
        lines.extend(tried(words, copy));
        lines.extend(promise(words, copy));
    }
    if lines.is_empty() {
        lines.push(words.t("letter-nowhere"));
    }
    Section {
        title: words.t2(
            "letter-service",
            "plan",
            words.plan(&service.plan),
            "verdict",
            verdict,
        ),
        lines,
    }
}

fn saved(words: &Words, copy: &Saved) -> String {
    let Some(run) = &copy.run else {
        return words.t1("letter-never-saved", "target", &copy.target);
    };
    let Run {
        files,
        read_bytes,
        stored_bytes,
        took_ms,
        ..
    } = run;
    let mut line = words.n_with(
        "letter-saved",
        *files,
        &[
            ("target", &copy.target),
            ("date", &words.date(run.finished.unwrap_or(run.queued))),
            ("bytes", &words.size(*read_bytes)),
            ("added", &words.size(*stored_bytes)),
            ("took", &words.took(*took_ms)),
        ],
    );
    if run.outcome == Some(Outcome::Problems) {
        line.push(' ');
        line.push_str(&words.n("letter-saved-problems", run.problems));
    }
    line
}

/// What the newest test of the copy showed, and when it was last restored for real if that test was a lesser one.
fn tried(words: &Words, copy: &Saved) -> Vec<String> {
    let restored = copy.restored.first();
    let target = &copy.target;
    let never = || words.t1("letter-never-tried", "target", target);
    let Some(proof) = &copy.proof else {
        return vec![never()];
    };
    let date = words.date(proof.at);
    match (proof.passed, proof.level) {
        (false, _) => {
            let why = proof
                .detail
                .as_deref()
                .map_or_else(String::new, |why| words.told(why).text);
            let failed = words.with(
                "letter-not-restored",
                &[("target", target), ("date", &date), ("why", &why)],
            );
            let good =
                restored.map(|good| words.t1("letter-last-good", "date", words.date(good.at)));
            vec![failed, good.unwrap_or_else(never)]
        }
        (true, Level::Restored | Level::Loaded) => {
            let mut lines = opened(words, target, proof);
            lines.push(real(words, target, proof));
            lines
        }
        (true, level) => {
            let key = match level {
                Level::Scrubbed => "letter-read",
                _ => "letter-listed",
            };
            let read = words.t2(key, "target", target, "date", date);
            let good = restored.map(|proof| real(words, target, proof));
            vec![read, good.unwrap_or_else(never)]
        }
    }
}

/// A database that was started again and counted is worth a line of its own, first.
fn opened(words: &Words, target: &str, proof: &Proof) -> Vec<String> {
    let databases = proof.evidence.databases.iter();
    let line = |database: &LoadedDatabase| {
        words.n_with(
            "letter-opened",
            database.rows,
            &[
                ("database", &database.name.escape_debug()),
                ("target", &target),
                ("date", &words.date(proof.at)),
                ("took", &words.took(database.load_ms + database.compare_ms)),
                ("tables", &words.count(database.tables)),
            ],
        )
    };
    databases.map(line).collect()
}

/// How long the restore itself took, where that was measured apart from the comparison.
fn restore_ms(proof: &Proof) -> u64 {
    match proof.evidence.restore_ms {
        0 => proof.took_ms,
        ms => ms,
    }
}

fn real(words: &Words, target: &str, proof: &Proof) -> String {
    words.n_with(
        "letter-restored",
        proof.files,
        &[
            ("target", &target),
            ("date", &words.date(proof.at)),
            ("bytes", &words.size(proof.bytes)),
            ("took", &words.took(restore_ms(proof))),
        ],
    )
}

/// A duration is promised as a range, with its scope and its dates, or not at all.
fn promise(words: &Words, copy: &Saved) -> Option<String> {
    let newest = copy.restored.first()?;
    if copy.restored.len() < ENOUGH {
        return Some(words.n("letter-no-range", copy.restored.len() as u64));
    }
    let took = copy.restored.iter().map(restore_ms);
    let oldest = copy.restored.last()?;
    Some(words.n_with(
        "letter-range",
        newest.files,
        &[
            ("least", &words.took(took.clone().min().unwrap_or(0))),
            ("most", &words.took(took.max().unwrap_or(0))),
            ("times", &words.count(copy.restored.len() as u64)),
            ("from", &words.date(oldest.at)),
            ("to", &words.date(newest.at)),
            ("bytes", &words.size(newest.bytes)),
            ("target", &copy.target),
        ],
    ))
}

fn not_protected(words: &Words, service: &Service, figures: Option<&Figures>) -> String {
    let since = figures.and_then(|f| f.exposed);
    let reasons: Vec<String> = service
        .reasons
        .iter()
        .map(|reason| readiness::reason(words, reason))
        .collect();
    let plan = words.plan(&service.plan);
    let reasons = reasons.join(" ");
    match since {
        Some(since) => words.with(
            "letter-exposed",
            &[
                ("plan", &plan),
                ("date", &words.date(since)),
                ("reasons", &reasons),
            ],
        ),
        None => words.t2("letter-exposed-now", "plan", plan, "reasons", reasons),
    }
}

/// What is seen and saved by nobody; accepted risks are not repeated each morning.
fn by_nobody(words: &Words, morning: &Morning) -> Option<Section> {
    let open: Vec<_> = morning.unprotected.open().collect();
    if open.is_empty() {
        return None;
    }
    let line = |exposed: &&Exposed| {
        let name = unprotected::name(words, &exposed.what);
        let standing = unprotected::standing(words, &exposed.standing);
        words.t2("letter-unprotected", "name", name, "standing", standing)
    };
    let mut lines: Vec<String> = open.iter().take(NAMED).map(line).collect();
    if let Some(more) = open.len().checked_sub(NAMED).filter(|more| *more > 0) {
        lines.push(words.n("letter-unprotected-more", more as u64));
    }
    Some(Section {
        title: words.t("letter-unprotected-title"),
        lines,
    })
}

fn seven_days(words: &Words, week: &Week) -> Section {
    let Week {
        saved,
        failed,
        stored_bytes,
        restored,
        not_restored,
    } = week;
    Section {
        title: words.t("letter-week-title"),
        lines: vec![
            words.n_with(
                "letter-week-saved",
                *saved,
                &[
                    ("failed", &words.count(*failed)),
                    ("added", &words.size(*stored_bytes)),
                ],
            ),
            words.n_with(
                "letter-week-restored",
                *restored,
                &[("failed", &words.count(*not_restored))],
            ),
            words.t("letter-alive"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::super::{dress, write};
    use super::*;
    use config::Locale;
    use continuity::notify::Message;
    use continuity::overview::{Copy, Overview, Reason};
    use continuity::place::Place;
    use continuity::trouble::Trouble;
    use continuity::unprotected::{Accepted, Look, Standing, What};
    use continuity::wire::Evidence;
    use continuity::{APPLIANCE, ProofId, RunId};
    use jiff::tz::TimeZone;
    use state::Timestamp;
    use std::path::Path;

    fn at(text: &str) -> Timestamp {
        Timestamp(
            text.parse::<jiff::Timestamp>()
                .expect("a time")
                .as_millisecond(),
        )
    }

    fn service(plan: &str, target: &str, verdict: Verdict, reasons: Vec<Reason>) -> Service {
        Service {
            plan: plan.into(),
            tier: 1,
            last_saved: None,
            last_proven: Some(Timestamp(1)),
            verdict,
            reasons,
            copies: vec![Copy {
                target: target.into(),
                place: Place::Elsewhere,
                last_saved: Some(Timestamp(1)),
                last_proven: None,
                verdict,
                late: false,
            }],
        }
    }

    fn run(plan: &str, problems: u64) -> Run {
        Run {
            id: RunId("r".into()),
            plan: plan.into(),
            target: "nas".into(),
            vault: None,
            by: "schedule".into(),
            queued: at("2026-11-23T01:00:00Z"),
            started: Some(at("2026-11-23T01:00:00Z")),
            finished: Some(at("2026-11-23T01:03:12Z")),
            outcome: Some(match problems {
                0 => Outcome::Done,
                _ => Outcome::Problems,
            }),
            snapshot: Some("s".into()),
            files: 48_213,
            read_bytes: 96 << 30,
            stored_bytes: 212 << 20,
            problems,
            took_ms: 192_000,
            detail: None,
        }
    }

    fn proof(plan: &str, day: &str, minutes: u64, level: Level, passed: bool) -> Proof {
        Proof {
            id: ProofId("p".into()),
            plan: plan.into(),
            target: "nas".into(),
            snapshot: "s".into(),
            level,
            passed,
            files: 48_213,
            bytes: 96 << 30,
            took_ms: (2 * minutes * 60_000).max(1700),
            at: at(day),
            detail: (!passed).then(|| "1 difference: /srv/paie/2026.ods: has another content than what was read at backup time".into()),
            evidence: Evidence {
                restore_ms: (minutes * 60_000).max(800),
                ..Evidence::default()
            },
        }
    }

    fn copy(run: Option<Run>, proof: Option<Proof>, restored: Vec<Proof>) -> Saved {
        Saved {
            target: "nas".into(),
            run,
            busy: false,
            proof,
            restored,
        }
    }

    fn figures(plan: &str, exposed: Option<&str>, copies: Vec<Saved>) -> Figures {
        Figures {
            plan: plan.into(),
            exposed: exposed.map(at),
            copies,
        }
    }

    /// A company with one service that is well, one whose proof failed, one never tried.
    fn company() -> Morning {
        let target = || "nas".to_owned();
        let restored = |minutes, day| proof("compta", day, minutes, Level::Restored, true);
        let good = vec![
            restored(11, "2026-11-23T02:12:00Z"),
            restored(9, "2026-11-22T02:10:00Z"),
            restored(14, "2026-11-21T02:11:00Z"),
        ];
        let failed = proof("paie", "2026-11-23T02:20:00Z", 3, Level::Restored, false);
        let once = proof("paie", "2026-11-20T02:20:00Z", 3, Level::Restored, true);
        let read = proof("plans", "2026-11-23T02:40:00Z", 0, Level::Scrubbed, true);
        Morning {
            at: at("2026-11-23T06:00:00Z"),
            weekly: false,
            overview: Overview {
                services: vec![
                    service("compta", "nas", Verdict::Protected, vec![]),
                    service(
                        "paie",
                        "nas",
                        Verdict::Failing,
                        vec![Reason::ProofFailed {
                            target: target(),
                            detail: "1 difference: /srv/paie/2026.ods: has another content than what was read at backup time".into(),
                        }],
                    ),
                    Service {
                        last_proven: None,
                        ..service(
                            "plans",
                            "nas",
                            Verdict::Untested,
                            vec![Reason::NeverRestored { target: target() }],
                        )
                    },
                ],
                appliance: service(APPLIANCE, "nas", Verdict::Protected, vec![]),
                protected: 1,
            },
            figures: vec![
                figures(
                    "compta",
                    None,
                    vec![copy(Some(run("compta", 0)), good.first().cloned(), good)],
                ),
                figures(
                    "paie",
                    Some("2026-11-23T02:20:00Z"),
                    vec![copy(Some(run("paie", 2)), Some(failed), vec![once])],
                ),
                figures(
                    "plans",
                    Some("2026-11-01T09:00:00Z"),
                    vec![Saved {
                        busy: true,
                        ..copy(Some(run("plans", 0)), Some(read), vec![])
                    }],
                ),
                figures(APPLIANCE, None, vec![copy(None, None, vec![])]),
            ],
            troubles: vec![Trouble {
                object: "proof of plan paie on target nas".into(),
                kind: String::new(),
                sentence: "plan paie on target nas could not be proven: 1 difference: /srv/paie/2026.ods: has another content than what was read at backup time".into(),
                since: at("2026-11-23T02:20:00Z"),
            }],
            unprotected: Look {
                exposed: vec![
                    Exposed {
                        what: What::Folder("/home/anne".into()),
                        standing: Standing::Open,
                    },
                    Exposed {
                        what: What::Host {
                            name: "ATELIER-3".into(),
                            mac: Some("52:54:00:12:34:56".into()),
                        },
                        standing: Standing::RunOut(Accepted {
                            object: "host ATELIER-3".into(),
                            by: "anne".into(),
                            why: "poste en prêt".into(),
                            since: at("2026-10-23T08:00:00Z"),
                            until: at("2026-11-22T08:00:00Z"),
                        }),
                    },
                ],
                ..Look::default()
            },
            week: Some(Week {
                saved: 27,
                failed: 1,
                stored_bytes: 3 << 30,
                restored: 20,
                not_restored: 1,
            }),
        }
    }

    /// A first morning: the box has saved itself, on itself.
    fn alone() -> Morning {
        let target = || "local".to_owned();
        let reasons = vec![
            Reason::DiesWithBox { target: target() },
            Reason::KeyNotTypedBack { target: target() },
        ];
        let own = proof(APPLIANCE, "2026-11-24T00:00:30Z", 0, Level::Restored, true);
        Morning {
            at: at("2026-11-24T06:00:00Z"),
            overview: Overview {
                services: vec![],
                appliance: service(APPLIANCE, "local", Verdict::Proven, reasons),
                protected: 0,
            },
            figures: vec![figures(
                APPLIANCE,
                Some("2026-11-23T12:00:00Z"),
                vec![Saved {
                    target: target(),
                    ..copy(Some(run(APPLIANCE, 0)), Some(own.clone()), vec![own])
                }],
            )],
            troubles: vec![],
            unprotected: Look::default(),
            week: None,
            weekly: false,
        }
    }

    fn text(locale: Locale, morning: Morning) -> continuity::notify::Text {
        let zone = TimeZone::get("Europe/Paris").expect("a zone");
        let words = Words::new(locale, zone, morning.at);
        let message = Message::Morning(Box::new(morning));
        dress(&words, &write(&words, "agen", "07:00", &message))
    }

    /// The goldens lie in `tests/data/letters/`; `UPDATE_GOLDEN=1` rewrites them.
    fn is_golden(name: &str, found: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/data/letters")
            .join(name);
        #[expect(
            clippy::disallowed_methods,
            reason = "the one switch that rewrites goldens"
        )]
        if std::env::var("UPDATE_GOLDEN").is_ok() {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
            std::fs::write(&path, found).expect("written");
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, golden, "{name}: UPDATE_GOLDEN=1 rewrites it");
    }

    #[test]
    fn the_morning_message_says_what_is_known_in_plain_words() {
        for (name, locale, morning) in [
            ("morning.fr", Locale::Fr, company()),
            ("morning.en", Locale::En, company()),
            ("alone.fr", Locale::Fr, alone()),
            ("alone.en", Locale::En, alone()),
        ] {
            let text = text(locale, morning);
            is_golden(
                &format!("{name}.txt"),
                &format!("{}\n\n{}", text.subject, text.plain),
            );
            if name == "morning.fr" {
                is_golden("morning.fr.html", &text.html);
                is_golden("morning.fr.md", &text.markdown);
            }
        }
    }

    #[test]
    fn a_box_that_protects_only_itself_says_zero() {
        let fr = text(Locale::Fr, alone());
        assert!(
            fr.subject.contains("0 de vos services sont protégés"),
            "{}",
            fr.subject
        );
        let en = text(Locale::En, alone());
        assert!(en.subject.contains("0 of your services are protected"));
    }

    #[test]
    fn a_duration_is_promised_from_three_measurements_on() {
        let zone = TimeZone::UTC;
        let words = Words::new(Locale::En, zone, Timestamp(0));
        let times = |n: u64| -> Vec<Proof> {
            (0..n)
                .map(|m| {
                    proof(
                        "compta",
                        "2026-11-20T02:00:00Z",
                        5 + m,
                        Level::Restored,
                        true,
                    )
                })
                .collect()
        };
        let said = |n| promise(&words, &copy(None, None, times(n)));
        assert_eq!(said(0), None);
        assert!(
            said(2).is_some_and(|s| s.contains("no time is promised")),
            "{:?}",
            said(2)
        );
        let range = said(3).expect("a range");
        let range = range.replace('\u{a0}', " ");
        for part in [
            "5 min 00 s",
            "7 min 00 s",
            "48,213 files",
            "nas",
            "20 November 2026",
        ] {
            assert!(range.contains(part), "{part}: {range}");
        }
    }
}
