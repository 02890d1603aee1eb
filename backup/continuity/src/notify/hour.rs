//! When the morning message is due, and how long a failed attempt waits. Pure.

use config::{Rhythm, TimeOfDay};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use state::Timestamp;
use std::time::Duration;

/// First pause after a failed attempt; doubled at each further one.
const FIRST: Duration = Duration::from_secs(10);
/// A server that was down all night gets its messages within this time of coming back.
pub(super) const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The local day whose morning message is due at `now`: its hour has come, and the day is not `told` yet. A box that
/// was off at its hour says it once it is back, for that day only. A day is named, not counted: hours that a change
/// of clocks leaves out or repeats make no difference.
pub(super) fn morning(
    now: Timestamp,
    zone: &TimeZone,
    at: TimeOfDay,
    every: Rhythm,
    told: Option<Date>,
) -> Option<Date> {
    let local = day_and_time(now, zone)?;
    let hour = (i8::try_from(at.hour).ok()?, i8::try_from(at.minute).ok()?);
    let come = (local.hour(), local.minute()) >= hour;
    let day = local.date();
    let wanted = every == Rhythm::Day || day.weekday() == Weekday::Monday;
    (come && wanted && told != Some(day)).then_some(day)
}

/// The local day, when its hour has come already: what a first start takes for told.
pub(super) fn passed(now: Timestamp, zone: &TimeZone, at: TimeOfDay) -> Option<Date> {
    morning(now, zone, at, Rhythm::Day, None)
}

fn day_and_time(now: Timestamp, zone: &TimeZone) -> Option<jiff::Zoned> {
    let instant = jiff::Timestamp::from_millisecond(now.0).ok()?;
    Some(instant.to_zoned(zone.clone()))
}

/// The wait after the `attempts`-th failure. `seed` spreads messages that failed together over a quarter of it.
pub(super) fn pause(attempts: u64, seed: &str) -> Duration {
    let doubled = u32::try_from(attempts.saturating_sub(1).min(20)).unwrap_or(20);
    let whole = FIRST.saturating_mul(1 << doubled).min(LONGEST);
    let mark = blake3::hash(seed.as_bytes());
    let part = u32::from(mark.as_bytes()[0]);
    whole - whole / 4 * part / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(
            text.parse::<jiff::Timestamp>()
                .expect("a time")
                .as_millisecond(),
        )
    }

    fn day(text: &str) -> Date {
        text.parse().expect("a day")
    }

    #[test]
    fn once_a_day_at_its_hour_also_when_clocks_change_or_the_box_was_off() {
        let paris = TimeZone::get("Europe/Paris").expect("a zone");
        let (seven, gap) = (
            TimeOfDay { hour: 7, minute: 0 },
            TimeOfDay {
                hour: 2,
                minute: 30,
            },
        );
        for (case, hour, now, told, due) in [
            ("before", seven, "2026-11-22T05:59:59Z", None, None),
            (
                "at its hour",
                seven,
                "2026-11-22T06:00:00Z",
                Some("2026-11-21"),
                Some("2026-11-22"),
            ),
            (
                "told",
                seven,
                "2026-11-22T06:00:01Z",
                Some("2026-11-22"),
                None,
            ),
            (
                "off at seven, back at noon",
                seven,
                "2026-11-22T11:00:00Z",
                Some("2026-11-21"),
                Some("2026-11-22"),
            ),
            (
                "off for a week: one message",
                seven,
                "2026-11-22T06:30:00Z",
                Some("2026-11-15"),
                Some("2026-11-22"),
            ),
            (
                "02:30 does not exist: at 03:00",
                gap,
                "2026-03-29T01:00:00Z",
                Some("2026-03-28"),
                Some("2026-03-29"),
            ),
            (
                "just before the gap",
                gap,
                "2026-03-29T00:59:00Z",
                Some("2026-03-28"),
                None,
            ),
            (
                "02:30 comes twice: the first",
                gap,
                "2026-10-25T00:30:00Z",
                Some("2026-10-24"),
                Some("2026-10-25"),
            ),
            (
                "02:30 comes twice: not the second",
                gap,
                "2026-10-25T01:30:00Z",
                Some("2026-10-25"),
                None,
            ),
            (
                "the clock was in the year 2099 for a while",
                seven,
                "2026-11-22T06:00:00Z",
                Some("2099-01-01"),
                Some("2026-11-22"),
            ),
        ] {
            let told = told.map(day);
            let found = morning(at(now), &paris, hour, Rhythm::Day, told);
            assert_eq!(found, due.map(day), "{case}");
        }
    }

    #[test]
    fn once_a_week_is_on_mondays() {
        let seven = TimeOfDay { hour: 7, minute: 0 };
        let due = |now| morning(at(now), &TimeZone::UTC, seven, Rhythm::Week, None);
        assert_eq!(due("2026-11-22T08:00:00Z"), None, "a Sunday");
        assert_eq!(due("2026-11-23T08:00:00Z"), Some(day("2026-11-23")));
    }

    #[test]
    fn pauses_grow_up_to_a_bound_and_differ() {
        let seconds = |n: u64, seed: &str| pause(n, seed).as_secs_f64();
        for (attempts, least, most) in [
            (0, 7.5, 10.0),
            (1, 7.5, 10.0),
            (2, 15.0, 20.0),
            (5, 120.0, 160.0),
            (30, 675.0, 900.0),
            (u64::MAX, 675.0, 900.0),
        ] {
            let found = seconds(attempts, "a letter");
            assert!((least..=most).contains(&found), "{attempts}: {found}");
        }
        let spread: std::collections::BTreeSet<u64> = (0..50)
            .map(|n| (seconds(9, &format!("letter {n}")) * 1000.0) as u64)
            .collect();
        assert!(spread.len() > 20, "{spread:?}");
    }
}
