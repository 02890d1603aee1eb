//! The table of where network cards were last heard.

use super::Place;
use crate::Mac;
use crate::boot::heard::Said;
use crate::boot::rule::readable;
use crate::host::HostId;
use crate::host::parts::one_line;
use sqlx::{AnyConnection, Row};
use state::Timestamp;
use std::collections::HashMap;

pub(crate) async fn heard(
    conn: &mut AnyConnection,
    mac: Mac,
    said: &Said,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO card_place (mac, network, port, heard_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (mac) DO UPDATE SET network = excluded.network, port = excluded.port, \
         heard_ms = excluded.heard_ms",
    )
    .bind(mac.to_string())
    .bind(said.network.map(|ip| ip.to_string()).unwrap_or_default())
    .bind(one_line(&readable(&said.circuit)))
    .bind(now.0)
    .execute(conn)
    .await
    .map(drop)
}

/// Before its cards are forgotten.
pub(crate) async fn remove(conn: &mut AnyConnection, id: &HostId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM card_place WHERE mac IN (SELECT mac FROM host_mac WHERE host = $1)")
        .bind(id.as_str())
        .execute(conn)
        .await
        .map(drop)
}

const ALL: &str = "SELECT host_mac.host, card_place.network, card_place.port FROM card_place \
     JOIN host_mac ON host_mac.mac = card_place.mac ORDER BY card_place.heard_ms, card_place.mac";

const OF: &str = "SELECT host_mac.host, card_place.network, card_place.port FROM card_place \
     JOIN host_mac ON host_mac.mac = card_place.mac WHERE host_mac.host = $1 \
     ORDER BY card_place.heard_ms, card_place.mac";

/// The latest of each machine, or of one.
pub(crate) async fn places(
    conn: &mut AnyConnection,
    of: Option<&HostId>,
) -> Result<HashMap<String, Place>, sqlx::Error> {
    let rows = match of {
        None => sqlx::query(ALL).fetch_all(conn).await?,
        Some(id) => sqlx::query(OF).bind(id.as_str()).fetch_all(conn).await?,
    };
    let mut places = HashMap::new();
    for row in rows {
        let place = Place {
            network: row.try_get::<String, _>("network")?.parse().ok(),
            port: row.try_get("port")?,
        };
        places.insert(row.try_get("host")?, place);
    }
    Ok(places)
}
