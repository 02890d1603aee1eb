//! Writes approvals: the names are chosen in the transaction that gives them, so that two at the same
//! instant never get the same.

use super::{Ask, Given, Purpose, all, decide};
use crate::host::details::{self, NamedBy};
use crate::host::records::host_in;
use crate::host::{Error, Host, HostId, HostState};
use config::Registry;
use sqlx::{AnyConnection, Row};
use state::wire::Fact;
use state::{Db, Timestamp, journal};
use std::collections::HashMap;

/// What `decide` needs: the machines with the code that the operator saw, and who has which name.
struct Facts {
    hosts: Vec<(Host, Option<String>)>,
    names: HashMap<String, HostId>,
}

async fn gather(conn: &mut AnyConnection, asks: &[Ask]) -> Result<Facts, Error> {
    let mut hosts: Vec<(Host, Option<String>)> = Vec::new();
    for ask in asks {
        if hosts.iter().all(|(host, _)| host.id != ask.host) {
            hosts.push((host_in(conn, &ask.host).await?, ask.code.clone()));
        }
    }
    let rows = sqlx::query("SELECT id, name FROM host ORDER BY first_seen_ms, id")
        .fetch_all(conn)
        .await?;
    let mut names = HashMap::new();
    for row in rows {
        let name: String = row.try_get("name")?;
        let asked = |id: &str| hosts.iter().any(|(host, _)| host.id.as_str() == id);
        let id: String = row.try_get("id")?;
        // Of two with one name, which an earlier version allowed, the other one counts.
        match names.get(&name.to_lowercase()) {
            Some(HostId(owner)) if !asked(owner) => {}
            _ => {
                names.insert(name.to_lowercase(), HostId(id));
            }
        }
    }
    Ok(Facts { hosts, names })
}

pub(super) async fn preview(
    db: &Db,
    registry: &Registry,
    asks: &[Ask],
    profile: Option<&str>,
    purpose: Purpose,
) -> Result<Vec<Result<Given, Error>>, Error> {
    let mut conn = db.read().acquire().await?;
    let Facts { hosts, names } = gather(&mut conn, asks).await?;
    Ok(decide(registry, &hosts, profile, names, purpose))
}

pub(super) async fn approve(
    db: &Db,
    registry: Registry,
    asks: Vec<Ask>,
    profile: Option<String>,
    by: &str,
    now: Timestamp,
) -> Result<Vec<Given>, Error> {
    let by = by.to_owned();
    let done = db.write(move |conn| {
        Box::pin(async move {
            let facts = match gather(conn, &asks).await {
                Ok(facts) => facts,
                Err(error) => return refused(error),
            };
            let Facts { hosts, names } = facts;
            let profile = profile.as_deref();
            let decided = decide(&registry, &hosts, profile, names, Purpose::Approval);
            let given = match all(decided) {
                Ok(given) => given,
                Err(error) => return Ok(Err(error)),
            };
            for (given, (host, _)) in given.iter().zip(&hosts) {
                write(conn, host, given, &by, now).await?;
                if host.state == HostState::Approved {
                    continue;
                }
                sqlx::query(
                    "UPDATE host SET state = 'approved', approved_ms = $2, approved_by = $3 \
                     WHERE id = $1",
                )
                .bind(given.host.as_str())
                .bind(now.0)
                .bind(by.as_str())
                .execute(&mut *conn)
                .await?;
                let fact = Fact::HostApproved {
                    host: given.host.to_string(),
                    by: by.clone(),
                };
                journal::append(conn, now, &fact).await?;
            }
            Ok(Ok(given))
        })
    });
    done.await?
}

pub(super) async fn name(
    db: &Db,
    registry: Registry,
    id: &HostId,
    profile: Option<String>,
    by: &str,
    now: Timestamp,
) -> Result<Given, Error> {
    let (by, id) = (by.to_owned(), id.clone());
    let done = db.write(move |conn| {
        Box::pin(async move {
            let asks = [Ask {
                host: id.clone(),
                code: None,
            }];
            let facts = match gather(conn, &asks).await {
                Ok(facts) => facts,
                Err(error) => return refused(error),
            };
            let Facts { hosts, names } = facts;
            let decided = decide(
                &registry,
                &hosts,
                profile.as_deref(),
                names,
                Purpose::Naming,
            );
            match decided.into_iter().zip(&hosts).next() {
                Some((Ok(given), (host, _))) => {
                    write(conn, host, &given, &by, now).await?;
                    Ok(Ok(given))
                }
                Some((Err(error), _)) => Ok(Err(error)),
                None => Ok(Err(Error::Unknown(id.to_string()))),
            }
        })
    });
    done.await?
}

/// A broken database undoes the write; a refusal has written nothing.
fn refused<T>(error: Error) -> Result<Result<T, Error>, sqlx::Error> {
    match error {
        Error::Read(error) => Err(error),
        error => Ok(Err(error)),
    }
}

/// Name and profile.
async fn write(
    conn: &mut AnyConnection,
    host: &Host,
    given: &Given,
    by: &str,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut new = host.details.clone();
    new.profile = given.profile.clone();
    if given.is_new_name() {
        new.named = NamedBy::Rule;
        sqlx::query("UPDATE host SET name = $2 WHERE id = $1")
            .bind(given.host.as_str())
            .bind(given.name.as_str())
            .execute(&mut *conn)
            .await?;
        let fact = Fact::HostNamed {
            host: given.host.to_string(),
            before: given.before.clone(),
            name: given.name.clone(),
            by: by.to_owned(),
        };
        journal::append(conn, now, &fact).await?;
    }
    if new != host.details {
        details::records::put(conn, &given.host, &new).await?;
    }
    Ok(())
}
