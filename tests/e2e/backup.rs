//! `reprise vault backup`: what is left out, streams, dry runs, and Ctrl-C.

use crate::harness::{Temp, cli, tool};
use serde_json::Value;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::process::{Command, Output, Stdio};

struct Place {
    folder: Temp,
    vault: String,
    source: String,
}

impl Place {
    fn new() -> Place {
        let folder = Temp::new();
        std::fs::write(folder.join("password"), "correct horse\n").expect("a password");
        let source = folder.join("source");
        std::fs::create_dir(&source).expect("a folder");
        let place = Place {
            vault: folder.join("vault").display().to_string(),
            source: source.display().to_string(),
            folder,
        };
        assert!(place.run(&["init", &place.vault]).status.success());
        place
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let password = self.folder.join("password");
        let password = password.to_str().expect("plain text");
        let all = [&["vault"], arguments, &["--password-file", password]].concat();
        cli(self.folder.path(), &all)
    }

    fn backup(&self, arguments: &[&str]) -> Output {
        self.run(&[&["backup", self.vault.as_str(), "--json"], arguments].concat())
    }

    fn snapshots(&self) -> usize {
        let listed = done(&self.run(&["snapshots", &self.vault, "--json"]));
        listed["snapshots"].as_array().map_or(0, Vec::len)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn what_is_left_out_is_counted_and_a_dry_run_saves_nothing() {
    let place = Place::new();
    let file = |name: &str, text: &str| {
        let path = place.folder.join("source").join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    file("a.txt", "a");
    file("a.tmp", "a");
    file("logs/today", "a");
    file(
        "target/CACHEDIR.TAG",
        "Signature: 8a477f597d28d172789f06886806bc55",
    );
    file("target/big", "a");
    let lines = place.folder.join("lines");
    std::fs::write(&lines, "\u{feff}# what need not be saved\r\nlogs/\r\n").expect("a file");
    let lines = lines.display().to_string();
    let rules = ["--exclude", "*.tmp", "--exclude-from", &lines];
    let with = |more: &[&str]| {
        let source = [place.source.as_str()];
        place.backup(&[&source, rules.as_slice(), more].concat())
    };
    let would = done(&with(&["--dry-run"]));
    assert_eq!(would["would"]["new"]["files"], 2, "{would}");
    assert_eq!(would["would"]["excluded"], 3, "{would}");
    assert_eq!(place.snapshots(), 0);
    let saved = done(&with(&[]));
    assert_eq!(
        (&saved["files"], &saved["tally"]),
        (&2.into(), &would["would"])
    );
    let more = done(&with(&["--caches"]));
    assert_eq!(more["files"], 3, "{more}");
    let root = with(&["--exclude", &place.source]);
    assert_eq!(root.status.code(), Some(1));
    assert!(said(&root).contains("excludes it"), "{}", said(&root));
}

#[test]
fn a_command_that_fails_saves_nothing() {
    let place = Place::new();
    let run = |command: &str| place.backup(&["--command", command, "--name", "dump.sql"]);
    let failed = run("echo half a dump; exit 3");
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        said(&failed).contains("exit status: 3"),
        "{}",
        said(&failed)
    );
    let empty = run("true");
    assert!(said(&empty).contains("gave nothing"), "{}", said(&empty));
    assert_eq!(place.snapshots(), 0);
    let saved = done(&run("echo a whole dump"));
    assert_eq!((&saved["files"], &saved["bytes"]), (&1.into(), &13.into()));
    let cat = place.run(&["cat", &place.vault, "latest", "dump.sql"]);
    assert_eq!(cat.stdout, b"a whole dump\n");
}

#[test]
fn holes_are_left_out_at_the_end_of_a_file_and_written_everywhere_else() {
    let place = Place::new();
    let disk = place.folder.join("source/disk.raw");
    let sparse = std::fs::File::create(&disk).expect("a file");
    sparse.write_all_at(b"boot", 0).expect("written");
    sparse.write_all_at(b"data", 20 << 20).expect("written");
    sparse.set_len(32 << 20).expect("made longer");
    let all = std::fs::read(&disk).expect("read");
    done(&place.backup(&[&place.source]));
    let path = disk.display().to_string();
    let out = place.folder.join("out");
    let shown = out.display().to_string();
    let cat = |more: &[&str]| {
        let cat = place.run(&[&["cat", &place.vault, "latest", &path], more].concat());
        assert!(cat.status.success(), "{}", said(&cat));
        cat.stdout
    };
    let check = |before: &[u8], want: &[u8]| {
        let found = std::fs::read(&out).expect("read");
        assert!(found.starts_with(before) && found[before.len()..] == *want);
        let held = std::fs::metadata(&out).expect("there").blocks() * 512;
        std::fs::remove_file(&out).expect("removed");
        held
    };
    cat(&["--output", &shown]);
    let held = check(b"", &all);
    assert!(held < 8 << 20, "{held} bytes on the disk");
    // Shifted: the end of a hole, and a hole as the end.
    cat(&["--output", &shown, "--offset", "5", "--length", "30000000"]);
    let held = check(b"", &all[5..30_000_005]);
    assert!(held < 8 << 20, "{held} bytes on the disk");
    assert!(cat(&[]) == all, "through a pipe");
    // A shell's redirections: behind what is there, and over it.
    let redirected = |redirection: &str, before: &[u8]| {
        std::fs::write(&out, before).expect("a file");
        let password = place.folder.join("password").display().to_string();
        let program = env!("CARGO_BIN_EXE_reprise");
        let line = format!(
            "'{program}' vault cat '{}' latest '{path}' --password-file '{password}' {redirection} '{shown}'",
            place.vault
        );
        tool("sh", &["-c", &line]);
    };
    redirected(">>", b"before");
    check(b"before", &all);
    redirected("1<>", &[7; 40 << 20]);
    check(b"", &[all.as_slice(), &[7; 8 << 20]].concat());
}

#[test]
fn ctrl_c_ends_a_backup_cleanly() {
    let place = Place::new();
    let password = place.folder.join("password");
    let mut backup = Command::new(env!("CARGO_BIN_EXE_reprise"))
        .args([
            "vault",
            "backup",
            &place.vault,
            "--stdin",
            "--name",
            "stream",
        ])
        .arg("--password-file")
        .arg(password)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut input = backup.stdin.take().expect("its input");
    // More than a pipe holds: it is at work.
    input.write_all(&[7; 4 << 20]).expect("it reads");
    tool("kill", &["-INT", &backup.id().to_string()]);
    // It goes on reading until it looks whether it should stop; then nobody reads any more.
    while input.write_all(&[7; 1 << 16]).is_ok() {}
    let ended = backup.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    assert!(
        said(&ended).contains("used again by the next run"),
        "{}",
        said(&ended)
    );
    assert_eq!(place.snapshots(), 0);
}
