//! What the pool needs of the registry's tables.

use super::reserved::Fixed;
use crate::Mac;
use sqlx::Row;
use state::Db;
use std::collections::HashMap;
use std::net::Ipv4Addr;

/// The cards of machines that somebody approved; the latest first, as many as a pool could hold.
const KNOWN: &str = "SELECT adapter.mac FROM adapter JOIN host ON host.id = adapter.host \
     WHERE host.state = 'approved' ORDER BY adapter.last_ms DESC LIMIT 20000";

pub(super) async fn known(db: &Db) -> Result<Vec<Mac>, sqlx::Error> {
    let rows = sqlx::query(KNOWN).fetch_all(db.read()).await?;
    let mut cards = Vec::with_capacity(rows.len());
    for row in &rows {
        let text: String = row.try_get("mac")?;
        cards.extend(text.parse::<Mac>());
    }
    Ok(cards)
}

/// The addresses that people noted of machines, with the cards of each that no other machine reported: a dock tells no
/// machine. The card used last comes first.
const FIXED: &str = "SELECT host_detail.address, host.name, COALESCE(adapter.mac, '') AS mac \
     FROM host_detail JOIN host ON host.id = host_detail.host \
     LEFT JOIN adapter ON adapter.host = host.id AND NOT EXISTS (SELECT 1 FROM adapter AS other \
     JOIN host AS user_of ON user_of.id = other.host WHERE other.mac = adapter.mac \
     AND other.host <> adapter.host AND user_of.inventory IS NOT NULL) \
     WHERE host_detail.address <> '' ORDER BY adapter.last_ms DESC, host.id, adapter.mac LIMIT 65536";

pub(super) async fn fixed(db: &Db) -> Result<Vec<Fixed>, sqlx::Error> {
    let rows = sqlx::query(FIXED).fetch_all(db.read()).await?;
    let mut found: Vec<Fixed> = Vec::new();
    let mut ranks: HashMap<Ipv4Addr, usize> = HashMap::new();
    for row in &rows {
        let Ok(address) = row.try_get::<String, _>("address")?.parse::<Ipv4Addr>() else {
            continue;
        };
        let rank = *ranks.entry(address).or_insert(found.len());
        if rank == found.len() {
            found.push(Fixed {
                address,
                name: row.try_get("name")?,
                cards: Vec::new(),
            });
        }
        let mac: String = row.try_get("mac")?;
        found[rank].cards.extend(mac.parse::<Mac>());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::details::Grounds;
    use crate::host::{self, adapter};
    use config::{Dhcp, Registry, Subnet, Told};
    use state::Timestamp;
    use std::time::Duration;

    #[tokio::test]
    async fn a_card_that_another_machine_reported_brings_no_address() {
        let file = std::env::temp_dir().join(format!("reprise-fixed-{}.db", state::id::new()));
        let db = Db::open_file(&file).await.unwrap();
        crate::migrate(&db).await.unwrap();
        let dhcp = Dhcp {
            subnets: vec![Subnet {
                network: [10, 0, 0, 0].into(),
                prefix: 24,
                ranges: Vec::new(),
                exclude: Vec::new(),
                lease: Duration::from_secs(3600),
                told: Told::default(),
                authoritative: true,
            }],
            ..Dhcp::default()
        };
        let grounds = Grounds::here(&dhcp);
        let list = "name,mac,address\nPC-1,02:00:00:00:00:01 02:00:00:00:00:0d,10.0.0.11\n\
             PC-2,02:00:00:00:00:02,\nPC-3,,10.0.0.13\n";
        let now = Timestamp(1_800_000_000_000);
        let registry = Registry::default();
        host::import(&db, &registry, &grounds, list, false, "it", now)
            .await
            .unwrap();
        let told = async || {
            let found = fixed(&db).await.unwrap();
            let found = found.into_iter().map(|fixed| {
                let cards: Vec<String> = fixed.cards.iter().map(|c| c.to_string()).collect();
                format!("{} {} {}", fixed.name, fixed.address, cards.join(" "))
            });
            let mut found: Vec<String> = found.collect();
            found.sort();
            found
        };
        let own = "PC-1 10.0.0.11 02:00:00:00:00:01";
        let dock = "02:00:00:00:00:0d";
        let unseen = "PC-3 10.0.0.13 ";
        assert_eq!(told().await, [format!("{own} {dock}"), unseen.to_owned()]);
        // Another machine reports by the dock.
        let other = host::find(&db, "PC-2").await.unwrap().id;
        let mac: Mac = dock.parse().unwrap();
        let key = other.clone();
        db.write(move |conn| {
            Box::pin(async move {
                adapter::records::used(conn, mac, &key, None, now).await?;
                sqlx::query("UPDATE host SET inventory = '{}' WHERE id = $1")
                    .bind(key.as_str())
                    .execute(conn)
                    .await
                    .map(drop)
            })
        })
        .await
        .unwrap();
        assert_eq!(told().await, [own.to_owned(), unseen.to_owned()]);
        // It is forgotten: the dock is the first one's again.
        host::forget(&db, &other, "it", now).await.unwrap();
        assert_eq!(told().await, [format!("{own} {dock}"), unseen.to_owned()]);
        drop(db);
        let _ = std::fs::remove_file(&file);
    }
}
