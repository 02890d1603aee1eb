//! The tables of this package, what its records share, incidents, typed-back keys and known hours.
//! Runs, proofs and restores have a `records.rs` each. A write appends its fact in the same
//! transaction.

pub use crate::proof::records::{proof, proofs};
pub use crate::restore::records::{problems as restore_problems, restore, restores};
pub use crate::run::records::{problems, run, runs};

use crate::trouble::{News, Trouble, news};
use config::Plan;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use state::db::{Error, Tables};
use state::wire::{Fact, Outcome};
use state::{Db, Timestamp, journal};

const TABLES: &[&str] = &[
    "CREATE TABLE run (\
       id TEXT PRIMARY KEY, number BIGINT NOT NULL, plan TEXT NOT NULL, target TEXT NOT NULL, \
       asked_by TEXT NOT NULL, queued_ms BIGINT NOT NULL, started_ms BIGINT, finished_ms BIGINT, \
       outcome TEXT, snapshot TEXT, files BIGINT NOT NULL, read_bytes BIGINT NOT NULL, \
       stored_bytes BIGINT NOT NULL, problems BIGINT NOT NULL, took_ms BIGINT NOT NULL, detail TEXT);\
     CREATE INDEX run_newest ON run (plan, target, number);\
     CREATE INDEX run_number ON run (number);\
     CREATE TABLE run_problem (\
       run TEXT NOT NULL, number BIGINT NOT NULL, object TEXT NOT NULL, what TEXT NOT NULL, \
       PRIMARY KEY (run, number));\
     CREATE TABLE proof (\
       id TEXT PRIMARY KEY, number BIGINT NOT NULL, plan TEXT NOT NULL, target TEXT NOT NULL, \
       snapshot TEXT NOT NULL, level TEXT NOT NULL, passed BIGINT NOT NULL, files BIGINT NOT NULL, \
       bytes BIGINT NOT NULL, took_ms BIGINT NOT NULL, at_ms BIGINT NOT NULL, detail TEXT, \
       evidence TEXT NOT NULL);\
     CREATE INDEX proof_newest ON proof (plan, target, number);\
     CREATE INDEX proof_number ON proof (number);\
     CREATE TABLE restore_job (\
       id TEXT PRIMARY KEY, number BIGINT NOT NULL, target TEXT NOT NULL, snapshot TEXT NOT NULL, \
       destination TEXT NOT NULL, asked_by TEXT NOT NULL, started_ms BIGINT NOT NULL, \
       finished_ms BIGINT, outcome TEXT, files BIGINT NOT NULL, bytes BIGINT NOT NULL, \
       problems BIGINT NOT NULL, took_ms BIGINT NOT NULL, detail TEXT);\
     CREATE INDEX restore_job_number ON restore_job (number);\
     CREATE TABLE restore_problem (\
       restore_job TEXT NOT NULL, number BIGINT NOT NULL, object TEXT NOT NULL, what TEXT NOT NULL, \
       PRIMARY KEY (restore_job, number));\
     CREATE TABLE planned (plan TEXT PRIMARY KEY, hour TEXT NOT NULL, since_ms BIGINT NOT NULL);\
     CREATE TABLE trouble (object TEXT PRIMARY KEY, kind TEXT NOT NULL, sentence TEXT NOT NULL, \
       since_ms BIGINT NOT NULL);\
     CREATE TABLE key_confirmed (target TEXT PRIMARY KEY, asked_by TEXT NOT NULL, at_ms BIGINT NOT NULL);",
    "CREATE TABLE proving (\
       plan TEXT NOT NULL, target TEXT NOT NULL, attempts BIGINT NOT NULL, PRIMARY KEY (plan, target))",
    "CREATE TABLE tidied (\
       target TEXT PRIMARY KEY, forgotten BIGINT NOT NULL, pruned_ms BIGINT NOT NULL);\
     CREATE TABLE head (target TEXT PRIMARY KEY, snapshot TEXT NOT NULL)",
    "CREATE TABLE outbox (\
       number BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, about TEXT NOT NULL, \
       thread TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, html TEXT NOT NULL, \
       queued_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, next_ms BIGINT NOT NULL, \
       attempts BIGINT NOT NULL, state TEXT NOT NULL, ended_ms BIGINT, answer TEXT, UNIQUE (channel, about));\
     CREATE INDEX outbox_waiting ON outbox (channel, state, next_ms);\
     CREATE TABLE told (\
       object TEXT PRIMARY KEY, thread TEXT NOT NULL, sentence TEXT NOT NULL, since_ms BIGINT NOT NULL, \
       is_open BIGINT NOT NULL, opened BIGINT NOT NULL, window_ms BIGINT NOT NULL, muted BIGINT NOT NULL, \
       doubted_ms BIGINT);\
     CREATE TABLE notify_mark (name TEXT PRIMARY KEY, value TEXT NOT NULL);\
     CREATE TABLE exposed (plan TEXT PRIMARY KEY, since_ms BIGINT NOT NULL)",
    "ALTER TABLE restore_job ADD COLUMN asked TEXT;\
     ALTER TABLE restore_job ADD COLUMN resumed BIGINT NOT NULL DEFAULT 0",
    // What `key_confirmed` holds was shown by typing a password, not from the paper: it no longer counts.
    "CREATE TABLE words_confirmed (target TEXT PRIMARY KEY, asked_by TEXT NOT NULL, at_ms BIGINT NOT NULL)",
    "CREATE TABLE known_vault (\
       target TEXT NOT NULL, vault TEXT NOT NULL, device TEXT NOT NULL, first_ms BIGINT NOT NULL, \
       seen_ms BIGINT NOT NULL, PRIMARY KEY (target, vault));\
     ALTER TABLE run ADD COLUMN vault TEXT;\
     CREATE TABLE disk_head (\
       target TEXT NOT NULL, vault TEXT NOT NULL, snapshot TEXT NOT NULL, PRIMARY KEY (target, vault))",
    "CREATE TABLE risk (\
       object TEXT PRIMARY KEY, asked_by TEXT NOT NULL, why TEXT NOT NULL, since_ms BIGINT NOT NULL, \
       until_ms BIGINT NOT NULL, told BIGINT NOT NULL)",
];

