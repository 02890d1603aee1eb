//! What the keys of one `[[target]]` or `[[server]]` say together: a folder of this machine, or one of another and how to log in there.

use crate::build::{resolved, text};
use crate::domain::{Distant, Place, Removable, Server, SshLogin, Target};
use crate::place::Findings;
use crate::sftp::SftpUrl;
use crate::value;
use crate::walk::{Entries, Value};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the command line keeps the host keys that were confirmed.
const KNOWN_HOSTS: &str = "/etc/reprise/known_hosts";

/// A disk that is taken home each Friday.
const A_WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// The keys that say how to log in; only a distant target has them.
const OF_SSH: [&str; 3] = ["ssh_key", "ssh_password_file", "known_hosts"];

pub(crate) fn build(entries: &Entries, base: &Path, findings: &mut Findings<'_>) -> Target {
    let url = entries.text("url");
    let place = match url.and_then(|url| SftpUrl::parse(url).ok()) {
        Some(url) => {
            if switched_on(entries, "must_be_mounted") {
                findings.add(
                    entries.at("must_be_mounted"),
                    "`must_be_mounted` in [[target]] is for folders; nothing is mounted for sftp://, remove it",
                );
            }
            if switched_on(entries, "removable") {
                findings.add(
                    entries.at("removable"),
                    "`removable` in [[target]] is for a disk that is plugged in to this box; remove it",
                );
            }
            Place::Sftp(Box::new(distant(
                url,
                "[[target]]",
                entries,
                base,
                findings,
            )))
        }
        None => {
            // What a url that is wrong was meant to be is not known: its other keys are not blamed.
            for key in OF_SSH {
                if url.is_some() && entries.has(key) {
                    findings.add(
                        entries.at(key),
                        format!(
                            "`{key}` in [[target]] is for a `url` that begins with sftp://; remove it, or write such as `url = \"sftp://reprise@nas.lan/volume1/reprise\"`"
                        ),
                    );
                }
            }
            Place::Folder {
                path: resolved(base, url.unwrap_or_default()),
                // Without its disk, the folder is one of the system disk.
                must_be_mounted: switched_on(entries, "must_be_mounted")
                    || switched_on(entries, "removable"),
            }
        }
    };
    let removable = removable(entries, findings);
    Target {
        name: text(entries, "name"),
        place,
        removable,
        password_file: resolved(base, entries.text("password_file").unwrap_or_default()),
    }
}

fn removable(entries: &Entries, findings: &mut Findings<'_>) -> Option<Removable> {
    let expected_every = match entries.get("expected_every") {
        Some(Value::Duration(every)) => *every,
        _ => A_WEEK,
    };
    let is_removable = switched_on(entries, "removable");
    if entries.has("expected_every") && !is_removable {
        findings.add(
            entries.at("expected_every"),
            "`expected_every` in [[target]] is for a disk that comes and goes; write `removable = true` beside it, or remove it",
        );
    }
    is_removable.then_some(Removable { expected_every })
}

pub(crate) fn server(entries: &Entries, base: &Path, findings: &mut Findings<'_>) -> Server {
    let given = entries.text("url").unwrap_or_default();
    let url = match SftpUrl::parse(given) {
        Ok(url) => url,
        // What is no URL at all was blamed already.
        Err(_) => {
            if entries.text("url").is_some() && !SftpUrl::is_meant(given) {
                findings.add(
                    entries.at("url"),
                    "`url` in [[server]] is a folder of this box, which needs no server; write such as `url = \"sftp://root@erp.lan/srv\"`",
                );
            }
            SftpUrl {
                user: String::new(),
                host: String::new(),
                port: 22,
                path: String::new(),
            }
        }
    };
    let host_key = entries.text("host_key").map(str::to_owned);
    if let Some(key) = &host_key
        && !key.starts_with("SHA256:")
    {
        findings.add(
            entries.at("host_key"),
            "`host_key` in [[server]] is not a fingerprint; write what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` shows on the server, such as \"SHA256:uNiVztks…\"",
        );
    }
    let named = entries.text("url").is_some();
    Server {
        name: text(entries, "name"),
        at: match named {
            true => distant(url, "[[server]]", entries, base, findings),
            false => Distant {
                url,
                login: SshLogin::Key(PathBuf::new()),
                known_hosts: PathBuf::from(KNOWN_HOSTS),
            },
        },
        host_key,
    }
}

fn distant(
    url: SftpUrl,
    table: &str,
    entries: &Entries,
    base: &Path,
    findings: &mut Findings<'_>,
) -> Distant {
    match (entries.has("ssh_key"), entries.has("ssh_password_file")) {
        (true, true) => findings.add(
            entries.at("ssh_password_file"),
            format!("`ssh_password_file` in {table} stands beside `ssh_key`; one of them logs in, remove the other"),
        ),
        (false, false) => findings.add(
            entries.at("url"),
            format!("`url` in {table}: nothing to log in with; write `ssh_key = \"/etc/reprise/nas-key\"`, the user's private key without a passphrase, or `ssh_password_file`, a file that holds the user's password on its first line"),
        ),
        _ => {}
    }
    let file = |key: &str| -> Option<PathBuf> { entries.text(key).map(|f| resolved(base, f)) };
    Distant {
        url,
        login: match file("ssh_password_file") {
            Some(file) => SshLogin::Password(file),
            None => SshLogin::Key(file("ssh_key").unwrap_or_default()),
        },
        known_hosts: file("known_hosts").unwrap_or_else(|| PathBuf::from(KNOWN_HOSTS)),
    }
}

fn switched_on(entries: &Entries, key: &str) -> bool {
    matches!(entries.get(key), Some(Value::Switch(true)))
}

/// Two targets in one folder would be one vault under two names: a second copy that is none.
pub(crate) fn same_place(tables: &[Entries], targets: &[Target], findings: &mut Findings<'_>) {
    for (rank, (entries, target)) in tables.iter().zip(targets).enumerate() {
        let Some(url) = entries.text("url") else {
            continue;
        };
        let first = tables[..rank]
            .iter()
            .zip(targets)
            .find(|(e, t)| e.text("url").is_some() && is_same(&t.place, &target.place));
        if let Some((_, first)) = first {
            findings.add(
                entries.at("url"),
                format!(
                    "`url` in [[target]]: `{}` is already the folder of target `{}`; give each target its own folder",
                    value::short(url),
                    first.name
                ),
            );
        }
    }
}

/// Another user of the same machine may see another folder under the same name.
fn is_same(a: &Place, b: &Place) -> bool {
    match (a, b) {
        (Place::Folder { path: a, .. }, Place::Folder { path: b, .. }) => a == b,
        (Place::Sftp(a), Place::Sftp(b)) => a.url == b.url,
        _ => false,
    }
}
