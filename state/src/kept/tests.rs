use super::*;
use crate::db::{Db, SCHEMA};
use crate::journal;
use crate::wire::Fact;

struct Temp(PathBuf);
impl Drop for Temp {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
fn temp() -> Temp {
    let dir = std::env::temp_dir().join(format!("reprise-kept-{}", crate::id::new()));
    fs::create_dir_all(&dir).expect("temp");
    Temp(dir)
}

const ONE: &[&str] = &["CREATE TABLE thing (name TEXT PRIMARY KEY)"];
const TWO: &[&str] = &[
    "CREATE TABLE thing (name TEXT PRIMARY KEY)",
    "DROP TABLE thing; CREATE TABLE things (name TEXT PRIMARY KEY)",
];
fn version(steps: &'static [&'static str]) -> [Tables; 2] {
    let thing = Tables {
        package: "thing",
        steps,
    };
    [SCHEMA, thing]
}

/// What a version does when it starts on a state folder; returns the journal's facts' times.
async fn start(
    state: &Path,
    known: &[Tables],
    name: &str,
    at: i64,
) -> Result<(Option<Kept>, Vec<i64>), Error> {
    let kept = before_opening(state, known, name, Timestamp(at)).await?;
    let db = Db::open_file(&state.join(DATABASE)).await?;
    for tables in known {
        db.migrate(*tables).await?;
    }
    let facts = journal::after(&db, 0, 100).await?;
    journal::record(&db, Timestamp(at), Fact::ApplianceStopped).await?;
    Ok((kept, facts.iter().map(|entry| entry.at.0).collect()))
}

#[test]
fn what_is_found_is_compared_with_what_is_known() {
    let found = |thing| Steps::from([("state".to_owned(), 2), ("thing".to_owned(), thing)]);
    let newer = Verdict::Newer {
        package: "thing".into(),
        found: 2,
        known: 1,
    };
    let unknown = Verdict::Newer {
        package: "thing".into(),
        found: 1,
        known: 0,
    };
    let cases = [
        (Steps::new(), &version(ONE)[..], Verdict::Fresh),
        (found(1), &version(ONE), Verdict::Current),
        (found(1), &version(TWO), Verdict::Older),
        (found(2), &version(ONE), newer),
        (found(1), &[SCHEMA], unknown),
        // Tables of a package that this version brings.
        (
            Steps::from([("state".to_owned(), 2)]),
            &version(ONE),
            Verdict::Older,
        ),
    ];
    for (found, known, expected) in cases {
        assert_eq!(judge(&found, known), expected, "{found:?}");
    }
}

#[tokio::test]
async fn an_upgrade_keeps_a_copy_and_the_older_version_goes_back_to_it() {
    let dir = temp();
    let (old, new) = (version(ONE), version(TWO));
    let (kept, _) = start(&dir.0, &old, "0.1.0", 1_000).await.expect("first");
    assert_eq!(kept, None, "a first start upgrades nothing");
    let (kept, _) = start(&dir.0, &old, "0.1.0", 2_000).await.expect("second");
    assert_eq!(kept, None);
    let (kept, facts) = start(&dir.0, &new, "0.2.0", 3_000).await.expect("upgrade");
    let kept = kept.expect("a copy");
    assert_eq!(facts, [1_000, 2_000]);
    assert_eq!(
        (kept.number, kept.at, kept.why, kept.version.as_str()),
        (1, Timestamp(3_000), Why::Before, "0.2.0")
    );
    let (again, _) = start(&dir.0, &new, "0.2.0", 4_000).await.expect("again");
    assert_eq!(again, None, "one copy for one upgrade");

    // The older one is installed again: nothing is changed, and the way back is named.
    let refused = start(&dir.0, &old, "0.1.0", 5_000)
        .await
        .expect_err("newer");
    let said = refused.to_string();
    assert!(said.contains("`reprise state rollback`"), "{said}");
    assert!(said.contains(&kept.path.display().to_string()), "{said}");

    let way = plan(&dir.0, None, &old).await.expect("a way");
    assert_eq!((&way.to, way.facts_since), (&kept, 2));
    let aside = go_back(&dir.0, &way, "0.1.0", Timestamp(6_000))
        .await
        .expect("back")
        .expect("what was there");
    assert_eq!((aside.number, aside.why), (2, Why::Aside));
    let (_, facts) = start(&dir.0, &old, "0.1.0", 7_000)
        .await
        .expect("runs again");
    assert_eq!(facts, [1_000, 2_000]);

    // Forward again, to what was set aside: only the newer version can.
    let refused = plan(&dir.0, Some(2), &old).await.expect_err("newer copy");
    assert!(matches!(refused, Error::CopyNewer { .. }), "{refused}");
    let way = plan(&dir.0, Some(2), &new).await.expect("a way");
    go_back(&dir.0, &way, "0.2.0", Timestamp(8_000))
        .await
        .expect("forward");
    let (_, facts) = start(&dir.0, &new, "0.2.0", 9_000).await.expect("newer");
    assert_eq!(facts, [1_000, 2_000, 3_000, 4_000]);
}

