//! The questions of `reprise setup`, in their order. The configuration is written last, whole, and only when it reads well.

use super::answers::{Answers, Question};
use super::application::{self, Application};
use super::blocks::{self, Addition, NewMail};
use super::place::{self, Chosen, is_yes};
use super::words::{Words, fill};
use crate::{file as files, terminal};
use anyhow::{Context, anyhow, bail};
use config::Config;
use state::Timestamp;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A mail server that does not answer within this is said not to.
const MAIL_ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// Folders that many a server keeps its data in: proposed when they are there and hold something.
const USUAL: &[&str] = &["/srv", "/home", "/var/www"];

/// What was agreed on; the configuration has it.
pub(crate) struct Agreed {
    pub(crate) config: Config,
    pub(crate) chosen: Chosen,
    pub(crate) plan: String,
}

/// Asks everything; `None` when a person said no at the end.
pub(crate) fn hold(
    answers: &mut Answers,
    words: &Words,
    file: &Path,
    now: Timestamp,
) -> anyhow::Result<Option<Agreed>> {
    let before = std::fs::read_to_string(file)
        .with_context(|| format!("read the configuration {}", file.display()))?;
    let config = read(&before, file)?;
    if answers.is_terminal() {
        terminal::note(words.welcome);
        terminal::note(&fill(words.again, &[&file.display().to_string()]));
    }
    let chosen = place::choose(answers, words, &config, now)?;
    let (folders, applications) = folders(answers, words, &config)?;
    let question = Question {
        name: "hour",
        text: words.hour,
        fallback: Some("02:00"),
        is_secret: false,
    };
    let at = answers.ask(&question, |answer| {
        let padded = match answer.split_once(':') {
            Some((hour, minute)) => format!("{hour:0>2}:{minute}"),
            None => format!("{answer:0>2}:00"),
        };
        config::time(&padded).map_err(|what| anyhow!(what))
    })?;
    let mail = match has_messages(&before) {
        true => None,
        false => mail(answers, words, file)?,
    };
    let addition = Addition {
        new_target: chosen.new.clone(),
        target: chosen.name.clone(),
        plans: blocks::plans(folders, applications, &config),
        at,
        mail,
    };
    let added = blocks::text(&addition);
    let after = format!("{}\n{added}", before.trim_end_matches('\n'));
    let config = read(&after, file)?;
    terminal::note(&format!(
        "\n{}\n{added}",
        fill(words.summary, &[&file.display().to_string()])
    ));
    let question = Question {
        name: "go",
        text: words.go,
        fallback: Some(words.yes),
        is_secret: false,
    };
    if !answers.ask(&question, |answer| Ok(is_yes(answer)))? {
        terminal::note(words.nothing);
        return Ok(None);
    }
    files::publish(file, after.as_bytes())
        .with_context(|| format!("write {}; make its folder writable", file.display()))?;
    terminal::note(&fill(words.written, &[&file.display().to_string()]));
    Ok(Some(Agreed {
        config,
        chosen,
        plan: addition
            .plans
            .first()
            .map(|plan| plan.name.clone())
            .unwrap_or_default(),
    }))
}

fn read(text: &str, file: &Path) -> anyhow::Result<Config> {
    config::parse(text, file).map_err(|complaints| {
        for complaint in &complaints.0 {
            terminal::note(&complaint.to_string());
        }
        anyhow!(
            "read {}; correct what the lines above name, then begin again: it was not changed",
            file.display()
        )
    })
}

/// TOML takes a table once only.
fn has_messages(text: &str) -> bool {
    let tables = text.lines().map(str::trim_start);
    tables
        .into_iter()
        .any(|line| line.starts_with("[notify]") || line.starts_with("notify"))
}