/// Brings this package's tables up to date.
pub async fn migrate(db: &Db) -> Result<(), Error> {
    db.migrate(SCHEMA).await
}

/// The tables of this package.
pub const SCHEMA: Tables = Tables {
    package: "continuity",
    steps: TABLES,
};

/// Most problems kept per run or restore; the rest are counted only.
pub const PROBLEMS_KEPT: usize = 1000;

/// A part that went wrong in a run or a restore, as kept.
pub type Problem = vault::Problem;

pub(crate) fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

pub(crate) fn stored(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn outcome_text(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Problems => "problems",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::Interrupted => "interrupted",
    }
}

pub(crate) fn outcome_of(text: &str) -> Outcome {
    match text {
        "done" => Outcome::Done,
        "problems" => Outcome::Problems,
        "cancelled" => Outcome::Cancelled,
        "interrupted" => Outcome::Interrupted,
        _ => Outcome::Failed,
    }
}

pub(crate) fn moment(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp))
}

pub(crate) fn problems_of(rows: &[AnyRow]) -> Result<Vec<Problem>, Error> {
    let list = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>(Problem {
            object: row.try_get("object")?,
            what: row.try_get("what")?,
        })
    });
    Ok(list.collect::<Result<_, _>>()?)
}

/// Incidents that go on, oldest first.
pub async fn troubles(db: &Db) -> Result<Vec<Trouble>, Error> {
    let rows = sqlx::query(
        "SELECT object, kind, sentence, since_ms FROM trouble ORDER BY since_ms, object",
    )
    .fetch_all(db.read())
    .await?;
    let list = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>(Trouble {
            object: row.try_get("object")?,
            kind: row.try_get("kind")?,
            sentence: row.try_get("sentence")?,
            since: Timestamp(row.try_get("since_ms")?),
        })
    });
    Ok(list.collect::<Result<_, _>>()?)
}

/// Of which vaults the recovery words were typed back, by whom, when.
pub async fn keys_confirmed(db: &Db) -> Result<Vec<crate::keys::Confirmed>, Error> {
    let rows = sqlx::query("SELECT target, asked_by, at_ms FROM words_confirmed ORDER BY target")
        .fetch_all(db.read())
        .await?;
    let list = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>(crate::keys::Confirmed {
            target: row.try_get("target")?,
            by: row.try_get("asked_by")?,
            at: Timestamp(row.try_get("at_ms")?),
        })
    });
    Ok(list.collect::<Result<_, _>>()?)
}

