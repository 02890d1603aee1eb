//! What pages show: headers, escaping, languages, failures.

use crate::bench::{START, Visitor, bench};
use axum::http::StatusCode;
use state::journal;
use state::progress::Progress;
use state::wire::Fact;

#[tokio::test]
async fn every_answer_forbids_foreign_and_inline_content() {
    let bench = bench().await;
    let mut visitor = bench.admin().await;
    for path in [
        "/",
        "/login",
        "/journal",
        "/nowhere",
        "/api/nowhere",
        "/api/status",
        "/snapshots",
    ] {
        let answer = bench.get(&mut visitor, path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(
            !answer.text.contains("style=\""),
            "{path} has an inline style"
        );
        assert!(
            !answer.text.contains(" onclick="),
            "{path} has an inline handler"
        );
        for tag in answer.text.split("<script").skip(1) {
            assert!(
                tag.starts_with(" src=\"/assets/"),
                "{path} has an inline script"
            );
        }
    }
    let page = bench.get(&mut visitor, "/").await.text;
    let (_, rest) = page.split_once("href=\"/assets/").unwrap();
    let asset = format!("/assets/{}", rest.split('"').next().unwrap());
    let answer = bench.get(&mut Visitor::default(), &asset).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("cache-control").contains("immutable"));
    assert_eq!(
        bench
            .get(&mut visitor, "/assets/x/../../Cargo.toml")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_others_name_is_escaped_everywhere() {
    let bench = bench().await;
    let mut visitor = bench.admin().await;
    let evil = "<script>alert(1)</script>\"'\u{202e}";
    for fact in [
        Fact::Trouble {
            object: evil.into(),
            sentence: evil.into(),
        },
        Fact::HostReported {
            host: evil.into(),
            name: evil.into(),
        },
        Fact::Downloaded {
            snapshot: evil.into(),
            path: evil.into(),
            by: evil.into(),
        },
    ] {
        journal::record(&bench.app.db, START, fact).await.unwrap();
    }
    let at = START;
    bench.app.board.set(
        evil,
        Progress {
            kind: evil.into(),
            subject: evil.into(),
            step: evil.into(),
            done_bytes: 1,
            total_bytes: 2,
            started: at,
            updated: at,
        },
    );
    for path in [
        "/",
        "/journal",
        "/hosts",
        "/login?to=%22%3E%3Cscript%3E",
        "/?x=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/runs/%3Cscript%3E",
    ] {
        let answer = bench.get(&mut visitor, path).await;
        assert!(
            !answer.text.contains("<script>"),
            "{path}:\n{}",
            answer.text
        );
        assert!(!answer.text.contains("\"><script"), "{path}");
    }
}

#[tokio::test]
async fn both_languages_and_the_choice_is_kept() {
    let bench = bench().await;
    let mut visitor = bench.admin().await;
    let page = bench.get(&mut visitor, "/").await;
    assert!(page.text.contains("<html lang=\"fr\">"));
    assert!(page.text.contains("rien n’est protégé"), "{}", page.text);
    let page = bench.get(&mut visitor, "/?lang=en").await;
    assert!(page.text.contains("<html lang=\"en\">"));
    assert!(
        page.text
            .contains("Nothing is saved yet; nothing is protected.")
    );
    assert!(
        bench
            .get(&mut visitor, "/")
            .await
            .text
            .contains("<html lang=\"en\">"),
        "kept"
    );
    let mut english = Visitor {
        language: Some("en-GB,fr;q=0.3"),
        ..Visitor::default()
    };
    let page = bench.get(&mut english, "/login").await;
    assert!(page.text.contains("<html lang=\"en\">"));
}

#[tokio::test]
async fn the_sentence_agrees_between_page_and_api() {
    let bench = bench().await;
    let mut visitor = bench.admin().await;
    let page = bench.get(&mut visitor, "/?lang=en").await.text;
    let status: serde_json::Value =
        serde_json::from_str(&bench.get(&mut visitor, "/api/status").await.text).unwrap();
    let sentence = status["sentence"].as_str().unwrap();
    assert!(page.contains(sentence), "{sentence}");
}

#[tokio::test]
async fn a_broken_inside_shows_its_id_and_not_its_cause() {
    let bench = bench().await;
    let mut visitor = bench.admin().await;
    // The table of users is gone, as after a damaged database.
    bench
        .app
        .db
        .write(|conn| {
            Box::pin(async move {
                sqlx::query("DROP TABLE web_login")
                    .execute(conn)
                    .await
                    .map(drop)
            })
        })
        .await
        .unwrap();
    for path in ["/", "/api/status"] {
        let answer = bench.get(&mut visitor, path).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!answer.text.contains("web_login"), "{}", answer.text);
        assert!(
            !answer.text.to_lowercase().contains("sql"),
            "{}",
            answer.text
        );
    }
}
