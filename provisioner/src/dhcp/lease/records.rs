//! What the pool needs of the registry's tables.

use crate::Mac;
use sqlx::Row;
use state::Db;

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
