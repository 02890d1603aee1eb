//! A state folder that cannot be used: one sentence, nothing else touched.

use crate::harness::{Appliance, Mount, Start, Temp, config_text, prepare};

#[test]
fn a_state_folder_in_use_is_refused_and_its_user_goes_on() {
    let folder = Temp::new();
    let first = Appliance::first_start(&folder, &config_text(""));
    let (status, log) = Appliance::launch(&folder, Start::default()).ends();
    assert_eq!(status.code(), Some(1), "{log}");
    let place = folder.join("state").display().to_string();
    assert!(
        log.contains(&format!(
            "failed to lock the state folder {place}: another reprise uses it; stop that one first"
        )),
        "{log}"
    );
    assert_eq!(log.lines().count(), 1, "one sentence: {log}");
    assert_eq!(first.get("/api/status")["appliance"], "test");
    assert!(folder.join("state/ports.json").exists());
}

#[test]
fn a_state_folder_that_is_not_writable_is_named_with_the_remedy() {
    let folder = Temp::new();
    prepare(&folder, &config_text(""));
    let state = folder.join("state");
    std::fs::create_dir(&state).expect("the state folder");
    let _mount = Mount::read_only(&state);
    let (status, log) = Appliance::launch(&folder, Start::default()).ends();
    assert_eq!(status.code(), Some(1), "{log}");
    let place = state.display().to_string();
    assert!(
        log.contains(&format!("failed to write in the state folder {place}")),
        "{log}"
    );
    assert!(
        log.contains("make it writable") && log.contains("`state_dir`"),
        "{log}"
    );
    assert_eq!(log.lines().count(), 1, "one sentence: {log}");
}

#[test]
fn a_state_folder_that_cannot_be_made_is_named_with_the_remedy() {
    let folder = Temp::new();
    prepare(&folder, &config_text(""));
    let _mount = Mount::read_only(folder.path());
    let (status, log) = Appliance::launch(&folder, Start::default()).ends();
    assert_eq!(status.code(), Some(1), "{log}");
    let place = folder.join("state").display().to_string();
    assert!(
        log.contains(&format!("failed to create the state folder {place}")),
        "{log}"
    );
    assert!(log.contains("make its parent writable"), "{log}");
}
