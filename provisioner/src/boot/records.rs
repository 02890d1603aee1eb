//! The tables of what worked: per machine, and per model; and who opened a menu, in the journal.

use super::negotiations::Firmware;
use super::negotiator::Way;
use crate::Mac;
use crate::host::HostId;
use sqlx::{AnyConnection, Row};
use state::wire::Fact;
use state::{Db, Timestamp, journal};
use std::collections::BTreeMap;

/// Machines and models that are remembered; the oldest findings make room.
const MOST_MACHINES: i64 = 5000;
const MOST_MODELS: i64 = 1000;

/// What is kept of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Learnt {
    pub(crate) way: Way,
    /// It fetched its file; otherwise it is only where it stands on its ladder.
    pub(crate) worked: bool,
    pub(crate) at: Timestamp,
}

/// A machine's maker, for machines nobody knows yet: the first half of its hardware address.
fn maker(mac: Mac) -> String {
    let [a, b, c, ..] = mac.0;
    format!("oui {a:02x}{b:02x}{c:02x}")
}

/// Somebody typed the menu's password at this machine.
pub(crate) async fn menu_tried(
    db: &Db,
    mac: Mac,
    host: Option<&HostId>,
    who: String,
    opened: bool,
    now: Timestamp,
) -> Result<(), state::db::Error> {
    let host = host.map(HostId::to_string).unwrap_or_default();
    db.write(move |conn| {
        Box::pin(async move {
            let row = sqlx::query("SELECT name FROM host WHERE id = $1")
                .bind(host.as_str())
                .fetch_optional(&mut *conn)
                .await?;
            let name = match row {
                Some(row) => row.try_get("name")?,
                None => mac.to_string(),
            };
            let fact = match opened {
                true => Fact::MenuOpened { host, name, who },
                false => Fact::MenuRefused { host, name, who },
            };
            journal::append(conn, now, &fact).await.map(drop)
        })
    })
    .await
}

/// What is known of the machine itself, and what its model takes: the model's name if its agent
/// ever reported, else its maker.
pub(crate) async fn recall(
    db: &Db,
    mac: Mac,
    firmware: Firmware,
) -> Result<(Option<Learnt>, Option<Way>), sqlx::Error> {
    let own = sqlx::query(
        "SELECT way, worked, changed_ms FROM boot_way WHERE mac = $1 AND firmware = $2",
    )
    .bind(mac.to_string())
    .bind(firmware.code())
    .fetch_optional(db.read())
    .await?;
    let own = match own {
        None => None,
        Some(row) => {
            let (worked, at): (i64, i64) = (row.try_get("worked")?, row.try_get("changed_ms")?);
            Way::of_code(row.try_get("way")?).map(|way| Learnt {
                way,
                worked: worked != 0,
                at: Timestamp(at),
            })
        }
    };
    let rows = sqlx::query(
        "SELECT model, way FROM boot_way_model WHERE firmware = $1 AND (model = $2 OR model IN \
         (SELECT host.product FROM host_mac JOIN host ON host.id = host_mac.host \
         WHERE host_mac.mac = $3 AND host.product <> ''))",
    )
    .bind(firmware.code())
    .bind(maker(mac))
    .bind(mac.to_string())
    .fetch_all(db.read())
    .await?;
    let mut model = None;
    for row in rows {
        let name: String = row.try_get("model")?;
        let way = Way::of_code(row.try_get("way")?);
        if name != maker(mac) || model.is_none() {
            model = way.or(model);
        }
    }
    Ok((own, model))
}

/// Writes all findings in one commit.
pub(crate) async fn keep(
    db: &Db,
    findings: BTreeMap<(Mac, Firmware), Learnt>,
) -> Result<(), state::db::Error> {
    db.write(move |conn| {
        Box::pin(async move {
            for ((mac, firmware), learnt) in findings {
                sqlx::query(
                    "INSERT INTO boot_way (mac, firmware, way, worked, changed_ms) \
                     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (mac, firmware) DO UPDATE SET \
                     way = excluded.way, worked = excluded.worked, changed_ms = excluded.changed_ms",
                )
                .bind(mac.to_string())
                .bind(firmware.code())
                .bind(learnt.way.code())
                .bind(i64::from(learnt.worked))
                .bind(learnt.at.0)
                .execute(&mut *conn)
                .await?;
                if learnt.worked {
                    keep_models(conn, mac, firmware, learnt).await?;
                }
            }
            make_room(conn).await
        })
    })
    .await
}

async fn keep_models(
    conn: &mut AnyConnection,
    mac: Mac,
    firmware: Firmware,
    learnt: Learnt,
) -> Result<(), sqlx::Error> {
    let product = sqlx::query(
        "SELECT host.product FROM host_mac JOIN host ON host.id = host_mac.host \
         WHERE host_mac.mac = $1 AND host.product <> ''",
    )
    .bind(mac.to_string())
    .fetch_optional(&mut *conn)
    .await?;
    let product: Option<String> = product.map(|row| row.try_get("product")).transpose()?;
    for model in [Some(maker(mac)), product].into_iter().flatten() {
        sqlx::query(
            "INSERT INTO boot_way_model (model, firmware, way, changed_ms) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (model, firmware) DO UPDATE SET \
             way = excluded.way, changed_ms = excluded.changed_ms",
        )
        .bind(model)
        .bind(firmware.code())
        .bind(learnt.way.code())
        .bind(learnt.at.0)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Those as old as the first one too many go with it.
async fn make_room(conn: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM boot_way WHERE changed_ms <= (SELECT changed_ms FROM boot_way \
         ORDER BY changed_ms DESC LIMIT 1 OFFSET $1)",
    )
    .bind(MOST_MACHINES)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "DELETE FROM boot_way_model WHERE changed_ms <= (SELECT changed_ms FROM boot_way_model \
         ORDER BY changed_ms DESC LIMIT 1 OFFSET $1)",
    )
    .bind(MOST_MODELS)
    .execute(conn)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_findings_make_room() {
        let folder = std::env::temp_dir().join(format!("reprise-ways-{}", state::id::new()));
        std::fs::create_dir_all(&folder).unwrap();
        let db = Db::open_file(&folder.join("state.db")).await.unwrap();
        crate::migrate(&db).await.unwrap();
        let mac = |number: i64| {
            let bytes = number.to_be_bytes();
            Mac([2, 0, 0, bytes[5], bytes[6], bytes[7]])
        };
        let most = MOST_MACHINES + 10;
        let finding = |number: i64| {
            let learnt = Learnt {
                way: Way::Direct,
                worked: false,
                at: Timestamp(number),
            };
            ((mac(number), Firmware::Uefi), learnt)
        };
        keep(&db, (0..most).map(finding).collect()).await.unwrap();
        let known = async |number: i64| recall(&db, mac(number), Firmware::Uefi).await.unwrap().0;
        assert_eq!(known(0).await, None);
        assert_eq!(known(9).await, None);
        assert_eq!(known(10).await, Some(finding(10).1));
        assert_eq!(known(most - 1).await, Some(finding(most - 1).1));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
