//! Figures as each language writes them. Pure.

use config::Locale;
use jiff::tz::TimeZone;
use state::Timestamp;
use std::time::Duration;

/// Narrow space that does not break: French groups of thousands, and before a unit.
const NARROW: char = '\u{202f}';
/// Space that does not break.
const HARD: char = '\u{a0}';

pub(super) fn count(locale: Locale, number: u64) -> String {
    let digits = number.to_string();
    let separator = match locale {
        Locale::Fr => NARROW,
        Locale::En => ',',
    };
    let mut text = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

pub(super) fn size(locale: Locale, bytes: u64) -> String {
    let units = match locale {
        Locale::Fr => ["o", "Kio", "Mio", "Gio", "Tio", "Pio"],
        Locale::En => ["B", "KiB", "MiB", "GiB", "TiB", "PiB"],
    };
    let (mut value, mut unit) = (bytes as f64, 0);
    // 1023.96 KiB would be written 1024.0: the next unit begins where rounding reaches it.
    while value >= 1023.95 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let figure = if unit == 0 {
        count(locale, bytes)
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else {
        decimal(locale, value)
    };
    format!("{figure}{HARD}{}", units[unit])
}

/// As disks are sold and labelled: `512,1 Go`.
pub(super) fn disk(locale: Locale, bytes: u64) -> String {
    let units = match locale {
        Locale::Fr => ["o", "ko", "Mo", "Go", "To", "Po"],
        Locale::En => ["B", "kB", "MB", "GB", "TB", "PB"],
    };
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 999.95 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{}{HARD}{}", decimal(locale, value), units[unit])
}

fn decimal(locale: Locale, value: f64) -> String {
    let text = format!("{value:.1}");
    match locale {
        Locale::Fr => text.replace('.', ","),
        Locale::En => text,
    }
}

pub(super) fn duration(locale: Locale, duration: Duration) -> String {
    let seconds = duration.as_secs();
    let day = match locale {
        Locale::Fr => "j",
        Locale::En => "d",
    };
    match seconds {
        0 if duration.as_millis() < 100 => format!("{}{HARD}ms", duration.as_millis()),
        0..10 => format!("{}{HARD}s", decimal(locale, duration.as_secs_f64())),
        10..60 => format!("{seconds}{HARD}s"),
        60..3600 => format!("{}{HARD}min{HARD}{:02}{HARD}s", seconds / 60, seconds % 60),
        3600..172_800 if seconds % 3600 < 60 => format!("{}{HARD}h", seconds / 3600),
        3600..172_800 => format!("{}{HARD}h{HARD}{:02}", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}{HARD}{day}", seconds / 86_400),
    }
}

const MONTHS_FR: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) fn date(locale: Locale, zone: &TimeZone, at: Timestamp) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(at.0) else {
        return "—".to_owned();
    };
    let local = instant.to_zoned(zone.clone());
    let month = usize::try_from(local.month() - 1).unwrap_or(0);
    let (day, year, hour, minute) = (local.day(), local.year(), local.hour(), local.minute());
    match locale {
        Locale::Fr => {
            let first = if day == 1 { "er" } else { "" };
            format!(
                "{day}{first}{HARD}{} {year} à{HARD}{hour:02}:{minute:02}",
                MONTHS_FR[month]
            )
        }
        Locale::En => format!(
            "{day}{HARD}{} {year} at{HARD}{hour:02}:{minute:02}",
            MONTHS_EN[month]
        ),
    }
}

pub(super) fn machine_date(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|t| t.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Locale::{En, Fr};

    fn plain(text: &str) -> String {
        text.replace([HARD, NARROW], " ")
    }

    #[test]
    fn sizes() {
        for (bytes, fr, en) in [
            (0, "0 o", "0 B"),
            (999, "999 o", "999 B"),
            (1023, "1 023 o", "1,023 B"),
            (1024, "1,0 Kio", "1.0 KiB"),
            (1536, "1,5 Kio", "1.5 KiB"),
            (1024 * 1024 - 1, "1,0 Mio", "1.0 MiB"),
            (300 * 1024 * 1024, "300 Mio", "300 MiB"),
            (u64::MAX, "16384 Pio", "16384 PiB"),
        ] {
            assert_eq!(plain(&size(Fr, bytes)), fr);
            assert_eq!(plain(&size(En, bytes)), en);
        }
    }

    #[test]
    fn disks_are_written_as_on_their_label() {
        assert_eq!(plain(&disk(Fr, 512_110_190_592)), "512,1 Go");
        assert_eq!(plain(&disk(En, 1_000_204_886_016)), "1.0 TB");
    }

    #[test]
    fn counts() {
        assert_eq!(count(Fr, 1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(En, 10_000), "10,000");
        assert_eq!(count(En, 999), "999");
    }

    #[test]
    fn durations() {
        for (ms, fr, en) in [
            (48, "48 ms", "48 ms"),
            (800, "0,8 s", "0.8 s"),
            (59_400, "59 s", "59 s"),
            (192_000, "3 min 12 s", "3 min 12 s"),
            (3_900_000, "1 h 05", "1 h 05"),
            (86_400_000, "24 h", "24 h"),
            (259_200_000, "3 j", "3 d"),
        ] {
            assert_eq!(plain(&duration(Fr, Duration::from_millis(ms))), fr);
            assert_eq!(plain(&duration(En, Duration::from_millis(ms))), en);
        }
    }

    #[test]
    fn dates_are_local_across_the_clock_change() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        let at = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        assert_eq!(
            plain(&date(Fr, &paris, at("2026-11-22T01:00:00Z"))),
            "22 novembre 2026 à 02:00"
        );
        assert_eq!(
            plain(&date(Fr, &paris, at("2026-06-30T22:05:00Z"))),
            "1er juillet 2026 à 00:05"
        );
        assert_eq!(
            plain(&date(En, &paris, at("2026-11-22T01:00:00Z"))),
            "22 November 2026 at 02:00"
        );
    }
}
