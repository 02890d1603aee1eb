//! What the console says, in the reader's language.
//!
//! - [`catalogue`]: the sentences (`locales/*.ftl`) and French typography.
//! - [`told`]: sentences that other parts write in English.
//! - [`figures`]: dates, sizes, durations, counts as each language writes them.

mod catalogue;
mod figures;
mod told;

pub(crate) use catalogue::choose;
pub(crate) use told::Told;

use config::Locale;
use fluent_bundle::{FluentArgs, FluentValue};
use jiff::tz::TimeZone;
use state::Timestamp;
use std::fmt::Display;
use std::time::Duration;

/// One reader's language and time zone. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Words {
    pub(crate) locale: Locale,
    zone: TimeZone,
    now: Timestamp,
}

impl Words {
    pub(crate) fn new(locale: Locale, zone: TimeZone, now: Timestamp) -> Words {
        Words { locale, zone, now }
    }

    pub(crate) fn code(&self) -> &'static str {
        self.locale.code()
    }

    pub(crate) fn french(&self) -> bool {
        self.locale == Locale::Fr
    }

    /// The sentence `key`, or the key itself when the catalogue has none (a test forbids it).
    pub(crate) fn t(&self, key: &str) -> String {
        catalogue::format(self.locale, key, None)
    }

    /// With one value.
    pub(crate) fn t1(&self, key: &str, name: &str, value: impl Display) -> String {
        self.with(key, &[(name, &value)])
    }

    /// With two values.
    pub(crate) fn t2(
        &self,
        key: &str,
        a: &str,
        va: impl Display,
        b: &str,
        vb: impl Display,
    ) -> String {
        self.with(key, &[(a, &va), (b, &vb)])
    }

    /// With any number of values, each already written for the reader.
    pub(crate) fn with(&self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, FluentValue::from(value.to_string()));
        }
        catalogue::format(self.locale, key, Some(&args))
    }

    /// A sentence that depends on a number: `$n` chooses the plural form, `$count` is written.
    pub(crate) fn n(&self, key: &str, number: u64) -> String {
        self.n_with(key, number, &[])
    }

    pub(crate) fn n_with(&self, key: &str, number: u64, values: &[(&str, &dyn Display)]) -> String {
        let mut args = FluentArgs::new();
        args.set("n", FluentValue::from(number));
        args.set("count", FluentValue::from(self.count(number)));
        for (name, value) in values {
            args.set(*name, FluentValue::from(value.to_string()));
        }
        catalogue::format(self.locale, key, Some(&args))
    }

    /// A plan's name; the appliance's own is not a name the reader gave.
    pub(crate) fn plan(&self, name: &str) -> String {
        if name == continuity::APPLIANCE {
            self.t("the-appliance")
        } else {
            name.to_owned()
        }
    }

    /// A way for messages, by the name it has in the outbox and the journal.
    pub(crate) fn channel(&self, name: &str) -> String {
        match name.strip_prefix("mail to ") {
            Some(to) => self.t1("channel-mail", "to", to),
            None if name == "mattermost" => self.t("channel-mattermost"),
            None if name == "ping" => self.t("channel-ping"),
            None => name.to_owned(),
        }
    }

    /// `10 000` or `10,000`.
    pub(crate) fn count(&self, number: u64) -> String {
        figures::count(self.locale, number)
    }

    /// `1,5 Gio` or `1.5 GiB`.
    pub(crate) fn size(&self, bytes: u64) -> String {
        figures::size(self.locale, bytes)
    }

    /// `512,1 Go (477 Gio)`: as on its label, and as everything else here is counted.
    pub(crate) fn disk(&self, bytes: u64) -> String {
        let label = figures::disk(self.locale, bytes);
        format!("{label} ({})", self.size(bytes))
    }

    /// `12,3 Mio/s`.
    pub(crate) fn rate(&self, bytes_per_second: f64) -> String {
        format!(
            "{}/s",
            figures::size(self.locale, bytes_per_second.max(0.0) as u64)
        )
    }

    /// `3 min 12 s`.
    pub(crate) fn took(&self, ms: u64) -> String {
        figures::duration(self.locale, Duration::from_millis(ms))
    }

    pub(crate) fn duration(&self, duration: Duration) -> String {
        figures::duration(self.locale, duration)
    }

    /// `22 novembre 2026 à 02:00`.
    pub(crate) fn date(&self, at: Timestamp) -> String {
        figures::date(self.locale, &self.zone, at)
    }

    /// Of the day in the appliance's time zone.
    pub(crate) fn today(&self) -> jiff::civil::Date {
        jiff::Timestamp::from_millisecond(self.now.0)
            .unwrap_or_default()
            .to_zoned(self.zone.clone())
            .date()
    }

    /// `il y a 3 heures`.
    pub(crate) fn ago(&self, at: Timestamp) -> String {
        let seconds = self.now.since(at).as_secs();
        let (key, number) = match seconds {
            0..60 => return self.t("ago-now"),
            60..3600 => ("ago-minutes", seconds / 60),
            3600..172_800 => ("ago-hours", seconds / 3600),
            _ => ("ago-days", seconds / 86_400),
        };
        self.n(key, number)
    }

    /// For `<time datetime>`.
    pub(crate) fn machine_date(&self, at: Timestamp) -> String {
        figures::machine_date(at)
    }
}
