//! The two languages of a machine's own screen.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    French,
}

impl Language {
    /// `fr`, `fr_FR.UTF-8`, … is French; everything else English.
    pub fn from_code(code: &str) -> Language {
        let code = code.trim().to_ascii_lowercase();
        if code.split(['_', '-', '.']).next() == Some("fr") {
            Language::French
        } else {
            Language::English
        }
    }
}

/// Decimal units, one decimal place, as disks are sold: `500.1 GB`, `500,1 Go`.
pub fn human_size(bytes: u64, language: Language) -> String {
    let units = match language {
        Language::English => ["B", "kB", "MB", "GB", "TB", "PB"],
        Language::French => ["o", "ko", "Mo", "Go", "To", "Po"],
    };
    let mut unit = 0;
    let mut divisor: u64 = 1;
    // 999.95 and above would print as 1000.0.
    while unit + 1 < units.len() && u128::from(bytes) * 20 >= u128::from(divisor) * 19_999 {
        divisor *= 1000;
        unit += 1;
    }
    if unit == 0 {
        return format!("{bytes} {}", units[0]);
    }
    let tenths = (u128::from(bytes) * 10 + u128::from(divisor) / 2) / u128::from(divisor);
    let point = match language {
        Language::English => '.',
        Language::French => ',',
    };
    format!("{}{point}{} {}", tenths / 10, tenths % 10, units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_disks_are_sold() {
        for (bytes, english, french) in [
            (0, "0 B", "0 o"),
            (999, "999 B", "999 o"),
            (1000, "1.0 kB", "1,0 ko"),
            (999_949, "999.9 kB", "999,9 ko"),
            (999_950, "1.0 MB", "1,0 Mo"),
            (256_060_514_304, "256.1 GB", "256,1 Go"),
            (u64::MAX, "18446.7 PB", "18446,7 Po"),
        ] {
            assert_eq!(human_size(bytes, Language::English), english);
            assert_eq!(human_size(bytes, Language::French), french);
        }
    }

    #[test]
    fn a_language_is_taken_from_its_code() {
        for code in ["fr", "FR", "fr_FR.UTF-8", "fr-CA", " fr\n"] {
            assert_eq!(Language::from_code(code), Language::French, "{code}");
        }
        for code in ["", "en", "fry", "de"] {
            assert_eq!(Language::from_code(code), Language::English, "{code}");
        }
    }
}
