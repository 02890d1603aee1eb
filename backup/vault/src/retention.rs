//! Which snapshots may be forgotten: a verdict with its reasons for each. Pure.
//!
//! Snapshots compete only within their group: one plan, host and kind. Order is the chain's order (`seq`), never the
//! claimed time alone: whoever can add a snapshot could otherwise date it into the future and so push honest ones out
//! (restic#22057). A snapshot whose time cannot be true, because it lies in the future or contradicts the order in which
//! most others were committed, takes nobody's place; it is kept and named until somebody forgets it by its id.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::calendar::Unit;
use crate::{Kind, Snapshot, SnapshotId};

/// How many snapshots of each group are kept, and for how long. Rules add up: what any of them wants is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The newest so many.
    pub last: u32,
    /// The newest of each of the newest so many hours (days, …) that have one.
    pub hourly: u32,
    pub daily: u32,
    pub weekly: u32,
    pub monthly: u32,
    pub yearly: u32,
    /// All that are no older than this before the newest of their group.
    pub within_ms: Option<i64>,
}

impl Rules {
    /// Without any rule nothing is forgotten.
    pub fn is_empty(&self) -> bool {
        *self == Rules::default()
    }
}

/// What retention must know of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub id: SnapshotId,
    /// Its place in the chain.
    pub seq: u64,
    pub kind: Kind,
    pub plan: String,
    pub host: String,
    pub started_ms: i64,
}

impl From<&Snapshot> for Point {
    fn from(snapshot: &Snapshot) -> Point {
        Point {
            id: snapshot.id,
            seq: snapshot.seq,
            kind: snapshot.kind,
            plan: snapshot.plan.clone(),
            host: snapshot.host.clone(),
            started_ms: snapshot.started_ms,
        }
    }
}

/// What else decides.
pub struct Facts<'a> {
    pub now_ms: i64,
    /// Seconds east of UTC at a moment (milliseconds since 1970): days begin at local midnight.
    pub offset_s: &'a dyn Fn(i64) -> i32,
    /// Snapshots whose restore was proven. The newest of each group is never forgotten.
    pub proven: &'a [SnapshotId],
    /// Never forgotten, with the reason that is shown (a hold's note, a caller's own).
    pub protected: &'a HashMap<SnapshotId, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub snapshot: SnapshotId,
    pub keep: bool,
    /// Never empty.
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// One of the newest so many.
    Last(u32),
    /// "2026-W12".
    NewestOf(String),
    Within,
    NewestOfPlan,
    NewestProven,
    Protected(String),
    /// Its time is in the future, or contradicts the order of the chain.
    ImpossibleTime,
    NoRules,
    /// Forgotten: newer ones take every place.
    NoRuleKeepsIt,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Last(count) => write!(f, "one of the last {count}"),
            Reason::NewestOf(period) => write!(f, "newest of {period}"),
            Reason::Within => f.write_str("young enough"),
            Reason::NewestOfPlan => f.write_str("newest of its plan"),
            Reason::NewestProven => f.write_str("newest proven snapshot"),
            Reason::Protected(why) => f.write_str(why),
            Reason::ImpossibleTime => f.write_str(
                "its time cannot be true (in the future, or against the order of the others); forget it by its id",
            ),
            Reason::NoRules => f.write_str("no rules are given"),
            Reason::NoRuleKeepsIt => f.write_str("no rule keeps it"),
        }
    }
}

/// A clock may be set back a little between two runs without anybody lying.
const SLACK_MS: i64 = 24 * 3_600_000;

/// A verdict for each snapshot, in the order given.
pub fn decide(snapshots: &[Point], rules: &Rules, facts: &Facts<'_>) -> Vec<Verdict> {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<usize>> = BTreeMap::new();
    for (at, point) in snapshots.iter().enumerate() {
        let group = (
            point.plan.as_str(),
            point.host.as_str(),
            point.kind.as_str(),
        );
        groups.entry(group).or_default().push(at);
    }
    let mut reasons: Vec<Vec<Reason>> = vec![Vec::new(); snapshots.len()];
    for mut group in groups.into_values() {
        // Newest first.
        group.sort_by_key(|at| std::cmp::Reverse((snapshots[*at].seq, snapshots[*at].id)));
        judge(snapshots, &group, rules, facts, &mut reasons);
    }
    let verdict = |(point, mut reasons): (&Point, Vec<Reason>)| {
        let keep = !reasons.is_empty();
        if !keep {
            reasons.push(Reason::NoRuleKeepsIt);
        }
        Verdict {
            snapshot: point.id,
            keep,
            reasons,
        }
    };
    snapshots.iter().zip(reasons).map(verdict).collect()
}

