//! Could the company restart today? `continuity`'s verdicts as a reader sees them. Pure.

use crate::story::Mood;
use crate::words::Words;
use continuity::overview::{Copy, Overview, Reason, Service, Verdict};
use continuity::place::Place;
use state::Timestamp;

/// A moment, absolute and relative.
pub(crate) struct Moment {
    pub(crate) date: String,
    pub(crate) ago: String,
    pub(crate) machine: String,
}

impl Moment {
    pub(crate) fn new(words: &Words, at: Timestamp) -> Moment {
        Moment {
            date: words.date(at),
            ago: words.ago(at),
            machine: words.machine_date(at),
        }
    }
}

/// A service on the home page.
pub(crate) struct Shown {
    pub(crate) plan: String,
    pub(crate) mood: Mood,
    pub(crate) verdict: String,
    pub(crate) saved: Option<Moment>,
    pub(crate) proven: Option<Moment>,
    pub(crate) reasons: Vec<Because>,
    /// Where there are several: each with its own age.
    pub(crate) copies: Vec<CopyShown>,
}

/// One copy of a service: when it was last saved and restored, and whether it lags.
pub(crate) struct CopyShown {
    pub(crate) target: String,
    pub(crate) mood: Mood,
    pub(crate) state: String,
    pub(crate) saved: Option<Moment>,
    pub(crate) proven: Option<Moment>,
}

fn copy(words: &Words, copy: &Copy) -> CopyShown {
    let (mood, state) = match (copy.late, copy.last_saved) {
        (true, None) => (Mood::Bad, words.t("copy-none")),
        (true, Some(_)) => (Mood::Bad, words.t("copy-late")),
        (false, _) => (Mood::Good, words.t("copy-in-time")),
    };
    CopyShown {
        target: copy.target.clone(),
        mood,
        state,
        saved: copy.last_saved.map(|at| Moment::new(words, at)),
        proven: copy.last_proven.map(|at| Moment::new(words, at)),
    }
}

/// A reason, and where to do something about it.
pub(crate) struct Because {
    pub(crate) sentence: String,
    /// Address and name of the page that helps.
    pub(crate) link: Option<(&'static str, String)>,
}

fn because(words: &Words, why: &Reason) -> Because {
    Because {
        sentence: reason(words, why),
        link: match why {
            Reason::KeyNotTypedBack { .. } => Some(("/account#keys", words.t("reason-key-link"))),
            _ => None,
        },
    }
}

pub(crate) fn shown(words: &Words, service: &Service) -> Shown {
    Shown {
        plan: service.plan.clone(),
        mood: mood(service.verdict),
        verdict: verdict(words, service),
        saved: service.last_saved.map(|at| Moment::new(words, at)),
        proven: service.last_proven.map(|at| Moment::new(words, at)),
        reasons: service.reasons.iter().map(|r| because(words, r)).collect(),
        copies: service.copies.iter().map(|c| copy(words, c)).collect(),
    }
}

/// Green is for what is protected, and for nothing less.
pub(crate) fn mood(verdict: Verdict) -> Mood {
    match verdict {
        Verdict::NeverSaved | Verdict::Failing => Mood::Bad,
        Verdict::Untested => Mood::Plain,
        Verdict::Proven => Mood::Care,
        Verdict::Protected => Mood::Good,
    }
}

pub(crate) fn verdict_code(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NeverSaved => "never_saved",
        Verdict::Failing => "failing",
        Verdict::Untested => "untested",
        Verdict::Proven => "proven",
        Verdict::Protected => "protected",
    }
}

pub(crate) fn verdict(words: &Words, service: &Service) -> String {
    match (service.verdict, service.last_proven) {
        (Verdict::NeverSaved, _) => words.t("verdict-never-saved"),
        (Verdict::Failing, _) => words.t("verdict-failing"),
        (Verdict::Untested, None) => words.t("verdict-untested"),
        (Verdict::Untested, Some(_)) => words.t("verdict-stale"),
        (Verdict::Proven, _) => words.t("verdict-proven"),
        (Verdict::Protected, _) => words.t("verdict-protected"),
    }
}

