//! Where copies go: recognised, logged in to, and a vault made or opened there, before the next question is asked.
//!
//! What is made on the way (a password, a key, an empty vault) stays when a person gives up: the next `reprise setup` goes
//! on with it. Nothing that exists is overwritten.

use super::answers::{Answers, Question};
use super::blocks::{Login, NewTarget, free_name};
use super::words::{Words, fill};
use crate::{file as files, terminal};
use anyhow::{Context, bail};
use config::{Config, SftpUrl};
use remote::{Patience, Trouble};
use state::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vault::target::LocalTarget;
use vault::{KdfCost, Secret, Vault};

/// The vault that copies go to, open.
pub(crate) struct Chosen {
    /// `None`: the configuration has it already.
    pub(crate) new: Option<NewTarget>,
    pub(crate) name: String,
    pub(crate) vault: Vault,
}

enum Answer {
    Known(String),
    Folder(PathBuf),
    Sftp(Box<SftpUrl>),
}

/// Asks for the place and all that it takes to get there.
pub(crate) fn choose(
    answers: &mut Answers,
    words: &Words,
    config: &Config,
    now: Timestamp,
) -> anyhow::Result<Chosen> {
    let known: Vec<&str> = config.targets.iter().map(|t| t.name.as_str()).collect();
    let mut text = words.place.to_owned();
    if !known.is_empty() {
        text.push('\n');
        text.push_str(&fill(words.place_known, &[&known.join(", ")]));
    }
    let question = Question {
        name: "place",
        text: &text,
        fallback: Some(known.first().copied().unwrap_or(words.place_empty)),
        is_secret: false,
    };
    let answer = answers.ask(&question, |answer| read(answer, words, config))?;
    let keys = config
        .origin
        .parent()
        .unwrap_or(Path::new("/etc/reprise"))
        .to_owned();
    let name_after = |wanted: &str| {
        free_name(wanted, "nas", |name| {
            // Files of an earlier try are gone on with; those of a target that is there are not touched.
            config.target(name).is_some()
        })
    };
    match answer {
        Answer::Known(name) => {
            let Some(target) = config.target(&name) else {
                bail!("find the target {name}; name one of {}", known.join(", "));
            };
            let secret = Secret::from_file(&target.password_file)?;
            Ok(Chosen {
                new: None,
                vault: Vault::open(Arc::new(reached(target)?), &secret)?,
                name,
            })
        }
        Answer::Folder(folder) => {
            let is_ours = folder == own_folder(config);
            let wanted = match is_ours {
                true => "local".into(),
                false => folder.file_name().unwrap_or_default().to_string_lossy(),
            };
            let name = name_after(&wanted);
            if is_ours {
                files::folder(&folder)?;
            }
            let must_be_mounted = LocalTarget::open(&folder, true).is_ok();
            say_how_far(words, config, &folder);
            let target = LocalTarget::open(&folder, must_be_mounted)?;
            let password_file = keys.join(format!("{name}-password"));
            let vault = vault(answers, words, target, &password_file, now)?;
            Ok(Chosen {
                new: Some(NewTarget {
                    url: folder.display().to_string(),
                    must_be_mounted,
                    login: None,
                    known_hosts: None,
                    password_file,
                    name: name.clone(),
                }),
                name,
                vault,
            })
        }
        Answer::Sftp(url) => {
            let wanted = match url.host.parse::<std::net::IpAddr>() {
                Ok(_) => "nas",
                Err(_) => url.host.split('.').next().unwrap_or("nas"),
            };
            let name = name_after(wanted);
            let (place, login) = log_in(answers, words, &url, &keys, &name)?;
            if continuity::place::distant(&url.host, &super::box_name())
                == continuity::place::Place::SameDisk
            {
                terminal::note(words.dies_with_box);
            }
            let password_file = keys.join(format!("{name}-password"));
            let vault = vault(answers, words, place.make()?, &password_file, now)?;
            Ok(Chosen {
                new: Some(NewTarget {
                    url: url.to_string(),
                    must_be_mounted: false,
                    login: Some(login),
                    known_hosts: Some(place.known_hosts),
                    password_file,
                    name: name.clone(),
                }),
                name,
                vault,
            })
        }
    }
}