/// `group`: places of one group's snapshots, newest first.
fn judge(
    snapshots: &[Point],
    group: &[usize],
    rules: &Rules,
    facts: &Facts<'_>,
    reasons: &mut [Vec<Reason>],
) {
    let times = credible(snapshots, group, facts.now_ms);
    let sound: Vec<(usize, i64)> = group
        .iter()
        .zip(&times)
        .filter_map(|(at, time)| time.map(|time| (*at, time)))
        .collect();
    if let Some(newest) = group.first() {
        reasons[*newest].push(Reason::NewestOfPlan);
    }
    if let Some((newest, _)) = sound.first().filter(|(at, _)| group.first() != Some(at)) {
        reasons[*newest].push(Reason::NewestOfPlan);
    }
    if let Some(at) = group
        .iter()
        .find(|at| facts.proven.contains(&snapshots[**at].id))
    {
        reasons[*at].push(Reason::NewestProven);
    }
    for (at, time) in group.iter().zip(&times) {
        if let Some(why) = facts.protected.get(&snapshots[*at].id) {
            reasons[*at].push(Reason::Protected(why.clone()));
        }
        if time.is_none() {
            reasons[*at].push(Reason::ImpossibleTime);
        }
        if rules.is_empty() {
            reasons[*at].push(Reason::NoRules);
        }
    }
    for (at, _) in sound.iter().take(rules.last as usize) {
        reasons[*at].push(Reason::Last(rules.last));
    }
    if let (Some(within), Some((_, newest))) = (rules.within_ms, sound.first()) {
        for (at, _) in sound
            .iter()
            .filter(|(_, time)| newest.saturating_sub(*time) <= within)
        {
            reasons[*at].push(Reason::Within);
        }
    }
    for (unit, count) in [
        (Unit::Hour, rules.hourly),
        (Unit::Day, rules.daily),
        (Unit::Week, rules.weekly),
        (Unit::Month, rules.monthly),
        (Unit::Year, rules.yearly),
    ] {
        let (mut left, mut last) = (count, None);
        for (at, time) in &sound {
            let offset_ms = i64::from((facts.offset_s)(*time)) * 1000;
            let period = unit.of(time.saturating_add(offset_ms));
            if left == 0 {
                break;
            }
            if last != Some(period) {
                (last, left) = (Some(period), left - 1);
                reasons[*at].push(Reason::NewestOf(period.to_string()));
            }
        }
    }
}

/// The time that counts for each of `group` (newest first); none for those whose claim cannot be true.
///
/// The claims of the largest part of the group that agree with the chain's order are believed. The others must lie
/// between their believed neighbours; a claim within [`SLACK_MS`] of that is moved there, a wilder one is not believed.
fn credible(snapshots: &[Point], group: &[usize], now_ms: i64) -> Vec<Option<i64>> {
    let latest = now_ms.saturating_add(SLACK_MS);
    let claims: Vec<i64> = group
        .iter()
        .rev()
        .map(|at| snapshots[*at].started_ms)
        .collect();
    let believed = rising(&claims, latest);
    let mut times: Vec<Option<i64>> = Vec::with_capacity(claims.len());
    let mut before = i64::MIN;
    for (at, claim) in claims.iter().enumerate() {
        if believed[at] {
            before = *claim;
            times.push(Some(*claim));
            continue;
        }
        let next = (at..claims.len()).find(|at| believed[*at]);
        let after = next.map_or(latest, |at| claims[at]).max(before);
        let moved = (*claim).clamp(before, after);
        let is_near = moved.abs_diff(*claim) <= SLACK_MS.unsigned_abs();
        times.push(is_near.then_some(moved));
    }
    times.reverse();
    times
}

/// Marks a longest part of `claims` that never falls and never exceeds `latest`.
fn rising(claims: &[i64], latest: i64) -> Vec<bool> {
    // tails[n]: the last place of a part of n + 1 claims that ends lowest; previous[at]: what comes before it.
    let mut tails: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = vec![None; claims.len()];
    for (at, claim) in claims
        .iter()
        .enumerate()
        .filter(|(_, claim)| **claim <= latest)
    {
        let length = tails.partition_point(|tail| claims[*tail] <= *claim);
        previous[at] = length.checked_sub(1).map(|before| tails[before]);
        match tails.get_mut(length) {
            Some(tail) => *tail = at,
            None => tails.push(at),
        }
    }
    let mut marked = vec![false; claims.len()];
    let mut next = tails.last().copied();
    while let Some(at) = next {
        marked[at] = true;
        next = previous[at];
    }
    marked
}

#[cfg(test)]
mod tests;
