//! The tables `tidied` and `head`.

use super::Tidied;
use sqlx::Row;
use state::db::Error;
use state::wire::Fact;
use state::{Db, Timestamp, journal};

pub(crate) async fn tidied(db: &Db, target: &str) -> Result<Tidied, Error> {
    let row = sqlx::query("SELECT forgotten, pruned_ms FROM tidied WHERE target = $1")
        .bind(target)
        .fetch_optional(db.read())
        .await?;
    let Some(row) = row else {
        return Ok(Tidied::default());
    };
    Ok(Tidied {
        forgotten: u64::try_from(row.try_get::<i64, _>("forgotten")?).unwrap_or(0),
        pruned: Timestamp(row.try_get("pruned_ms")?),
    })
}

pub(crate) async fn forgotten(
    db: &Db,
    plan: &str,
    target: &str,
    count: u64,
    now: Timestamp,
) -> Result<(), Error> {
    let (plan, target) = (plan.to_owned(), target.to_owned());
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO tidied (target, forgotten, pruned_ms) VALUES ($1, $2, 0) \
                 ON CONFLICT (target) DO UPDATE SET forgotten = tidied.forgotten + excluded.forgotten",
            )
            .bind(target.clone())
            .bind(i64::try_from(count).unwrap_or(i64::MAX))
            .execute(&mut *conn)
            .await?;
            let fact = Fact::SnapshotsForgotten {
                plan,
                target,
                count,
            };
            journal::append(conn, now, &fact).await
        })
    })
    .await
}

pub(crate) async fn pruned(
    db: &Db,
    target: &str,
    freed_bytes: u64,
    took_ms: u64,
    now: Timestamp,
) -> Result<(), Error> {
    let target = target.to_owned();
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query("UPDATE tidied SET forgotten = 0, pruned_ms = $1 WHERE target = $2")
                .bind(now.0)
                .bind(target.clone())
                .execute(&mut *conn)
                .await?;
            let fact = Fact::Pruned {
                target,
                freed_bytes,
                took_ms,
            };
            journal::append(conn, now, &fact).await
        })
    })
    .await
}

/// The newest restore point that this appliance has seen there; `disk` is empty but for the disks of a rotation.
pub(crate) async fn head(db: &Db, target: &str, disk: &str) -> Result<Option<String>, Error> {
    let row = match disk {
        "" => sqlx::query("SELECT snapshot FROM head WHERE target = $1").bind(target),
        disk => sqlx::query("SELECT snapshot FROM disk_head WHERE target = $1 AND vault = $2")
            .bind(target)
            .bind(disk),
    }
    .fetch_optional(db.read())
    .await?;
    Ok(row.map(|row| row.try_get("snapshot")).transpose()?)
}

pub(crate) async fn remember(
    db: &Db,
    target: &str,
    disk: &str,
    snapshot: String,
) -> Result<(), Error> {
    let (target, disk) = (target.to_owned(), disk.to_owned());
    db.write(move |conn| {
        Box::pin(async move {
            match disk.as_str() {
                "" => sqlx::query(
                    "INSERT INTO head (target, snapshot) VALUES ($1, $2) \
                     ON CONFLICT (target) DO UPDATE SET snapshot = excluded.snapshot",
                )
                .bind(target)
                .bind(snapshot),
                _ => sqlx::query(
                    "INSERT INTO disk_head (target, snapshot, vault) VALUES ($1, $2, $3) \
                     ON CONFLICT (target, vault) DO UPDATE SET snapshot = excluded.snapshot",
                )
                .bind(target)
                .bind(snapshot)
                .bind(disk.clone()),
            }
            .execute(&mut *conn)
            .await?;
            Ok(())
        })
    })
    .await
}
