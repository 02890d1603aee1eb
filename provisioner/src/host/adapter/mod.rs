//! Network cards and the machines each was seen with. One that several have is a dock, a USB
//! adapter or a copied address: it is learnt, said once, listed, and tells no machine.

pub(crate) mod records;

use super::{Error, HostId};
use crate::Mac;
use state::{Db, Timestamp};

/// A network card that several machines were seen with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    pub mac: Mac,
    /// The latest first.
    pub users: Vec<User>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub host: HostId,
    pub name: String,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// Every card that more than one machine reported by, the latest used first.
pub async fn shared(db: &Db) -> Result<Vec<Adapter>, Error> {
    Ok(records::shared(db).await?)
}
