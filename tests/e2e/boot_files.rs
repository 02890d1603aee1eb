//! Boot files of the admin's own, and the password of the menu, by the commands.

use crate::harness::{Temp, cli, config_text, prepare};
use std::process::Output;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_boot_file_is_added_under_its_hash_and_no_other() {
    let folder = Temp::new();
    prepare(&folder, &config_text(""));
    let file = folder.join("wimboot-2.9");
    std::fs::write(&file, b"MZ a loader").expect("the file");
    let path = file.to_str().expect("a plain path");
    let digest = ring::digest::digest(&ring::digest::SHA256, b"MZ a loader");
    let right: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let wrong = "0".repeat(64);
    let add = |sha256: &str, name: &str| {
        let how = [
            "boot", "assets", "add", path, "--sha256", sha256, "--as", name,
        ];
        cli(folder.path(), &how)
    };
    let own = folder.join("state/boot-own/wimboot");
    let refused = add(&wrong, "wimboot");
    assert!(!refused.status.success());
    assert!(said(&refused).contains(&right), "{}", said(&refused));
    let unknown = add(&right, "kernel");
    assert!(
        said(&unknown).contains("the names are"),
        "{}",
        said(&unknown)
    );
    assert!(!own.exists());

    let added = add(&right, "wimboot");
    assert!(added.status.success(), "{}", said(&added));
    assert_eq!(std::fs::read(&own).expect("the file"), b"MZ a loader");
    let remove = || cli(folder.path(), &["boot", "assets", "remove", "wimboot"]);
    assert!(remove().status.success());
    assert!(!own.exists());
    let again = remove();
    assert!(
        said(&again).contains("nothing was added"),
        "{}",
        said(&again)
    );
}

#[test]
fn the_line_that_menu_password_prints_is_one_that_the_configuration_takes() {
    let folder = Temp::new();
    prepare(&folder, &config_text(""));
    let word = folder.join("word");
    let hash = |password: &str| {
        std::fs::write(&word, format!("{password}\n")).expect("the password");
        let path = word.to_str().expect("a plain path");
        cli(
            folder.path(),
            &["boot", "menu-password", "--password-file", path],
        )
    };
    assert!(said(&hash("court")).contains("between 8"));
    assert!(said(&hash("un café serré")).contains("accents"));
    let printed = hash("les clefs du camion");
    assert!(printed.status.success(), "{}", said(&printed));
    let lines = String::from_utf8(printed.stdout).expect("text");
    assert!(!lines.contains("camion"), "{lines}");

    let check = |more: &str| {
        let text = format!("{}\n{more}", config_text(""));
        std::fs::write(folder.join("reprise.toml"), text).expect("the configuration");
        cli(folder.path(), &["config", "check"])
    };
    let good = check(&lines);
    assert!(good.status.success(), "{}", said(&good));
    let plain = check("[boot]\nmenu_password = \"les clefs du camion\"\n");
    assert!(!plain.status.success());
    assert!(said(&plain).contains("menu-password"), "{}", said(&plain));
    assert!(!said(&plain).contains("camion"), "{}", said(&plain));
}