pub(crate) async fn confirm_words(
    db: &Db,
    target: &str,
    by: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let (target, by) = (target.to_owned(), by.to_owned());
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO words_confirmed (target, asked_by, at_ms) VALUES ($1, $2, $3) \
                 ON CONFLICT (target) DO UPDATE SET asked_by = excluded.asked_by, at_ms = excluded.at_ms",
            )
            .bind(target.clone())
            .bind(by.clone())
            .bind(at.0)
            .execute(&mut *conn)
            .await?;
            journal::append(conn, at, &Fact::WordsConfirmed { target, by }).await
        })
    })
    .await
}

pub(crate) async fn paper_made(
    db: &Db,
    target: &str,
    by: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let (target, by) = (target.to_owned(), by.to_owned());
    db.write(move |conn| {
        Box::pin(async move { journal::append(conn, at, &Fact::PaperMade { target, by }).await })
    })
    .await
}

/// Writes down that `object` is in trouble (`found`: kind of cause and sentence), or no longer; says
/// what was new about it. One fact per incident, however often it is found.
pub(crate) async fn incident(
    db: &Db,
    object: &str,
    found: Option<(&'static str, String)>,
    now: Timestamp,
) -> Result<News, Error> {
    let object = object.to_owned();
    db.write(move |conn| Box::pin(note(conn, object, found, now)))
        .await
}

async fn note(
    conn: &mut AnyConnection,
    object: String,
    found: Option<(&'static str, String)>,
    now: Timestamp,
) -> Result<News, sqlx::Error> {
    let open = sqlx::query("SELECT kind FROM trouble WHERE object = $1")
        .bind(object.clone())
        .fetch_optional(&mut *conn)
        .await?
        .map(|row| row.try_get::<String, _>("kind"))
        .transpose()?;
    let news = news(open.as_deref(), found.as_ref().map(|(kind, _)| *kind));
    match (news, found) {
        (News::Begins | News::Changes, Some((kind, sentence))) => {
            sqlx::query(
                "INSERT INTO trouble (object, kind, sentence, since_ms) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (object) DO UPDATE SET kind = excluded.kind, sentence = excluded.sentence",
            )
            .bind(object.clone())
            .bind(kind)
            .bind(sentence.clone())
            .bind(now.0)
            .execute(&mut *conn)
            .await?;
            journal::append(conn, now, &Fact::Trouble { object, sentence }).await?;
        }
        (News::Ends, _) => {
            sqlx::query("DELETE FROM trouble WHERE object = $1")
                .bind(object.clone())
                .execute(&mut *conn)
                .await?;
            journal::append(conn, now, &Fact::TroubleOver { object }).await?;
        }
        _ => {}
    }
    Ok(news)
}

/// Since when each plan has its present hour; new plans and changed hours count from `now`. Writes
/// only when one of them is new.
pub(crate) async fn planned(
    db: &Db,
    plans: &[Plan],
    now: Timestamp,
) -> Result<Vec<Timestamp>, Error> {
    let rows = sqlx::query("SELECT plan, hour, since_ms FROM planned")
        .fetch_all(db.read())
        .await?;
    let mut known = std::collections::BTreeMap::new();
    for row in &rows {
        let hour: String = row.try_get("hour")?;
        let since = Timestamp(row.try_get("since_ms")?);
        known.insert(row.try_get::<String, _>("plan")?, (hour, since));
    }
    let mut since = Vec::with_capacity(plans.len());
    let mut new = Vec::new();
    for plan in plans {
        let hour = plan.at.map_or_else(String::new, |at| at.to_string());
        match known.get(&plan.name) {
            // First seen while the clock was ahead: it is not to wait until then.
            Some((before, at)) if *before == hour && *at <= now => since.push(*at),
            _ => {
                since.push(now);
                new.push((plan.name.clone(), hour));
            }
        }
    }
    if !new.is_empty() {
        db.write(move |conn| Box::pin(plan_hours(conn, new, now)))
            .await?;
    }
    Ok(since)
}

async fn plan_hours(
    conn: &mut AnyConnection,
    hours: Vec<(String, String)>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    for (plan, hour) in hours {
        sqlx::query(
            "INSERT INTO planned (plan, hour, since_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (plan) DO UPDATE SET hour = excluded.hour, since_ms = excluded.since_ms",
        )
        .bind(plan)
        .bind(hour)
        .bind(now.0)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
