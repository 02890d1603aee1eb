//! The table of network cards and their users.

use super::{Adapter, User};
use crate::Mac;
use crate::host::HostId;
use crate::host::uuid::Uuid;
use sqlx::{AnyConnection, Row};
use state::wire::Fact;
use state::{Db, Timestamp, journal};

/// Cards kept of one machine, and machines of one card: the latest. More is an agent that invents
/// them, or every PC of a workshop behind one adapter.
const MOST: i64 = 64;

/// Only machines that reported count: a sighting may be one of the others.
const SHARED: &str = "SELECT adapter.mac, adapter.host, host.name, adapter.first_ms, \
     adapter.last_ms FROM adapter JOIN host ON host.id = adapter.host \
     WHERE host.inventory IS NOT NULL AND adapter.mac IN (SELECT adapter.mac FROM adapter \
     JOIN host ON host.id = adapter.host WHERE host.inventory IS NOT NULL \
     GROUP BY adapter.mac HAVING COUNT(*) > 1) ORDER BY adapter.last_ms DESC, adapter.host";

const TRIM_HOST: &str = "DELETE FROM adapter WHERE host = $1 AND mac NOT IN \
     (SELECT mac FROM adapter WHERE host = $1 ORDER BY last_ms DESC, mac LIMIT $2)";

const TRIM_CARD: &str = "DELETE FROM adapter WHERE mac = $1 AND host NOT IN \
     (SELECT host FROM adapter WHERE mac = $1 ORDER BY last_ms DESC, host LIMIT $2)";

pub(super) async fn shared(db: &Db) -> Result<Vec<Adapter>, sqlx::Error> {
    let mut adapters: Vec<Adapter> = Vec::new();
    for row in sqlx::query(SHARED).fetch_all(db.read()).await? {
        let mac: Mac = row
            .try_get::<String, _>("mac")?
            .parse()
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        let user = User {
            host: HostId(row.try_get("host")?),
            name: row.try_get("name")?,
            first: Timestamp(row.try_get("first_ms")?),
            last: Timestamp(row.try_get("last_ms")?),
        };
        match adapters.iter_mut().find(|adapter| adapter.mac == mac) {
            Some(adapter) => adapter.users.push(user),
            None => adapters.push(Adapter {
                mac,
                users: vec![user],
            }),
        }
    }
    Ok(adapters)
}

/// `host` has this card now. `heard` is what its firmware said in option 97, if it did.
pub(crate) async fn used(
    conn: &mut AnyConnection,
    mac: Mac,
    host: &HostId,
    heard: Option<Uuid>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO adapter (mac, host, heard, first_ms, last_ms) VALUES ($1, $2, $3, $4, $4) \
         ON CONFLICT (mac, host) DO UPDATE SET last_ms = excluded.last_ms, heard = excluded.heard",
    )
    .bind(mac.to_string())
    .bind(host.as_str())
    .bind(heard.map(Uuid::key).unwrap_or_default())
    .bind(now.0)
    .execute(&mut *conn)
    .await?;
    sqlx::query(TRIM_HOST)
        .bind(host.as_str())
        .bind(MOST)
        .execute(&mut *conn)
        .await?;
    sqlx::query(TRIM_CARD)
        .bind(mac.to_string())
        .bind(MOST)
        .execute(&mut *conn)
        .await?;
    Ok(())
}

/// Says once for each further machine that a card is shared. Called before `used`; `first`: it is the
/// machine's first report, and what stands there of it is a sighting.
pub(crate) async fn say_shared(
    conn: &mut AnyConnection,
    mac: Mac,
    (host, name): (&HostId, &str),
    first: bool,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query(
        "SELECT adapter.host, host.name FROM adapter JOIN host ON host.id = adapter.host \
         WHERE adapter.mac = $1 AND host.inventory IS NOT NULL ORDER BY adapter.last_ms DESC, adapter.host",
    )
    .bind(mac.to_string())
    .fetch_all(&mut *conn)
    .await?;
    let mut others = Vec::new();
    for row in &rows {
        match row.try_get::<String, _>("host")? == host.as_str() {
            true if !first => return Ok(()),
            true => {}
            false => others.push(row.try_get::<String, _>("name")?),
        }
    }
    let Some(other) = others.into_iter().next() else {
        return Ok(());
    };
    let fact = Fact::AdapterShared {
        mac: mac.to_string(),
        host: host.to_string(),
        name: name.to_owned(),
        other,
    };
    journal::append(conn, now, &fact).await
}
