//! The table `proof`.

use super::{Proof, ProofId};
use crate::records::{count, stored};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use state::db::Error;
use state::wire::Fact;
use state::{Db, Timestamp, journal};

fn level_of(text: &str) -> config::Level {
    match text {
        "loaded" => config::Level::Loaded,
        "restored" => config::Level::Restored,
        "scrubbed" => config::Level::Scrubbed,
        _ => config::Level::Listed,
    }
}

const PROOF: &str = "SELECT id, plan, target, snapshot, level, passed, files, bytes, took_ms, at_ms, \
                     detail, evidence FROM proof";

fn proof_of(row: &AnyRow) -> Result<Proof, sqlx::Error> {
    let evidence: String = row.try_get("evidence")?;
    let passed: i64 = row.try_get("passed")?;
    Ok(Proof {
        id: ProofId(row.try_get("id")?),
        plan: row.try_get("plan")?,
        target: row.try_get("target")?,
        snapshot: row.try_get("snapshot")?,
        level: level_of(&row.try_get::<String, _>("level")?),
        passed: passed != 0,
        files: count(row.try_get("files")?),
        bytes: count(row.try_get("bytes")?),
        took_ms: count(row.try_get("took_ms")?),
        at: Timestamp(row.try_get("at_ms")?),
        detail: row.try_get("detail")?,
        evidence: serde_json::from_str(&evidence).map_err(|e| sqlx::Error::Decode(e.into()))?,
    })
}

/// The newest `limit` proofs, newest first.
pub async fn proofs(db: &Db, limit: i64) -> Result<Vec<Proof>, Error> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{PROOF} ORDER BY number DESC LIMIT $1"
    )))
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(proof_of).collect::<Result<_, _>>()?)
}

pub async fn proof(db: &Db, id: &ProofId) -> Result<Option<Proof>, Error> {
    let row = sqlx::query(AssertSqlSafe(format!("{PROOF} WHERE id = $1")))
        .bind(id.as_str())
        .fetch_optional(db.read())
        .await?;
    Ok(row.as_ref().map(proof_of).transpose()?)
}

/// The newest proof of a plan on a target.
pub(crate) async fn newest(db: &Db, plan: &str, target: &str) -> Result<Option<Proof>, Error> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "{PROOF} WHERE plan = $1 AND target = $2 ORDER BY number DESC LIMIT 1"
    )))
    .bind(plan)
    .bind(target)
    .fetch_optional(db.read())
    .await?;
    Ok(row.as_ref().map(proof_of).transpose()?)
}

/// When a snapshot of a plan on a target was last restored for real, and compared equal.
pub(crate) async fn restored(
    db: &Db,
    plan: &str,
    target: &str,
) -> Result<Option<Timestamp>, Error> {
    // By number: one from when the clock was ahead would stay the newest until then.
    let row = sqlx::query(
        "SELECT at_ms FROM proof \
         WHERE plan = $1 AND target = $2 AND passed = 1 AND level IN ('restored', 'loaded') \
         ORDER BY number DESC LIMIT 1",
    )
    .bind(plan)
    .bind(target)
    .fetch_optional(db.read())
    .await?;
    Ok(row
        .map(|row| row.try_get("at_ms"))
        .transpose()?
        .map(Timestamp))
}

/// The newest `limit` restores for real that passed, newest first.
pub(crate) async fn restores(
    db: &Db,
    plan: &str,
    target: &str,
    limit: i64,
) -> Result<Vec<Proof>, Error> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{PROOF} WHERE plan = $1 AND target = $2 AND passed = 1 AND level IN ('restored', 'loaded') \
         ORDER BY number DESC LIMIT $3"
    )))
    .bind(plan)
    .bind(target)
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(proof_of).collect::<Result<_, _>>()?)
}