/// Folders as they are, and those where an application is installed.
fn folders(
    answers: &mut Answers,
    words: &Words,
    config: &Config,
) -> anyhow::Result<(Vec<PathBuf>, Vec<Application>)> {
    let usual: Vec<&str> = USUAL
        .iter()
        .copied()
        .filter(|folder| holds_something(Path::new(folder)).unwrap_or(false))
        .collect();
    let usual = usual.join(", ");
    let question = Question {
        name: "folders",
        text: words.folders,
        fallback: Some(&usual),
        is_secret: false,
    };
    answers.ask(&question, |answer| {
        let named = answer.split(',').map(str::trim).filter(|f| !f.is_empty());
        let (mut folders, mut applications) = (Vec::new(), Vec::new());
        for name in named {
            let path = PathBuf::from(name);
            if !path.is_absolute() {
                bail!(fill(words.folder_relative, &[name]));
            }
            match holds_something(&path) {
                Ok(true) => {}
                Ok(false) => terminal::note(&fill(words.folder_empty, &[name])),
                Err(error) => bail!(fill(words.folder_unread, &[name, &error.to_string()])),
            }
            match application::in_folder(&path, words, &config.appliance.state_dir)? {
                Some(found) if !applications.contains(&found) => applications.push(found),
                None if !folders.contains(&path) => folders.push(path),
                _ => {}
            }
        }
        if folders.is_empty() && applications.is_empty() {
            bail!(words.folder_none);
        }
        Ok((folders, applications))
    })
}

/// A file that can be read, or a folder that can be listed and has an entry.
fn holds_something(path: &Path) -> std::io::Result<bool> {
    match std::fs::metadata(path)?.is_dir() {
        true => Ok(std::fs::read_dir(path)?.next().transpose()?.is_some()),
        false => std::fs::File::open(path).map(|_| true),
    }
}

fn mail(answers: &mut Answers, words: &Words, file: &Path) -> anyhow::Result<Option<NewMail>> {
    let question = Question {
        name: "mail",
        text: words.mail,
        fallback: None,
        is_secret: false,
    };
    let to = answers.ask(&question, |answer| match answer {
        "" => Ok(None),
        address => config::mailbox(address)
            .map(Some)
            .map_err(|what| anyhow!(what)),
    })?;
    let Some(to) = to else {
        return Ok(None);
    };
    let domain = to.rsplit_once('@').map_or("", |(_, domain)| domain);
    let question = Question {
        name: "mail_server",
        text: words.mail_server,
        fallback: Some(&format!("smtp.{domain}:587")),
        is_secret: false,
    };
    let server = answers.ask(&question, |answer| {
        let server = config::server(answer).map_err(|what| anyhow!(what))?;
        answers_there(&server)?;
        Ok(server)
    })?;
    let keys = file.parent().unwrap_or(Path::new("/etc/reprise"));
    let password_file = keys.join("mail-password");
    let question = Question {
        name: "mail_password_file",
        text: &fill(words.mail_password, &[&to, &server]),
        fallback: None,
        is_secret: true,
    };
    let is_given = answers.ask(&question, |password| {
        if password.is_empty() {
            return Ok(false);
        }
        place::write_over(&password_file, password)?;
        Ok(true)
    })?;
    Ok(Some(NewMail {
        to,
        server,
        password_file: is_given.then_some(password_file),
    }))
}

/// Is there a server? What it says to a mail is tried by `reprise notify test`.
fn answers_there(server: &str) -> anyhow::Result<()> {
    let addresses = server.to_socket_addrs().with_context(|| {
        format!("find the mail server {server}; correct its name, or this box's DNS")
    })?;
    let mut last = anyhow!("it has no address");
    for address in addresses {
        match std::net::TcpStream::connect_timeout(&address, MAIL_ANSWERS_WITHIN) {
            Ok(_) => return Ok(()),
            Err(error) => last = error.into(),
        }
    }
    Err(last).with_context(|| {
        format!(
            "reach the mail server {server}; correct its port, or let this box through the firewall"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_messages_is_seen() {
        for (text, is_there) in [
            ("[notify]\nsmtp = \"x\"", true),
            ("  [notify] # mine", true),
            ("notify = { morning = \"06:00\" }", true),
            ("#[notify]\n[console]", false),
        ] {
            assert_eq!(has_messages(text), is_there, "{text}");
        }
    }
}
