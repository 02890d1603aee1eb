//! Our name among DHCPv6 servers, the same for as long as the state lasts (RFC 8415 §11).

use sqlx::Row;
use state::{Db, db};

/// A DUID-UUID of this appliance's own, made when it is first asked for.
pub(super) async fn duid(db: &Db) -> Result<Vec<u8>, db::Error> {
    let new = blake3::hash(state::id::secret().as_bytes()).to_hex()[..32].to_owned();
    let kept: String = db
        .write(move |conn| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO dhcp6_name (id, uuid) VALUES (1, $1) ON CONFLICT (id) DO NOTHING",
                )
                .bind(new)
                .execute(&mut *conn)
                .await?;
                let row = sqlx::query("SELECT uuid FROM dhcp6_name WHERE id = 1")
                    .fetch_one(&mut *conn)
                    .await?;
                row.try_get("uuid")
            })
        })
        .await?;
    let digits: Vec<u8> = kept
        .chars()
        .filter_map(|c| u8::try_from(c.to_digit(16)?).ok())
        .collect();
    let bytes = digits
        .chunks_exact(2)
        .map(|pair| (pair[0] << 4) | pair[1])
        .take(16);
    Ok([0, 4].into_iter().chain(bytes).collect())
}