/// The newest proof of a plan on a target that loaded its databases and passed.
pub(crate) async fn newest_loaded(
    db: &Db,
    plan: &str,
    target: &str,
) -> Result<Option<Proof>, Error> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "{PROOF} WHERE plan = $1 AND target = $2 AND passed = 1 AND level = 'loaded' \
         ORDER BY number DESC LIMIT 1"
    )))
    .bind(plan)
    .bind(target)
    .fetch_optional(db.read())
    .await?;
    Ok(row.as_ref().map(proof_of).transpose()?)
}

/// Keeps a finished proof.
pub(crate) async fn insert(db: &Db, proof: &Proof) -> Result<(), Error> {
    let proof = proof.clone();
    db.write(move |conn| {
        Box::pin(async move {
            forget_attempt(&mut *conn, proof.plan.clone(), proof.target.clone()).await?;
            let evidence = serde_json::to_string(&proof.evidence)
                .map_err(|e| sqlx::Error::Encode(e.into()))?;
            sqlx::query(
                "INSERT INTO proof (id, number, plan, target, snapshot, level, passed, files, bytes, \
                 took_ms, at_ms, detail, evidence) \
                 SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
                 $12 FROM proof",
            )
            .bind(proof.id.0.clone())
            .bind(proof.plan.clone())
            .bind(proof.target.clone())
            .bind(proof.snapshot.clone())
            .bind(proof.level.name())
            .bind(i64::from(proof.passed))
            .bind(stored(proof.files))
            .bind(stored(proof.bytes))
            .bind(stored(proof.took_ms))
            .bind(proof.at.0)
            .bind(proof.detail.clone())
            .bind(evidence)
            .execute(&mut *conn)
            .await?;
            let fact = Fact::ProofFinished {
                proof: proof.id.0,
                plan: proof.plan,
                target: proof.target,
                snapshot: proof.snapshot,
                level: proof.level.name().to_owned(),
                passed: proof.passed,
                files: proof.files,
                bytes: proof.bytes,
                took_ms: proof.took_ms,
                detail: proof.detail,
            };
            journal::append(conn, proof.at, &fact).await
        })
    })
    .await
}

pub(crate) async fn proven(db: &Db, snapshot: &str) -> Result<bool, Error> {
    let row = sqlx::query("SELECT id FROM proof WHERE snapshot = $1 LIMIT 1")
        .bind(snapshot)
        .fetch_optional(db.read())
        .await?;
    Ok(row.is_some())
}

/// Notes that a proof begins; the note goes away with its end, so one that stays was cut off.
pub(crate) async fn attempt(db: &Db, plan: &str, target: &str) -> Result<(), Error> {
    let (plan, target) = (plan.to_owned(), target.to_owned());
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO proving (plan, target, attempts) VALUES ($1, $2, 1) \
                 ON CONFLICT (plan, target) DO UPDATE SET attempts = proving.attempts + 1",
            )
            .bind(plan)
            .bind(target)
            .execute(conn)
            .await
            .map(drop)
        })
    })
    .await
}

/// A proof that was stopped on request may be begun again.
pub(crate) async fn stopped(db: &Db, plan: &str, target: &str) -> Result<(), Error> {
    let (plan, target) = (plan.to_owned(), target.to_owned());
    db.write(move |conn| Box::pin(forget_attempt(conn, plan, target)))
        .await
}

async fn forget_attempt(
    conn: &mut AnyConnection,
    plan: String,
    target: String,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM proving WHERE plan = $1 AND target = $2")
        .bind(plan)
        .bind(target)
        .execute(conn)
        .await
        .map(drop)
}

/// Proofs of a plan on a target that were begun and have not ended.
pub(crate) async fn cut_off(db: &Db, plan: &str, target: &str) -> Result<u64, Error> {
    let row = sqlx::query("SELECT attempts FROM proving WHERE plan = $1 AND target = $2")
        .bind(plan)
        .bind(target)
        .fetch_optional(db.read())
        .await?;
    let attempts = row.map(|row| row.try_get("attempts")).transpose()?;
    Ok(count(attempts.unwrap_or(0)))
}
