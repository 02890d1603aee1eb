//! A bad night from its evening to its morning: the NAS goes, the power goes, a file is locked, the mail server is down;
//! and a clock that somebody sets. The real binary with real servers, at the hours of a story.

use crate::harness::{
    Appliance, Share, Start, Temp, Time, cli, config_text, prepare, tool, tree, within,
};
use crate::nas::{Kind, Nas};
use crate::notify::{Server, free_port, header, mail_text};
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// A NAS that does not answer is waited for two minutes before a run gives up.
const LONG: Duration = Duration::from_secs(300);
const PASSWORD: &str = "correct horse battery staple\n";

fn entries(appliance: &Appliance, list: &str, plan: &str) -> Vec<Value> {
    let all = appliance.get(list);
    let all = all.as_array().expect("a list").iter();
    all.filter(|entry| entry["plan"] == plan).cloned().collect()
}

/// The newest run of `compta`, when it has ended and is not `before`.
fn ended(appliance: &Appliance, before: Option<&Value>) -> Option<Value> {
    let newest = entries(appliance, "/api/runs", "compta")
        .into_iter()
        .next()?;
    let other = before.is_none_or(|before| before["id"] != newest["id"]);
    (other && newest["outcome"].is_string()).then_some(newest)
}

/// The appliance has saved itself so many times, and proven it.
fn own_copies(appliance: &Appliance, count: usize) {
    within(LONG, "the appliance's own copies", || {
        let proofs = entries(appliance, "/api/proofs", "appliance");
        (proofs
            .iter()
            .filter(|proof| proof["passed"] == true)
            .count()
            >= count)
            .then_some(())
    });
}

fn proof_of(appliance: &Appliance, run: &Value) -> Option<Value> {
    let mut proofs = entries(appliance, "/api/proofs", "compta").into_iter();
    proofs.find(|proof| proof["snapshot"] == run["snapshot"])
}

/// Bytes below, as a disk counts them.
fn size(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut total = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        // What goes away while it is looked at takes no room.
        let Ok(found) = entry.path().symlink_metadata() else {
            continue;
        };
        total += match found.is_dir() {
            true => size(&entry.path()),
            false => found.blocks() * 512,
        };
    }
    total
}

/// Bytes that no packing makes smaller.
fn fill(path: &Path, megabytes: u64) {
    let source = std::fs::File::open("/dev/urandom").expect("random bytes");
    let mut bytes = source.take(megabytes << 20);
    let mut file = std::fs::File::create(path).expect("a file");
    std::io::copy(&mut bytes, &mut file).expect("written");
}

/// A figure or a date is for the eye; what is said around it is compared.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

