//! Out of a vault: browsing, downloads, zips, restores; with names nobody sane would choose.

use crate::bench::{Bench, Visitor, add_vault, bench_with};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use config::{Keep, Level, Plan, Prove};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

const EVIL: &[u8] = b"<img src=x onerror=alert(1)>\n\xff\"&.txt";

/// A console with a vault that holds one snapshot of a small tree; its address there.
async fn with_snapshot() -> (Bench, Visitor, String, PathBuf) {
    let mut source = PathBuf::new();
    let bench = bench_with(|config| {
        let folder = crate::bench::folder_of(config);
        source = folder.join("src");
        std::fs::create_dir_all(source.join("sub dir")).unwrap();
        std::fs::write(source.join("big"), big()).unwrap();
        std::fs::write(source.join("sub dir/petit.txt"), "bonjour\n").unwrap();
        std::fs::write(source.join(OsString::from_vec(EVIL.to_vec())), "evil").unwrap();
        add_vault(config);
        config.plans.push(Plan {
            name: "compta".into(),
            files: vec![source.clone()],
            at: None,
            targets: vec!["nas".into()],
            exclude: Vec::new(),
            database: None,
            database_password_file: None,
            recipe: None,
            skip_caches: false,
            keep: Keep::default(),
            tier: 1,
            rpo: None,
            rto: None,
            prove: Prove {
                level: Level::Restored,
                every: None,
            },
        });
    })
    .await;
    let continuity = bench.app.continuity.clone();
    let runs = continuity.start_run("compta", "test").await.unwrap();
    let run = continuity.wait_run(&runs[0]).await.unwrap();
    continuity.settle().await;
    let id = run.snapshot.expect("a snapshot");
    let visitor = bench.admin().await;
    (bench, visitor, format!("/snapshots/nas/{id}"), source)
}

fn big() -> Vec<u8> {
    (0..3_000_000u32)
        .flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes())
        .collect()
}

/// Percent-encodes every byte: what any URL may do.
fn percent(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("%{b:02x}")).collect()
}

