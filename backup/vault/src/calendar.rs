//! Hours, days, weeks, months and years of the civil calendar, without a date library.
//!
//! Days are counted from 1970-01-01 (a Thursday); years are proleptic Gregorian. The arithmetic works in years that
//! begin on 1 March, so that the leap day is the last one (H. Hinnant, chrono-compatible low-level date algorithms).

use std::fmt;

const MS_PER_HOUR: i64 = 3_600_000;
const HOURS_PER_DAY: i64 = 24;
/// From 1 January of year 1 to 1970.
const DAYS_BEFORE_1970: i64 = 719_162;

/// A stretch of local time; shown as `2026-03-20 14h`, `2026-03-20`, `2026-W12`, `2026-03`, `2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Period {
    Hour { day: i64, hour: i64 },
    Day { day: i64 },
    Week { year: i64, week: i64 },
    Month { year: i64, month: i64 },
    Year { year: i64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    /// The period of this length that holds a moment of local time (milliseconds since 1970, offset added).
    pub(crate) fn of(self, local_ms: i64) -> Period {
        let hours = local_ms.div_euclid(MS_PER_HOUR);
        let day = hours.div_euclid(HOURS_PER_DAY);
        let (year, month, _) = civil(day);
        match self {
            Unit::Hour => Period::Hour {
                day,
                hour: hours.rem_euclid(HOURS_PER_DAY),
            },
            Unit::Day => Period::Day { day },
            Unit::Week => {
                let (year, week) = iso_week(day);
                Period::Week { year, week }
            }
            Unit::Month => Period::Month { year, month },
            Unit::Year => Period::Year { year },
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Period::Hour { day, hour } => {
                let (year, month, date) = civil(day);
                write!(f, "{year:04}-{month:02}-{date:02} {hour:02}h")
            }
            Period::Day { day } => {
                let (year, month, date) = civil(day);
                write!(f, "{year:04}-{month:02}-{date:02}")
            }
            Period::Week { year, week } => write!(f, "{year:04}-W{week:02}"),
            Period::Month { year, month } => write!(f, "{year:04}-{month:02}"),
            Period::Year { year } => write!(f, "{year:04}"),
        }
    }
}

/// A moment for messages: `2026-03-20 14:05 UTC`.
pub(crate) fn minute(ms: i64) -> String {
    let minutes = ms.div_euclid(60_000);
    let (hour, minute) = (
        minutes.div_euclid(60).rem_euclid(24),
        minutes.rem_euclid(60),
    );
    format!("{} {hour:02}:{minute:02} UTC", Unit::Day.of(ms))
}

/// Year, month (1–12) and day of the month (1–31).
fn civil(day: i64) -> (i64, i64, i64) {
    let from_march = day + 719_468;
    let era = from_march.div_euclid(146_097);
    let of_era = from_march.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, date)
}

/// ISO 8601: weeks begin on Monday and belong to the year that holds their Thursday.
fn iso_week(day: i64) -> (i64, i64) {
    let thursday = day - (day + 3).rem_euclid(7) + 3;
    let (year, ..) = civil(thursday);
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let first = 365 * before + leap_days - DAYS_BEFORE_1970;
    (year, (thursday - first) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_the_names_of_the_calendar() {
        // From `date -u -d @SECONDS "+%F %H %G-W%V"`.
        for (seconds, day, hour, week) in [
            (0, "1970-01-01", 0, "1970-W01"),
            (-1, "1969-12-31", 23, "1970-W01"),
            (951_782_400, "2000-02-29", 0, "2000-W09"),
            (951_868_799, "2000-02-29", 23, "2000-W09"),
            (1_104_537_600, "2005-01-01", 0, "2004-W53"),
            (1_230_768_000, "2009-01-01", 0, "2009-W01"),
            (1_230_508_800, "2008-12-29", 0, "2009-W01"),
            (1_262_476_799, "2010-01-02", 23, "2009-W53"),
            (4_107_542_400, "2100-03-01", 0, "2100-W09"),
            (4_107_456_000, "2100-02-28", 0, "2100-W08"),
            (1_774_015_200, "2026-03-20", 14, "2026-W12"),
        ] {
            let ms = seconds * 1000;
            assert_eq!(Unit::Day.of(ms).to_string(), day, "{seconds}");
            let hour = format!("{day} {hour:02}h");
            assert_eq!(Unit::Hour.of(ms).to_string(), hour);
            assert_eq!(Unit::Week.of(ms).to_string(), week, "{seconds}");
            assert_eq!(Unit::Month.of(ms).to_string(), day[..7]);
            assert_eq!(Unit::Year.of(ms).to_string(), day[..4]);
        }
    }

    #[test]
    fn each_of_four_centuries_of_days_follows_the_one_before() {
        let (mut last, mut weeks) = (civil(-1), iso_week(-1));
        for day in 0..146_097 {
            let (year, month, date) = civil(day);
            let next = match (last.1, last.2) {
                _ if date > 1 => (last.0, last.1, last.2 + 1),
                (12, 31) => (last.0 + 1, 1, 1),
                _ => (last.0, last.1 + 1, 1),
            };
            assert_eq!((year, month, date), next, "day {day}");
            let week = iso_week(day);
            let is_monday = (day + 3) % 7 == 0;
            assert_eq!(week == weeks, !is_monday, "day {day}");
            assert!((1..=53).contains(&week.1));
            (last, weeks) = ((year, month, date), week);
        }
        assert_eq!(last, (2369, 12, 31));
    }

    #[test]
    fn a_moment_is_shown_to_the_minute() {
        assert_eq!(minute(1_774_015_500_000), "2026-03-20 14:05 UTC");
        assert_eq!(minute(-1), "1969-12-31 23:59 UTC");
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        for ms in [i64::MIN, i64::MAX] {
            for unit in [Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Year] {
                assert!(!unit.of(ms).to_string().is_empty());
            }
        }
    }
}