fn restored(appliance: &Appliance, snapshot: &Value, to: &Path) {
    let snapshot = snapshot.as_str().expect("a snapshot");
    let to = to.display().to_string();
    let output = appliance.cli(&["restore", snapshot, "--target", "nas", "--to", &to, "--yes"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// A vault on a NAS, and the lines of a target on it.
fn vault_on(nas: &Nas, folder: &Temp) -> String {
    let at = |name: &str| nas.folder.join(name).display().to_string();
    let url = nas.place("volume1/reprise").url.to_string();
    std::fs::write(folder.join("nas-password"), PASSWORD).expect("a password");
    let password = folder.join("nas-password").display().to_string();
    let (key, known, host) = (at("key"), at("known_hosts"), nas.fingerprint("host"));
    let init = [
        "vault",
        "init",
        &url,
        "--host-key",
        &host,
        "--ssh-key",
        &key,
    ];
    let more = ["--known-hosts", &known, "--password-file", &password];
    let output = cli(folder.path(), &[&init[..], &more].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    format!(
        "[[target]]\nname = \"nas\"\nurl = \"{url}\"\nssh_key = \"{key}\"\nknown_hosts = \"{known}\"\n\
         password_file = \"nas-password\"\n"
    )
}

#[test]
fn a_bad_night_is_caught_up_by_itself_told_once_and_loses_nothing() {
    let folder = Temp::new();
    let mut nas = Nas::start(Kind::default());
    let share = Share::start(&folder, "share");
    tree::plant(&folder.join("tree"));
    std::fs::write(share.behind.join("facture.odt"), "a bill").expect("a file");
    std::fs::write(share.behind.join("caisse.mdb"), "monday").expect("a file");
    let port = free_port();
    let config = format!(
        "{}{}[[plan]]\nname = \"compta\"\nfiles = [\"share\", \"tree\"]\ntargets = [\"nas\"]\nat = \"02:10\"\n",
        mail_text(port, "\"admin@example.net\"", ""),
        vault_on(&nas, &folder),
    );
    let config = config_text(&config).replace("\"en\"", "\"fr\"");
    prepare(&folder, &config);
    let time = Time::at("2026-12-01T21:00:00+01:00");
    let start = || {
        let time = Some(&time);
        Appliance::start(
            &folder,
            Start {
                time,
                ..Start::default()
            },
        )
    };
    let appliance = start();
    own_copies(&appliance, 2);

    // A good night first.
    let mail = Server::start(&folder, "smtp", &[&port.to_string()]);
    time.pass("2026-12-02T02:10:00+01:00");
    let good = within(LONG, "the first night's run", || ended(&appliance, None));
    assert_eq!(good["outcome"], "done", "{good}");
    let proof = within(LONG, "its proof", || proof_of(&appliance, &good));
    assert_eq!(proof["passed"], true, "{proof}");
    time.pass("2026-12-02T07:00:30+01:00");
    let mails = within(LONG, "the first morning", || {
        let found = mail.received();
        (!found.is_empty()).then_some(found)
    });
    assert_eq!(mails.len(), 1, "{mails:?}");
    // As whoever reads the share sees it.
    let (holds, before) = (&share.mounted, folder.join("before"));
    tool(
        "cp",
        &[
            "-a",
            &holds.display().to_string(),
            &before.display().to_string(),
        ],
    );
    time.pass("2026-12-02T21:05:00+01:00");
    own_copies(&appliance, 4);

    // The second night. Mail is down; a database of the accountant is open; the run begins, and the NAS goes with it.
    drop(mail);
    std::fs::write(
        share.behind.join("caisse.mdb"),
        "tuesday, and nobody may read it",
    )
    .expect("a file");
    std::fs::write(share.behind.join("contrat.odt"), "a contract").expect("a file");
    fill(&share.behind.join("plan.iso"), 160);
    share.locked(&["caisse.mdb"]);
    let packs = nas.disk().join("volume1/reprise");
    let (filled, state) = (size(&packs), size(&folder.join("state")));
    time.pass("2026-12-03T02:10:00+01:00");
    within(LONG, "the run is under way", || {
        (size(&packs) > filled + (4 << 20)).then_some(())
    });
    nas.stop();
    let cut = entries(&appliance, "/api/runs", "compta").remove(0);
    assert!(
        cut["outcome"].is_null(),
        "it ended too soon to be cut: {cut}"
    );
    time.pass("2026-12-03T02:30:00+01:00");
    appliance.kill();

    // Power is back before the NAS: what was cut is begun again, waits for the NAS in vain, and says so.
    time.pass("2026-12-03T03:00:00+01:00");
    let appliance = start();
    let failed = within(LONG, "the second try", || ended(&appliance, Some(&cut)));
    assert_eq!(failed["outcome"], "failed", "{failed}");
    let runs = entries(&appliance, "/api/runs", "compta");
    let cut = runs.iter().find(|run| run["id"] == cut["id"]).expect("it");
    assert_eq!(cut["outcome"], "interrupted", "{cut}");

    // At four it is back; nobody touches anything.
    nas.start_again("host");
    time.pass("2026-12-03T04:10:00+01:00");
    let caught_up = within(LONG, "the plan is caught up", || {
        ended(&appliance, Some(&failed))
    });
    assert_eq!(caught_up["outcome"], "problems", "{caught_up}");
    assert_eq!(caught_up["by"], "schedule", "{caught_up}");
    let id = caught_up["id"].as_str().expect("an id");
    let problems = appliance.get(&format!("/api/runs/{id}"))["problems"].clone();
    assert_eq!(problems.as_array().map(Vec::len), Some(1), "{problems}");
    let (object, what) = (&problems[0]["object"], &problems[0]["what"]);
    let (object, what) = (
        object.as_str().unwrap_or_default(),
        what.as_str().unwrap_or_default(),
    );
    assert!(object.ends_with("share/caisse.mdb"), "{problems}");
    assert!(what.contains("busy"), "{problems}");
    let proof = within(LONG, "its proof", || proof_of(&appliance, &caught_up));
    assert_eq!(proof["passed"], true, "{proof}");

    // At seven mail is back: one message when it began, one when it was over, one morning.
    time.pass("2026-12-03T07:00:00+01:00");
    let mail = Server::start(&folder, "smtp", &[&port.to_string()]);
    let told = mail.received().len();
    time.pass("2026-12-03T07:16:00+01:00");
    within(LONG, "what waited arrives", || {
        let outbox = appliance.get("/api/notify")["outbox"].clone();
        let sent = outbox.as_array()?.iter().all(|m| m["state"] == "sent");
        (sent && mail.received().len() >= told + 3).then_some(())
    });
    let mails = mail.received();
    let night = &mails[told..];
    let mut subjects: Vec<String> = night.iter().map(|m| plain(header(m, "subject"))).collect();
    subjects.sort();
    assert_eq!(
        subjects,
        [
            "test : 0 de vos services sont protégés.",
            "test : ennui : la cible nas",
            "test : réglé : la cible nas",
        ]
    );
    let morning = night
        .iter()
        .find(|m| header(m, "subject").contains("services"));
    let morning = plain(
        morning.expect("the morning")["plain"]
            .as_str()
            .expect("text"),
    );
    let saved = morning
        .lines()
        .find(|line| line.contains("Sauvé sur nas le 3 décembre 2026 à 04:1"));
    let saved = saved.unwrap_or_else(|| panic!("not told when: {morning}"));
    assert!(
        saved.ends_with("1 élément n’a pas pu être sauvé."),
        "{saved}"
    );
    for said in [
        "- Aucun ennui en cours.",
        "- Restauré pour de vrai depuis nas le 3 décembre 2026 à 04:1",
        "1 élément n’a pas pu être sauvé sur nas.",
    ] {
        assert!(morning.contains(said), "{said}: {morning}");
    }

    // The system's disk holds what it held: neither the copy that could not leave nor what was restored to prove it.
    let grown = size(&folder.join("state")).saturating_sub(state);
    assert!(grown < 16 << 20, "the state folder grew by {grown} bytes");
    let left = std::fs::read_dir(folder.join("state/scratch")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "scratch is left");

    // What was committed before is whole, and what was caught up holds all but what nobody could read.
    let below = |to: &Path, of: &Path| to.join(of.strip_prefix("/").expect("whole paths"));
    let (good_to, new_to, tree) = (folder.join("good"), folder.join("new"), folder.join("tree"));
    restored(&appliance, &good["snapshot"], &good_to);
    let back = below(&good_to, &share.mounted);
    assert_eq!(tree::differences(&before, &back), "");
    assert_eq!(tree::differences(&tree, &below(&good_to, &tree)), "");
    restored(&appliance, &caught_up["snapshot"], &new_to);
    assert_eq!(tree::differences(&tree, &below(&new_to, &tree)), "");
    let back = below(&new_to, &share.mounted);
    for name in ["facture.odt", "contrat.odt", "plan.iso"] {
        let (is, was) = (back.join(name), share.behind.join(name));
        assert!(std::fs::read(is).ok() == std::fs::read(was).ok(), "{name}");
    }
    let (status, log) = appliance.terminate();
    assert!(status.success(), "{log}");
}

/// Subjects of what came, without those of the mornings, in their order.
fn news(mail: &Server) -> Vec<String> {
    let subjects = mail.received().into_iter();
    let subjects = subjects.map(|m| plain(header(&m, "subject")));
    subjects.filter(|s| !s.contains("services")).collect()
}

#[test]
fn a_clock_that_is_set_while_it_runs_skips_no_night_repeats_none_and_is_told_once() {
    let folder = Temp::new();
    let mail = Server::start(&folder, "smtp", &[]);
    let plan =
        "[[plan]]\nname = \"compta\"\nfiles = [\"share\"]\ntargets = [\"local\"]\nat = \"02:30\"\n";
    let config = mail_text(mail.port, "\"admin@example.net\"", plan);
    prepare(&folder, &config_text(&config).replace("\"en\"", "\"fr\""));
    std::fs::create_dir(folder.join("share")).expect("a folder");
    std::fs::write(folder.join("share/note"), "a note").expect("a file");
    let time = Time::at("2026-10-24T12:00:00+02:00");
    let appliance = Appliance::start(
        &folder,
        Start {
            time: Some(&time),
            ..Start::default()
        },
    );
    own_copies(&appliance, 1);
    let runs = |count: usize, when: &str| {
        within(LONG, when, || {
            let done = entries(&appliance, "/api/runs", "compta");
            let ended = done.iter().all(|run| run["outcome"] == "done");
            (ended && done.len() >= count).then_some(())
        });
        time.looked_at();
        let runs = entries(&appliance, "/api/runs", "compta");
        assert_eq!(runs.len(), count, "{when}: {runs:?}");
    };
    let told = |count: usize, when: &str| {
        within(LONG, when, || (news(&mail).len() >= count).then_some(()));
        assert_eq!(news(&mail).len(), count, "{when}: {:?}", news(&mail));
    };
    // The night in which 02:30 comes twice, and the one after it. Nobody set anything.
    time.pass("2026-10-25T02:30:01+02:00");
    runs(1, "the first 02:30");
    time.pass("2026-10-25T02:30:01+01:00");
    runs(1, "the second 02:30 of that night");
    time.pass("2026-10-26T02:30:01+01:00");
    runs(2, "the night after");
    time.pass("2026-10-26T12:00:00+01:00");
    runs(2, "noon");
    told(0, "daylight saving is no news");

    // A month ahead: made up for once, by that clock, and each night from then on.
    time.set("2026-11-26T12:00:00+01:00");
    runs(3, "a month ahead");
    told(1, "a month ahead");
    time.pass("2026-11-27T02:30:01+01:00");
    runs(4, "the night after a month ahead");

    // Set right: nothing is done again, and the next night is not a month away.
    time.set("2026-10-27T02:30:05+01:00");
    told(2, "set right");
    runs(5, "this night is one more by the right clock");
    time.pass("2026-10-28T02:30:01+01:00");
    runs(6, "the next night");

    // A day back, and left there: at once nothing, then each night.
    time.pass("2026-10-28T10:00:00+01:00");
    time.set("2026-10-27T10:00:00+01:00");
    told(3, "a day back");
    runs(6, "a day back");
    time.pass("2026-10-28T02:30:01+01:00");
    runs(7, "the night that comes again");
    let said = news(&mail);
    assert_eq!(
        said,
        [
            "test : ennui : l’horloge de ce boîtier",
            "test : réglé : l’horloge de ce boîtier",
            "test : ennui : l’horloge de ce boîtier",
        ]
    );
    let mut first = mail.received().into_iter();
    let first = first.find(|m| header(m, "subject").contains("horloge"));
    let first = plain(first.expect("it")["plain"].as_str().expect("text"));
    let dates = "a été changée de 2026-10-26 11:00 UTC à 2026-11-26 11:00 UTC";
    assert!(first.contains(dates), "{first}");
    // Every proof passed, and none was made again and again.
    let proofs = entries(&appliance, "/api/proofs", "compta");
    let (passed, all) = (proofs.iter().filter(|p| p["passed"] == true), proofs.len());
    assert_eq!((passed.count(), all), (7, 7), "{proofs:?}");
    let (status, log) = appliance.terminate();
    assert!(status.success(), "{log}");
}
