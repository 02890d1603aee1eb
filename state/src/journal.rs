//! The append-only journal of facts. A fact is written in the same transaction as the change it
//! tells of, so the two cannot disagree after a power cut.

use crate::clock::Timestamp;
use crate::db::{Db, Error};
use crate::wire::Fact;
use sqlx::{AnyConnection, Row};

/// A fact with its place in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Counts up from 1 without order lost; used as the resume point of live pages.
    pub number: i64,
    pub at: Timestamp,
    pub fact: Fact,
}

/// Appends inside the caller's own write.
pub async fn append(
    conn: &mut AnyConnection,
    at: Timestamp,
    fact: &Fact,
) -> Result<(), sqlx::Error> {
    let json = serde_json::to_string(fact).map_err(|e| sqlx::Error::Encode(e.into()))?;
    // The writer task is the only writer, so the next number is ours alone.
    sqlx::query(
        "INSERT INTO journal (number, at_ms, kind, fact) \
         SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3 FROM journal",
    )
    .bind(at.0)
    .bind(fact.kind())
    .bind(json)
    .execute(conn)
    .await?;
    Ok(())
}

/// Appends facts that change nothing else.
pub async fn record(db: &Db, at: Timestamp, fact: Fact) -> Result<(), Error> {
    db.write(move |conn| Box::pin(async move { append(conn, at, &fact).await }))
        .await
}

fn entries(rows: &[sqlx::any::AnyRow]) -> Result<Vec<Entry>, Error> {
    let mut list = Vec::with_capacity(rows.len());
    for row in rows {
        let json: String = row.try_get("fact")?;
        // A fact of a newer version (after a downgrade) is passed over, never fatal.
        if let Ok(fact) = serde_json::from_str(&json) {
            list.push(Entry {
                number: row.try_get("number")?,
                at: Timestamp(row.try_get("at_ms")?),
                fact,
            });
        }
    }
    Ok(list)
}

/// At most `limit` facts after `number`, oldest first.
pub async fn after(db: &Db, number: i64, limit: i64) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query(
        "SELECT number, at_ms, fact FROM journal WHERE number > $1 ORDER BY number LIMIT $2",
    )
    .bind(number)
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    entries(&rows)
}

/// The newest `limit` facts, newest first.
pub async fn latest(db: &Db, limit: i64) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query("SELECT number, at_ms, fact FROM journal ORDER BY number DESC LIMIT $1")
        .bind(limit)
        .fetch_all(db.read())
        .await?;
    entries(&rows)
}

/// The newest `limit` facts that troubles are read from (begun, over, and starts of the appliance), newest first.
/// However much else was written since: a trouble that lasts must not scroll away.
pub async fn troubles(db: &Db, limit: i64) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query(
        "SELECT number, at_ms, fact FROM journal \
         WHERE kind IN ('trouble', 'trouble_over', 'appliance_started') \
         ORDER BY number DESC LIMIT $1",
    )
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    entries(&rows)
}

/// The number of the newest fact; zero in an empty journal.
pub async fn head(db: &Db) -> Result<i64, Error> {
    let row = sqlx::query("SELECT COALESCE(MAX(number), 0) AS head FROM journal")
        .fetch_one(db.read())
        .await?;
    Ok(row.try_get("head")?)
}
