//! `reprise vault key`: several passwords, and a recovery key on paper.

use crate::harness::{Temp, cli};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

struct Place {
    folder: Temp,
    url: String,
}

impl Place {
    fn new() -> Place {
        let folder = Temp::new();
        for (name, password) in [("first", "correct horse"), ("second", "battery staple")] {
            std::fs::write(folder.join(name), format!("{password}\n")).expect("a password");
        }
        let url = folder.join("vault").display().to_string();
        Place { folder, url }
    }

    /// `with` is `--password-file` or `--recovery-key`, and its file.
    fn run(&self, verbs: &[&str], rest: &[&str], with: (&str, &str)) -> Output {
        let file = self.folder.join(with.1).display().to_string();
        let mut all = vec!["vault"];
        all.extend(verbs);
        all.push(&self.url);
        all.extend(rest);
        all.extend([with.0, &file]);
        cli(self.folder.path(), &all)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

const FIRST: (&str, &str) = ("--password-file", "first");
const SECOND: (&str, &str) = ("--password-file", "second");
const PAPER: (&str, &str) = ("--recovery-key", "paper");

fn done(output: &Output) -> Value {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

fn refused(output: &Output, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(says) && said.trim_end().lines().count() == 1,
        "{said}"
    );
}

#[test]
fn a_vault_is_opened_by_each_of_its_passwords_and_by_what_is_on_paper() {
    let place = Place::new();
    done(&place.run(&["init"], &[], FIRST));
    let (second, paper) = (place.path("second"), place.path("paper"));
    let new = ["--new-password-file", &second, "--label", "Jeanne"];
    done(&place.run(&["key", "add"], &new, FIRST));
    // Not where its output may be kept by chance.
    refused(&place.run(&["key", "recovery"], &[], FIRST), "--out");
    let out = ["--out", &paper, "--label", "the safe"];
    done(&place.run(&["key", "recovery"], &out, FIRST));
    let mode = std::fs::metadata(&paper).expect("the paper").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    for with in [FIRST, SECOND, PAPER] {
        done(&place.run(&["snapshots"], &[], with));
    }
    let listed = done(&place.run(&["key", "list"], &["--json"], PAPER));
    let keys = listed["keys"].as_array().expect("keys");
    let shown: Vec<_> = keys
        .iter()
        .map(|key| {
            (
                key["kind"].as_str(),
                key["label"].as_str(),
                key["in_use"] == true,
            )
        })
        .collect();
    let want = [
        (Some("password"), Some("first"), false),
        (Some("password"), Some("Jeanne"), false),
        (Some("recovery key"), Some("the safe"), true),
    ];
    assert_eq!(shown, want);
    let id = |at: usize| keys[at]["id"].as_str().expect("an id").to_owned();
    done(&place.run(&["key", "remove"], &[&id(0)], SECOND));
    refused(&place.run(&["snapshots"], &[], FIRST), "wrong password");
    done(&place.run(&["key", "remove"], &[&id(2)[..8]], SECOND));
    refused(&place.run(&["snapshots"], &[], PAPER), "recovery key");
    refused(
        &place.run(&["key", "remove"], &[&id(1)], SECOND),
        "no other opens",
    );
    let first = place.path("first");
    let new = ["--new-password-file", &first];
    done(&place.run(&["key", "change"], &new, SECOND));
    refused(&place.run(&["snapshots"], &[], SECOND), "wrong password");
    done(&place.run(&["snapshots"], &[], FIRST));
}