/// A vault on this box lies beside the state.
fn own_folder(config: &Config) -> PathBuf {
    config.appliance.state_dir.with_file_name("vault")
}

fn read(answer: &str, words: &Words, config: &Config) -> anyhow::Result<Answer> {
    if answer.is_empty() || answer == words.place_empty {
        return Ok(Answer::Folder(own_folder(config)));
    }
    if config.target(answer).is_some() {
        return Ok(Answer::Known(answer.to_owned()));
    }
    if SftpUrl::is_meant(answer) {
        let url = SftpUrl::parse(answer).context("read the sftp:// address")?;
        return Ok(Answer::Sftp(Box::new(url)));
    }
    let folder = PathBuf::from(answer);
    if !folder.is_absolute() {
        bail!(fill(words.folder_relative, &[answer]));
    }
    // The last folder may be made; one above it that is missing is a share that is not mounted, or a slip.
    if !folder.is_dir() {
        std::fs::create_dir(&folder).with_context(|| {
            format!(
                "make the folder {}; mount the share or the disk first, or correct the path",
                folder.display()
            )
        })?;
    }
    LocalTarget::open(&folder, false)?;
    Ok(Answer::Folder(folder))
}

fn reached(target: &config::Target) -> anyhow::Result<LocalTarget> {
    Ok(match &target.place {
        config::Place::Folder {
            path,
            must_be_mounted,
        } => LocalTarget::open(path, *must_be_mounted)?,
        config::Place::Sftp(there) => remote::Place {
            url: there.url.clone(),
            login: match &there.login {
                config::SshLogin::Key(file) => remote::Login::Key(file.clone()),
                config::SshLogin::Password(file) => remote::Login::Password(file.clone()),
            },
            known_hosts: there.known_hosts.clone(),
            host_key: None,
            patience: Patience::default(),
        }
        .open()?,
    })
}

/// A copy beside the original is worth less, and that is said before anybody relies on it.
fn say_how_far(words: &Words, config: &Config, folder: &Path) {
    use continuity::place::{Place, place};
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    match place(&mounts, folder, &config.appliance.state_dir) {
        Place::SameDisk => terminal::note(words.dies_with_box),
        Place::OtherDisk => terminal::note(words.other_disk),
        Place::Elsewhere => {}
    }
}

/// The host is recognised before anything secret is asked for; then a password or a key of our own opens it.
fn log_in(
    answers: &mut Answers,
    words: &Words,
    url: &SftpUrl,
    keys: &Path,
    name: &str,
) -> anyhow::Result<(remote::Place, Login)> {
    files::folder(keys)?;
    let key = keys.join(format!("{name}-key"));
    let mut place = remote::Place {
        url: url.clone(),
        login: remote::Login::Key(key.clone()),
        known_hosts: keys.join("known_hosts"),
        host_key: None,
        patience: Patience::default(),
    };
    match place.recognise() {
        Ok(()) => {}
        Err(Trouble::UnknownHost { offered, .. }) => {
            confirm(answers, words, url, &offered)?;
            place.host_key = Some(offered);
        }
        Err(trouble) => return Err(trouble.into()),
    }
    let (host, user) = (url.address(), url.user.clone());
    let login = keys.join(format!("{name}-login"));
    let question = Question {
        name: "ssh_password_file",
        text: &fill(words.ssh_password, &[&user, &host]),
        fallback: None,
        is_secret: true,
    };
    let by = answers.ask(&question, |password| {
        if password.is_empty() {
            return Ok(Login::Key(key.clone()));
        }
        // Replaced: it is what was typed now that has to be tried.
        write_over(&login, password)?;
        place.login = remote::Login::Password(login.clone());
        place.make().map(drop)?;
        Ok(Login::Password(login.clone()))
    })?;
    if by == Login::Key(key.clone()) {
        place.login = remote::Login::Key(key.clone());
        by_key(answers, words, &place, &key)?;
    }
    Ok((place, by))
}

fn confirm(
    answers: &mut Answers,
    words: &Words,
    url: &SftpUrl,
    offered: &str,
) -> anyhow::Result<()> {
    let question = Question {
        name: "host_key",
        text: &fill(words.host_key, &[&url.address(), offered]),
        fallback: None,
        is_secret: false,
    };
    // A file names the key itself: a yes that was written before the key was seen would be worth nothing.
    let by_eye = answers.is_terminal();
    let is_right = answers.ask(&question, |answer| {
        Ok(answer == offered || (by_eye && is_yes(answer)))
    })?;
    if !is_right {
        bail!(
            "{} {} {offered}: {}",
            "recognise",
            url.address(),
            words.host_key_refused
        );
    }
    Ok(())
}

