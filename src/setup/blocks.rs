//! The lines that `reprise setup` adds to a configuration; pure. The text that is there stays byte for byte.

use config::{Config, TimeOfDay, quoted};
use std::path::{Path, PathBuf};

/// A target that is to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewTarget {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) must_be_mounted: bool,
    /// The key's file, or the password's.
    pub(crate) login: Option<Login>,
    pub(crate) known_hosts: Option<PathBuf>,
    pub(crate) password_file: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    Key(PathBuf),
    Password(PathBuf),
}

/// How mails go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewMail {
    pub(crate) to: String,
    pub(crate) server: String,
    pub(crate) password_file: Option<PathBuf>,
}

/// All that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addition {
    pub(crate) new_target: Option<NewTarget>,
    /// The name of that target, or of one that was there.
    pub(crate) target: String,
    pub(crate) plan: String,
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) at: TimeOfDay,
    pub(crate) mail: Option<NewMail>,
}

/// What is added at the end of the file.
pub(crate) fn text(addition: &Addition) -> String {
    let mut out = "\n# Added by `reprise setup`.\n".to_owned();
    let mut line = |name: &str, value: String| out.push_str(&format!("{name} = {value}\n"));
    let path = |path: &Path| quoted(&path.to_string_lossy());
    if let Some(mail) = &addition.mail {
        line("[notify]\nsmtp", quoted(&mail.server));
        line("smtp_security", quoted(security(&mail.server)));
        if let Some(file) = &mail.password_file {
            line("smtp_user", quoted(&mail.to));
            line("smtp_password_file", path(file));
        }
        line("mail_from", quoted(&mail.to));
        line("mail_to", format!("[{}]\n", quoted(&mail.to)));
    }
    if let Some(target) = &addition.new_target {
        line("[[target]]\nname", quoted(&target.name));
        line("url", quoted(&target.url));
        match &target.login {
            Some(Login::Key(file)) => line("ssh_key", path(file)),
            Some(Login::Password(file)) => line("ssh_password_file", path(file)),
            None => {}
        }
        if let Some(file) = &target.known_hosts {
            line("known_hosts", path(file));
        }
        if target.must_be_mounted {
            line("must_be_mounted", "true".to_owned());
        }
        line(
            "password_file",
            format!("{}\n", path(&target.password_file)),
        );
    }
    let folders: Vec<String> = addition.folders.iter().map(|f| path(f)).collect();
    line("[[plan]]\nname", quoted(&addition.plan));
    line("files", format!("[{}]", folders.join(", ")));
    let at = addition.at;
    line("at", quoted(&format!("{:02}:{:02}", at.hour, at.minute)));
    line("targets", format!("[{}]", quoted(&addition.target)));
    line(
        "keep",
        "{ daily = 14, weekly = 8, monthly = 24 }".to_owned(),
    );
    out
}

/// Port 465 speaks TLS from the first byte; a server on this very box may speak without.
fn security(server: &str) -> &'static str {
    let (host, port) = server.rsplit_once(':').unwrap_or((server, ""));
    match (host, port) {
        (_, "465") => "tls",
        ("localhost" | "127.0.0.1" | "[::1]", _) => "none",
        _ => "starttls",
    }
}

/// A name for a target or a plan that nobody has yet: `wanted` made fit, with a number when it is taken.
pub(crate) fn free_name(wanted: &str, fallback: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let fit: String = wanted
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(40)
        .collect();
    let fit = match fit.trim_matches('-') {
        "" => fallback,
        fit => fit,
    };
    if !is_taken(fit) {
        return fit.to_owned();
    }
    let numbered = (2..=u32::MAX).map(|number| format!("{fit}-{number}"));
    numbered
        .into_iter()
        .find(|name| !is_taken(name))
        .unwrap_or_else(|| fit.to_owned())
}

/// The plan's name after its first folder: `/srv/partage/compta` is `compta`.
pub(crate) fn plan_name(folders: &[PathBuf], config: &Config) -> String {
    let first = folders.first().and_then(|folder| folder.file_name());
    let wanted = first.unwrap_or_default().to_string_lossy();
    // `appliance` is the appliance's own.
    free_name(&wanted, "files", |name| {
        name == "appliance" || config.plan(name).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "[appliance]\nname = \"box\"\nstate_dir = \"/var/lib/reprise/state\"\n[console]\nlisten = \"0.0.0.0:8443\"\n# mine";

    fn addition() -> Addition {
        Addition {
            new_target: Some(NewTarget {
                name: "nas".into(),
                url: "sftp://reprise@nas.lan/volume1/reprise".into(),
                must_be_mounted: false,
                login: Some(Login::Password("/etc/reprise/nas-login".into())),
                known_hosts: None,
                password_file: "/etc/reprise/nas-password".into(),
            }),
            target: "nas".into(),
            plan: "compta".into(),
            folders: vec!["/srv/com\"pta".into(), "/srv/é".into()],
            at: TimeOfDay { hour: 2, minute: 5 },
            mail: Some(NewMail {
                to: "it@example.net".into(),
                server: "smtp.example.net:465".into(),
                password_file: None,
            }),
        }
    }

    fn parsed(text: &str) -> Config {
        config::parse(text, Path::new("/etc/reprise/reprise.toml"))
            .unwrap_or_else(|e| panic!("{e:?}\n{text}"))
    }

    #[test]
    fn what_is_added_is_read_as_it_was_meant_and_once_more_after_it() {
        let once = format!("{BASE}\n{}", text(&addition()));
        let config = parsed(&once);
        let target = config.target("nas").expect("target");
        assert_eq!(target.password_file, Path::new("/etc/reprise/nas-password"));
        let plan = config.plan("compta").expect("plan");
        assert_eq!(plan.files, addition().folders);
        assert_eq!(plan.at, Some(addition().at));
        assert_eq!(plan.targets, ["nas"]);
        let mail = config.notify.mail.as_ref().expect("mail");
        assert_eq!(mail.to, ["it@example.net"]);
        // A second service to the same place.
        let second = Addition {
            new_target: None,
            mail: None,
            plan: plan_name(&addition().folders, &config),
            ..addition()
        };
        let twice = parsed(&format!("{once}{}", text(&second)));
        assert_eq!((twice.targets.len(), twice.plans.len()), (1, 2));
    }

    #[test]
    fn names_are_fit_and_free() {
        let taken = |name: &str| ["nas", "nas-2"].contains(&name);
        for (wanted, name) in [
            ("NAS", "nas-3"),
            ("Comptabilité 2026", "comptabilit--2026"),
            ("é", "files"),
            ("..", "files"),
            ("srv", "srv"),
        ] {
            assert_eq!(free_name(wanted, "files", taken), name);
        }
        let config = parsed(BASE);
        assert_eq!(
            plan_name(&["/srv/appliance".into()], &config),
            "appliance-2"
        );
        assert_eq!(plan_name(&["/".into()], &config), "files");
    }

    #[test]
    fn the_port_tells_how_a_mail_server_speaks() {
        for (server, how) in [
            ("smtp.example.net:587", "starttls"),
            ("smtp.example.net:465", "tls"),
            ("localhost:25", "none"),
        ] {
            assert_eq!(security(server), how);
        }
    }
}
