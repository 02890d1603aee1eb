//! The tables of hosts.

use super::details::{Details, Grounds, NamedBy};
use super::identity::{Identity, free_name, name};
use super::import::{self, Added, Changed, Listed, Step};
use super::next::NextBoot;
use super::place::Place;
use super::uuid::Uuid;
use super::{Error, Host, HostId, HostState, Imported, adapter, details, glpi, place};
use crate::Mac;
use crate::boot::heard::Said;
use crate::boot::policy::Known;
use crate::boot::who::Suspect;
use config::Registry;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use state::wire::Fact;
use state::{Db, Timestamp, journal};
use std::collections::HashMap;

/// Machines that were only seen: the oldest make room, so that a flood of invented addresses
/// cannot fill the disk.
const MOST_SEEN: i64 = 1000;
/// Machines that reported and were never approved.
const MOST_WAITING: i64 = 1000;

const LIST: &str = "SELECT host.id, host.name, host.state, host.serial, host.uuid, host.product, \
     host.pairing_code, host.agent_version, host.inventory, host.first_seen_ms, \
     host.last_seen_ms, host.reported_ms, host.approved_ms, host.approved_by, \
     COALESCE(host_detail.named, '') AS named, COALESCE(host_detail.profile, '') AS profile, \
     COALESCE(host_detail.person, '') AS person, \
     COALESCE(host_detail.asset_tag, '') AS asset_tag, \
     COALESCE(host_detail.supplier, '') AS supplier, COALESCE(host_detail.bought, '') AS bought, \
     COALESCE(host_detail.warranty_end, '') AS warranty_end, \
     COALESCE(host_detail.address, '') AS address \
     FROM host LEFT JOIN host_detail ON host_detail.host = host.id \
     ORDER BY host.last_seen_ms DESC, host.id";

const GET: &str = "SELECT host.id, host.name, host.state, host.serial, host.uuid, host.product, \
     host.pairing_code, host.agent_version, host.inventory, host.first_seen_ms, \
     host.last_seen_ms, host.reported_ms, host.approved_ms, host.approved_by, \
     COALESCE(host_detail.named, '') AS named, COALESCE(host_detail.profile, '') AS profile, \
     COALESCE(host_detail.person, '') AS person, \
     COALESCE(host_detail.asset_tag, '') AS asset_tag, \
     COALESCE(host_detail.supplier, '') AS supplier, COALESCE(host_detail.bought, '') AS bought, \
     COALESCE(host_detail.warranty_end, '') AS warranty_end, \
     COALESCE(host_detail.address, '') AS address \
     FROM host LEFT JOIN host_detail ON host_detail.host = host.id \
     WHERE host.id = $1";

/// Machines with the card, and those with the UUID in either byte order.
const SUSPECTS: &str = "SELECT host.id, host.state, host.asked_ms, host.reported_ms, \
     host.last_seen_ms, host.uuid, (SELECT COUNT(*) FROM session WHERE session.host = host.id \
     AND session.over = 0 AND session.expires_ms > $2) AS sessions, \
     (SELECT heard FROM adapter WHERE adapter.mac = $1 AND adapter.host = host.id) AS heard, \
     host.first_seen_ms, next_boot.entry, next_boot.asked_by, next_boot.asked_ms AS wished_ms, \
     next_boot.expires_ms, next_boot.given_ms \
     FROM host LEFT JOIN next_boot ON next_boot.host = host.id WHERE host.id IN (SELECT host FROM adapter WHERE mac = $1 \
     UNION SELECT id FROM host WHERE uuid <> '' AND uuid IN ($3, $4)) \
     ORDER BY host.last_seen_ms DESC, host.id";

/// What DHCP, TFTP and HTTP need to know of a machine that may be the one behind a card.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    pub(crate) suspect: Suspect,
    /// What an operator wants it to boot; maybe over.
    pub(crate) next: Option<NextBoot>,
    pub(crate) last_seen: Timestamp,
}