#[tokio::test]
async fn an_upgrade_that_was_cut_off_leaves_a_copy_the_older_version_reads() {
    let dir = temp();
    let old = version(ONE);
    start(&dir.0, &old, "0.1.0", 1_000).await.expect("first");
    const BROKEN: &[&str] = &[ONE[0], TWO[1], "CREATE TABLE things (name TEXT)"];
    // The second step is done, the third fails: the state is half way.
    for at in [2_000, 3_000] {
        let failed = start(&dir.0, &version(BROKEN), "0.2.0", at).await;
        assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
    }
    let readable = newest_readable(&dir.0, &old).await.expect("list");
    assert_eq!(readable.map(|kept| kept.number), Some(1));
    assert_eq!(list(&dir.0).expect("list").len(), 2);
}

#[tokio::test]
async fn a_bounded_number_stays_and_the_newest_by_number_whatever_the_clock_says() {
    let dir = temp();
    start(&dir.0, &version(ONE), "1", 1_000)
        .await
        .expect("first");
    for at in (1..=8).rev() {
        keep(&dir.0, Why::Before, "2", Timestamp(at * 86_400_000))
            .await
            .expect("kept");
    }
    let numbers: Vec<u32> = list(&dir.0)
        .expect("list")
        .iter()
        .map(|k| k.number)
        .collect();
    assert_eq!(numbers, [4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn what_is_no_copy_or_damaged_is_refused_and_the_state_stays() {
    let dir = temp();
    let old = version(ONE);
    let none = plan(&dir.0, None, &old).await.expect_err("none");
    assert!(matches!(none, Error::None { .. }), "{none}");
    start(&dir.0, &old, "0.1.0", 1_000).await.expect("first");
    let kept = keep(&dir.0, Why::Before, "0.2.0", Timestamp(2_000))
        .await
        .expect("kept");
    fs::write(dir.0.join("kept/notes.txt"), "mine").expect("a stranger");
    fs::write(&kept.path, b"SQLite format 3\0 no more").expect("damaged");
    for number in [None, Some(kept.number)] {
        let refused = plan(&dir.0, number, &old).await.expect_err("damaged");
        assert!(
            matches!(refused, Error::Unreadable { .. } | Error::None { .. }),
            "{refused}"
        );
    }
    let unknown = plan(&dir.0, Some(77), &old).await.expect_err("unknown");
    assert!(unknown.to_string().contains("`reprise state list`"));
    let (_, facts) = start(&dir.0, &old, "0.1.0", 3_000).await.expect("runs");
    assert_eq!(facts, [1_000]);
}

#[tokio::test]
async fn without_a_copy_there_is_no_upgrade() {
    let dir = temp();
    start(&dir.0, &version(ONE), "0.1.0", 1_000)
        .await
        .expect("first");
    // A file where the folder of copies should be: also root cannot write there.
    fs::write(dir.0.join("kept"), "").expect("in the way");
    let refused = start(&dir.0, &version(TWO), "0.2.0", 2_000).await;
    let said = refused.expect_err("refused").to_string();
    assert!(said.contains("kept") && said.contains("writable"), "{said}");
    fs::remove_file(dir.0.join("kept")).expect("out of the way");
    let (_, facts) = start(&dir.0, &version(ONE), "0.1.0", 3_000)
        .await
        .expect("as before");
    assert_eq!(facts, [1_000]);
}
