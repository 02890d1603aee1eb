//! Writes a report into the tables of hosts.

use super::Report;
use crate::Mac;
use crate::host::identity::{Candidate, Identity, Match, free_name, identify, name};
use crate::host::records::{give_mac, insert, make_room, names, remove};
use crate::host::{Error, HostId};
use crate::session::next::held_until;
use crate::session::records::of_host_in;
use sqlx::{AnyConnection, Row};
use state::wire::Fact;
use state::{Db, Timestamp, journal};

/// What came of a report.
#[derive(Debug)]
pub(crate) enum Reported {
    As(HostId, String),
    /// Another agent of that machine holds its session, and gave a sign of life a moment ago.
    Held,
}

/// Finds or makes the machine of a report; gives its id and name.
pub(crate) async fn report(db: &Db, report: Report, now: Timestamp) -> Result<Reported, Error> {
    let done = db.write(move |conn| Box::pin(async move { report_in(conn, report, now).await }));
    Ok(done.await?)
}

async fn report_in(
    conn: &mut AnyConnection,
    report: Report,
    now: Timestamp,
) -> Result<Reported, sqlx::Error> {
    let identity = Identity::of(&report.inventory.system);
    let candidates = candidates(conn, report.mac, &identity).await?;
    let id = match identify(&candidates, &identity) {
        Match::New => insert(conn, report.mac, now).await?,
        Match::Known(id) => id,
        Match::Absorb { known, sighting } => {
            remove(conn, &sighting).await?;
            known
        }
    };
    // Somebody who knows a serial number must not push its machine out of its session: the agent
    // whose pairing code was compared keeps it, until it is silent.
    if let Some(bound) = of_host_in(conn, &id).await?
        && bound
            .agent_hash
            .is_some_and(|hash| hash != report.agent_hash)
        && now < held_until(&bound.session)
    {
        return Ok(Reported::Held);
    }
    give_mac(conn, report.mac, &id).await?;
    let row = sqlx::query("SELECT name, inventory, agent_hash FROM host WHERE id = $1")
        .bind(id.as_str())
        .fetch_one(&mut *conn)
        .await?;
    let old_name: String = row.try_get("name")?;
    let first = row.try_get::<Option<String>, _>("inventory")?.is_none();
    let same_agent =
        row.try_get::<Option<String>, _>("agent_hash")?.as_ref() == Some(&report.agent_hash);
    // A name that an operator gave stays.
    let unnamed = old_name.starts_with(&name(&Identity::default(), report.mac));
    let new_name = if first && unnamed {
        let names = names(conn, &id).await?;
        free_name(&name(&identity, report.mac), |n| {
            names.iter().any(|taken| taken == n)
        })
    } else {
        old_name
    };
    let inventory =
        serde_json::to_string(&report.inventory).map_err(|e| sqlx::Error::Encode(e.into()))?;
    sqlx::query(
        "UPDATE host SET name = $2, state = CASE state WHEN 'approved' THEN state ELSE 'waiting' END, \
         serial = $3, uuid = $4, product = $5, pairing_code = $6, agent_hash = $7, \
         agent_version = $8, inventory = $9, last_seen_ms = $10, \
         reported_ms = COALESCE(reported_ms, $10) WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(new_name.as_str())
    .bind(identity.serial)
    .bind(identity.uuid)
    .bind(identity.product)
    .bind(report.pairing_code)
    .bind(report.agent_hash)
    .bind(report.version)
    .bind(inventory)
    .bind(now.0)
    .execute(&mut *conn)
    .await?;
    if !same_agent {
        let fact = Fact::HostReported {
            host: id.to_string(),
            name: new_name.clone(),
        };
        journal::append(conn, now, &fact).await?;
    }
    make_room(conn).await?;
    Ok(Reported::As(id, new_name))
}

async fn candidates(
    conn: &mut AnyConnection,
    mac: Mac,
    identity: &Identity,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT host.id, host.serial, host.uuid, host.product, \
         CASE WHEN host.inventory IS NULL THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END AS reported, \
         CASE WHEN host_mac.mac IS NULL THEN CAST(0 AS BIGINT) ELSE CAST(1 AS BIGINT) END AS has_mac \
         FROM host LEFT JOIN host_mac ON host_mac.host = host.id AND host_mac.mac = $1 \
         WHERE host_mac.mac IS NOT NULL OR (host.serial <> '' AND host.serial = $2) \
         OR (host.uuid <> '' AND host.uuid = $3) ORDER BY host.first_seen_ms, host.id",
    )
    .bind(mac.to_string())
    .bind(identity.serial.as_str())
    .bind(identity.uuid.as_str())
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Candidate {
                id: HostId(row.try_get("id")?),
                identity: Identity {
                    serial: row.try_get("serial")?,
                    uuid: row.try_get("uuid")?,
                    product: row.try_get("product")?,
                },
                reported: row.try_get::<i64, _>("reported")? != 0,
                has_mac: row.try_get::<i64, _>("has_mac")? != 0,
            })
        })
        .collect()
}