pub(super) fn is_yes(answer: &str) -> bool {
    ["y", "yes", "o", "oui"].contains(&answer.to_lowercase().as_str())
}

/// A key of our own: shown, and tried once it was given to the other side.
fn by_key(
    answers: &mut Answers,
    words: &Words,
    place: &remote::Place,
    key: &Path,
) -> anyhow::Result<()> {
    let public = key.with_extension("pub");
    if !key.exists() {
        let pair = remote::key_pair(&format!("reprise@{}", super::box_name()))?;
        files::publish(&public, format!("{}\n", pair.public).as_bytes())
            .with_context(|| format!("write {}", public.display()))?;
        files::publish_new(key, pair.private.as_bytes())
            .with_context(|| format!("write {}; make its folder writable", key.display()))?;
    }
    let line = std::fs::read_to_string(&public).unwrap_or_default();
    if place.make().is_ok() {
        return Ok(());
    }
    let (host, user) = (place.url.address(), place.url.user.as_str());
    let shown = fill(words.ssh_key, &[user, &host, line.trim()]);
    if !answers.is_terminal() {
        terminal::note(&shown);
        place.make()?;
        return Ok(());
    }
    let question = Question {
        name: "ssh_password_file",
        text: &shown,
        fallback: Some(""),
        is_secret: false,
    };
    answers.ask(&question, |_| Ok(place.make().map(drop)?))
}

/// Makes the vault, or opens the one that is there: with the password an earlier try left, else with one that is typed.
fn vault(
    answers: &mut Answers,
    words: &Words,
    target: LocalTarget,
    password_file: &Path,
    now: Timestamp,
) -> anyhow::Result<Vault> {
    let target = Arc::new(target);
    let shown = terminal::shown(&vault::target::Target::describe(&*target));
    // On disk before the vault is: a vault whose password is lost is good for nothing, also when it is empty.
    let is_new = !password_file.exists();
    if is_new {
        write_new(password_file, &state::id::password())?;
    }
    let secret = Secret::from_file(password_file)?;
    match Vault::create_labelled(target.clone(), &secret, KdfCost::NORMAL, "setup", now.0) {
        Ok(made) => {
            let file = password_file.display().to_string();
            terminal::note(&fill(words.vault_made, &[&shown, &file]));
            return Ok(made);
        }
        Err(vault::Error::AlreadyAVault { .. }) if is_new => {
            std::fs::remove_file(password_file)
                .with_context(|| format!("remove {}", password_file.display()))?;
        }
        Err(vault::Error::AlreadyAVault { .. }) => {}
        Err(other) => return Err(other.into()),
    }
    if password_file.exists()
        && let Ok(vault) = Vault::open(target.clone(), &Secret::from_file(password_file)?)
    {
        terminal::note(&fill(words.vault_opened, &[&shown]));
        return Ok(vault);
    }
    let question = Question {
        name: "vault_password_file",
        text: &fill(words.vault_there, &[&shown]),
        fallback: None,
        is_secret: true,
    };
    let (vault, typed) = answers.ask(&question, |typed| {
        let secret = Secret::new(typed.as_bytes().to_vec());
        Ok((Vault::open(target.clone(), &secret)?, typed.to_owned()))
    })?;
    if password_file.exists() {
        bail!(
            "write the vault's password to {}: another one is in it already; move that file away, then begin again",
            password_file.display()
        );
    }
    write_new(password_file, &typed)?;
    terminal::note(&fill(words.vault_opened, &[&shown]));
    Ok(vault)
}

pub(super) fn write_new(path: &Path, secret: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        files::folder(folder)?;
    }
    files::publish_new(path, format!("{secret}\n").as_bytes())
        .with_context(|| format!("write {}; make its folder writable", path.display()))
}

pub(super) fn write_over(path: &Path, secret: &str) -> anyhow::Result<()> {
    files::publish(path, format!("{secret}\n").as_bytes())
        .with_context(|| format!("write {}; make its folder writable", path.display()))
}
