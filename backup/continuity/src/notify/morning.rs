//! What the morning message tells, gathered; and whether the night was a good one.

use super::Notifier;
use super::records;
use crate::overview::{Overview, Reason, Service, Verdict};
use crate::proof::records as proof;
use crate::run;
use crate::trouble::Trouble;
use crate::unprotected::Look;
use crate::{Proof, Run};
use config::Rhythm;
use jiff::civil::{Date, Weekday};
use state::Timestamp;
use std::time::Duration;

/// Newest restores for real that a range is read from.
const MEASURED: i64 = 10;
const WEEK: Duration = Duration::from_secs(7 * 86_400);

#[derive(Clone, Debug, PartialEq)]
pub struct Morning {
    pub at: Timestamp,
    /// The next message comes on the next day, or the next Monday.
    pub weekly: bool,
    pub overview: Overview,
    /// In the order of the overview's services, the appliance's own last.
    pub figures: Vec<Figures>,
    /// Incidents that go on, oldest first.
    pub troubles: Vec<Trouble>,
    /// What is seen and saved by nobody.
    pub unprotected: Look,
    /// On Mondays.
    pub week: Option<Week>,
}

/// What was measured of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub plan: String,
    /// Since when it is not protected; `None` while it is.
    pub exposed: Option<Timestamp>,
    pub copies: Vec<Saved>,
}

/// What was measured of one copy.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    pub target: String,
    /// The newest run that left a restore point.
    pub run: Option<Run>,
    /// A run is going on.
    pub busy: bool,
    /// The newest proof, of any level, passed or not.
    pub proof: Option<Proof>,
    /// The newest restores for real that passed, newest first.
    pub restored: Vec<Proof>,
}

/// Seven days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Week {
    pub saved: u64,
    pub failed: u64,
    pub stored_bytes: u64,
    pub restored: u64,
    pub not_restored: u64,
}

/// Every service was saved in time and nothing that was tried has failed. What was never good enough (a copy on the
/// box itself, words not typed back) is for the morning message; a ping tells of nights.
pub(super) fn good_night(overview: &Overview, troubles: &[Trouble]) -> bool {
    let bad = |reason: &Reason| match reason {
        Reason::NeverSaved { .. }
        | Reason::RunFailed { .. }
        | Reason::SavedTooOld { .. }
        | Reason::Incomplete { .. }
        | Reason::ProofFailed { .. }
        | Reason::ProofTooOld { .. } => true,
        Reason::SavedWithProblems { .. }
        | Reason::NeverRestored { .. }
        | Reason::SharesDisk { .. }
        | Reason::DiesWithBox { .. }
        | Reason::KeyNotTypedBack { .. } => false,
    };
    let services = std::iter::once(&overview.appliance).chain(&overview.services);
    troubles.is_empty() && !services.flat_map(|s| &s.reasons).any(bad)
}

/// Services that became exposed, and those that no longer are: the appliance's own copy counts as one.
pub(super) fn exposure(
    overview: &Overview,
    known: &std::collections::BTreeMap<String, Timestamp>,
) -> (Vec<String>, Vec<String>) {
    let now: Vec<&Service> = std::iter::once(&overview.appliance)
        .chain(&overview.services)
        .filter(|s| s.verdict != Verdict::Protected)
        .collect();
    let begun = now.iter().filter(|s| !known.contains_key(&s.plan));
    let over = known
        .keys()
        .filter(|plan| !now.iter().any(|s| &s.plan == *plan));
    (
        begun.map(|s| s.plan.clone()).collect(),
        over.cloned().collect(),
    )
}

