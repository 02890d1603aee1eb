//! One value: text as written → checked, or what was expected instead. Pure; knows no table.

use crate::closest::closest;
use crate::database::DatabaseUrl;
use crate::domain::TimeOfDay;
use crate::sftp::SftpUrl;
use std::net::SocketAddr;
use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(20 * 366 * 86_400);

/// What a person reads in a table or a menu.
pub(crate) fn label(text: &str) -> Result<String, String> {
    one_line(text, 64)
}

/// Longer than anything that reads it allows; what fits is for the reader to say.
pub(crate) fn line(text: &str) -> Result<String, String> {
    one_line(text, 2000)
}

fn one_line(text: &str, longest: usize) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("is empty".to_owned())
    } else if text.chars().any(char::is_control) {
        Err("holds a control character; expected one line of text".to_owned())
    } else if text.chars().count() > longest {
        Err(format!("is longer than {longest} characters"))
    } else {
        Ok(text.to_owned())
    }
}

pub(crate) fn name(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !text.is_empty()
        && text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(good)
    {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{}` is not a name; expected 1 to 64 ASCII letters, digits, `-`, `_` or `.`, a letter or digit first",
            short(text)
        ))
    }
}

pub(crate) fn ipv4(text: &str) -> Result<String, String> {
    match text.parse::<std::net::Ipv4Addr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err(format!(
            "`{}` is not an IPv4 address; expected such as 192.168.1.1",
            short(text)
        )),
    }
}

/// One address, or the first and the last with `-` between.
pub(crate) fn ipv4_range(text: &str) -> Result<String, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (ipv4(first.trim()), ipv4(last.trim())) {
        (Ok(first), Ok(last)) if text.contains('-') => Ok(format!("{first}-{last}")),
        (Ok(first), Ok(_)) => Ok(first),
        _ => Err(format!(
            "`{}` is not a range; expected first and last address, such as 192.168.1.100-192.168.1.199",
            short(text)
        )),
    }
}

/// Labels of RFC 1123, joined by points.
pub(crate) fn domain(text: &str) -> Result<String, String> {
    let good = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if text.len() <= 200 && text.split('.').all(good) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{}` is not a domain name; expected such as lan.example",
            short(text)
        ))
    }
}

pub(crate) fn choice(text: &str, values: &[&str], later: &[&str]) -> Result<String, String> {
    if values.contains(&text) {
        return Ok(text.to_owned());
    }
    let expected = format!("expected one of {}", values.join(", "));
    if later.contains(&text) {
        return Err(format!("`{text}` is not in this version; {expected}"));
    }
    let meant = closest(text, values.iter().copied())
        .map(|v| format!("; did you mean `{v}`?"))
        .unwrap_or_default();
    Err(format!("`{}` is not known; {expected}{meant}", short(text)))
}

