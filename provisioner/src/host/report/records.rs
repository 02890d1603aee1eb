//! Writes a report into the tables of hosts.

use super::Report;
use crate::host::adapter;
use crate::host::identity::{Identity, free_name, name};
use crate::host::parts::Parts;
use crate::host::recognition::{Candidate, Match, Reporter, identify};
use crate::host::records::{give_mac, insert, make_room, names, remove};
use crate::host::uuid::Uuid;
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
    let reporter = Reporter {
        identity: Identity::of(&report.inventory.system),
        parts: Parts::of(&report.inventory),
        heard: report.heard,
    };
    let candidates = candidates(conn, &report, &reporter.identity).await?;
    let mut double_of = None;
    let id = match identify(&candidates, &reporter) {
        Match::New => insert(conn, report.mac, report.heard, now).await?,
        Match::Known(id) => id,
        Match::Absorb { known, sighting } => {
            remove(conn, &sighting).await?;
            known
        }
        Match::Double { of, sighting } => {
            double_of = Some(of);
            match sighting {
                Some(sighting) => sighting,
                None => insert(conn, report.mac, report.heard, now).await?,
            }
        }
    };
    let identity = reporter.identity;
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
    adapter::records::say_shared(conn, report.mac, (&id, &new_name), first, now).await?;
    give_mac(conn, report.mac, &id).await?;
    adapter::records::used(conn, report.mac, &id, report.heard, now).await?;
    if let Some(of) = double_of {
        let row = sqlx::query("SELECT name FROM host WHERE id = $1")
            .bind(of.as_str())
            .fetch_one(&mut *conn)
            .await?;
        let fact = Fact::HostDoubled {
            host: id.to_string(),
            name: new_name.clone(),
            other: row.try_get("name")?,
        };
        journal::append(conn, now, &fact).await?;
    }
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

/// Machines with this card, serial number or UUID; a UUID may stand there in either byte order.
const CANDIDATES: &str = "SELECT host.id, host.serial, host.uuid, host.product, host.inventory, \
     host.agent_hash, (SELECT COUNT(*) FROM adapter WHERE adapter.host = host.id \
     AND adapter.mac = $1) AS cards FROM host \
     WHERE host.id IN (SELECT host FROM adapter WHERE mac = $1) \
     OR (host.serial <> '' AND LOWER(host.serial) = LOWER($2)) \
     OR (host.uuid <> '' AND host.uuid IN ($3, $4)) ORDER BY host.first_seen_ms, host.id";

async fn candidates(
    conn: &mut AnyConnection,
    report: &Report,
    identity: &Identity,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let [uuid, turned] = identity.uuid().map(Uuid::spellings).unwrap_or_default();
    let rows = sqlx::query(CANDIDATES)
        .bind(report.mac.to_string())
        .bind(identity.serial.as_str())
        .bind(uuid)
        .bind(turned)
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            let id = HostId(row.try_get("id")?);
            let inventory: Option<String> = row.try_get("inventory")?;
            let same_agent = row.try_get::<Option<String>, _>("agent_hash")?.as_ref()
                == Some(&report.agent_hash);
            Ok(Candidate {
                alive: !same_agent && report.alive.contains(&id),
                id,
                identity: Identity {
                    serial: row.try_get("serial")?,
                    uuid: row.try_get("uuid")?,
                    product: row.try_get("product")?,
                },
                reported: inventory.is_some(),
                parts: inventory
                    .and_then(|text| serde_json::from_str(&text).ok())
                    .map(|inventory| Parts::of(&inventory))
                    .unwrap_or_default(),
                has_mac: row.try_get::<i64, _>("cards")? > 0,
            })
        })
        .collect()
}
