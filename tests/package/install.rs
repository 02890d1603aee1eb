//! Made, judged, installed, started, upgraded, removed, purged.

use crate::deb;
use crate::harness::{Temp, ask, eventually, tool};
use crate::room::{Base, Room, own_network, said};
use serde_json::Value;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

#[test]
fn the_same_source_makes_the_same_bytes_and_debian_has_nothing_to_say() {
    let folder = Temp::new();
    let again = deb::make(&deb::stripped(folder.path()), folder.path());
    let (one, other) = (std::fs::read(deb::made()), std::fs::read(&again));
    assert!(
        one.expect("one") == other.expect("other"),
        "two makings differ"
    );
    let judged = std::process::Command::new("lintian")
        .args(["--no-cfg", "--fail-on", "error,warning", "--allow-root"])
        .arg(&again)
        .output()
        .expect("start lintian; ./test installs it");
    assert!(judged.status.success(), "{}", said(&judged));
}

#[test]
fn the_unit_is_sound_and_gives_little_away() {
    let folder = Temp::new();
    let text = include_str!("../../packaging/reprise.service");
    // Where the program is on this machine, which has no package installed.
    let here = text.replace(
        "=/usr/bin/reprise ",
        concat!("=", env!("CARGO_BIN_EXE_reprise"), " "),
    );
    let unit = folder.join("reprise.service");
    std::fs::write(&unit, here).expect("the unit");
    let unit = unit.display().to_string();
    let verified = tool("systemd-analyze", &["verify", "--man=no", &unit]);
    assert_eq!(verified.trim(), "");
    // What is left is root and its files, without which nothing can be saved and given back.
    tool(
        "systemd-analyze",
        &["security", "--offline=yes", "--threshold=57", &unit],
    );
}