pub(crate) fn path(text: &str) -> Result<String, String> {
    if text.is_empty() {
        Err("is empty; expected a path".to_owned())
    } else if text.contains('\0') {
        Err("holds a zero character, which no path can".to_owned())
    } else if text.starts_with('~') {
        Err("starts with `~`, which only a shell expands; write the whole path".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// One line of what a `.gitignore` file would hold; one that leaves out everything is an error of writing.
pub(crate) fn pattern(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("holds an empty pattern; expected such as `*.tmp`".to_owned())
    } else if text.contains(char::is_control) {
        Err("holds a pattern of several lines; write each in quotes of its own".to_owned())
    } else if matches!(text.trim(), "*" | "/*" | "**" | "/" | "/**") {
        Err(format!(
            "holds `{text}`, which leaves out everything; list narrower folders in `files` instead"
        ))
    } else {
        Ok(text.to_owned())
    }
}

/// The text is not repeated in the error: it may hold a password.
pub(crate) fn database(text: &str) -> Result<String, String> {
    DatabaseUrl::parse(text)
        .map(|url| url.to_string())
        .map_err(|wrong| wrong.to_string())
}

/// The text is not repeated in the error: it may hold a password.
pub(crate) fn url(text: &str) -> Result<String, String> {
    if let Some((scheme, rest)) = text.split_once("://") {
        if scheme == "file" && rest.starts_with('/') {
            return path(rest);
        }
        if SftpUrl::is_meant(text) {
            return match SftpUrl::parse(text) {
                Ok(url) => Ok(url.to_string()),
                Err(wrong) => Err(wrong.to_string()),
            };
        }
        let scheme: String = scheme
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(16)
            .collect();
        return Err(format!(
            "a target at `{scheme}://` is not in this version; mount the share on this box, and write the path of its folder, such as \"/mnt/nas/reprise\", or reach it by sftp://user@host/folder"
        ));
    }
    if text.starts_with("\\\\") || text.starts_with("//") {
        return Err(
            "a Windows share cannot be written to directly; mount it on this box, and write the path of its folder"
                .to_owned(),
        );
    }
    path(text)
}

pub(crate) fn interface(text: &str) -> Result<String, String> {
    // IFNAMSIZ is 16 with the final zero; the kernel also refuses `/`, `:` and blanks.
    let good = !text.is_empty()
        && text.len() <= 15
        && text != "."
        && text != ".."
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && c != '/' && c != ':');
    if good {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{}` cannot be an interface; expected a name of 1 to 15 characters that `ip link` shows, such as eth0",
            short(text)
        ))
    }
}

/// `30m`, `24h`, `7d`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "`{}` is not a duration; expected a number and a unit (s, m, h, d, w), such as 30m, 24h or 7d",
            short(text)
        )
    };
    let mut total: u64 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit_chars = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len() - digits);
        let unit: u64 = match &rest[digits..digits + unit_chars] {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            _ => return Err(wrong()),
        };
        total = count
            .checked_mul(unit)
            .and_then(|seconds| total.checked_add(seconds))
            .ok_or_else(wrong)?;
        rest = &rest[digits + unit_chars..];
    }
    let duration = Duration::from_secs(total);
    if total == 0 {
        Err(format!(
            "`{text}` is no time at all; expected more than zero"
        ))
    } else if duration > LONGEST {
        Err(format!("`{}` is longer than 20 years", short(text)))
    } else {
        Ok(duration)
    }
}

/// `02:05`, local.
pub fn time(text: &str) -> Result<TimeOfDay, String> {
    let read = || -> Option<TimeOfDay> {
        let (hour, minute) = text.split_once(':')?;
        let digits = |s: &str| s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit());
        let time = TimeOfDay {
            hour: hour.parse().ok()?,
            minute: minute.parse().ok()?,
        };
        (digits(hour) && digits(minute) && time.hour < 24 && time.minute < 60).then_some(time)
    };
    read().ok_or_else(|| {
        format!(
            "`{}` is not a time of day; expected hours and minutes, 00:00 to 23:59, such as 02:00",
            short(text)
        )
    })
}

pub(crate) fn timezone(text: &str) -> Result<String, String> {
    let zones = jiff::tz::db();
    if zones.get(text).is_ok() {
        return Ok(text.to_owned());
    }
    let known: Vec<String> = zones.available().map(|z| z.as_str().to_owned()).collect();
    let meant = closest(text, known.iter().map(String::as_str))
        .map(|z| format!("; did you mean `{z}`?"))
        .unwrap_or_default();
    Err(format!(
        "`{}` is not a time zone; expected an IANA name such as Europe/Paris{meant}",
        short(text)
    ))
}

pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let meant = text
            .strip_prefix("localhost:")
            .map(|port| format!("127.0.0.1:{port}"))
            .or_else(|| {
                text.parse::<u16>()
                    .ok()
                    .map(|port| format!("0.0.0.0:{port}"))
            })
            .or_else(|| text.strip_prefix(':').map(|port| format!("0.0.0.0:{port}")))
            .filter(|guess| guess.parse::<SocketAddr>().is_ok())
            .map(|guess| format!("; did you mean `{guess}`?"))
            .unwrap_or_default();
        format!(
            "`{}` is not an address and a port; expected such as 0.0.0.0:8443 or [::]:8443{meant}",
            short(text)
        )
    })
}

/// `name@domain`, bare; what each side may hold is left to the servers (RFC 5321 §4.1.2), as long as it is one word.
pub fn mailbox(text: &str) -> Result<String, String> {
    let good = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_graphic() && !"<>()[]\",;:\\@".contains(c))
    };
    match text.rsplit_once('@') {
        Some((name, domain))
            if good(name) && name.len() <= 64 && good(domain) && text.len() <= 254 =>
        {
            Ok(text.to_owned())
        }
        _ => Err(format!(
            "`{}` is not a mail address; expected such as admin@example.net, without a name around it",
            short(text)
        )),
    }
}

/// `host:port`; a numeric IPv6 host in brackets.
pub fn server(text: &str) -> Result<String, String> {
    let good = text.rsplit_once(':').is_some_and(|(host, port)| {
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host_good = match inner {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty()
                    && host.len() <= 253
                    && host
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
            }
        };
        host_good && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    if good {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{}` is not a host and a port; expected such as smtp.example.net:587",
        short(text)
    ))
}

/// The end of a web address.
/// A server's address without a log-in: a password belongs into a file of its own.
pub(crate) fn web(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let authority = rest
        .and_then(|rest| rest.split('/').next())
        .unwrap_or_default();
    if authority.contains('@') {
        return Err(
            "a web address with a name or password in it; give them by keys of their own"
                .to_owned(),
        );
    }
    let good = !authority.is_empty()
        && authority.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && text.len() <= 500
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !"?#\\\"<>^`{|}".contains(c));
    match good {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{}` is not a web address; expected such as https://glpi.example.net",
            short(text)
        )),
    }
}

pub(crate) fn suffix(text: &str) -> Result<String, String> {
    let good = text.starts_with(['/', '?', '&'])
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_graphic() && c != '#');
    if good {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{}` cannot end a web address; expected such as /fail",
            short(text)
        ))
    }
}

