//! One restore test: its evidence, and what it does not show.

use super::{Frame, render};
use crate::auth::permit::Reader;
use crate::desk::Desk;
use crate::error::Error;
use crate::path;
use crate::story::Mood;
use crate::words::{Told, Words};
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use continuity::wire::LoadedDatabase;
use continuity::{Proof, ProofId, records};
use state::Timestamp;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/proofs", get(list))
        .route("/proofs/{id}", get(show))
}

struct Row {
    id: String,
    plan: String,
    target: String,
    when: String,
    mood: Mood,
    verdict: String,
    files: String,
    bytes: String,
    took: String,
}

fn row(words: &Words, proof: &Proof) -> Row {
    Row {
        id: proof.id.to_string(),
        plan: words.plan(&proof.plan),
        target: proof.target.clone(),
        when: words.date(proof.at),
        mood: if proof.passed { Mood::Good } else { Mood::Bad },
        verdict: match (proof.passed, proof.level) {
            (true, config::Level::Loaded) => words.t("proof-loaded"),
            (true, config::Level::Restored) => words.t("proof-restored"),
            (true, config::Level::Scrubbed) => words.t("proof-scrubbed"),
            (true, config::Level::Listed) => words.t("proof-listed"),
            (false, _) => words.t("proof-failed"),
        },
        files: words.count(proof.files),
        bytes: words.size(proof.bytes),
        took: words.took(proof.took_ms),
    }
}

#[derive(Template)]
#[template(path = "proofs.html")]
struct ListPage {
    f: Frame,
    proofs: Vec<Row>,
}

async fn list(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    let proofs = records::proofs(&desk.app.db, 200).await?;
    let title = reader.words.t("proofs-title");
    render(&ListPage {
        proofs: proofs.iter().map(|p| row(&reader.words, p)).collect(),
        f: Frame::new(&desk, &reader, "plans", title),
    })
}

struct Sampled {
    path: String,
    size: String,
    hash: String,
}

/// A database that was loaded and compared.
struct Opened {
    title: String,
    taken: String,
    rows: String,
    engines: String,
    notes: Vec<String>,
}

impl Opened {
    fn of(words: &Words, found: &LoadedDatabase) -> Opened {
        let checked = match found.checked {
            true => "proof-database-checked",
            false => "proof-database-unchecked",
        };
        let mut notes = vec![words.t(checked)];
        if !found.walled {
            notes.push(words.t("proof-database-open"));
        }
        for answer in &found.answers {
            let shown = answer.found.iter().map(|f| path::shown(f.as_bytes()));
            let shown = shown.collect::<Vec<_>>().join(", ");
            notes.push(words.n_with(
                "proof-database-answer",
                answer.files,
                &[("question", &answer.question), ("found", &shown)],
            ));
        }
        Opened {
            title: words.t1("proof-database", "name", path::shown(found.name.as_bytes())),
            taken: words.date(Timestamp(found.taken_ms)),
            rows: words.n_with(
                "proof-database-rows",
                found.rows,
                &[
                    ("tables", &words.count(found.tables)),
                    ("bytes", &words.size(found.bytes)),
                    ("took", &words.took(found.load_ms)),
                ],
            ),
            engines: words.with(
                "proof-database-engines",
                &[
                    ("engine", &found.engine),
                    ("saved", &path::shown(found.saved_version.as_bytes())),
                    ("loaded", &path::shown(found.loaded_version.as_bytes())),
                ],
            ),
            notes,
        }
    }
}

#[derive(Template)]
#[template(path = "proof.html")]
struct Page {
    f: Frame,
    row: Row,
    level: &'static str,
    detail: Option<Told>,
    saved: String,
    restore: Option<String>,
    compare: Option<String>,
    listing: String,
    snapshot: Option<String>,
    sample: Vec<Sampled>,
    databases: Vec<Opened>,
    differences: Vec<(String, Told)>,
    differences_title: String,
    not_proven: Vec<String>,
    empty: bool,
    journal_head: Option<String>,
}

/// What a proof leaves open, in the reader's words; a key of a newer version as it is.
fn not_proven(words: &Words, key: &str) -> String {
    match key {
        "application" => words.t("not-proven-application"),
        "machine" => words.t("not-proven-machine"),
        "elsewhere" => words.t("not-proven-elsewhere"),
        "content" => words.t("not-proven-content"),
        "restore" => words.t("not-proven-restore"),
        other => other.to_owned(),
    }
}

async fn show(
    State(desk): State<Desk>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let words = &reader.words;
    let id = ProofId(id);
    let proof = records::proof(&desk.app.db, &id)
        .await?
        .ok_or_else(|| Error::NotFound(words.t1("no-such-proof", "id", &id)))?;
    let evidence = &proof.evidence;
    let title = words.t2(
        "proof-title",
        "plan",
        words.plan(&proof.plan),
        "target",
        &proof.target,
    );
    let took = |ms: u64| (ms > 0).then(|| words.took(ms));
    render(&Page {
        row: row(words, &proof),
        level: proof.level.name(),
        detail: proof.detail.as_deref().map(|detail| words.told(detail)),
        saved: words.date(Timestamp(evidence.snapshot_finished_ms)),
        restore: took(evidence.restore_ms),
        compare: took(evidence.compare_ms),
        listing: evidence.listing_blake3.clone(),
        snapshot: (!proof.snapshot.is_empty()).then(|| {
            format!(
                "/snapshots/{}/{}",
                path::encode(proof.target.as_bytes()),
                proof.snapshot
            )
        }),
        sample: evidence
            .sample
            .iter()
            .map(|s| Sampled {
                path: path::shown(s.path.as_bytes()),
                size: words.size(s.size_bytes),
                hash: s.blake3.chars().take(16).collect(),
            })
            .collect(),
        databases: evidence
            .databases
            .iter()
            // What could not be read has no more to show than its difference.
            .filter(|d| !d.engine.is_empty())
            .map(|d| Opened::of(words, d))
            .collect(),
        differences: evidence
            .differences
            .iter()
            .map(|d| (path::shown(d.object.as_bytes()), words.told(&d.what)))
            .collect(),
        differences_title: words.n("proof-differences", evidence.differences_total),
        not_proven: evidence
            .not_proven
            .iter()
            .map(|key| not_proven(words, key))
            .collect(),
        empty: evidence.empty,
        journal_head: evidence
            .journal_head
            .map(|n| words.count(u64::try_from(n).unwrap_or(0))),
        f: Frame::new(&desk, &reader, "plans", title),
    })
}
