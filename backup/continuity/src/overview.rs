//! Could we restart today? Pure: from what is kept and what was proven to a verdict per service,
//! with its reasons. Nothing is green that was not restored for real recently.

use crate::place::Place;
use config::Plan;
use state::Timestamp;
use state::wire::Outcome;
use std::time::Duration;

/// What is known of one plan on one target (the plan [`crate::APPLIANCE`] included).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    pub plan: String,
    pub target: String,
    /// End of the newest run that left a snapshot.
    pub last_saved: Option<Timestamp>,
    /// Problems of that run.
    pub problems: u64,
    /// The sentence of that run when a whole folder of the plan is not in its snapshot.
    pub incomplete: Option<String>,
    /// How the newest ended run ended, and its sentence.
    pub last_outcome: Option<Outcome>,
    pub detail: Option<String>,
    /// The newest proof: when, whether it passed, its sentence.
    pub last_proof: Option<(Timestamp, bool, Option<String>)>,
    /// The newest proof that restored everything and passed.
    pub last_restored: Option<Timestamp>,
    /// Some of what is saved stands on the same disk or machine as the target.
    pub shares_disk: bool,
}

/// What is known of a target.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetFacts {
    pub name: String,
    pub place: Place,
    /// Of a disk that comes and goes: away for longer than this is late.
    pub expected_every: Option<Duration>,
    /// When its recovery words were last typed back from paper.
    pub key_confirmed: Option<Timestamp>,
}

/// From worst to best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No snapshot exists.
    NeverSaved,
    /// Saved once, but the newest facts are bad: too old, or the last proof failed.
    Failing,
    /// Saved, never restored for real: nobody knows.
    Untested,
    /// Restored for real recently, but the copy dies with the box or nobody has shown its recovery words.
    Proven,
    /// Proven, outside the appliance, and the recovery words were typed back.
    Protected,
}

/// Why a verdict is not better. The console has one sentence for each, in each language.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    NeverSaved {
        target: String,
    },
    RunFailed {
        target: String,
        detail: String,
    },
    SavedTooOld {
        target: String,
        at: Timestamp,
        limit: Duration,
    },
    SavedWithProblems {
        target: String,
        problems: u64,
    },
    /// A whole folder of the plan is not in the copy.
    Incomplete {
        target: String,
        detail: String,
    },
    NeverRestored {
        target: String,
    },
    ProofFailed {
        target: String,
        detail: String,
    },
    ProofTooOld {
        target: String,
        at: Timestamp,
        limit: Duration,
    },
    /// What is saved and its copy are on one disk, or on one NAS: it takes both with it.
    SharesDisk {
        target: String,
    },
    DiesWithBox {
        target: String,
    },
    KeyNotTypedBack {
        target: String,
    },
}

/// One copy of a service, on one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    pub target: String,
    pub place: Place,
    pub last_saved: Option<Timestamp>,
    pub last_proven: Option<Timestamp>,
    pub verdict: Verdict,
    /// Nothing was saved there, or too long ago.
    pub late: bool,
}

/// What the company needs; one plan until the configuration says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub plan: String,
    pub tier: u8,
    pub last_saved: Option<Timestamp>,
    /// Last restored for real and compared.
    pub last_proven: Option<Timestamp>,
    /// Of its best copy.
    pub verdict: Verdict,
    /// Of all its copies.
    pub reasons: Vec<Reason>,
    pub copies: Vec<Copy>,
}

impl Service {
    /// The copies that lag while another one is in time: the second place that one counts on.
    pub fn lagging(&self) -> impl Iterator<Item = &Copy> {
        let in_time = self.copies.iter().any(|copy| !copy.late);
        self.copies.iter().filter(move |copy| in_time && copy.late)
    }
}

/// The data behind the one sentence at the top of the console.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// In the order of their tiers, then of the configuration.
    pub services: Vec<Service>,
    /// The appliance's own copies.
    pub appliance: Service,
    pub protected: usize,
}

