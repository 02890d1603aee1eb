//! The table `known_vault`, and what each vault of a target was last saved to and restored from.

use super::KnownVault;
use sqlx::{AnyConnection, Row};
use state::db::Error;
use state::wire::Fact;
use state::{Db, Timestamp, journal};
use std::collections::BTreeMap;

/// The vaults that were used under a target's name, first known first.
pub(crate) async fn known_vaults(db: &Db, target: &str) -> Result<Vec<KnownVault>, Error> {
    let rows = sqlx::query(
        "SELECT vault, device, first_ms, seen_ms FROM known_vault WHERE target = $1 ORDER BY first_ms, vault",
    )
    .bind(target)
    .fetch_all(db.read())
    .await?;
    let list = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>(KnownVault {
            vault: row.try_get("vault")?,
            device: row.try_get("device")?,
            first: Timestamp(row.try_get("first_ms")?),
            seen: Timestamp(row.try_get("seen_ms")?),
        })
    });
    Ok(list.collect::<Result<_, _>>()?)
}

/// A vault that belongs there was found there.
pub(crate) async fn saw_vault(
    db: &Db,
    target: &str,
    vault: &str,
    device: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let (target, vault, device) = (target.to_owned(), vault.to_owned(), device.to_owned());
    db.write(move |conn| Box::pin(note_vault(conn, target, vault, device, now)))
        .await
}

async fn note_vault(
    conn: &mut AnyConnection,
    target: String,
    vault: String,
    device: String,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO known_vault (target, vault, device, first_ms, seen_ms) VALUES ($1, $2, $3, $4, $4) \
         ON CONFLICT (target, vault) DO UPDATE SET device = excluded.device, seen_ms = excluded.seen_ms",
    )
    .bind(target)
    .bind(vault)
    .bind(device)
    .bind(now.0)
    .execute(conn)
    .await
    .map(drop)
}

/// From now on this is the only vault that belongs to the target. What was remembered of the others would only be
/// missed in this one.
pub(crate) async fn accept_vault(
    db: &Db,
    target: &str,
    vault: &str,
    device: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let (target, vault) = (target.to_owned(), vault.to_owned());
    let (device, by) = (device.to_owned(), by.to_owned());
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query("DELETE FROM known_vault WHERE target = $1")
                .bind(target.clone())
                .execute(&mut *conn)
                .await?;
            sqlx::query("DELETE FROM head WHERE target = $1")
                .bind(target.clone())
                .execute(&mut *conn)
                .await?;
            note_vault(conn, target.clone(), vault.clone(), device, now).await?;
            let fact = Fact::VaultAccepted { target, vault, by };
            journal::append(conn, now, &fact).await
        })
    })
    .await
}

/// A removable disk came or went.
pub(crate) async fn disk_moved(
    db: &Db,
    target: &str,
    vault: &str,
    came: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let (target, vault) = (target.to_owned(), vault.to_owned());
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query("UPDATE known_vault SET seen_ms = $1 WHERE target = $2 AND vault = $3")
                .bind(now.0)
                .bind(target.clone())
                .bind(vault.clone())
                .execute(&mut *conn)
                .await?;
            let fact = match came {
                true => Fact::DiskCame { target, vault },
                false => Fact::DiskWent { target, vault },
            };
            journal::append(conn, now, &fact).await
        })
    })
    .await
}

/// When each vault of a target was last saved to, by any plan.
pub(crate) async fn saved(db: &Db, target: &str) -> Result<BTreeMap<String, Timestamp>, Error> {
    let rows = sqlx::query(
        "SELECT vault, MAX(finished_ms) AS newest FROM run WHERE target = $1 AND snapshot IS NOT NULL \
         AND vault IS NOT NULL GROUP BY vault",
    )
    .bind(target)
    .fetch_all(db.read())
    .await?;
    by_vault(&rows)
}

/// When a restore point of each vault of a target was last restored for real.
pub(crate) async fn proven(db: &Db, target: &str) -> Result<BTreeMap<String, Timestamp>, Error> {
    let rows = sqlx::query(
        "SELECT run.vault AS vault, MAX(proof.at_ms) AS newest FROM proof \
         JOIN run ON run.snapshot = proof.snapshot AND run.target = proof.target \
         WHERE proof.target = $1 AND proof.passed = 1 AND proof.level = 'restored' \
         AND run.vault IS NOT NULL GROUP BY run.vault",
    )
    .bind(target)
    .fetch_all(db.read())
    .await?;
    by_vault(&rows)
}

fn by_vault(rows: &[sqlx::any::AnyRow]) -> Result<BTreeMap<String, Timestamp>, Error> {
    let list = rows.iter().map(|row| {
        let newest: Option<i64> = row.try_get("newest")?;
        Ok::<_, sqlx::Error>((row.try_get("vault")?, newest.map(Timestamp)))
    });
    let list = list.collect::<Result<Vec<(String, Option<Timestamp>)>, _>>()?;
    Ok(list
        .into_iter()
        .filter_map(|(vault, at)| Some((vault, at?)))
        .collect())
}
