//! The table `risk`: what somebody accepts not to be saved.

use super::Accepted;
use sqlx::Row;
use state::db::Error;
use state::wire::Fact;
use state::{Db, Timestamp, journal};

pub(crate) async fn accepted(db: &Db) -> Result<Vec<Accepted>, Error> {
    let rows = sqlx::query(
        "SELECT object, asked_by, why, since_ms, until_ms FROM risk ORDER BY until_ms, object",
    )
    .fetch_all(db.read())
    .await?;
    let list = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>(Accepted {
            object: row.try_get("object")?,
            by: row.try_get("asked_by")?,
            why: row.try_get("why")?,
            since: Timestamp(row.try_get("since_ms")?),
            until: Timestamp(row.try_get("until_ms")?),
        })
    });
    Ok(list.collect::<Result<_, _>>()?)
}

pub(crate) async fn accept(db: &Db, accepted: Accepted, now: Timestamp) -> Result<(), Error> {
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO risk (object, asked_by, why, since_ms, until_ms, told) \
                 VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (object) DO UPDATE SET \
                 asked_by = excluded.asked_by, why = excluded.why, since_ms = excluded.since_ms, \
                 until_ms = excluded.until_ms, told = 0",
            )
            .bind(accepted.object.clone())
            .bind(accepted.by.clone())
            .bind(accepted.why.clone())
            .bind(accepted.since.0)
            .bind(accepted.until.0)
            .execute(&mut *conn)
            .await?;
            let fact = Fact::RiskAccepted {
                object: accepted.object,
                by: accepted.by,
                why: accepted.why,
                until_ms: accepted.until.0,
            };
            journal::append(conn, now, &fact).await
        })
    })
    .await
}

/// Says whether there was one.
pub(crate) async fn withdraw(
    db: &Db,
    object: &str,
    by: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let (object, by) = (object.to_owned(), by.to_owned());
    db.write(move |conn| {
        Box::pin(async move {
            let done = sqlx::query("DELETE FROM risk WHERE object = $1")
                .bind(object.clone())
                .execute(&mut *conn)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            let fact = Fact::RiskWithdrawn { object, by };
            journal::append(conn, now, &fact).await.map(|()| true)
        })
    })
    .await
}

/// Writes down, once each, which acceptances have run out.
pub(crate) async fn run_out(db: &Db, now: Timestamp) -> Result<(), Error> {
    let due =
        sqlx::query("SELECT object FROM risk WHERE until_ms <= $1 AND told = 0 ORDER BY object")
            .bind(now.0)
            .fetch_all(db.read())
            .await?;
    for row in &due {
        let object: String = row.try_get("object")?;
        db.write(move |conn| {
            Box::pin(async move {
                sqlx::query("UPDATE risk SET told = 1 WHERE object = $1")
                    .bind(object.clone())
                    .execute(&mut *conn)
                    .await?;
                journal::append(conn, now, &Fact::RiskRanOut { object }).await
            })
        })
        .await?;
    }
    Ok(())
}
