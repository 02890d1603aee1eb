//! A state folder that cannot be used: one sentence, nothing else touched.

use crate::harness::{Appliance, Mount, Start, Temp, cli, config_text, prepare};
use state::db::Tables;
use state::{Db, Timestamp, kept};
use std::path::Path;

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

/// What a newer reprise does at its first start: one more step of tables, that this one cannot read.
async fn upgrade(state: &Path) -> kept::Kept {
    const NEWER: &[&str] = &["CREATE TABLE later (name TEXT PRIMARY KEY)"];
    let later = Tables {
        package: "later",
        steps: NEWER,
    };
    let known = [
        state::db::SCHEMA,
        provisioner::SCHEMA,
        continuity::SCHEMA,
        web::SCHEMA,
        later,
    ];
    let now = Timestamp(1_800_000_000_000);
    let kept = kept::before_opening(state, &known, "99.0", now).await;
    let db = Db::open_file(&state.join(kept::DATABASE))
        .await
        .expect("open");
    db.migrate(later).await.expect("upgraded");
    let fact = state::wire::Fact::ApplianceStarted {
        version: "99.0".to_owned(),
    };
    state::journal::record(&db, now, fact)
        .await
        .expect("recorded");
    kept.expect("allowed").expect("a copy is kept")
}

#[test]
fn an_older_reprise_refuses_a_newer_state_and_goes_back_to_the_copy() {
    let folder = Temp::new();
    let first = Appliance::first_start(&folder, &config_text(""));
    assert!(first.terminate().0.success());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let copy = runtime.block_on(upgrade(&folder.join("state")));

    // Installed again: it says what is the matter and what to do, and touches nothing.
    let contents = || {
        let found = runtime.block_on(state::db::contents(&folder.join("state/state.db")));
        found.expect("the state")
    };
    let before = contents();
    let (status, log) = Appliance::launch(&folder, Start::default()).ends();
    assert_eq!(status.code(), Some(1), "{log}");
    let copied = copy.path.display().to_string();
    assert!(
        log.contains("a newer reprise wrote it")
            && log.contains("`reprise state rollback`")
            && log.contains(&copied),
        "{log}"
    );
    assert_eq!(contents(), before);
    // Commands say the same.
    let said = cli(folder.path(), &["plan", "list"]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("`reprise state rollback`"));

    let listed = cli(folder.path(), &["state", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed[0]["version"], "99.0");
    assert_eq!(listed[0]["is_readable"], true);
    // Nobody is there to be asked.
    let refused = cli(folder.path(), &["state", "rollback"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--yes"));
    let back = cli(folder.path(), &["state", "rollback", "--yes"]);
    let said = String::from_utf8_lossy(&back.stderr).into_owned();
    assert!(
        back.status.success() && said.contains("1 fact(s)"),
        "{said}"
    );

    let second = Appliance::start(&folder, Start::default());
    let journal = second.get("/api/journal?after=0&limit=1000");
    let kinds: Vec<&str> = journal
        .as_array()
        .expect("facts")
        .iter()
        .filter_map(|f| f["fact"].as_str())
        .collect();
    assert!(kinds.starts_with(&["appliance_started"]), "{kinds:?}");
    assert!(kinds.contains(&"state_put_back"), "{kinds:?}");
    // While it runs, nobody takes its state from under it.
    let refused = cli(folder.path(), &["state", "rollback", "--yes"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("stop that one first"),
        "{said}"
    );
    // What the newer one knew is set aside, whole.
    let listed = cli(folder.path(), &["state", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed[1]["why"], "aside");
    assert_eq!(listed[1]["is_readable"], false);
}
