//! What nobody can read out of a machine: whose it is, from whom, until when it is repaired for nothing.

mod address;
pub(crate) mod records;

pub use address::Grounds;
pub(crate) use address::taken;

use super::{Error, HostId};
use config::Registry;
use jiff::civil::Date;
use state::{Db, Timestamp};
use std::net::Ipv4Addr;

/// Who gave it its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamedBy {
    /// Made of its serial number when it was first seen.
    #[default]
    Nobody,
    /// An operator, or a list.
    Person,
    /// A naming rule.
    Rule,
}

impl NamedBy {
    pub fn as_str(self) -> &'static str {
        match self {
            NamedBy::Nobody => "",
            NamedBy::Person => "person",
            NamedBy::Rule => "rule",
        }
    }

    pub(crate) fn of(text: &str) -> NamedBy {
        match text {
            "person" => NamedBy::Person,
            "rule" => NamedBy::Rule,
            _ => NamedBy::Nobody,
        }
    }
}

/// Empty texts and absent dates: nobody said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    pub named: NamedBy,
    /// The name of a `[[profile]]`.
    pub profile: String,
    pub user: String,
    pub asset_tag: String,
    pub supplier: String,
    pub bought: Option<Date>,
    pub warranty_end: Option<Date>,
    /// The address that any of its cards gets, where this box gives them.
    pub address: Option<Ipv4Addr>,
}

/// What is to be changed; an empty text takes away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub profile: Option<String>,
    pub user: Option<String>,
    pub asset_tag: Option<String>,
    pub supplier: Option<String>,
    /// `2026-11-30`, or `30/11/2026`.
    pub bought: Option<String>,
    pub warranty_end: Option<String>,
    /// `192.168.1.20`; whether it fits is asked of `Grounds`.
    pub address: Option<String>,
}

/// Signs of a text that somebody writes.
pub(crate) const MOST: usize = 100;

impl Change {
    /// Pure: the details after it; the error is what is wrong with it.
    pub(crate) fn apply(&self, before: &Details) -> Result<Details, String> {
        let text = |what: &str, new: &Option<String>, old: &String| match new {
            None => Ok(old.clone()),
            Some(new) => text(what, new),
        };
        let day = |what: &str, new: &Option<String>, old: Option<Date>| match new.as_deref() {
            None => Ok(old),
            Some(new) => date(what, new),
        };
        let after = Details {
            named: before.named,
            profile: text("profile", &self.profile, &before.profile)?,
            user: text("user", &self.user, &before.user)?,
            asset_tag: text("asset tag", &self.asset_tag, &before.asset_tag)?,
            supplier: text("supplier", &self.supplier, &before.supplier)?,
            bought: day("date of purchase", &self.bought, before.bought)?,
            warranty_end: day(
                "end of the warranty",
                &self.warranty_end,
                before.warranty_end,
            )?,
            address: match self.address.as_deref() {
                None => before.address,
                Some(new) => address::address(new)?,
            },
        };
        match (after.bought, after.warranty_end) {
            (Some(bought), Some(end)) if end < bought => Err(format!(
                "the warranty ends on {end}, before the purchase on {bought}; correct one of them"
            )),
            _ => Ok(after),
        }
    }
}

/// One line, within bounds.
pub(crate) fn text(what: &str, text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(format!("the {what} is more than one line; write one"));
    }
    if text.chars().count() > MOST {
        return Err(format!(
            "the {what} is longer than {MOST} signs; shorten it"
        ));
    }
    Ok(text.to_owned())
}

/// As ISO 8601 writes a day, or as people do in France.
pub(crate) fn date(what: &str, text: &str) -> Result<Option<Date>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let parts: Vec<&str> = text.split('/').collect();
    let found = match parts[..] {
        [day, month, year] if year.len() == 4 => year
            .parse()
            .ok()
            .zip(month.parse().ok())
            .zip(day.parse().ok())
            .and_then(|((year, month), day)| Date::new(year, month, day).ok()),
        [iso] if iso.len() == 10 => iso.parse().ok(),
        _ => None,
    };
    // Whoever writes another century made a slip.
    match found.filter(|date| (1980..2100).contains(&date.year())) {
        Some(date) => Ok(Some(date)),
        None => Err(format!(
            "the {what} {text:?} is no day; write such as 2026-11-30"
        )),
    }
}

