//! Who is at the other end, and who we are: nothing is sent to the wrong machine, and no login is tried twice.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use remote::{Login, Place};
use vault::target::Error;

use crate::nas::{Kind, Nas, until};

fn refused(place: &Place) -> String {
    match place.open() {
        Err(error @ Error::Unreachable { .. }) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was let in"),
    }
}

/// Each part is in the text.
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn a_host_is_pinned_once_it_was_confirmed_and_never_changes_silently() {
    let mut nas = Nas::start(Kind::default());
    let mut place = nas.place("volume1");
    let known = place.known_hosts.clone();
    let (right, other) = (nas.fingerprint("host"), nas.fingerprint("other_host"));
    let address = format!("127.0.0.1:{}", nas.port);

    place.host_key = None;
    place.login = Login::Password(nas.folder.join("password"));
    says(
        &refused(&place),
        &[
            &address,
            &right,
            "--host-key",
            "ssh-keygen",
            known.to_str().unwrap(),
        ],
    );
    assert!(!known.exists(), "an unconfirmed key was pinned");

    place.host_key = Some(other.clone());
    says(&refused(&place), &[&right, &other]);
    assert!(!known.exists(), "an unconfirmed key was pinned");
    assert_eq!(nas.said("password"), 0, "a password went to a stranger");

    place.host_key = Some(right.clone());
    place.open().unwrap();
    let pinned = fs::read_to_string(&known).unwrap();
    assert_eq!(pinned.lines().count(), 1, "{pinned}");
    assert!(pinned.starts_with(&format!("[127.0.0.1]:{} ssh-ed25519 ", nas.port)));
    assert_eq!(
        fs::metadata(&known).unwrap().permissions().mode() & 0o777,
        0o600
    );

    place.host_key = None;
    place.open().unwrap();
    assert_eq!(fs::read_to_string(&known).unwrap(), pinned);

    // Hashed by somebody else's tool it is still the same.
    let hashed = std::process::Command::new("ssh-keygen")
        .args(["-q", "-H", "-f"])
        .arg(&known)
        .output()
        .unwrap();
    assert!(hashed.status.success(), "{hashed:?}");
    let pinned = fs::read_to_string(&known).unwrap();
    assert!(pinned.starts_with("|1|"), "{pinned}");
    place.open().unwrap();
    assert_eq!(fs::read_to_string(&known).unwrap(), pinned);

    let accepted = nas.said("Accepted password");
    nas.stop();
    nas.start_again("other_host");
    for given in [None, Some(other.clone())] {
        place.host_key = given;
        says(
            &refused(&place),
            &[
                &address,
                &right,
                &other,
                "nothing was sent",
                known.to_str().unwrap(),
            ],
        );
    }
    assert_eq!(fs::read_to_string(&known).unwrap(), pinned);
    assert_eq!(nas.said("Accepted password"), accepted);
    assert_eq!(nas.said("Failed password"), 0, "a password was sent");
}

#[test]
fn a_wrong_password_is_sent_once() {
    let nas = Nas::start(Kind::default());
    let mut place = nas.place("volume1");
    place.login = Login::Password(nas.folder.join("wrong_password"));
    let said = refused(&place);
    says(
        &said,
        &[
            "nas",
            "127.0.0.1",
            "wrong_password",
            "auto-block",
            "tried once",
        ],
    );
    assert!(!said.contains("portes"), "{said}");
    assert_eq!(nas.said("Failed password"), 1);
    place.login = Login::Password(nas.folder.join("password"));
    place.open().unwrap();
}

#[test]
fn a_server_that_takes_no_password_is_not_asked_again() {
    // Without PAM, OpenSSH asks no question by keyboard-interactive.
    let nas = Nas::start(Kind {
        lines: "PasswordAuthentication no\nKbdInteractiveAuthentication yes",
        ..Kind::default()
    });
    let mut place = nas.place("volume1");
    place.login = Login::Password(nas.folder.join("password"));
    says(&refused(&place), &["refused the login", "tried once"]);
}

#[test]
fn a_wrong_key_is_shown_once() {
    let nas = Nas::start(Kind::default());
    let mut place = nas.place("volume1");
    place.login = Login::Key(nas.folder.join("wrong_key"));
    says(
        &refused(&place),
        &["wrong_key", "authorized keys", "tried once"],
    );
    assert_eq!(nas.said("Failed publickey"), 1);
}

#[test]
fn files_that_cannot_serve_are_named_before_anything_is_sent() {
    let nas = Nas::start(Kind::default());
    // The one that asked whether it listens.
    until("it is logged", || nas.said("Connection from") == 1);
    let at = |name: &str| nas.folder.join(name);
    let locked = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "a passphrase", "-f"])
        .arg(at("locked"))
        .status();
    assert!(locked.unwrap().success());
    fs::write(at("empty"), "\nsecond line\n").unwrap();
    for (login, parts) in [
        (Login::Key(at("missing")), ["missing", "ssh-keygen"]),
        (Login::Key(at("key.pub")), ["key.pub", "private key"]),
        (Login::Key(at("locked")), ["locked", "passphrase"]),
        (Login::Key(at("disks")), ["disks", "not a small file"]),
        (Login::Password(at("missing")), ["missing", "first line"]),
        (Login::Password(at("empty")), ["empty", "first line"]),
    ] {
        let mut place = nas.place("volume1");
        place.login = login;
        says(&refused(&place), &parts);
    }
    assert_eq!(nas.said("Connection from"), 1);
}

#[test]
fn a_server_without_sftp_is_said() {
    let nas = Nas::start(Kind {
        lines: "Match User nas\nForceCommand echo Welcome to this machine, dear user",
        ..Kind::default()
    });
    says(&refused(&nas.place("volume1")), &["SFTP", "nas"]);
}

/// Old RSA keys are what many NAS users have; the server's own key may be one too.
#[test]
fn rsa_keys_on_both_sides_are_understood() {
    let mut nas = Nas::start(Kind::default());
    for name in ["rsa", "rsa_host"] {
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f"])
            .arg(nas.folder.join(name))
            .status();
        assert!(made.unwrap().success());
    }
    fs::copy(
        nas.folder.join("rsa.pub"),
        nas.folder.join("authorized_keys"),
    )
    .unwrap();
    nas.stop();
    nas.start_again("rsa_host");
    let mut place = nas.place("volume1");
    place.login = Login::Key(nas.folder.join("rsa"));
    place.host_key = Some(nas.fingerprint("rsa_host"));
    place.open().unwrap();
    place.host_key = None;
    place.open().unwrap();
    let pinned = fs::read_to_string(&place.known_hosts).unwrap();
    assert!(pinned.contains(" ssh-rsa "), "{pinned}");
    assert_eq!(nas.said("Accepted publickey"), 2);
}

/// The way in which servers with PAM ask for a password.
#[test]
fn a_password_is_given_where_the_server_asks_questions() {
    let nas = Nas::start(Kind {
        lines: "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes",
        mounts: "printf 'auth required pam_unix.so\\naccount required pam_permit.so\\nsession required pam_permit.so\\n' > pam; \
                 mount --bind pam /etc/pam.d/sshd",
        ..Kind::default()
    });
    let mut place = nas.place("volume1");
    place.login = Login::Password(nas.folder.join("password"));
    place.open().unwrap();
    assert_eq!(nas.said("Accepted keyboard-interactive"), 1);
    place.login = Login::Password(nas.folder.join("wrong_password"));
    says(
        &refused(&place),
        &["refused the login", "wrong_password", "tried once"],
    );
}
