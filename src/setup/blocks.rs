//! The lines that `reprise setup` adds to a configuration; pure. The text that is there stays byte for byte.

use super::application::Application;
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

/// A service that is to be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewPlan {
    pub(crate) name: String,
    pub(crate) saves: Saves,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Saves {
    Folders(Vec<PathBuf>),
    Application(Application),
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
    pub(crate) plans: Vec<NewPlan>,
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
    for plan in &addition.plans {
        line("[[plan]]\nname", quoted(&plan.name));
        match &plan.saves {
            Saves::Folders(folders) => {
                let folders: Vec<String> = folders.iter().map(|f| path(f)).collect();
                line("files", format!("[{}]", folders.join(", ")));
            }
            Saves::Application(application) => {
                line("recipe", quoted(&application.recipe));
                line("folder", path(&application.folder));
            }
        }
        line("at", quoted(&addition.at.to_string()));
        line("targets", format!("[{}]", quoted(&addition.target)));
        line(
            "keep",
            "{ daily = 14, weekly = 8, monthly = 24 }\n".to_owned(),
        );
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
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

/// One plan for each application, named after it, and one for the folders, named after the first of them:
/// `/srv/partage/compta` is `compta`.
pub(crate) fn plans(
    folders: Vec<PathBuf>,
    applications: Vec<Application>,
    config: &Config,
) -> Vec<NewPlan> {
    let mut plans: Vec<NewPlan> = Vec::new();
    let saves = applications.into_iter().map(Saves::Application);
    let others = (!folders.is_empty()).then_some(Saves::Folders(folders));
    for saves in saves.chain(others) {
        let wanted = match &saves {
            Saves::Application(application) => application.recipe.clone(),
            Saves::Folders(folders) => {
                let first = folders.first().and_then(|folder| folder.file_name());
                first.unwrap_or_default().to_string_lossy().into_owned()
            }
        };
        // `appliance` is the appliance's own.
        let name = free_name(&wanted, "files", |name| {
            name == "appliance"
                || config.plan(name).is_some()
                || plans.iter().any(|plan| plan.name == name)
        });
        plans.push(NewPlan { name, saves });
    }
    plans
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "[appliance]\nname = \"box\"\nstate_dir = \"/var/lib/reprise/state\"\n[console]\nlisten = \"0.0.0.0:8443\"\n# mine";

    fn folders() -> Vec<PathBuf> {
        vec!["/srv/com\"pta".into(), "/srv/é".into()]
    }

    fn dolibarr() -> Application {
        Application {
            recipe: "dolibarr".into(),
            folder: "/var/www/dolibarr".into(),
        }
    }

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
            plans: vec![NewPlan {
                name: "compta".into(),
                saves: Saves::Folders(folders()),
            }],
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
        assert_eq!(plan.files, folders());
        assert_eq!(plan.at, Some(addition().at));
        assert_eq!(plan.targets, ["nas"]);
        let mail = config.notify.mail.as_ref().expect("mail");
        assert_eq!(mail.to, ["it@example.net"]);
        // A second service to the same place.
        let second = Addition {
            new_target: None,
            mail: None,
            plans: plans(folders(), vec![dolibarr()], &config),
            ..addition()
        };
        let twice = parsed(&format!("{once}{}", text(&second)));
        assert_eq!((twice.targets.len(), twice.plans.len()), (1, 3));
        let recipe = twice.plan("dolibarr").and_then(|plan| plan.recipe.as_ref());
        assert_eq!(
            recipe.map(|recipe| recipe.folder.clone()),
            Some(dolibarr().folder)
        );
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
        let name = |folder: &str| {
            plans(vec![folder.into()], Vec::new(), &config)[0]
                .name
                .clone()
        };
        assert_eq!(name("/srv/appliance"), "appliance-2");
        assert_eq!(name("/"), "files");
        let two = plans(vec!["/srv/dolibarr".into()], vec![dolibarr()], &config);
        let names: Vec<&str> = two.iter().map(|plan| plan.name.as_str()).collect();
        assert_eq!(names, ["dolibarr", "dolibarr-2"]);
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