pub(crate) async fn suspects(
    db: &Db,
    mac: Mac,
    uuid: Option<Uuid>,
    now: Timestamp,
) -> Result<Vec<Sighting>, sqlx::Error> {
    let [uuid, turned] = uuid.map(Uuid::spellings).unwrap_or_default();
    let rows = sqlx::query(SUSPECTS)
        .bind(mac.to_string())
        .bind(now.0)
        .bind(uuid)
        .bind(turned)
        .fetch_all(db.read())
        .await?;
    rows.iter()
        .map(|row| {
            let heard: Option<String> = row.try_get("heard")?;
            let asked = Timestamp(row.try_get("asked_ms")?);
            Ok(Sighting {
                next: wish(row)?,
                suspect: Suspect {
                    host: HostId(row.try_get("id")?),
                    known: Known {
                        state: state_of(row)?,
                        asked,
                        reported: time(row, "reported_ms")?,
                        asked_again: asked > Timestamp(row.try_get("first_seen_ms")?),
                        session: row.try_get::<i64, _>("sessions")? > 0,
                        // The gate knows whether it is over.
                        next: None,
                    },
                    uuid: Uuid::of_text(&row.try_get::<String, _>("uuid")?),
                    has_card: heard.is_some(),
                    heard: heard.as_deref().and_then(Uuid::of_text),
                },
                last_seen: Timestamp(row.try_get("last_seen_ms")?),
            })
        })
        .collect()
}

fn wish(row: &AnyRow) -> Result<Option<NextBoot>, sqlx::Error> {
    let Some(entry) = row.try_get("entry")? else {
        return Ok(None);
    };
    Ok(Some(NextBoot {
        entry,
        by: row.try_get("asked_by")?,
        asked: Timestamp(row.try_get("wished_ms")?),
        expires: Timestamp(row.try_get("expires_ms")?),
        given: time(row, "given_ms")?,
    }))
}

/// A machine asked the network for a boot loader: `None` = one that the registry has not.
pub(crate) async fn saw(
    db: &Db,
    mac: Mac,
    said: Said,
    host: Option<HostId>,
    now: Timestamp,
) -> Result<(), Error> {
    let done = db.write(move |conn| {
        Box::pin(async move {
            match host {
                Some(host) => touch_in(conn, host.0, now).await?,
                None => insert(conn, mac, said.uuid, now).await.map(drop)?,
            }
            place::records::heard(conn, mac, &said, now).await
        })
    });
    Ok(done.await?)
}

/// Its agent gave a sign of life.
pub(crate) async fn touch(db: &Db, id: &HostId, now: Timestamp) -> Result<(), Error> {
    let id = id.0.clone();
    let done = db.write(move |conn| Box::pin(async move { touch_in(conn, id, now).await }));
    Ok(done.await?)
}

async fn touch_in(conn: &mut AnyConnection, id: String, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE host SET last_seen_ms = $2 WHERE id = $1")
        .bind(id)
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop)
}

/// A new machine, of which its card is known and maybe the UUID that its firmware said.
pub(crate) async fn insert(
    conn: &mut AnyConnection,
    mac: Mac,
    uuid: Option<Uuid>,
    now: Timestamp,
) -> Result<HostId, sqlx::Error> {
    let id = HostId::new();
    let names = names(conn, &id).await?;
    let name = free_name(&name(&Identity::default(), mac), |n| {
        names.iter().any(|taken| taken == n)
    });
    sqlx::query(
        "INSERT INTO host (id, name, state, serial, uuid, product, first_seen_ms, last_seen_ms, \
         asked_ms) VALUES ($1, $2, 'seen', '', $4, '', $3, $3, $3)",
    )
    .bind(id.as_str())
    .bind(name)
    .bind(now.0)
    .bind(uuid.map(Uuid::key).unwrap_or_default())
    .execute(&mut *conn)
    .await?;
    give_mac(conn, mac, &id).await?;
    adapter::records::used(conn, mac, &id, uuid, now).await?;
    make_room(conn).await?;
    let fact = Fact::HostSeen {
        host: id.to_string(),
        mac: mac.to_string(),
    };
    journal::append(conn, now, &fact).await?;
    Ok(id)
}

