//! Who may do what: log-in, one-time passwords, tokens, the routes that need none.

use crate::bench::{PASSWORD, Visitor, bench, encoded, form};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use state::journal;
use state::wire::Fact;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tower::ServiceExt;

/// Every `.route("…", …)` written in this package, with the methods its handlers name.
fn routes() -> BTreeSet<(String, Method)> {
    fn files(folder: &Path, list: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, list);
            } else {
                list.push(path);
            }
        }
    }
    let mut sources = Vec::new();
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut sources,
    );
    let mut found = BTreeSet::new();
    for source in sources {
        let text = std::fs::read_to_string(&source).unwrap();
        for piece in text.split(".route(").skip(1) {
            let (_, rest) = piece.split_once('"').unwrap();
            let (path, rest) = rest.split_once('"').unwrap();
            let handlers = until_closed(rest);
            let mut any = false;
            for (call, method) in [("get(", Method::GET), ("post(", Method::POST)] {
                if handlers.contains(call) {
                    any = true;
                    found.insert((path.to_owned(), method));
                }
            }
            assert!(any, "no handler read for {path} in {}", source.display());
        }
    }
    found
}

/// What stands before the bracket that closes one opened earlier.
fn until_closed(text: &str) -> &str {
    let mut depth = 1;
    let end = text.find(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    &text[..end.unwrap_or(text.len())]
}

/// The list of what answers without a log-in. Nothing else may.
const OPEN: &[(&str, Method)] = &[
    ("/assets/{edition}/{name}", Method::GET),
    ("/login", Method::GET),
    ("/login", Method::POST),
];

#[tokio::test]
async fn no_route_answers_without_a_log_in_except_the_listed_ones() {
    let bench = bench().await;
    let routes = routes();
    assert!(routes.len() > 40, "the scan found only {}", routes.len());
    for (route, method) in &routes {
        let path = route
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let request = Request::builder()
            .method(method)
            .uri(&path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::empty())
            .unwrap();
        let answer = bench.send(&mut Visitor::default(), request).await;
        let refused = answer.status == StatusCode::UNAUTHORIZED
            || (answer.status == StatusCode::SEE_OTHER
                && answer.header("location").starts_with("/login"));
        let open = OPEN.contains(&(route.as_str(), method.clone()));
        // A failed log-in is a 401 too: it is the one open route that may look refused.
        assert!(
            refused != open || route == "/login",
            "{method} {route} answered {} without a log-in",
            answer.status
        );
    }
    for (route, method) in OPEN {
        assert!(
            routes.contains(&((*route).to_owned(), method.clone())),
            "{route} is gone"
        );
    }
}

#[tokio::test]
async fn the_one_time_password_dies_at_the_first_log_in_and_must_be_replaced() {
    let bench = bench().await;
    let now = bench.clock.now();
    let given = web::ensure_admin(&bench.app.db, now)
        .await
        .unwrap()
        .unwrap();
    let mut visitor = Visitor::default();
    let answer = bench.log_in(&mut visitor, &given.password).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let set = answer.header("set-cookie");
    for part in [
        "__Host-reprise=",
        "; Path=/",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Lax",
    ] {
        assert!(set.contains(part), "{set}");
    }
    let second = bench.log_in(&mut Visitor::default(), &given.password).await;
    assert_eq!(second.status, StatusCode::UNAUTHORIZED, "it was good once");

    // Nothing else is reachable before it is replaced, neither pages nor API.
    for path in ["/", "/snapshots", "/account"] {
        let answer = bench.get(&mut visitor, path).await;
        assert_eq!(answer.header("location"), "/account/password", "{path}");
    }
    assert_eq!(
        bench.get(&mut visitor, "/api/status").await.status,
        StatusCode::FORBIDDEN
    );
    let page = bench.get(&mut visitor, "/account/password").await;
    let token = page.token();
    let short = [
        ("token", token.as_str()),
        ("new", "court"),
        ("repeated", "court"),
    ];
    let answer = bench.post(&mut visitor, "/account/password", &short).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let good = [
        ("token", token.as_str()),
        ("new", PASSWORD),
        ("repeated", PASSWORD),
    ];
    let answer = bench.post(&mut visitor, "/account/password", &good).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(bench.get(&mut visitor, "/").await.status, StatusCode::OK);
    assert!(
        web::ensure_admin(&bench.app.db, now)
            .await
            .unwrap()
            .is_none()
    );
    let kept = journal::latest(&bench.app.db, 10).await.unwrap();
    assert!(
        kept.iter()
            .any(|e| matches!(&e.fact, Fact::LogInRefused { user } if user == "admin"))
    );
}

#[tokio::test]
async fn a_lost_one_time_password_is_replaced_at_the_next_start_until_one_was_chosen() {
    let bench = bench().await;
    let now = bench.clock.now();
    let first = web::ensure_admin(&bench.app.db, now)
        .await
        .unwrap()
        .unwrap();
    let second = web::ensure_admin(&bench.app.db, now)
        .await
        .unwrap()
        .unwrap();
    let old = bench.log_in(&mut Visitor::default(), &first.password).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    let new = bench
        .log_in(&mut Visitor::default(), &second.password)
        .await;
    assert_eq!(new.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_log_in_ends_by_log_out_by_time_and_by_a_new_password() {
    let bench = bench().await;
    let mut visitor = bench.admin().await;
    let token = bench.get(&mut visitor, "/").await.token();
    let mut stolen = Visitor {
        cookies: visitor.cookies.clone(),
        language: None,
    };
    bench
        .post(&mut visitor, "/logout", &[("token", &token)])
        .await;
    let answer = bench.get(&mut stolen, "/").await;
    assert_eq!(
        answer.header("location"),
        "/login",
        "the row is gone, not only the cookie"
    );

    let mut idle = bench.admin().await;
    bench.clock.advance(Duration::from_secs(11 * 3600));
    assert_eq!(bench.get(&mut idle, "/").await.status, StatusCode::OK);
    bench.clock.advance(Duration::from_secs(12 * 3600 + 1));
    assert_eq!(
        bench.get(&mut idle, "/").await.status,
        StatusCode::SEE_OTHER
    );

    // A page that keeps itself up to date does not count as use.
    let mut forgotten = bench.admin().await;
    for status in [StatusCode::OK, StatusCode::SEE_OTHER] {
        bench.clock.advance(Duration::from_secs(7 * 3600));
        let request = Request::get("/")
            .header("x-reprise-live", "1")
            .body(Body::empty())
            .unwrap();
        assert_eq!(bench.send(&mut forgotten, request).await.status, status);
    }

    let mut other = bench.admin().await;
    let now = bench.clock.now();
    web::auth::set_password(&bench.app.db, "admin", "une tout autre phrase", now)
        .await
        .unwrap();
    assert_eq!(
        bench.get(&mut other, "/").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn guessing_is_slowed_and_the_right_password_waits_too() {
    let bench = bench().await;
    bench.admin().await;
    for _ in 0..5 {
        let answer = bench.log_in(&mut Visitor::default(), "mauvais").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    let answer = bench.log_in(&mut Visitor::default(), PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    bench.clock.advance(Duration::from_secs(2));
    let answer = bench.log_in(&mut Visitor::default(), PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nothing_changes_from_another_site_or_without_the_pages_token() {
    let bench = bench().await;
    let mut visitor = bench.admin().await;
    let token = bench.get(&mut visitor, "/").await.token();
    let fields = [("token", token.as_str())];
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let request = form("/logout")
            .header(name, value)
            .header(header::HOST, "box:8443")
            .body(Body::from(encoded(&fields)))
            .unwrap();
        let answer = bench.send(&mut visitor, request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    for wrong in ["", "0", &"0".repeat(64)] {
        let answer = bench
            .post(&mut visitor, "/logout", &[("token", wrong)])
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "token {wrong:?}");
    }
    // The API by cookie: neither header says that this is our own page, and no token is sent.
    let request = Request::post("/api/plans/compta/run")
        .body(Body::empty())
        .unwrap();
    let answer = bench.send(&mut visitor, request).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(
        bench.get(&mut visitor, "/").await.status,
        StatusCode::OK,
        "still logged in"
    );
}

#[tokio::test]
async fn the_control_router_needs_no_log_in_and_has_no_pages() {
    let bench = bench().await;
    let control = web::control(bench.app.clone());
    let ask = |path: &'static str| {
        let control = control.clone();
        async move {
            let request = Request::get(path).body(Body::empty()).unwrap();
            control.oneshot(request).await.unwrap().status()
        }
    };
    assert_eq!(ask("/api/status").await, StatusCode::OK);
    assert_eq!(ask("/api/journal").await, StatusCode::OK);
    assert_eq!(ask("/").await, StatusCode::NOT_FOUND);
    assert_eq!(ask("/login").await, StatusCode::NOT_FOUND);
}
