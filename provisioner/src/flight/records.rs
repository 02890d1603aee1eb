//! The table of flights.

use super::timeline::Flight;
use super::wire::Timed;
use crate::Mac;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};
use state::wire::Fact;
use state::{Db, Timestamp, journal};

/// Flights kept of one machine.
const MOST_FLIGHTS: i64 = 5;
/// Machines whose flights are kept: those that somebody approved go last, then those heard lately.
const MOST_MACHINES: i64 = 1000;
/// As many boots in a row that fail in the same way are told once.
const TOLD_AFTER: usize = 3;

/// A flight to be written.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) mac: Mac,
    pub(super) flight: Flight,
    /// The code of its cause, once it has ended; `None` before, empty when it did not fail.
    pub(super) cause: Option<String>,
}

pub(super) async fn save(
    db: &Db,
    flights: Vec<Kept>,
    now: Timestamp,
) -> Result<(), state::db::Error> {
    db.write(move |conn| {
        Box::pin(async move {
            for kept in flights {
                save_in(conn, kept, now).await?;
            }
            make_room(conn).await
        })
    })
    .await
}

async fn save_in(conn: &mut AnyConnection, kept: Kept, now: Timestamp) -> Result<(), sqlx::Error> {
    let Kept { mac, flight, cause } = kept;
    let steps = serde_json::to_string(&flight.steps).map_err(|e| sqlx::Error::Encode(e.into()))?;
    let mac = mac.to_string();
    sqlx::query(
        "INSERT INTO flight (mac, started_ms, ended_ms, followed, omitted, cause, steps) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (mac, started_ms) DO UPDATE SET \
         ended_ms = excluded.ended_ms, followed = excluded.followed, omitted = excluded.omitted, \
         cause = excluded.cause, steps = excluded.steps",
    )
    .bind(mac.as_str())
    .bind(flight.started.0)
    .bind(flight.ended().0)
    .bind(i64::from(flight.followed()))
    .bind(i64::try_from(flight.omitted).unwrap_or(i64::MAX))
    .bind(cause.clone())
    .bind(steps)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "DELETE FROM flight WHERE mac = $1 AND started_ms NOT IN \
         (SELECT started_ms FROM flight WHERE mac = $1 ORDER BY started_ms DESC LIMIT $2)",
    )
    .bind(mac.as_str())
    .bind(MOST_FLIGHTS)
    .execute(&mut *conn)
    .await?;
    match cause {
        Some(cause) if !cause.is_empty() => tell(conn, mac, cause, now).await,
        _ => Ok(()),
    }
}

/// One fact per incident: the boot that makes it enough in a row, and none of those after it.
async fn tell(
    conn: &mut AnyConnection,
    mac: String,
    cause: String,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query(
        "SELECT COALESCE(cause, '') AS cause FROM flight WHERE mac = $1 \
         ORDER BY started_ms DESC LIMIT $2",
    )
    .bind(mac.as_str())
    .bind(MOST_FLIGHTS)
    .fetch_all(&mut *conn)
    .await?;
    let causes: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("cause"))
        .collect::<Result<_, _>>()?;
    let in_a_row = causes.iter().take_while(|other| **other == cause).count();
    if in_a_row != TOLD_AFTER {
        return Ok(());
    }
    let host = sqlx::query(
        "SELECT host.id, host.name FROM host_mac JOIN host ON host.id = host_mac.host \
         WHERE host_mac.mac = $1",
    )
    .bind(mac.as_str())
    .fetch_optional(&mut *conn)
    .await?;
    let (host, name) = match host {
        Some(row) => (row.try_get("id")?, row.try_get("name")?),
        None => (String::new(), mac.clone()),
    };
    let fact = Fact::BootsFail {
        host,
        name,
        mac,
        cause,
        times: u64::try_from(in_a_row).unwrap_or(u64::MAX),
    };
    journal::append(conn, now, &fact).await
}

async fn make_room(conn: &mut AnyConnection) -> Result<(), sqlx::Error> {
    let rows = sqlx::query(
        "SELECT flight.mac FROM flight \
         LEFT JOIN host_mac ON host_mac.mac = flight.mac LEFT JOIN host ON host.id = host_mac.host \
         GROUP BY flight.mac ORDER BY MAX(CASE WHEN host.state = 'approved' THEN 1 ELSE 0 END) DESC, \
         MAX(flight.ended_ms) DESC, flight.mac LIMIT 100 OFFSET $1",
    )
    .bind(MOST_MACHINES)
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        sqlx::query("DELETE FROM flight WHERE mac = $1")
            .bind(row.try_get::<String, _>("mac")?)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// The kept flights of one network card, newest first.
pub(super) async fn of(db: &Db, mac: Mac) -> Result<Vec<Flight>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT started_ms, omitted, steps FROM flight WHERE mac = $1 ORDER BY started_ms DESC",
    )
    .bind(mac.to_string())
    .fetch_all(db.read())
    .await?;
    rows.iter().map(flight).collect()
}

fn flight(row: &AnyRow) -> Result<Flight, sqlx::Error> {
    let steps: String = row.try_get("steps")?;
    let steps: Vec<serde_json::Value> =
        serde_json::from_str(&steps).map_err(|e| sqlx::Error::Decode(e.into()))?;
    Ok(Flight {
        started: Timestamp(row.try_get("started_ms")?),
        // A step of a newer version (after a downgrade) is passed over.
        steps: steps
            .into_iter()
            .filter_map(|step| serde_json::from_value::<Timed>(step).ok())
            .collect(),
        omitted: u64::try_from(row.try_get::<i64, _>("omitted")?).unwrap_or(0),
    })
}

/// Did another machine than these get past its first question, since `since`?
pub(super) async fn others_followed(
    db: &Db,
    macs: &[Mac],
    since: Timestamp,
) -> Result<bool, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT DISTINCT mac FROM flight WHERE followed = 1 AND ended_ms > $1 \
         ORDER BY mac LIMIT 20",
    )
    .bind(since.0)
    .fetch_all(db.read())
    .await?;
    for row in rows {
        let mac: String = row.try_get("mac")?;
        if !macs.iter().any(|own| own.to_string() == mac) {
            return Ok(true);
        }
    }
    Ok(false)
}