/// Hosts that somebody listed: all of them, or none.
pub(crate) async fn import(
    db: &Db,
    registry: Registry,
    grounds: Grounds,
    listed: Vec<Listed>,
    by: &str,
    now: Timestamp,
) -> Result<Imported, Error> {
    let by = by.to_owned();
    let done = db.write(move |conn| {
        Box::pin(async move {
            let hosts = match list_in(conn).await {
                Ok(hosts) => hosts,
                Err(Error::Read(error)) => return Err(error),
                Err(error) => return Ok(Err(error)),
            };
            let steps = match import::decide(&listed, &hosts, &registry, &grounds) {
                Ok(steps) => steps,
                Err(wrong) => return Ok(Err(Error::bad_list(wrong))),
            };
            let mut done = Imported::default();
            for step in steps {
                match step {
                    Step::Same => done.known += 1,
                    Step::Add(added) => {
                        add_listed(conn, *added, now).await?;
                        done.added += 1;
                    }
                    Step::Change(changed) => {
                        change_listed(conn, *changed, &by, now).await?;
                        done.changed += 1;
                    }
                }
            }
            make_room(conn).await?;
            let fact = Fact::HostsImported {
                added: done.added,
                by,
            };
            journal::append(conn, now, &fact).await?;
            Ok(Ok(done))
        })
    });
    done.await?
}

async fn add_listed(
    conn: &mut AnyConnection,
    Added { listed, details }: Added,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let id = HostId::new();
    sqlx::query(
        "INSERT INTO host (id, name, state, serial, uuid, product, first_seen_ms, \
         last_seen_ms, asked_ms) VALUES ($1, $2, 'seen', $4, $5, '', $3, $3, $3)",
    )
    .bind(id.as_str())
    .bind(listed.name)
    .bind(now.0)
    .bind(listed.serial)
    .bind(listed.uuid)
    .execute(&mut *conn)
    .await?;
    details::records::put(conn, &id, &details).await?;
    give_cards(conn, &id, &listed.macs, now).await
}

async fn change_listed(
    conn: &mut AnyConnection,
    changed: Changed,
    by: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let Changed { id, name, .. } = changed;
    sqlx::query("UPDATE host SET name = $2, serial = $3, uuid = $4 WHERE id = $1")
        .bind(id.as_str())
        .bind(name.as_str())
        .bind(changed.serial)
        .bind(changed.uuid)
        .execute(&mut *conn)
        .await?;
    details::records::put(conn, &id, &changed.details).await?;
    give_cards(conn, &id, &changed.macs, now).await?;
    if name != changed.before {
        let fact = Fact::HostNamed {
            host: id.to_string(),
            before: changed.before,
            name: name.clone(),
            by: by.to_owned(),
        };
        journal::append(conn, now, &fact).await?;
    }
    if changed.noted {
        let fact = Fact::HostDetailed {
            host: id.to_string(),
            name,
            by: by.to_owned(),
        };
        journal::append(conn, now, &fact).await?;
    }
    Ok(())
}

async fn give_cards(
    conn: &mut AnyConnection,
    id: &HostId,
    macs: &[Mac],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    for mac in macs {
        give_mac(conn, *mac, id).await?;
        adapter::records::used(conn, *mac, id, None, now).await?;
    }
    Ok(())
}

/// What people wrote down is theirs, and stays: a flood of invented addresses takes no list with it.
pub(crate) async fn make_room(conn: &mut AnyConnection) -> Result<(), sqlx::Error> {
    for (state, most) in [("seen", MOST_SEEN), ("waiting", MOST_WAITING)] {
        let rows = sqlx::query(
            "SELECT id FROM host WHERE state = $1 AND id NOT IN (SELECT host FROM host_detail) \
             ORDER BY last_seen_ms DESC, id LIMIT 100 OFFSET $2",
        )
        .bind(state)
        .bind(most)
        .fetch_all(&mut *conn)
        .await?;
        for row in rows {
            remove(conn, &HostId(row.try_get("id")?)).await?;
        }
    }
    Ok(())
}