impl Notifier {
    pub(super) async fn gather(
        &self,
        day: Date,
        troubles: Vec<Trouble>,
        now: Timestamp,
    ) -> Result<Morning, crate::Error> {
        let continuity = &self.continuity;
        let overview = continuity.overview().await?;
        let exposed = records::exposed(&continuity.db).await?;
        let mut figures = Vec::new();
        for service in overview.services.iter().chain([&overview.appliance]) {
            let mut copies = Vec::new();
            for copy in &service.copies {
                copies.push(self.measured(&service.plan, &copy.target, now).await?);
            }
            figures.push(Figures {
                plan: service.plan.clone(),
                exposed: (service.verdict != Verdict::Protected)
                    .then(|| exposed.get(&service.plan).copied().unwrap_or(now)),
                copies,
            });
        }
        let weekly = continuity.config.notify.every == Rhythm::Week;
        let week = match weekly || day.weekday() == Weekday::Monday {
            true => Some(records::since(&continuity.db, now - WEEK).await?),
            false => None,
        };
        Ok(Morning {
            at: now,
            weekly,
            overview,
            figures,
            troubles,
            unprotected: crate::unprotected::look(continuity).await?,
            week,
        })
    }

    async fn measured(
        &self,
        plan: &str,
        target: &str,
        now: Timestamp,
    ) -> Result<Saved, crate::Error> {
        let db = &self.continuity.db;
        let newest = run::records::newest(db, plan, target, None, now, 1).await?;
        Ok(Saved {
            target: target.to_owned(),
            run: run::records::saved(db, plan, target, None).await?,
            busy: newest.first().is_some_and(|run| run.outcome.is_none()),
            proof: proof::newest(db, plan, target).await?,
            restored: proof::restores(db, plan, target, MEASURED).await?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn service(plan: &str, verdict: Verdict, reasons: Vec<Reason>) -> Service {
        Service {
            plan: plan.into(),
            tier: 1,
            last_saved: None,
            last_proven: None,
            verdict,
            reasons,
            copies: Vec::new(),
        }
    }

    fn overview(verdict: Verdict, reasons: Vec<Reason>) -> Overview {
        Overview {
            services: vec![service("compta", verdict, reasons)],
            appliance: service(crate::APPLIANCE, Verdict::Protected, Vec::new()),
            protected: 0,
        }
    }

    #[test]
    fn a_night_is_good_when_nothing_that_was_tried_failed() {
        let target = || "nas".to_owned();
        let trouble = Trouble {
            object: "target nas".into(),
            kind: "full".into(),
            sentence: "full".into(),
            since: Timestamp(0),
        };
        for (case, reasons, troubles, good) in [
            ("all is well", vec![], vec![], true),
            (
                "never good enough",
                vec![Reason::DiesWithBox { target: target() }],
                vec![],
                true,
            ),
            (
                "a run failed",
                vec![Reason::RunFailed {
                    target: target(),
                    detail: String::new(),
                }],
                vec![],
                false,
            ),
            (
                "never saved",
                vec![Reason::NeverSaved { target: target() }],
                vec![],
                false,
            ),
            ("an incident goes on", vec![], vec![trouble], false),
        ] {
            let overview = overview(Verdict::Proven, reasons);
            assert_eq!(good_night(&overview, &troubles), good, "{case}");
        }
    }

    #[test]
    fn a_service_is_exposed_from_the_first_moment_it_is_not_protected() {
        let known = |plans: &[&str]| -> BTreeMap<String, Timestamp> {
            plans
                .iter()
                .map(|p| ((*p).to_owned(), Timestamp(0)))
                .collect()
        };
        let names =
            |list: &[&str]| -> Vec<String> { list.iter().map(|p| (*p).to_owned()).collect() };
        for (verdict, before, begun, over) in [
            (Verdict::Failing, vec![], vec!["compta"], vec![]),
            (Verdict::Failing, vec!["compta"], vec![], vec![]),
            (Verdict::Protected, vec!["compta"], vec![], vec!["compta"]),
            (Verdict::Protected, vec!["gone"], vec![], vec!["gone"]),
        ] {
            let found = exposure(&overview(verdict, Vec::new()), &known(&before));
            assert_eq!(
                found,
                (names(&begun), names(&over)),
                "{verdict:?} {before:?}"
            );
        }
    }
}
