//! The table of what people say of machines.

use super::{Change, Details, Grounds, NamedBy, taken};
use crate::Mac;
use crate::host::{Error, HostId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use state::wire::Fact;
use state::{Db, Timestamp, journal};
use std::net::Ipv4Addr;

const OF: &str = "SELECT host.name, COALESCE(host_detail.named, '') AS named, \
     COALESCE(host_detail.profile, '') AS profile, COALESCE(host_detail.person, '') AS person, \
     COALESCE(host_detail.asset_tag, '') AS asset_tag, \
     COALESCE(host_detail.supplier, '') AS supplier, COALESCE(host_detail.bought, '') AS bought, \
     COALESCE(host_detail.warranty_end, '') AS warranty_end, \
     COALESCE(host_detail.address, '') AS address \
     FROM host LEFT JOIN host_detail ON host_detail.host = host.id WHERE host.id = $1";

pub(super) async fn set(
    db: &Db,
    grounds: &Grounds,
    id: &HostId,
    change: Change,
    by: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let (key, by, grounds) = (id.clone(), by.to_owned(), grounds.clone());
    let done = db.write(move |conn| {
        Box::pin(async move {
            let row = sqlx::query(OF)
                .bind(key.as_str())
                .fetch_optional(&mut *conn)
                .await?;
            let Some(row) = row else {
                return Ok(Err(Error::Unknown(key.to_string())));
            };
            let name: String = row.try_get("name")?;
            let before = details(&row)?;
            let after = match change.apply(&before) {
                Ok(after) => after,
                Err(why) => return Ok(Err(Error::BadDetail(name, why))),
            };
            if after.address != before.address
                && let Some(address) = after.address
                && let Some(why) = refuse(conn, &grounds, &key, address).await?
            {
                return Ok(Err(Error::BadDetail(name, why)));
            }
            if after != before {
                put(conn, &key, &after).await?;
                let fact = Fact::HostDetailed {
                    host: key.to_string(),
                    name,
                    by,
                };
                journal::append(conn, now, &fact).await?;
            }
            Ok(Ok(()))
        })
    });
    done.await?
}

/// Why it cannot have this address always.
async fn refuse(
    conn: &mut AnyConnection,
    grounds: &Grounds,
    id: &HostId,
    address: Ipv4Addr,
) -> Result<Option<String>, sqlx::Error> {
    let rows = sqlx::query("SELECT mac FROM host_mac WHERE host = $1")
        .bind(id.as_str())
        .fetch_all(&mut *conn)
        .await?;
    let mut cards = Vec::new();
    for row in &rows {
        cards.extend(row.try_get::<String, _>("mac")?.parse::<Mac>());
    }
    let other = sqlx::query(
        "SELECT host.name FROM host_detail JOIN host ON host.id = host_detail.host \
         WHERE host_detail.address = $1 AND host.id <> $2 LIMIT 1",
    )
    .bind(address.to_string())
    .bind(id.as_str())
    .fetch_optional(conn)
    .await?;
    let other = other.map(|row| row.try_get::<String, _>("name"));
    let other = other.transpose()?;
    Ok(grounds
        .refuse(address, &cards)
        .or_else(|| other.map(|other| taken(address, &other))))
}

pub(crate) async fn put(
    conn: &mut AnyConnection,
    id: &HostId,
    details: &Details,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO host_detail (host, named, profile, person, asset_tag, supplier, bought, \
         warranty_end, address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (host) DO UPDATE SET \
         named = excluded.named, profile = excluded.profile, person = excluded.person, \
         asset_tag = excluded.asset_tag, supplier = excluded.supplier, bought = excluded.bought, \
         warranty_end = excluded.warranty_end, address = excluded.address",
    )
    .bind(id.as_str())
    .bind(details.named.as_str())
    .bind(details.profile.as_str())
    .bind(details.user.as_str())
    .bind(details.asset_tag.as_str())
    .bind(details.supplier.as_str())
    .bind(details.bought.map(|d| d.to_string()).unwrap_or_default())
    .bind(
        details
            .warranty_end
            .map(|d| d.to_string())
            .unwrap_or_default(),
    )
    .bind(details.address.map(|a| a.to_string()).unwrap_or_default())
    .execute(conn)
    .await
    .map(drop)
}

pub(crate) async fn remove(conn: &mut AnyConnection, id: &HostId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM host_detail WHERE host = $1")
        .bind(id.as_str())
        .execute(conn)
        .await
        .map(drop)
}

/// Of a row with these columns; a day that is none any more counts as none.
pub(crate) fn details(row: &AnyRow) -> Result<Details, sqlx::Error> {
    let day = |column: &str| -> Result<_, sqlx::Error> {
        Ok(row.try_get::<String, _>(column)?.parse().ok())
    };
    Ok(Details {
        named: NamedBy::of(&row.try_get::<String, _>("named")?),
        profile: row.try_get("profile")?,
        user: row.try_get("person")?,
        asset_tag: row.try_get("asset_tag")?,
        supplier: row.try_get("supplier")?,
        bought: day("bought")?,
        warranty_end: day("warranty_end")?,
        address: row.try_get::<String, _>("address")?.parse().ok(),
    })
}
