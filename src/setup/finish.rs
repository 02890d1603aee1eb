//! After the configuration is written: the paper key, the service, the words typed back, and what to do next.

use super::answers::{Answers, Question};
use super::interview::Agreed;
use super::words::{Words, fill};
use crate::door::Door;
use crate::paper::{paper, typed_back};
use crate::{file as files, serve, terminal};
use anyhow::{Context, anyhow};
use config::Config;
use serde_json::json;
use state::Timestamp;
use std::path::Path;
use std::process::{Command, Stdio};
use vault::{KeyKind, RecoveryKey};

/// The configuration that the packaged service reads.
const PACKAGED: &str = "/etc/reprise/reprise.toml";

/// `on_paper`: where the page goes; else to the terminal, when there is one.
pub(crate) fn finish(
    answers: &mut Answers,
    words: &Words,
    agreed: Agreed,
    on_paper: Option<&Path>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let Agreed {
        config,
        chosen,
        plan,
    } = agreed;
    let key = paper_key(answers, words, &chosen.vault, on_paper, now)?;
    drop(chosen.vault);
    let typed = match &key {
        Some(key) if answers.is_terminal() => type_back(answers, words, key)?,
        _ => false,
    };
    let is_started = start(words, &config);
    if let (true, Some(key)) = (typed, &key) {
        confirm(words, &config, &chosen.name, key)?;
    } else if key.is_some() {
        terminal::note(words.typed_later);
    }
    let port = config.console.listen.port();
    for url in serve::urls(&config, port) {
        terminal::note(&fill(words.console, &[&url]));
    }
    let first = config.appliance.state_dir.join("admin-password");
    if let Ok(password) = std::fs::read_to_string(&first)
        && is_started
    {
        terminal::note(&fill(words.one_time, &[password.trim()]));
    }
    let hour = config.plan(&plan).and_then(|plan| plan.at);
    let hour = hour.map(|at| at.to_string()).unwrap_or_default();
    terminal::note(&fill(words.next, &[&hour, &plan]));
    Ok(())
}

/// Makes the recovery key of the vault and puts it on paper; none when the vault has one, or nobody could read it.
fn paper_key(
    answers: &Answers,
    words: &Words,
    vault: &vault::Vault,
    on_paper: Option<&Path>,
    now: Timestamp,
) -> anyhow::Result<Option<RecoveryKey>> {
    let (keys, _) = vault.keys()?;
    let has_one = keys.iter().any(|key| key.kind == KeyKind::Recovery);
    if has_one || (on_paper.is_none() && !answers.is_terminal()) {
        return Ok(None);
    }
    let key = RecoveryKey::generate()?;
    let place = terminal::shown(&vault.target().describe());
    let page = paper(
        &key,
        &place,
        &crate::command::vault::when(now.0),
        on_paper.is_none(),
    )?;
    terminal::note(&format!("\n{}\n", words.paper));
    // On paper before it opens anything, as `reprise vault key recovery` does it.
    match on_paper {
        Some(path) => {
            files::publish_new(path, page.as_bytes()).with_context(|| {
                format!(
                    "write {}; name a file that is not there yet",
                    path.display()
                )
            })?;
            terminal::note(&fill(words.paper_file, &[&path.display().to_string()]));
        }
        None => terminal::note(&page),
    }
    vault.add_recovery(&key, "setup", now.0)?;
    Ok(Some(key))
}

/// Did a person show that the paper exists?
fn type_back(answers: &mut Answers, words: &Words, key: &RecoveryKey) -> anyhow::Result<bool> {
    let question = Question {
        name: "words",
        text: words.typed,
        fallback: None,
        is_secret: false,
    };
    answers.ask(&question, |typed| {
        if typed.is_empty() {
            return Ok(false);
        }
        let wrong = |what: String| anyhow!(fill(words.typed_wrong, &[&what]));
        typed_back(key, typed).map(|()| true).map_err(wrong)
    })
}

/// The vault is opened with the words for real, and the journal keeps it: services count as protected from then on.
fn confirm(words: &Words, config: &Config, target: &str, key: &RecoveryKey) -> anyhow::Result<()> {
    let typed = json!({ "secret": key.words().join(" ") });
    let path = format!("/control/targets/{}/key", crate::control::encoded(target));
    let kept = Door::open(config.clone()).and_then(|door| door.post_patiently(&path, &typed));
    match kept {
        Ok(_) => terminal::note(words.typed_good),
        // The configuration is written and the paper is good; this can be made up for.
        Err(error) => {
            terminal::note(&terminal::causes(&error));
            terminal::note(words.typed_later);
        }
    }
    Ok(())
}

/// The packaged service reads the configuration at its start only.
fn start(words: &Words, config: &Config) -> bool {
    let is_packaged = config.origin == Path::new(PACKAGED)
        && Path::new("/run/systemd/system").is_dir()
        && systemctl(&["cat", "reprise.service"]);
    if !is_packaged {
        terminal::note(&fill(words.start, &[&config.origin.display().to_string()]));
        return false;
    }
    let is_started = systemctl(&["restart", "reprise.service"]);
    terminal::note(match is_started {
        true => words.restarted,
        false => words.not_restarted,
    });
    is_started
}

fn systemctl(arguments: &[&str]) -> bool {
    let ended = Command::new("systemctl")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ended.is_ok_and(|status| status.success())
}