pub(crate) fn filter(text: &str) -> Result<String, String> {
    const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
    for directive in text.split(',') {
        let (part, level) = directive
            .rsplit_once('=')
            .map_or((None, directive), |(part, level)| (Some(part), level));
        let part_good = part.is_none_or(|p| {
            !p.is_empty()
                && p.chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
        });
        if !part_good || !LEVELS.contains(&level.trim()) {
            let meant = closest(level.trim(), LEVELS.iter().copied())
                .filter(|_| part_good && !LEVELS.contains(&level.trim()))
                .map(|l| format!("; did you mean `{l}`?"))
                .unwrap_or_default();
            return Err(format!(
                "`{}` is not a log filter; expected a level ({}), then if wanted part=level, separated by commas{meant}",
                short(directive),
                LEVELS.join(", ")
            ));
        }
    }
    Ok(text.to_owned())
}

pub(crate) fn whole(number: Option<i64>, least: i64, most: i64) -> Result<i64, String> {
    number
        .filter(|n| (least..=most).contains(n))
        .ok_or_else(|| format!("is out of range; expected {least} to {most}"))
}

/// What a message repeats of a value: enough to recognise it, on one line.
pub(crate) fn short(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(60)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(60).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [
            ("30m", 1800),
            ("30min", 1800),
            ("24h", 86_400),
            ("7d", 604_800),
            ("2w", 1_209_600),
            ("1h30m", 5400),
            ("90s", 90),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "7",
            "d",
            "7 d",
            "7j",
            "-1h",
            "1.5h",
            "0h",
            "99999999999999999999h",
            "18446744073709551615w",
            "21000d",
            "7dé",
            "é",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(time("02:05"), Ok(TimeOfDay { hour: 2, minute: 5 }));
        assert_eq!(time("23:59").map(|t| t.to_string()), Ok("23:59".to_owned()));
        for text in [
            "", "2:00", "24:00", "02:60", "0200", "02:00:00", "+2:00", "02h00",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_name_what_was_meant() {
        assert!(address("0.0.0.0:8443").is_ok());
        assert!(address("[::]:0").is_ok());
        for (text, meant) in [
            (":8443", Some("0.0.0.0:8443")),
            ("8443", Some("0.0.0.0:8443")),
            ("localhost:80", Some("127.0.0.1:80")),
            ("0.0.0.0", None),
            ("0.0.0.0:99999", None),
        ] {
            let error = address(text).unwrap_err();
            match meant {
                Some(guess) => assert!(error.ends_with(&format!("`{guess}`?")), "{error}"),
                None => assert!(!error.contains("mean"), "{error}"),
            }
        }
    }

    #[test]
    fn zones_filters_names_interfaces_and_urls() {
        assert!(timezone("Europe/Paris").is_ok() && timezone("UTC").is_ok());
        assert!(
            timezone("Europe/Pariss")
                .unwrap_err()
                .contains("did you mean `Europe/Paris`")
        );
        for good in ["info", "off", "info,provisioner=debug", "warn,a::b=trace"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["", "inof", "info,", "=info", "provisioner=loud"] {
            assert!(filter(bad).is_err(), "{bad}");
        }
        for bad in ["", "-a", "a b", "a/b", "a@b", "é", &"a".repeat(65)] {
            assert!(name(bad).is_err(), "{bad}");
        }
        for bad in ["", ".", "..", "a/b", "eth0 ", "eth0:1", &"a".repeat(16)] {
            assert!(interface(bad).is_err(), "{bad}");
        }
        for bad in [
            "sftp://u:secret@h/p",
            "s3://k:secret@b",
            "//nas/secret",
            "\\\\nas\\secret",
            "",
        ] {
            let error = url(bad).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(url("file:///mnt/nas"), Ok("/mnt/nas".to_owned()));
        assert!(path("~/x").is_err() && path("a\0b").is_err() && path("/x y/é").is_ok());
    }

    #[test]
    fn mail_addresses_servers_and_suffixes() {
        for good in ["a@b", "admin+nuit@mail.example.net"] {
            assert!(mailbox(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "admin",
            "@b",
            "a@",
            "A <a@b>",
            "a@b, c@d",
            "a b@c",
            "a@b\r\nBcc: x@y",
            "é@b",
            "a@b@c",
        ] {
            assert!(mailbox(bad).is_err(), "{bad}");
        }
        for good in ["smtp.example.net:587", "127.0.0.1:25", "[::1]:25"] {
            assert!(server(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "smtp",
            "smtp:",
            ":25",
            "smtp:0",
            "smtp:99999",
            "::1:25",
            "a b:25",
        ] {
            assert!(server(bad).is_err(), "{bad}");
        }
        assert!(suffix("/fail").is_ok() && suffix("?s=1").is_ok());
        for bad in ["", "fail", "/a b", "/a\r\n", "/#x"] {
            assert!(suffix(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_repeated_is_short_and_on_one_line() {
        assert_eq!(short("a\nb"), "a\u{fffd}b");
        assert_eq!(short(&"x".repeat(1000)).chars().count(), 61);
    }
}