/// How it stands with a warranty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warranty {
    /// Nobody said until when.
    Unknown,
    Runs,
    /// It ends within the time of the configuration; 0 = today is its last day.
    EndsIn(i32),
    Over,
}

pub fn warranty(details: &Details, registry: &Registry, today: Date) -> Warranty {
    let Some(end) = details.warranty_end else {
        return Warranty::Unknown;
    };
    let days = (end - today).get_days();
    let warned = registry.warranty_warning.as_secs() / 86_400;
    match days {
        ..0 => Warranty::Over,
        days if u64::try_from(days).is_ok_and(|days| days <= warned) => Warranty::EndsIn(days),
        _ => Warranty::Runs,
    }
}

/// Writes down what somebody says of a machine.
pub async fn set(
    db: &Db,
    registry: &Registry,
    grounds: &Grounds,
    id: &HostId,
    change: Change,
    by: &str,
    now: Timestamp,
) -> Result<(), Error> {
    if let Some(profile) = change
        .profile
        .as_deref()
        .filter(|text| !text.trim().is_empty())
    {
        known_profile(registry, profile.trim())?;
    }
    records::set(db, grounds, id, change, by, now).await
}

pub(crate) fn known_profile(registry: &Registry, name: &str) -> Result<String, Error> {
    if let Some(profile) = registry.profile(name) {
        return Ok(profile.name.clone());
    }
    let known: Vec<&str> = registry.profiles.iter().map(|p| p.name.as_str()).collect();
    let known = match known.is_empty() {
        true => "there is none".to_owned(),
        false => format!("there is {}", known.join(", ")),
    };
    Err(Error::NoProfile(name.to_owned(), known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<Date> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn days_are_read_as_people_write_them() {
        for (text, want) in [
            ("", None),
            ("2026-11-30", day("2026-11-30")),
            ("30/11/2026", day("2026-11-30")),
            ("1/2/2026", day("2026-02-01")),
            (" 2028-02-29 ", day("2028-02-29")),
        ] {
            assert_eq!(date("end", text), Ok(want), "{text}");
        }
        for text in [
            "2026-02-30",
            "11/30/2026",
            "2026",
            "30/11/26",
            "0001-01-01",
            "demain",
            "2026-11-30T00:00",
            "1/2/3/2026",
            "2026-1-1",
        ] {
            let said = date("end of the warranty", text).unwrap_err();
            assert!(
                said.contains("end of the warranty") && said.contains("write"),
                "{said}"
            );
        }
    }

    #[test]
    fn a_change_changes_what_it_names() {
        let before = Details {
            user: "Jean".into(),
            bought: day("2024-01-01"),
            ..Details::default()
        };
        let some = |text: &str| Some(text.to_owned());
        let change = Change {
            user: some(""),
            supplier: some(" LDLC "),
            warranty_end: some("2027-01-01"),
            ..Change::default()
        };
        let after = change.apply(&before).unwrap();
        assert_eq!((after.user.as_str(), after.supplier.as_str()), ("", "LDLC"));
        assert_eq!(
            (after.bought, after.warranty_end),
            (before.bought, day("2027-01-01"))
        );
        let wrong = |change: Change| change.apply(&before).unwrap_err();
        let early = Change {
            warranty_end: some("2023-12-31"),
            ..Change::default()
        };
        assert!(wrong(early).contains("before the purchase"));
        let long = Change {
            user: Some("x".repeat(101)),
            ..Change::default()
        };
        assert!(wrong(long).contains("shorten"));
        let lines = Change {
            asset_tag: some("a\nb"),
            ..Change::default()
        };
        assert!(wrong(lines).contains("one line"));
    }

    #[test]
    fn a_warranty_is_told_before_it_ends() {
        let registry = Registry::default();
        let today: Date = "2026-11-23".parse().unwrap();
        for (end, want) in [
            ("", Warranty::Unknown),
            ("2026-11-22", Warranty::Over),
            ("2026-11-23", Warranty::EndsIn(0)),
            ("2027-01-22", Warranty::EndsIn(60)),
            ("2027-01-23", Warranty::Runs),
            ("2031-01-01", Warranty::Runs),
        ] {
            let details = Details {
                warranty_end: date("end", end).unwrap(),
                ..Details::default()
            };
            assert_eq!(warranty(&details, &registry, today), want, "{end}");
        }
    }
}
