//! The table of messages: what its keys say about each other.

use crate::build::resolved;
use crate::domain::{Mail, Notify, Ping, Rhythm, Security};
use crate::place::Findings;
use crate::walk::{Entries, Value};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Keys that mean nothing without a mail server.
const OF_MAIL: &[&str] = &["smtp_user", "smtp_password_file", "mail_from", "mail_to"];

pub(crate) fn build(entries: &Entries, base: &Path, findings: &mut Findings<'_>) -> Notify {
    let file = |key: &str| entries.text(key).map(|path| resolved(base, path));
    let defaults = Notify::default();
    let url_file = file("ping_url_file");
    if let (None, Some(_)) = (&url_file, entries.text("ping_fail_suffix")) {
        findings.add(
            entries.at("ping_fail_suffix"),
            "`ping_fail_suffix` in [notify]: there is no address it could end; add `ping_url_file`, or remove it",
        );
    }
    Notify {
        morning: match entries.get("morning") {
            Some(Value::Time(time)) => *time,
            _ => defaults.morning,
        },
        every: match entries.text("every") {
            Some("week") => Rhythm::Week,
            _ => Rhythm::Day,
        },
        mail: mail(entries, base, findings),
        mattermost_url_file: file("mattermost_url_file"),
        ping: url_file.map(|url_file| Ping {
            url_file,
            fail_suffix: entries.text("ping_fail_suffix").map(str::to_owned),
        }),
        ca_file: file("ca_file"),
    }
}

fn mail(entries: &Entries, base: &Path, findings: &mut Findings<'_>) -> Option<Mail> {
    let Some(server) = entries.text("smtp") else {
        for key in OF_MAIL {
            if entries.get(key).is_some() {
                findings.add(
                    entries.at(key),
                    format!(
                        "`{key}` in [notify]: no mail server is named; add `smtp`, or remove it"
                    ),
                );
            }
        }
        return None;
    };
    for key in ["mail_from", "mail_to"] {
        // A key that is there and wrong was complained of already; its place is its own.
        if entries.at(key) == entries.at {
            findings.doubtful(
                entries.at("smtp"),
                format!("`{key}` is missing in [notify]: a mail needs it beside `smtp`"),
            );
        }
    }
    let security = match entries.text("smtp_security") {
        Some("tls") => Security::Tls,
        Some("none") => Security::None,
        _ => Security::StartTls,
    };
    let (host, port) = server.rsplit_once(':').unwrap_or((server, "25"));
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let login = login(entries, base, findings);
    if login.is_some() && security == Security::None && !is_own(&host) {
        findings.add(
            entries.at("smtp_user"),
            "`smtp_user` in [notify]: its password would cross the network readable by anyone; set `smtp_security` to starttls or tls, or remove the log-in",
        );
    }
    Some(Mail {
        host,
        port: port.parse().unwrap_or(25),
        security,
        login,
        from: entries.text("mail_from").unwrap_or_default().to_owned(),
        to: entries
            .texts("mail_to")
            .iter()
            .map(|(_, to)| to.clone())
            .collect(),
    })
}

fn login(entries: &Entries, base: &Path, findings: &mut Findings<'_>) -> Option<(String, PathBuf)> {
    match (
        entries.text("smtp_user"),
        entries.text("smtp_password_file"),
    ) {
        (Some(user), Some(file)) => Some((user.to_owned(), resolved(base, file))),
        (Some(_), None) => {
            findings.add(
                entries.at("smtp_user"),
                "`smtp_user` in [notify]: its password is missing; add `smtp_password_file`",
            );
            None
        }
        (None, Some(_)) => {
            findings.add(
                entries.at("smtp_password_file"),
                "`smtp_password_file` in [notify]: whose password? add `smtp_user`",
            );
            None
        }
        (None, None) => None,
    }
}

fn is_own(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
