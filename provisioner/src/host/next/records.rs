//! The table of what machines boot next.

use super::NextBoot;
use crate::host::{Error, HostId};
use sqlx::Row;
use sqlx::any::AnyRow;
use state::wire::Fact;
use state::{Db, Timestamp, journal};

const OF: &str =
    "SELECT entry, asked_by, asked_ms, expires_ms, given_ms FROM next_boot WHERE host = $1";

pub(super) async fn ask(db: &Db, host: &HostId, next: NextBoot) -> Result<(), Error> {
    let host = host.clone();
    let done = db.write(move |conn| {
        Box::pin(async move {
            let row = sqlx::query("SELECT name FROM host WHERE id = $1")
                .bind(host.as_str())
                .fetch_optional(&mut *conn)
                .await?;
            let Some(row) = row else {
                return Ok(Err(Error::Unknown(host.to_string())));
            };
            sqlx::query(
                "INSERT INTO next_boot (host, entry, asked_by, asked_ms, expires_ms, given_ms) \
                 VALUES ($1, $2, $3, $4, $5, NULL) ON CONFLICT (host) DO UPDATE SET \
                 entry = excluded.entry, asked_by = excluded.asked_by, \
                 asked_ms = excluded.asked_ms, expires_ms = excluded.expires_ms, given_ms = NULL",
            )
            .bind(host.as_str())
            .bind(next.entry.as_str())
            .bind(next.by.as_str())
            .bind(next.asked.0)
            .bind(next.expires.0)
            .execute(&mut *conn)
            .await?;
            let fact = Fact::NextBootAsked {
                host: host.to_string(),
                name: row.try_get("name")?,
                entry: next.entry,
                by: next.by,
            };
            journal::append(conn, next.asked, &fact).await?;
            Ok(Ok(()))
        })
    });
    done.await?
}

pub(super) async fn withdraw(db: &Db, host: &HostId) -> Result<(), Error> {
    let host = host.clone();
    let done = db.write(move |conn| {
        Box::pin(async move {
            sqlx::query("DELETE FROM next_boot WHERE host = $1")
                .bind(host.as_str())
                .execute(conn)
                .await
                .map(drop)
        })
    });
    Ok(done.await?)
}

pub(crate) async fn of(db: &Db, host: &HostId) -> Result<Option<NextBoot>, sqlx::Error> {
    let row = sqlx::query(OF)
        .bind(host.as_str())
        .fetch_optional(db.read())
        .await?;
    row.as_ref().map(next).transpose()
}

/// The machine has its script. Only the first time counts and is said.
pub(crate) async fn given(db: &Db, host: &HostId, now: Timestamp) -> Result<(), state::db::Error> {
    let host = host.clone();
    db.write(move |conn| {
        Box::pin(async move {
            let row = sqlx::query(
                "SELECT next_boot.entry, host.name FROM next_boot JOIN host ON host.id = next_boot.host \
                 WHERE next_boot.host = $1 AND next_boot.given_ms IS NULL AND next_boot.expires_ms > $2",
            )
            .bind(host.as_str())
            .bind(now.0)
            .fetch_optional(&mut *conn)
            .await?;
            let Some(row) = row else {
                return Ok(());
            };
            sqlx::query("UPDATE next_boot SET given_ms = $2 WHERE host = $1")
                .bind(host.as_str())
                .bind(now.0)
                .execute(&mut *conn)
                .await?;
            let fact = Fact::NextBootGiven {
                host: host.to_string(),
                name: row.try_get("name")?,
                entry: row.try_get("entry")?,
            };
            journal::append(conn, now, &fact).await
        })
    })
    .await
}

fn next(row: &AnyRow) -> Result<NextBoot, sqlx::Error> {
    Ok(NextBoot {
        entry: row.try_get("entry")?,
        by: row.try_get("asked_by")?,
        asked: Timestamp(row.try_get("asked_ms")?),
        expires: Timestamp(row.try_get("expires_ms")?),
        given: row.try_get::<Option<i64>, _>("given_ms")?.map(Timestamp),
    })
}