pub(crate) fn reason(words: &Words, reason: &Reason) -> String {
    match reason {
        Reason::NeverSaved { target } => words.t1("reason-never-saved", "target", target),
        Reason::RunFailed { target, detail } => words.t2(
            "reason-run-failed",
            "target",
            target,
            "detail",
            words.told(detail).text,
        ),
        Reason::SavedTooOld { target, at, limit } => words.with(
            "reason-saved-too-old",
            &[
                ("target", target),
                ("date", &words.date(*at)),
                ("limit", &words.duration(*limit)),
            ],
        ),
        Reason::SavedWithProblems { target, problems } => {
            words.n_with("reason-problems", *problems, &[("target", target)])
        }
        Reason::Incomplete { target, detail } => words.t2(
            "reason-incomplete",
            "target",
            target,
            "detail",
            words.told(detail).text,
        ),
        Reason::NeverRestored { target } => words.t1("reason-never-restored", "target", target),
        Reason::ProofFailed { target, detail } => words.t2(
            "reason-proof-failed",
            "target",
            target,
            "detail",
            words.told(detail).text,
        ),
        Reason::ProofTooOld { target, at, limit } => words.with(
            "reason-proof-too-old",
            &[
                ("target", target),
                ("date", &words.date(*at)),
                ("limit", &words.duration(*limit)),
            ],
        ),
        Reason::SharesDisk { target } => words.t1("reason-shares-disk", "target", target),
        Reason::DiesWithBox { target } => words.t1("reason-dies", "target", target),
        Reason::KeyNotTypedBack { target } => words.t1("reason-key", "target", target),
    }
}

/// The one sentence at the top; a second one when a copy that is counted on lags.
pub(crate) fn sentence(words: &Words, overview: &Overview) -> String {
    let first = protection(words, overview);
    let lagging: Vec<(&Service, &Copy)> = overview
        .services
        .iter()
        .flat_map(|service| service.lagging().map(move |copy| (service, copy)))
        .collect();
    let oldest = lagging.iter().min_by_key(|(_, copy)| copy.last_saved);
    let Some((service, oldest)) = oldest else {
        return first;
    };
    let more = match (lagging.len(), oldest.last_saved) {
        (1, Some(at)) => words.with(
            "home-lags",
            &[
                ("plan", &service.plan),
                ("target", &oldest.target),
                ("date", &words.date(at)),
            ],
        ),
        (1, None) => words.t2(
            "home-lags-none",
            "plan",
            &service.plan,
            "target",
            &oldest.target,
        ),
        (several, _) => words.n("home-lag", several as u64),
    };
    format!("{first} {more}")
}

fn protection(words: &Words, overview: &Overview) -> String {
    let total = overview.services.len() as u64;
    let protected = overview.protected as u64;
    let outside = overview
        .appliance
        .copies
        .iter()
        .chain(overview.services.iter().flat_map(|s| &s.copies))
        .any(|copy| copy.last_saved.is_some() && copy.place == Place::Elsewhere);
    if protected == 0 && overview.appliance.last_saved.is_none() {
        words.t("home-nothing-saved")
    } else if protected == 0 && !outside {
        words.t("home-none-dies")
    } else if protected == 0 {
        words.t("home-none")
    } else if protected < total {
        words.n_with("home-some", protected, &[("total", &words.count(total))])
    } else {
        words.n("home-all", protected)
    }
}

