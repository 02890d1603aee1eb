//! A configuration that cannot be used: every error at once, with its place.

use crate::harness::{Appliance, Start, Temp, cli, config_text, prepare};
use std::process::Output;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_error_is_named_with_file_line_and_column_and_nothing_is_started() {
    let folder = Temp::new();
    let text = "[appliance]\nname = \"test\"\nstate_dir = \"state\"\n\
                [[network]]\nintreface = \"eth0\"\n\
                [[target]]\nname = \"nas\"\nurl = 12\npassword_file = \"password\"\n\
                [[plan]]\nname = \"compta\"\nfiles = [\"/srv\"]\ntargets = [\"nass\"]\n";
    prepare(&folder, text);
    let place = folder.join("reprise.toml").display().to_string();
    let check = cli(folder.path(), &["config", "check"]);
    assert_eq!(check.status.code(), Some(1));
    let errors = said(&check);
    for expected in [
        format!("{place}:5:1: unknown key `intreface`"),
        "did you mean `interface`?".to_owned(),
        format!("{place}:8:7:"),
        format!("{place}:13:"),
    ] {
        assert!(errors.contains(&expected), "{expected} in {errors}");
    }
    let (status, log) = Appliance::launch(&folder, Start::default()).ends();
    assert_eq!(status.code(), Some(1));
    for line in errors.lines() {
        assert!(log.contains(line), "{line} in {log}");
    }
    assert!(!folder.join("state").exists(), "nothing was started");
}

#[test]
fn a_missing_half_written_or_foreign_file_is_one_sentence() {
    let folder = Temp::new();
    let file = folder.join("reprise.toml");
    let place = file.display().to_string();
    let refused = |expected: &str| {
        let (status, log) = Appliance::launch(&folder, Start::default()).ends();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(
            log.contains(&place) && log.contains(expected),
            "{expected}: {log}"
        );
        assert!(!folder.join("state").exists(), "nothing was started");
    };
    refused("no such file");
    let whole = config_text("");
    // Cut in the middle of a string, as a full disk or a power cut leaves it.
    let cut = whole.find("vault\"").expect("the target") + 3;
    std::fs::write(&file, &whole[..cut]).expect("half");
    refused(&format!("{place}:10:"));
    refused("half written, put your copy back");
    std::fs::write(&file, vec![0; 4096]).expect("zeros");
    refused("zero bytes");
    std::fs::write(&file, "").expect("empty");
    refused("is empty");
    std::fs::write(&file, b"name = \"\xff\"").expect("not text");
    refused("UTF-8");
    std::fs::remove_file(&file).expect("removed");
    std::fs::create_dir(&file).expect("a folder");
    refused("is a folder");
}

#[test]
fn the_example_is_complete_and_passes_its_own_check() {
    let folder = Temp::new();
    let example = cli(folder.path(), &["config", "example"]);
    assert!(example.status.success());
    std::fs::write(folder.join("reprise.toml"), &example.stdout).expect("written");
    let check = cli(folder.path(), &["config", "check"]);
    assert!(check.status.success(), "{}", said(&check));
}