/// Facts of the journal, by kind.
fn kinds(room: &Room) -> Vec<String> {
    let listed = room.done("reprise", &["state", "list", "--json"]);
    assert_eq!(
        listed.trim(),
        "[]",
        "no copy is kept without an upgrade of tables"
    );
    let text = std::fs::read(room.at("var/lib/reprise/state/ports.json")).expect("ports.json");
    let ports: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!(ports["console"], 8443);
    let socket = room.at("var/lib/reprise/state/control.sock");
    let (status, journal) = ask(&socket, "GET", "/api/journal?after=0&limit=1000", "");
    assert_eq!(status, 200, "{journal}");
    let facts = journal.as_array().expect("facts").clone();
    facts
        .iter()
        .map(|f| f["fact"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_package_is_installed_started_upgraded_removed_and_purged() {
    let folder = Temp::new();
    own_network(Base::Bare);
    let room = Room::new(Base::Bare);

    let told = room.install(deb::made());
    assert!(told.contains("reprise setup"), "{told}");
    let config = room.at("etc/reprise/reprise.toml");
    let mode = |path: &Path| std::fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!(
        (mode(&config), mode(&room.at("etc/reprise"))),
        (0o600, 0o700)
    );
    let checked = room.done("reprise", &["config", "check"]);
    assert!(checked.contains("0 target(s), 0 plan(s)"), "{checked}");
    assert!(
        room.at("etc/systemd/system/multi-user.target.wants/reprise.service")
            .is_symlink()
    );
    // dpkg knows every file as it is, and none of them is the configuration: it is the administrator's.
    assert_eq!(room.done("dpkg", &["--verify", "reprise"]).trim(), "");
    // The pages are pages, and completion is for this shell.
    let page = room
        .at("usr/share/man/man1/reprise-vault-backup.1.gz")
        .display()
        .to_string();
    let shown = tool("man", &["--warnings", "-l", &page]);
    assert!(shown.contains("reprise vault backup"), "{shown}");
    room.done(
        "bash",
        &["-n", "/usr/share/bash-completion/completions/reprise"],
    );

    let service = room.serve();
    // NET_ADMIN, SYS_MODULE, SYS_RAWIO, SYS_PTRACE, SYS_BOOT, SYS_TIME (linux/capability.h)
    for not_ours in [12, 16, 17, 19, 22, 25] {
        assert_eq!((service.capabilities() >> not_ours) & 1, 0, "{not_ours}");
    }
    service.hears("WATCHDOG=1");
    assert!(kinds(&room).contains(&"appliance_started".to_owned()));
    let status = room.done("reprise", &["pra", "status"]);
    assert!(status.contains("Nothing is saved yet"), "{status}");

    // The administrator edits; an upgrade beside the running service leaves it be.
    let edited = [std::fs::read(&config).expect("it"), b"# mine\n".to_vec()].concat();
    std::fs::write(&config, &edited).expect("edited");
    room.install(&deb::with_version(deb::made(), "99.1", &folder));
    assert_eq!(std::fs::read(&config).expect("kept"), edited);
    let before = kinds(&room);
    service.stop();
    let service = room.serve();
    let after = kinds(&room);
    assert_eq!(&after[..before.len()], before);
    assert_eq!(
        after.iter().filter(|k| *k == "appliance_started").count(),
        2
    );
    service.stop();
    // Back again: dpkg warns, and nothing else.
    room.install(deb::made());
    assert_eq!(std::fs::read(&config).expect("kept"), edited);

    // Removed: what it knows stays, also for a second installation; a configuration that was removed is not made again.
    std::fs::create_dir_all(room.at("var/lib/reprise/vault")).expect("a vault");
    std::fs::write(room.at("var/lib/reprise/vault/pack"), "bytes").expect("a vault");
    std::fs::write(room.at("etc/reprise/local-password"), "secret").expect("a password");
    room.done("dpkg", &["-r", "reprise"]);
    assert!(!room.at("usr/bin/reprise").exists());
    assert!(room.at("var/lib/reprise/state/state.db").exists());
    room.install(deb::made());
    assert_eq!(std::fs::read(&config).expect("kept"), edited);
    std::fs::remove_file(&config).expect("removed");
    room.install(deb::made());
    assert!(!config.exists(), "the administrator removed it");

    // Purged, twice over: what the package made is gone, what nobody could make again is there.
    let told = room.done("dpkg", &["-P", "reprise"]);
    assert!(told.contains("is kept"), "{told}");
    assert!(!room.at("var/lib/reprise/state").exists());
    assert!(room.at("var/lib/reprise/vault/pack").exists());
    assert!(room.at("etc/reprise/local-password").exists());
    room.install(deb::made());
    room.done("dpkg", &["-P", "reprise"]);
    assert!(room.at("var/lib/reprise/vault/pack").exists());
}

#[test]
fn with_the_units_capabilities_files_come_back_to_their_owners() {
    own_network(Base::Bare);
    let room = Room::new(Base::Bare);
    room.install(deb::made());
    let share = room.at("srv/compta");
    std::fs::create_dir_all(&share).expect("a share");
    for (name, owner, mode) in [("a", 4242, 0o600), ("b", 33, 0o4750), ("c", 0, 0o000)] {
        let path = share.join(name);
        std::fs::write(&path, name).expect("a file");
        std::os::unix::fs::chown(&path, Some(owner), Some(owner)).expect("an owner");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    }
    std::fs::write(room.at("root/answers"), "folders = /srv/compta\nhour = 2\n").expect("answers");
    let told = room.done(
        "reprise",
        &["setup", "--answers", "/root/answers", "--language", "en"],
    );
    assert!(told.contains("dies with this box"), "{told}");
    let service = room.serve();
    room.done("reprise", &["plan", "run", "compta"]);
    let proven = eventually("a proof", || {
        let proofs = room.run("reprise", &["proof", "list", "--json"]);
        let proofs: Value = serde_json::from_slice(&proofs.stdout).ok()?;
        proofs
            .as_array()?
            .iter()
            .find(|p| p["plan"] == "compta")
            .cloned()
    });
    assert_eq!(proven["passed"], true, "{proven}");
    room.done(
        "reprise",
        &["restore", "compta@latest", "--to", "/root/back", "--yes"],
    );
    for name in ["a", "b", "c"] {
        let of = |path: &Path| {
            let found =
                std::fs::metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            (found.uid(), found.gid(), found.mode(), found.len())
        };
        let back = room.at("root/back").join(name);
        assert_eq!(of(&back), of(&share.join(name)), "{name}");
    }
    service.stop();
}

#[test]
fn with_the_units_capabilities_walls_are_built_around_a_database_server() {
    own_network(Base::Bare);
    let room = Room::new(Base::Bare);
    room.install(deb::made());
    // What a proof does before it starts one (backup/databases): a network that is down, mounts, then nobody without rights.
    let script = "mount -n -t tmpfs tmpfs /tmp; exec setpriv --no-new-privs --reuid 65534 --regid 65534 --clear-groups \
                  --inh-caps=-all --ambient-caps=-all --bounding-set=-all -- sh -c 'id -u; grep CapBnd /proc/self/status'";
    let walls = [
        "unshare",
        "--net",
        "--ipc",
        "--pid",
        "--mount",
        "--fork",
        // The room is no mount of its own, whose propagation could be changed.
        "--propagation",
        "unchanged",
        "--",
        "sh",
        "-ec",
        script,
    ];
    let output = room.as_the_unit(&walls).output().expect("start it");
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).starts_with("65534\nCapBnd:\t0000000000000000"),
        "{}",
        said(&output)
    );
}