/// The worst of all services gives the headline its mark; no service at all is unknown.
pub(crate) fn overall(overview: &Overview) -> Mood {
    if overview.services.is_empty() {
        return Mood::Plain;
    }
    if overview.protected == overview.services.len() {
        return Mood::Good;
    }
    let worst = overview.services.iter().map(|s| s.verdict).min();
    match worst {
        Some(Verdict::NeverSaved | Verdict::Failing) => Mood::Bad,
        _ => Mood::Care,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Locale;
    use continuity::overview::Copy;

    fn service(verdict: Verdict, place: Place) -> Service {
        let at = Some(Timestamp(1_000));
        Service {
            plan: "compta".into(),
            tier: 1,
            last_saved: at,
            last_proven: at,
            verdict,
            reasons: Vec::new(),
            copies: vec![Copy {
                target: "nas".into(),
                place,
                last_saved: at,
                last_proven: at,
                verdict,
                late: false,
            }],
        }
    }

    fn overview(services: Vec<Service>) -> Overview {
        Overview {
            protected: services
                .iter()
                .filter(|s| s.verdict == Verdict::Protected)
                .count(),
            services,
            appliance: service(Verdict::Proven, Place::SameDisk),
        }
    }

    #[test]
    fn the_sentence_never_says_more_than_is_known() {
        let en = Words::new(Locale::En, jiff::tz::TimeZone::UTC, Timestamp(2_000));
        let mut nothing = overview(vec![]);
        nothing.appliance.last_saved = None;
        for (given, expected, mark) in [
            (
                nothing,
                "Nothing is saved yet; nothing is protected.",
                Mood::Plain,
            ),
            (
                overview(vec![]),
                "0 of your services are protected; this copy dies with this box.",
                Mood::Plain,
            ),
            (
                overview(vec![service(Verdict::Proven, Place::OtherDisk)]),
                "0 of your services are protected; this copy dies with this box.",
                Mood::Care,
            ),
            (
                overview(vec![service(Verdict::Proven, Place::Elsewhere)]),
                "0 of your services are protected.",
                Mood::Care,
            ),
            (
                overview(vec![
                    service(Verdict::Protected, Place::Elsewhere),
                    service(Verdict::Failing, Place::Elsewhere),
                ]),
                "1 of your 2 services is protected.",
                Mood::Bad,
            ),
            (
                overview(vec![service(Verdict::Protected, Place::Elsewhere)]),
                "Your service is protected.",
                Mood::Good,
            ),
        ] {
            assert_eq!(sentence(&en, &given), expected);
            assert_eq!(overall(&given), mark, "{expected}");
        }
    }

    #[test]
    fn the_sentence_says_when_the_second_place_is_too_old() {
        let fr = Words::new(Locale::Fr, jiff::tz::TimeZone::UTC, Timestamp(2_000));
        let mut two = service(Verdict::Protected, Place::Elsewhere);
        two.copies.push(Copy {
            target: "usb".into(),
            last_saved: Some(Timestamp(0)),
            late: true,
            ..two.copies[0].clone()
        });
        let said =
            |services| sentence(&fr, &overview(services)).replace(['\u{a0}', '\u{202f}'], " ");
        assert_eq!(
            said(vec![two.clone()]),
            "Votre service est protégé. Mais la copie de compta sur usb est trop ancienne : elle date du 1er janvier 1970 à 00:00."
        );
        let mut never = two.clone();
        never.copies[1].last_saved = None;
        assert_eq!(
            said(vec![never]),
            "Votre service est protégé. Mais compta n’a jamais été sauvé sur usb."
        );
        assert_eq!(
            said(vec![two.clone(), two.clone()]),
            "Vos 2 services sont protégés. Mais 2 copies sont trop anciennes."
        );
        two.copies[1].late = false;
        assert_eq!(said(vec![two]), "Votre service est protégé.");
    }

    #[test]
    fn none_one_and_several_are_grammatical_in_french() {
        let fr = Words::new(Locale::Fr, jiff::tz::TimeZone::UTC, Timestamp(2_000));
        for (protected, expected) in [
            (0, "0 de vos services sont protégés."),
            (1, "1 de vos 3 services est protégé."),
            (2, "2 de vos 3 services sont protégés."),
            (3, "Vos 3 services sont protégés."),
        ] {
            let services = (0..3).map(|rank| match rank < protected {
                true => service(Verdict::Protected, Place::Elsewhere),
                false => service(Verdict::Proven, Place::Elsewhere),
            });
            assert_eq!(sentence(&fr, &overview(services.collect())), expected);
        }
        assert_eq!(
            sentence(&fr, &overview(vec![])),
            "0 de vos services sont protégés\u{202f}; cette copie disparaît avec ce boîtier."
        );
    }

    #[test]
    fn only_protected_is_green() {
        for verdict in [
            Verdict::NeverSaved,
            Verdict::Failing,
            Verdict::Untested,
            Verdict::Proven,
        ] {
            assert_ne!(mood(verdict), Mood::Good);
        }
        assert_eq!(mood(Verdict::Protected), Mood::Good);
    }
}
