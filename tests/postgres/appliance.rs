//! The whole appliance with its state on PostgreSQL.

use crate::cluster::Cluster;
use crate::harness::{Appliance, Start, Temp, config_text, eventually, prepare};
use serde_json::Value;

#[test]
fn the_appliance_saves_proves_and_remembers_on_postgresql() {
    let mut cluster = Cluster::start();
    let folder = Temp::new();
    let url = format!("{}\n", cluster.url());
    std::fs::write(folder.join("database-url"), url).expect("the URL's file");
    std::fs::create_dir(folder.join("share")).expect("a folder");
    std::fs::write(folder.join("share/note"), "a note").expect("a file");
    let config =
        config_text("[[plan]]\nname = \"notes\"\nfiles = [\"share\"]\ntargets = [\"local\"]\n")
            .replacen(
                "[appliance]\n",
                "[appliance]\ndatabase_url_file = \"database-url\"\n",
                1,
            );
    prepare(&folder, &config);

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    drop(runtime.block_on(cluster.open()));
    let first = Appliance::start(&folder, Start::default());
    let run = first.cli(&["plan", "run", "notes"]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let proof = eventually("the run is proven", || {
        let proofs = first.get("/api/proofs");
        of_plan(&proofs).cloned()
    });
    assert_eq!(proof["passed"], true, "{proof}");
    // The own backup cannot hold a database that lies elsewhere, and says so.
    eventually("the own backup has run", || {
        let runs = first.get("/api/runs");
        let own = runs.as_array()?.iter().find(|r| r["plan"] == "appliance")?;
        own["outcome"].is_string().then(|| {
            assert_ne!(own["problem_count"], 0, "{own}");
        })
    });
    first.kill();

    let second = Appliance::start(&folder, Start::default());
    let again = second.get("/api/proofs");
    assert_eq!(of_plan(&again), Some(&proof), "a kill lost a proof");
    assert!(
        !folder.join("state/state.db").exists(),
        "no SQLite beside it"
    );
    let (status, log) = second.terminate();
    assert!(status.success(), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

fn of_plan(list: &Value) -> Option<&Value> {
    list.as_array()?.iter().find(|p| p["plan"] == "notes")
}
