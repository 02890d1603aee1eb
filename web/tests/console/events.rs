//! Live events.

use crate::bench::{START, bench};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use state::journal;
use state::progress::Progress;
use state::wire::Fact;
use std::time::Duration;
use tower::ServiceExt;

/// Reads the stream until `wanted` was seen in it.
async fn read_until(body: &mut axum::body::BodyDataStream, wanted: &[&str]) -> String {
    use futures_util::StreamExt;
    let mut seen = String::new();
    let reading = async {
        while !wanted.iter().all(|w| seen.contains(w)) {
            let piece = body.next().await.expect("the stream goes on").unwrap();
            seen.push_str(&String::from_utf8_lossy(&piece));
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), reading).await;
    assert!(in_time.is_ok(), "{wanted:?} never came; got: {seen}");
    seen
}

#[tokio::test]
async fn events_resume_where_they_stopped_and_end_with_the_appliance() {
    let bench = bench().await;
    let visitor = bench.admin().await;
    let head = journal::head(&bench.app.db).await.unwrap();
    let jar = format!("{}={}", visitor.cookies[0].0, visitor.cookies[0].1);
    for plan in ["un", "deux"] {
        let fact = Fact::RunStarted {
            run: "r".into(),
            plan: plan.into(),
            target: "nas".into(),
        };
        journal::record(&bench.app.db, START, fact).await.unwrap();
    }
    let request = Request::get("/events")
        .header(header::COOKIE, &jar)
        .header("last-event-id", (head + 1).to_string())
        .body(Body::empty())
        .unwrap();
    let response = bench.router.clone().oneshot(request).await.unwrap();
    assert_eq!(
        response.headers().get(header::CONTENT_TYPE).unwrap(),
        "text/event-stream"
    );
    let mut body = response.into_body().into_data_stream();
    let seen = read_until(&mut body, &["\"deux\""]).await;
    assert!(!seen.contains("\"un\""), "sent again: {seen}");
    assert!(seen.contains(&format!("id: {}", head + 2)), "{seen}");

    let fact = Fact::TroubleOver {
        object: "target nas".into(),
    };
    journal::record(&bench.app.db, START, fact).await.unwrap();
    read_until(&mut body, &["event: fact", "trouble_over"]).await;
    bench.app.board.set(
        "r",
        Progress {
            kind: "run".into(),
            subject: "compta".into(),
            step: "store".into(),
            done_bytes: 5,
            total_bytes: 10,
            started: START,
            updated: START,
        },
    );
    read_until(&mut body, &["event: progress", "\"done_bytes\":5"]).await;

    bench.app.shutdown.cancel();
    let rest = tokio::time::timeout(Duration::from_secs(30), async {
        use futures_util::StreamExt;
        while body.next().await.is_some() {}
    });
    assert!(rest.await.is_ok(), "the stream outlived the appliance");
}

#[tokio::test]
async fn open_streams_are_bounded_and_given_back() {
    let bench = bench().await;
    let visitor = bench.admin().await;
    let jar = format!("{}={}", visitor.cookies[0].0, visitor.cookies[0].1);
    let open = || async {
        let request = Request::get("/events")
            .header(header::COOKIE, &jar)
            .body(Body::empty())
            .unwrap();
        bench.router.clone().oneshot(request).await.unwrap()
    };
    let mut streams = Vec::new();
    for _ in 0..64 {
        let response = open().await;
        assert_eq!(response.status(), StatusCode::OK);
        streams.push(response);
    }
    assert_eq!(open().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    streams.pop();
    let end = tokio::time::Instant::now() + Duration::from_secs(30);
    while open().await.status() != StatusCode::OK {
        assert!(
            tokio::time::Instant::now() < end,
            "the place never came back"
        );
        tokio::task::yield_now().await;
    }
}