/// A proof made after each daily run is too old once a week has gone without one.
const PROOF_AFTER_RUN: Duration = Duration::from_secs(8 * 24 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// A daily run may start and end a little later than the day before.
const SLACK: Duration = Duration::from_secs(2 * 3600);
/// A plan that runs by hand only, without an RPO.
const BY_HAND: Duration = Duration::from_secs(31 * 24 * 3600);

struct Limits {
    saved: Duration,
    proven: Duration,
}

/// Could the company restart at `now`?
pub fn assess(plans: &[Plan], kept: &[Kept], targets: &[TargetFacts], now: Timestamp) -> Overview {
    let mut services: Vec<Service> = plans
        .iter()
        .map(|plan| {
            let limits = Limits {
                saved: plan.rpo.unwrap_or(if plan.at.is_some() {
                    DAY + SLACK
                } else {
                    BY_HAND
                }),
                proven: match plan.prove.every {
                    Some(every) => every + DAY + SLACK,
                    None if plan.at.is_some() => PROOF_AFTER_RUN,
                    None => BY_HAND,
                },
            };
            service(
                &plan.name,
                plan.tier,
                &plan.targets,
                &limits,
                kept,
                targets,
                now,
            )
        })
        .collect();
    services.sort_by_key(|s| s.tier);
    let everywhere: Vec<String> = targets.iter().map(|t| t.name.clone()).collect();
    let daily = Limits {
        saved: DAY + SLACK,
        proven: DAY + SLACK,
    };
    Overview {
        protected: services
            .iter()
            .filter(|s| s.verdict == Verdict::Protected)
            .count(),
        appliance: service(crate::APPLIANCE, 1, &everywhere, &daily, kept, targets, now),
        services,
    }
}

fn service(
    plan: &str,
    tier: u8,
    on: &[String],
    limits: &Limits,
    kept: &[Kept],
    targets: &[TargetFacts],
    now: Timestamp,
) -> Service {
    let mut reasons = Vec::new();
    let copies: Vec<Copy> = on
        .iter()
        .map(|name| {
            let none = Kept::default();
            let kept = kept
                .iter()
                .find(|k| k.plan == plan && &k.target == name)
                .unwrap_or(&none);
            let target = targets.iter().find(|t| &t.name == name);
            let (verdict, why) = judge(name, kept, target, limits, now);
            let late = why.iter().any(|reason| {
                matches!(
                    reason,
                    Reason::NeverSaved { .. } | Reason::SavedTooOld { .. }
                )
            });
            reasons.extend(why);
            Copy {
                target: name.clone(),
                place: target.map_or(Place::SameDisk, |t| t.place),
                last_saved: kept.last_saved,
                last_proven: kept.last_restored,
                verdict,
                late,
            }
        })
        .collect();
    Service {
        plan: plan.to_owned(),
        tier,
        last_saved: copies.iter().filter_map(|c| c.last_saved).max(),
        last_proven: copies.iter().filter_map(|c| c.last_proven).max(),
        verdict: copies
            .iter()
            .map(|c| c.verdict)
            .max()
            .unwrap_or(Verdict::NeverSaved),
        reasons,
        copies,
    }
}

fn judge(
    name: &str,
    kept: &Kept,
    target: Option<&TargetFacts>,
    limits: &Limits,
    now: Timestamp,
) -> (Verdict, Vec<Reason>) {
    let target_name = || name.to_owned();
    let mut reasons = Vec::new();
    // A disk that is brought each Friday holds Friday's copy: that is what was agreed to.
    let every = target.and_then(|target| target.expected_every);
    let limits = &Limits {
        saved: every.map_or(limits.saved, |every| limits.saved.max(every + SLACK)),
        proven: every.map_or(limits.proven, |every| {
            limits.proven.max(every + DAY + SLACK)
        }),
    };
    if kept
        .last_outcome
        .is_some_and(|o| !matches!(o, Outcome::Done | Outcome::Problems))
    {
        reasons.push(Reason::RunFailed {
            target: target_name(),
            detail: kept.detail.clone().unwrap_or_default(),
        });
    }
    let Some(saved) = kept.last_saved else {
        reasons.insert(
            0,
            Reason::NeverSaved {
                target: target_name(),
            },
        );
        return (Verdict::NeverSaved, reasons);
    };
    let mut verdict = Verdict::Protected;
    if now.since(saved) > limits.saved {
        verdict = Verdict::Failing;
        reasons.push(Reason::SavedTooOld {
            target: target_name(),
            at: saved,
            limit: limits.saved,
        });
    }
    if kept.problems > 0 {
        // Some files are not in it: worth saying, and no reason to call the rest lost.
        reasons.push(Reason::SavedWithProblems {
            target: target_name(),
            problems: kept.problems,
        });
    }
    if let Some(detail) = &kept.incomplete {
        verdict = Verdict::Failing;
        reasons.push(Reason::Incomplete {
            target: target_name(),
            detail: detail.clone(),
        });
    }
    if let Some((_, false, detail)) = &kept.last_proof {
        verdict = Verdict::Failing;
        reasons.push(Reason::ProofFailed {
            target: target_name(),
            detail: detail.clone().unwrap_or_default(),
        });
    }
    match kept.last_restored {
        None => {
            verdict = verdict.min(Verdict::Untested);
            reasons.push(Reason::NeverRestored {
                target: target_name(),
            });
        }
        Some(at) if now.since(at) > limits.proven => {
            verdict = verdict.min(Verdict::Untested);
            reasons.push(Reason::ProofTooOld {
                target: target_name(),
                at,
                limit: limits.proven,
            });
        }
        Some(_) => {}
    }
    if kept.shares_disk {
        verdict = verdict.min(Verdict::Proven);
        reasons.push(Reason::SharesDisk {
            target: target_name(),
        });
    }
    if target.is_none_or(|t| t.place != Place::Elsewhere) {
        verdict = verdict.min(Verdict::Proven);
        reasons.push(Reason::DiesWithBox {
            target: target_name(),
        });
    }
    if target.is_none_or(|t| t.key_confirmed.is_none()) {
        verdict = verdict.min(Verdict::Proven);
        reasons.push(Reason::KeyNotTypedBack {
            target: target_name(),
        });
    }
    (verdict, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::{Keep, Level, Prove};

    const NOW: Timestamp = Timestamp(1_000 * 24 * 3600 * 1000);

    fn ago(days: u64) -> Timestamp {
        NOW - Duration::from_secs(days * 24 * 3600)
    }

    fn plan(name: &str, tier: u8, targets: &[&str]) -> Plan {
        Plan {
            name: name.into(),
            files: vec!["/srv".into()],
            at: Some(config::TimeOfDay { hour: 2, minute: 0 }),
            targets: targets.iter().map(|&t| t.to_owned()).collect(),
            exclude: Vec::new(),
            database: None,
            database_password_file: None,
            recipe: None,
            skip_caches: false,
            keep: Keep::default(),
            tier,
            rpo: None,
            rto: None,
            prove: Prove {
                level: Level::Restored,
                every: None,
            },
        }
    }

    fn kept(target: &str) -> Kept {
        Kept {
            plan: "compta".into(),
            target: target.into(),
            last_saved: Some(ago(0)),
            last_outcome: Some(Outcome::Done),
            last_proof: Some((ago(0), true, None)),
            last_restored: Some(ago(0)),
            ..Kept::default()
        }
    }

    fn target(name: &str, place: Place, key: bool) -> TargetFacts {
        TargetFacts {
            name: name.into(),
            place,
            expected_every: None,
            key_confirmed: key.then(|| ago(1)),
        }
    }

    fn nas() -> TargetFacts {
        target("nas", Place::Elsewhere, true)
    }

    fn one(kept: Kept, target: TargetFacts) -> Service {
        assess(&[plan("compta", 1, &["nas"])], &[kept], &[target], NOW)
            .services
            .remove(0)
    }

    #[test]
    fn protected_needs_everything_and_each_lack_is_named() {
        type Named = fn(&Reason) -> bool;
        let cases: Vec<(&str, Kept, TargetFacts, Verdict, Named)> = vec![
            (
                "never saved",
                Kept {
                    plan: "compta".into(),
                    target: "nas".into(),
                    ..Kept::default()
                },
                nas(),
                Verdict::NeverSaved,
                |r| matches!(r, Reason::NeverSaved { .. }),
            ),
            (
                "saved two days ago",
                Kept {
                    last_saved: Some(ago(2)),
                    ..kept("nas")
                },
                nas(),
                Verdict::Failing,
                |r| matches!(r, Reason::SavedTooOld { .. }),
            ),
            (
                "last proof failed",
                Kept {
                    last_proof: Some((ago(0), false, Some("1 difference".into()))),
                    ..kept("nas")
                },
                nas(),
                Verdict::Failing,
                |r| matches!(r, Reason::ProofFailed { detail, .. } if detail == "1 difference"),
            ),
            (
                "never restored",
                Kept {
                    last_proof: None,
                    last_restored: None,
                    ..kept("nas")
                },
                nas(),
                Verdict::Untested,
                |r| matches!(r, Reason::NeverRestored { .. }),
            ),
            (
                "restored long ago",
                Kept {
                    last_restored: Some(ago(30)),
                    ..kept("nas")
                },
                nas(),
                Verdict::Untested,
                |r| matches!(r, Reason::ProofTooOld { .. }),
            ),
            (
                "dies with the box",
                kept("nas"),
                target("nas", Place::OtherDisk, true),
                Verdict::Proven,
                |r| matches!(r, Reason::DiesWithBox { .. }),
            ),
            (
                "on the disk of what it saves",
                Kept {
                    shares_disk: true,
                    ..kept("nas")
                },
                nas(),
                Verdict::Proven,
                |r| matches!(r, Reason::SharesDisk { .. }),
            ),
            (
                "key only inside",
                kept("nas"),
                target("nas", Place::Elsewhere, false),
                Verdict::Proven,
                |r| matches!(r, Reason::KeyNotTypedBack { .. }),
            ),
        ];
        for (case, kept, target, verdict, reason) in cases {
            let service = one(kept, target);
            assert_eq!(service.verdict, verdict, "{case}");
            assert!(
                service.reasons.iter().any(reason),
                "{case}: {:?}",
                service.reasons
            );
        }
        let good = one(kept("nas"), nas());
        assert_eq!((good.verdict, good.reasons), (Verdict::Protected, vec![]));
    }

    #[test]
    fn a_disk_that_comes_on_fridays_is_late_after_its_week() {
        for (days, expected_every, late) in [
            (1, None, false),
            (2, None, true),
            (6, Some(7), false),
            (8, Some(7), true),
        ] {
            let target = TargetFacts {
                expected_every: expected_every.map(|days| Duration::from_secs(days * 86_400)),
                ..nas()
            };
            let kept = Kept {
                last_saved: Some(ago(days)),
                last_proof: Some((ago(days), true, None)),
                last_restored: Some(ago(days)),
                ..kept("nas")
            };
            let service = one(kept, target);
            assert_eq!(
                service.copies[0].late, late,
                "{days} {expected_every:?}: {:?}",
                service.reasons
            );
            assert_eq!(
                service.verdict == Verdict::Protected,
                !late,
                "{days} {expected_every:?}"
            );
        }
    }

    #[test]
    fn a_second_place_that_lags_is_named_while_the_first_is_in_time() {
        let old = Kept {
            last_saved: Some(ago(20)),
            ..kept("usb")
        };
        let two = |kept: Vec<Kept>| {
            let plan = plan("compta", 1, &["nas", "usb"]);
            let targets = [nas(), target("usb", Place::OtherDisk, true)];
            let service = assess(&[plan], &kept, &targets, NOW).services.remove(0);
            let lagging: Vec<String> = service.lagging().map(|c| c.target.clone()).collect();
            (service.verdict, lagging)
        };
        assert_eq!(
            two(vec![kept("nas"), old.clone()]),
            (Verdict::Protected, vec!["usb".to_owned()])
        );
        assert_eq!(two(vec![kept("nas"), kept("usb")]).1, Vec::<String>::new());
        let both = Kept {
            last_saved: Some(ago(20)),
            ..kept("nas")
        };
        assert_eq!(
            two(vec![both, old]).1,
            Vec::<String>::new(),
            "all are late: that is said of the service"
        );
    }

    #[test]
    fn a_failed_run_is_named_even_while_the_last_copy_still_protects() {
        let failed = Kept {
            last_outcome: Some(Outcome::Failed),
            detail: Some("failed to …".into()),
            problems: 3,
            ..kept("nas")
        };
        let service = one(failed, nas());
        assert_eq!(service.verdict, Verdict::Protected);
        assert_eq!(
            service.reasons,
            [
                Reason::RunFailed {
                    target: "nas".into(),
                    detail: "failed to …".into()
                },
                Reason::SavedWithProblems {
                    target: "nas".into(),
                    problems: 3
                },
            ]
        );
    }

    #[test]
    fn a_copy_without_a_whole_folder_of_the_plan_protects_nothing() {
        let incomplete = Kept {
            problems: 1,
            incomplete: Some("failed to save /srv …".into()),
            ..kept("nas")
        };
        let service = one(incomplete, nas());
        assert_eq!(service.verdict, Verdict::Failing);
        assert!(
            service.reasons.contains(&Reason::Incomplete {
                target: "nas".into(),
                detail: "failed to save /srv …".into()
            }),
            "{:?}",
            service.reasons
        );
    }

    #[test]
    fn the_best_copy_decides_and_tiers_come_in_order() {
        let plans = [
            plan("late", 3, &["nas"]),
            plan("compta", 1, &["box", "nas"]),
        ];
        let targets = [target("box", Place::SameDisk, false), nas()];
        let overview = assess(&plans, &[kept("box"), kept("nas")], &targets, NOW);
        let names: Vec<&str> = overview.services.iter().map(|s| s.plan.as_str()).collect();
        assert_eq!(names, ["compta", "late"]);
        assert_eq!(overview.services[0].verdict, Verdict::Protected);
        assert_eq!(overview.services[0].copies[0].verdict, Verdict::Proven);
        assert_eq!(overview.services[1].verdict, Verdict::NeverSaved);
        assert_eq!(overview.protected, 1);
    }

    #[test]
    fn the_appliance_s_own_copy_on_its_own_disk_protects_nothing() {
        let own = Kept {
            plan: crate::APPLIANCE.into(),
            ..kept("box")
        };
        let overview = assess(&[], &[own], &[target("box", Place::SameDisk, false)], NOW);
        assert_eq!(overview.protected, 0);
        assert_eq!(overview.appliance.verdict, Verdict::Proven);
        assert_eq!(overview.appliance.last_proven, Some(ago(0)));
    }

    #[test]
    fn a_promised_rpo_is_the_limit() {
        let strict = Plan {
            rpo: Some(Duration::from_secs(3600)),
            ..plan("compta", 1, &["nas"])
        };
        let old = Kept {
            last_saved: Some(NOW - Duration::from_secs(3601)),
            ..kept("nas")
        };
        assert_eq!(
            assess(&[strict], &[old], &[nas()], NOW).services[0].verdict,
            Verdict::Failing
        );
    }
}