pub(crate) async fn names(
    conn: &mut AnyConnection,
    but: &HostId,
) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query("SELECT name FROM host WHERE id <> $1")
        .bind(but.as_str())
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.try_get("name")).collect()
}

pub(crate) async fn give_mac(
    conn: &mut AnyConnection,
    mac: Mac,
    id: &HostId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO host_mac (mac, host) VALUES ($1, $2) \
         ON CONFLICT (mac) DO UPDATE SET host = excluded.host",
    )
    .bind(mac.to_string())
    .bind(id.as_str())
    .execute(conn)
    .await
    .map(drop)
}

pub(crate) async fn remove(conn: &mut AnyConnection, id: &HostId) -> Result<u64, sqlx::Error> {
    place::records::remove(conn, id).await?;
    details::records::remove(conn, id).await?;
    glpi::records::remove(conn, id).await?;
    sqlx::query("DELETE FROM host_mac WHERE host = $1")
        .bind(id.as_str())
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM next_boot WHERE host = $1")
        .bind(id.as_str())
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM adapter WHERE host = $1")
        .bind(id.as_str())
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM session WHERE host = $1")
        .bind(id.as_str())
        .execute(&mut *conn)
        .await?;
    let done = sqlx::query("DELETE FROM host WHERE id = $1")
        .bind(id.as_str())
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// The machine whose agent holds the key of this hash.
pub(crate) async fn by_agent(db: &Db, agent_hash: &str) -> Result<Option<HostId>, sqlx::Error> {
    let row = sqlx::query("SELECT id FROM host WHERE agent_hash = $1")
        .bind(agent_hash)
        .fetch_optional(db.read())
        .await?;
    row.map(|row| row.try_get("id").map(HostId)).transpose()
}

pub(crate) async fn list(db: &Db) -> Result<Vec<Host>, Error> {
    let mut conn = db.read().acquire().await?;
    list_in(&mut conn).await
}

/// The same, inside a write.
pub(crate) async fn list_in(conn: &mut AnyConnection) -> Result<Vec<Host>, Error> {
    let rows = sqlx::query(LIST).fetch_all(&mut *conn).await?;
    let macs = sqlx::query("SELECT mac, host FROM host_mac ORDER BY mac")
        .fetch_all(&mut *conn)
        .await?;
    let macs = owned_macs(&macs)?;
    let places = place::records::places(conn, None).await?;
    rows.iter().map(|row| host(row, &macs, &places)).collect()
}

pub(crate) async fn get(db: &Db, id: &HostId) -> Result<Host, Error> {
    let mut conn = db.read().acquire().await?;
    host_in(&mut conn, id).await
}

/// The same, inside a write.
pub(crate) async fn host_in(conn: &mut AnyConnection, id: &HostId) -> Result<Host, Error> {
    let row = sqlx::query(GET)
        .bind(id.as_str())
        .fetch_optional(&mut *conn)
        .await?
        .ok_or_else(|| Error::Unknown(id.to_string()))?;
    let macs = sqlx::query("SELECT mac, host FROM host_mac WHERE host = $1 ORDER BY mac")
        .bind(id.as_str())
        .fetch_all(&mut *conn)
        .await?;
    let places = place::records::places(conn, Some(id)).await?;
    host(&row, &owned_macs(&macs)?, &places)
}

pub(crate) async fn forget(db: &Db, id: &HostId, by: &str, now: Timestamp) -> Result<(), Error> {
    let (key, by) = (id.clone(), by.to_owned());
    let gone = db.write(move |conn| {
        Box::pin(async move {
            let gone = remove(conn, &key).await?;
            if gone > 0 {
                let fact = Fact::HostForgotten {
                    host: key.to_string(),
                    by,
                };
                journal::append(conn, now, &fact).await?;
            }
            Ok(gone)
        })
    });
    match gone.await? {
        0 => Err(Error::Unknown(id.to_string())),
        _ => Ok(()),
    }
}

pub(crate) async fn ask_again(db: &Db, id: &HostId, now: Timestamp) -> Result<(), Error> {
    let key = id.clone();
    let changed = db.write(move |conn| {
        Box::pin(async move {
            let done =
                sqlx::query("UPDATE host SET asked_ms = $2, reported_ms = NULL WHERE id = $1")
                    .bind(key.as_str())
                    .bind(now.0)
                    .execute(conn)
                    .await?;
            Ok(done.rows_affected())
        })
    });
    match changed.await? {
        0 => Err(Error::Unknown(id.to_string())),
        _ => Ok(()),
    }
}

pub(crate) async fn rename(
    db: &Db,
    id: &HostId,
    name: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let (key, name, by) = (id.clone(), name.to_owned(), by.to_owned());
    let changed = db.write(move |conn| {
        Box::pin(async move {
            let taken = names(conn, &key).await?;
            if taken.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
                return Ok(Err(Error::NameTaken(name)));
            }
            let host = match host_in(conn, &key).await {
                Ok(host) => host,
                Err(Error::Read(error)) => return Err(error),
                Err(error) => return Ok(Err(error)),
            };
            sqlx::query("UPDATE host SET name = $2 WHERE id = $1")
                .bind(key.as_str())
                .bind(name.as_str())
                .execute(&mut *conn)
                .await?;
            let details = Details {
                named: NamedBy::Person,
                ..host.details
            };
            details::records::put(conn, &key, &details).await?;
            if name != host.name {
                let fact = Fact::HostNamed {
                    host: key.to_string(),
                    before: host.name,
                    name,
                    by,
                };
                journal::append(conn, now, &fact).await?;
            }
            Ok(Ok(()))
        })
    });
    changed.await?
}

