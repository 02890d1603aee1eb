//! What no copy of an appliance holds: passwords, keys of other machines, the folders that its plans save.

use config::{Config, Notify};

/// Passwords of other vaults are in no copy, and folders come back from their own snapshots.
pub(super) fn steps(config: &Config) -> Vec<String> {
    let mut steps = Vec::new();
    for target in &config.targets {
        if !target.password_file.exists() {
            steps.push(format!(
                "write the password of target {} into {} (mode 0600)",
                target.name,
                target.password_file.display()
            ));
        }
        if let config::Place::Sftp(there) = &target.place {
            steps.extend(ssh_left_to_do(&target.name, there));
        }
    }
    steps.extend(notify_left_to_do(&config.notify));
    for lost in &config.plans {
        for folder in lost.files.iter().filter(|folder| !folder.exists()) {
            steps.push(format!(
                "bring back {} of plan {}: `reprise restore {}@latest`, or the console",
                folder.display(),
                lost.name,
                lost.name
            ));
        }
    }
    steps
}

/// Keys, log-ins and host keys of other machines are in no copy either.
fn ssh_left_to_do(target: &str, there: &config::Distant) -> Vec<String> {
    let (what, file) = match &there.login {
        config::SshLogin::Key(file) => ("private SSH key", file),
        config::SshLogin::Password(file) => ("SSH password", file),
    };
    let mut steps = Vec::new();
    if !file.exists() {
        steps.push(format!(
            "write the {what} of target {target} into {} (mode 0600), or make a new one and give it to {} on {}",
            file.display(),
            there.url.user,
            there.url.address()
        ));
    }
    if !there.known_hosts.exists() {
        steps.push(format!(
            "confirm the host key of target {target}: `reprise vault snapshots {}` shows it, then again with --host-key, --known-hosts {}",
            there.url,
            there.known_hosts.display()
        ));
    }
    steps
}

/// Without them nobody hears of the next bad night.
fn notify_left_to_do(notify: &Notify) -> Vec<String> {
    let login = notify.mail.as_ref().and_then(|mail| mail.login.as_ref());
    let ping = notify.ping.as_ref().map(|ping| &ping.url_file);
    let files = [
        (
            "password of the mail server",
            login.map(|(_, password)| password),
        ),
        (
            "address of the Mattermost webhook",
            notify.mattermost_url_file.as_ref(),
        ),
        ("address that is pinged", ping),
        (
            "certificates that messages are trusted to",
            notify.ca_file.as_ref(),
        ),
    ];
    let missing = files
        .into_iter()
        .filter_map(|(what, file)| Some((what, file?)))
        .filter(|(_, file)| !file.exists());
    missing
        .map(|(what, file)| {
            format!(
                "write the {what} into {} (mode 0600), then `reprise notify test`",
                file.display()
            )
        })
        .collect()
}