fn below(source: &Path, name: &[u8]) -> String {
    percent(&[source.as_os_str().as_encoded_bytes(), b"/", name].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn browsing_shows_every_name_and_runs_none() {
    let (bench, mut visitor, base, source) = with_snapshot().await;
    let page = bench.get(&mut visitor, "/snapshots?lang=en").await;
    assert!(
        page.text.contains(&format!("href=\"{base}\"")),
        "{}",
        page.text
    );
    let top = bench.get(&mut visitor, &base).await;
    assert_eq!(top.status, StatusCode::OK, "{}", top.text);
    assert!(top.text.contains(&source.display().to_string()));
    let folder = percent(source.as_os_str().as_encoded_bytes());
    let page = bench
        .get(&mut visitor, &format!("{base}?path={folder}"))
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for name in [
        "sub dir",
        "big",
        "&#60;img src=x onerror=alert(1)&#62;\u{fffd}\u{fffd}",
    ] {
        assert!(page.text.contains(name), "{name} in:\n{}", page.text);
    }
    assert!(!page.text.contains("<img"));
    let down = bench
        .get(
            &mut visitor,
            &format!("{base}?path={}", below(&source, b"sub dir")),
        )
        .await;
    assert!(down.text.contains("petit.txt"), "{}", down.text);
    let nowhere = bench
        .get(
            &mut visitor,
            &format!("{base}?path={}", below(&source, b"nowhere")),
        )
        .await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    let wrong = bench.get(&mut visitor, "/snapshots/other/0000").await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_back_byte_for_byte_whole_or_in_part() {
    let (bench, mut visitor, base, source) = with_snapshot().await;
    let url = format!("{base}/file?path={}", below(&source, b"big"));
    let answer = bench.get_bytes(&mut visitor, &url, None).await;
    assert_eq!(answer.0, StatusCode::OK);
    assert_eq!(answer.1["content-length"], big().len().to_string());
    assert_eq!(answer.1["content-type"], "application/octet-stream");
    assert_eq!(
        answer.1["content-disposition"],
        "attachment; filename=\"big\"; filename*=UTF-8''big"
    );
    assert_eq!(answer.1["x-content-type-options"], "nosniff");
    assert!(answer.2 == big());

    let part = bench
        .get_bytes(&mut visitor, &url, Some("bytes=2000001-2000100"))
        .await;
    assert_eq!(part.0, StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        part.1["content-range"],
        format!("bytes 2000001-2000100/{}", big().len())
    );
    assert!(part.2 == big()[2_000_001..=2_000_100]);
    let outside = bench
        .get_bytes(&mut visitor, &url, Some("bytes=99999999-"))
        .await;
    assert_eq!(outside.0, StatusCode::RANGE_NOT_SATISFIABLE);

    let evil = format!("{base}/file?path={}", below(&source, EVIL));
    let answer = bench.get_bytes(&mut visitor, &evil, None).await;
    assert_eq!(answer.2, b"evil");
    let folder = format!("{base}/file?path={}", below(&source, b"sub dir"));
    let answer = bench.get_bytes(&mut visitor, &folder, None).await;
    assert_eq!(answer.0, StatusCode::CONFLICT, "a folder is not a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_comes_back_as_a_zip() {
    let (bench, mut visitor, base, source) = with_snapshot().await;
    let url = format!("{base}/zip?path={}", below(&source, b"sub dir"));
    let (status, headers, bytes) = bench.get_bytes(&mut visitor, &url, None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["content-type"], "application/zip");
    assert!(bytes.starts_with(b"PK\x03\x04"), "not a zip");
    assert!(bytes.windows(9).any(|w| w == b"petit.txt"));
    let url = format!("{base}/zip?path={}", below(&source, b"nowhere"));
    let answer = bench.get_bytes(&mut visitor, &url, None).await;
    assert_eq!(answer.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_shows_its_exact_paths_before_it_writes_them() {
    let (bench, mut visitor, base, source) = with_snapshot().await;
    let destination = bench.folder.join("retour ici");
    let to = percent(destination.as_os_str().as_encoded_bytes());
    let path = below(&source, b"sub dir");
    let ask = format!("{base}/restore?path={path}&to={to}&overwrite=refuse&lang=en");
    let page = bench.get(&mut visitor, &ask).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let becomes = destination.join("sub dir");
    assert!(
        page.text.contains(&becomes.display().to_string()),
        "{}",
        page.text
    );
    assert!(!destination.exists(), "a preview wrote something");

    let relative = bench
        .get(&mut visitor, &format!("{base}/restore?to=retour"))
        .await;
    assert_eq!(relative.status, StatusCode::UNPROCESSABLE_ENTITY);

    let id = base.rsplit('/').next().unwrap();
    let encoded =
        crate::bench::encoded_path(&[source.as_os_str().as_encoded_bytes(), b"/sub dir"].concat());
    let token = page.token();
    let to = destination.display().to_string();
    let fields = [
        ("token", token.as_str()),
        ("target", "nas"),
        ("snapshot", id),
        ("encoded", &encoded),
        ("to", &to),
        ("overwrite", "refuse"),
    ];
    let started = bench.post(&mut visitor, "/restores", &fields).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.text);
    let page = started.header("location").to_owned();
    let restore = continuity::RestoreId(page.rsplit('/').next().unwrap().to_owned());
    let done = bench.app.continuity.wait_restore(&restore).await.unwrap();
    assert_eq!(done.outcome, Some(state::wire::Outcome::Done));
    assert_eq!(
        std::fs::read(becomes.join("petit.txt")).unwrap(),
        b"bonjour\n"
    );
    let page = bench.get(&mut visitor, &page).await;
    assert!(page.text.contains("1 file"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_words_typed_back_are_recorded_and_wrong_ones_are_not() {
    let (bench, mut visitor, _, _) = with_snapshot().await;
    let page = bench.get(&mut visitor, "/account?lang=en").await;
    assert!(
        page.text.contains("Words never typed back."),
        "{}",
        page.text
    );
    let token = page.token();
    let fields = [("token", token.as_str()), ("target", "nas")];
    let sheet = bench
        .post(&mut visitor, "/account/keys/paper", &fields)
        .await;
    assert_eq!(sheet.status, StatusCode::OK, "{}", sheet.text);
    assert_eq!(sheet.header("cache-control"), "no-store");
    let words: Vec<&str> = sheet
        .text
        .split("<code>")
        .skip(1)
        .filter_map(|rest| rest.split("</code>").next())
        .collect();
    assert_eq!(words.len(), 24, "{}", sheet.text);
    assert!(sheet.text.contains("<svg class=\"qr\""), "{}", sheet.text);
    assert_ne!(
        bench.get(&mut visitor, "/account/keys/paper").await.status,
        StatusCode::OK,
        "the words are shown once"
    );
    let typed = |words: String| {
        let token = token.clone();
        let mut visitor = visitor.clone();
        let bench = &bench;
        async move {
            let fields = [
                ("token", token.as_str()),
                ("target", "nas"),
                ("words", &words),
            ];
            bench.post(&mut visitor, "/account/keys", &fields).await
        }
    };
    for (wrong, says) in [
        ("vault password".to_owned(), "2 words instead of 24"),
        (words[1..].join(" "), "23 words instead of 24"),
        (["abandon"; 23].join(" ") + " art", "words of another vault"),
    ] {
        let refused = typed(wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(says), "{says}: {}", refused.text);
        let page = bench.get(&mut visitor.clone(), "/account").await;
        assert!(
            page.text.contains("Words never typed back."),
            "{}",
            page.text
        );
    }
    let upper = words.join("\r\n").to_uppercase();
    let right = typed(upper).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.text);
    let page = bench.get(&mut visitor, "/account").await;
    assert!(
        page.text.contains("Words typed back by admin"),
        "{}",
        page.text
    );
    let journal = bench.get(&mut visitor, "/journal").await.text;
    assert!(
        journal.contains("A recovery sheet of vault nas was made by admin"),
        "{journal}"
    );
    assert!(!journal.contains(&words[..3].join(" ")), "{journal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_page_says_when_it_was_saved_and_when_it_was_restored_for_real() {
    let (bench, mut visitor, _, _) = with_snapshot().await;
    let page = bench.get(&mut visitor, "/?lang=fr").await.text;
    for words in [
        "compta",
        "restauré pour de vrai, non protégé",
        "Les mots de secours du coffre nas n’ont pas été ressaisis",
    ] {
        assert!(page.contains(words), "{words} in:\n{page}");
    }
    let (_, proofs) = page.split_once("/proofs/").expect("a proof in the news");
    let id = proofs.split('"').next().unwrap();
    let proof = bench
        .get(&mut visitor, &format!("/proofs/{id}?lang=en"))
        .await;
    assert_eq!(proof.status, StatusCode::OK);
    assert!(
        proof.text.contains("What this proof does not show"),
        "{}",
        proof.text
    );
    let plans = bench.get(&mut visitor, "/plans").await.text;
    let (_, run) = plans.split_once("/runs/").expect("a run");
    let run = bench
        .get(
            &mut visitor,
            &format!("/runs/{}", run.split('"').next().unwrap()),
        )
        .await;
    assert_eq!(run.status, StatusCode::OK);
    let request = Request::get("/runs/unknown").body(Body::empty()).unwrap();
    let missing = bench.send(&mut visitor, request).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.headers.get(header::SET_COOKIE), None);
}

/// A file of somebody else's is in the way; the page says what will be lost, and a restore that left it out goes on from
/// its page.
#[tokio::test(flavor = "multi_thread")]
async fn what_will_be_lost_is_shown_and_a_restore_goes_on_from_its_page() {
    let (bench, mut visitor, base, source) = with_snapshot().await;
    let destination = bench.folder.join("retour");
    std::fs::create_dir_all(destination.join("sub dir")).unwrap();
    let mine = destination.join("sub dir/petit.txt");
    std::fs::write(&mine, "mine").unwrap();
    let to = percent(destination.as_os_str().as_encoded_bytes());
    let path = below(&source, b"sub dir");
    let ask =
        |policy: &str| format!("{base}/restore?path={path}&to={to}&overwrite={policy}&lang=en");
    let page = bench.get(&mut visitor, &ask("replace")).await;
    for part in [
        "The present content of 1 file will be lost",
        "newer than the saved one",
        mine.to_str().unwrap(),
    ] {
        assert!(page.text.contains(part), "{part:?} is not in {}", page.text);
    }
    let page = bench.get(&mut visitor, &ask("beside")).await;
    assert!(page.text.contains("petit.restored-"), "{}", page.text);
    assert!(!page.text.contains("will be lost"), "{}", page.text);
    let page = bench.get(&mut visitor, &ask("keep")).await;
    assert!(
        page.text.contains("1 existing file will be kept"),
        "{}",
        page.text
    );
    let home = format!("{base}/restore?path={path}&place=home&overwrite=replace&lang=en");
    let there = bench.get(&mut visitor, &home).await;
    let original = source.join("sub dir").display().to_string();
    assert!(there.text.contains(&original), "{}", there.text);
    assert!(
        there.text.contains("already there, the same"),
        "{}",
        there.text
    );
    for unknown in ["sftp://root@erp.lan/srv", "sftp://root:hunter2@erp.lan/srv"] {
        let to = percent(unknown.as_bytes());
        let page = bench
            .get(&mut visitor, &format!("{base}/restore?to={to}"))
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    let id = base.rsplit('/').next().unwrap();
    let encoded =
        crate::bench::encoded_path(&[source.as_os_str().as_encoded_bytes(), b"/sub dir"].concat());
    let token = page.token();
    let to = destination.display().to_string();
    let fields = [
        ("token", token.as_str()),
        ("target", "nas"),
        ("snapshot", id),
        ("encoded", &encoded),
        ("to", &to),
        ("server", ""),
        ("overwrite", "keep"),
    ];
    let started = bench.post(&mut visitor, "/restores", &fields).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.text);
    let address = started.header("location").to_owned();
    let restore = continuity::RestoreId(address.rsplit('/').next().unwrap().to_owned());
    let ended = bench.app.continuity.wait_restore(&restore).await.unwrap();
    assert_eq!(ended.outcome, Some(state::wire::Outcome::Problems));
    let page = bench.get(&mut visitor, &format!("{address}?lang=en")).await;
    assert!(
        page.text.contains("Go on with this restore"),
        "{}",
        page.text
    );
    std::fs::remove_file(&mine).unwrap();
    let token = page.token();
    let resume = format!("{address}/resume");
    let answer = bench
        .post(&mut visitor, &resume, &[("token", token.as_str())])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let ended = bench.app.continuity.wait_restore(&restore).await.unwrap();
    assert_eq!(ended.outcome, Some(state::wire::Outcome::Done), "{ended:?}");
    assert_eq!(std::fs::read(&mine).unwrap(), b"bonjour\n");
    let page = bench.get(&mut visitor, &address).await;
    assert!(!page.text.contains("/resume"), "{}", page.text);
}