fn owned_macs(rows: &[AnyRow]) -> Result<Vec<(String, Mac)>, sqlx::Error> {
    rows.iter()
        .map(|row| {
            let mac: String = row.try_get("mac")?;
            let mac = mac.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
            Ok((row.try_get("host")?, mac))
        })
        .collect()
}

fn time(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, sqlx::Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp))
}

fn state_of(row: &AnyRow) -> Result<HostState, sqlx::Error> {
    Ok(match row.try_get::<String, _>("state")?.as_str() {
        "approved" => HostState::Approved,
        "waiting" => HostState::Waiting,
        _ => HostState::Seen,
    })
}

fn host(
    row: &AnyRow,
    macs: &[(String, Mac)],
    places: &HashMap<String, Place>,
) -> Result<Host, Error> {
    let id: String = row.try_get("id")?;
    let inventory: Option<String> = row.try_get("inventory")?;
    Ok(Host {
        macs: macs
            .iter()
            .filter(|(owner, _)| *owner == id)
            .map(|(_, mac)| *mac)
            .collect(),
        place: places.get(&id).cloned(),
        details: details::records::details(row)?,
        id: HostId(id),
        name: row.try_get("name")?,
        state: state_of(row)?,
        serial: row.try_get("serial")?,
        uuid: row.try_get("uuid")?,
        product: row.try_get("product")?,
        pairing_code: row.try_get("pairing_code")?,
        // An inventory of another version that cannot be read is shown as none.
        inventory: inventory.and_then(|text| serde_json::from_str(&text).ok()),
        agent_version: row.try_get("agent_version")?,
        first_seen: Timestamp(row.try_get("first_seen_ms")?),
        last_seen: Timestamp(row.try_get("last_seen_ms")?),
        reported: time(row, "reported_ms")?,
        approved: time(row, "approved_ms")?,
        approved_by: row.try_get("approved_by")?,
    })
}

/// As if its agent had reported.
#[cfg(test)]
pub(super) async fn waits(
    conn: &mut AnyConnection,
    id: &HostId,
    code: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE host SET state = 'waiting', pairing_code = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(code)
        .execute(conn)
        .await
        .map(drop)
}
