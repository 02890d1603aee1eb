//! A backup that is too old is an incident of its own, unless another one already says why. Pure.

use crate::overview::{Overview, Reason};
use std::collections::BTreeSet;

/// Every copy that should be fresh: the object its incident goes by, and whether it is too old now. `busy` names the
/// pairs of plan and target that are being saved; `failed` what an open incident is about (`target nas`, `plan compta`).
pub(super) fn overdue(
    overview: &Overview,
    busy: &BTreeSet<(String, String)>,
    open: &BTreeSet<String>,
) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for service in std::iter::once(&overview.appliance).chain(&overview.services) {
        for copy in &service.copies {
            let object = format!("age of plan {} on target {}", service.plan, copy.target);
            let old = service.reasons.iter().any(
                |reason| matches!(reason, Reason::SavedTooOld { target, .. } if *target == copy.target),
            );
            let explained = open.contains(&format!("target {}", copy.target))
                || open.contains(&format!("plan {}", service.plan))
                || busy.contains(&(service.plan.clone(), copy.target.clone()));
            // What was told stays told until a backup is there: an explanation that ends is no recovery.
            let known = open.contains(&object);
            found.push((object, old && (known || !explained)));
        }
    }
    found
}

/// The sentence of such an incident; `disk` when the target is one that comes and goes.
pub(super) fn sentence(object: &str, disk: bool) -> String {
    if disk {
        return format!(
            "the disk has not been brought for longer than was agreed ({object}; expected_every): plug it in, it is then saved by itself"
        );
    }
    format!(
        "the newest restore point is older than it may be ({object}): no backup has succeeded since; see why with `reprise run list`, and start one with `reprise plan run`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overview::{Copy, Service, Verdict};
    use crate::place::Place;
    use state::Timestamp;
    use std::time::Duration;

    fn service(plan: &str, old: bool) -> Service {
        let target = "nas".to_owned();
        Service {
            plan: plan.into(),
            tier: 1,
            last_saved: None,
            last_proven: None,
            verdict: Verdict::Failing,
            reasons: old
                .then(|| Reason::SavedTooOld {
                    target: target.clone(),
                    at: Timestamp(0),
                    limit: Duration::from_secs(1),
                })
                .into_iter()
                .collect(),
            copies: vec![Copy {
                target,
                place: Place::Elsewhere,
                last_saved: None,
                last_proven: None,
                verdict: Verdict::Failing,
                late: old,
            }],
        }
    }

    #[test]
    fn an_old_backup_is_an_incident_unless_its_cause_is_told() {
        let age = "age of plan compta on target nas";
        for (case, old, busy, open, want) in [
            ("fresh", false, false, vec![], false),
            ("old", true, false, vec![], true),
            ("being saved", true, true, vec![], false),
            (
                "the target is told of",
                true,
                false,
                vec!["target nas"],
                false,
            ),
            (
                "the plan is told of",
                true,
                false,
                vec!["plan compta"],
                false,
            ),
            ("another is told of", true, false, vec!["target usb"], true),
            (
                "told, then the NAS goes too",
                true,
                false,
                vec![age, "target nas"],
                true,
            ),
            ("told, and saved again", false, false, vec![age], false),
        ] {
            let overview = Overview {
                services: vec![service("compta", old)],
                appliance: service("appliance", false),
                protected: 0,
            };
            let pair = ("compta".to_owned(), "nas".to_owned());
            let busy = BTreeSet::from_iter(busy.then_some(pair));
            let open = open.into_iter().map(str::to_owned).collect();
            let found = overdue(&overview, &busy, &open);
            assert!(found.contains(&(age.to_owned(), want)), "{case}: {found:?}");
        }
    }
}
