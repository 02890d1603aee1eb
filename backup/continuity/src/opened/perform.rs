//! From the restore point to the open door, and to its end.

use super::{AT_ONCE, MOST, OpenRequest, Opened, OpenedId, Stage, Why, door};
use crate::blocking;
use crate::handle::{Continuity, Error, Listed};
use crate::proof::{dumps, loaded, records};
use crate::restore::DatabaseError;
use crate::scratch::Scratch;
use crate::work::{Line, Ticket};
use databases::server::{Reader, Server};
use state::wire::Fact;
use state::{Timestamp, journal};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use vault::{Snapshot, Vault};

const ABOUT: &str = "opened database";
/// How often the clock is looked at.
const BEAT: Duration = Duration::from_millis(500);

/// Looks whether it can be opened, takes the address, and starts the task that opens it; returns at once.
pub(crate) async fn start(
    continuity: &Continuity,
    request: OpenRequest,
    by: &str,
) -> Result<OpenedId, Error> {
    if continuity.work.count(ABOUT) >= AT_ONCE {
        return Err(Error::TooManyOpen { most: AT_ONCE });
    }
    let (plan, target) = (&request.plan, &request.target);
    let proof = records::newest_loaded(&continuity.db, plan, target).await?;
    let Some(proof) = proof else {
        return Err(Error::NeverLoaded {
            plan: plan.clone(),
            target: target.clone(),
        });
    };
    let vault = continuity.vaults.open(target).await?;
    let (from, which, wanted) = (
        Arc::clone(&vault),
        proof.snapshot.clone(),
        request.database.clone(),
    );
    let dump = blocking(move || {
        let snapshot: Snapshot = from.snapshot(&which)?;
        let mut dumps = dumps::read(&from, &snapshot)?;
        let name = |dump: &dumps::Dump| dump.manifest.as_ref().map(|m| m.database.clone()).ok();
        let known: Vec<String> = dumps.iter().filter_map(name).collect();
        if wanted.is_none() && dumps.len() > 1 {
            return Err(Error::WhichDatabase {
                known: known.join(", "),
            });
        }
        dumps.retain(|dump| wanted.is_none() || name(dump) == wanted);
        dumps.pop().ok_or(Error::NoSuch {
            what: Listed::Database,
            id: wanted.unwrap_or_default(),
        })
    })
    .await??;
    let manifest = match &dump.manifest {
        Ok(manifest) => manifest.clone(),
        Err(problem) => return Err(DatabaseError::Unreadable(problem.clone()).into()),
    };
    let listen = |source| Error::Listen {
        address: request.listen,
        source,
    };
    let listener = TcpListener::bind(request.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let now = continuity.clock.now();
    let opened = Opened {
        id: OpenedId::new(),
        plan: plan.clone(),
        target: target.clone(),
        snapshot: proof.snapshot,
        database: manifest.database.clone(),
        engine: manifest.engine.name().to_owned(),
        taken: Timestamp(manifest.taken_ms),
        listen: address,
        user: None,
        by: by.to_owned(),
        asked: now,
        until: now + request.lasts.min(MOST),
        stage: Stage::Loading,
    };
    let id = opened.id.clone();
    let ticket = continuity.work.begin(id.as_str(), ABOUT);
    continuity.opened.add(opened.clone());
    let continuity = continuity.clone();
    tokio::spawn(async move {
        let stage = perform(&continuity, &opened, &vault, dump, listener, &ticket).await;
        end(&continuity, &opened, stage).await;
        drop(ticket);
    });
    Ok(id)
}

async fn perform(
    continuity: &Continuity,
    opened: &Opened,
    vault: &Arc<Vault>,
    dump: dumps::Dump,
    listener: TcpListener,
    ticket: &Ticket,
) -> Stage {
    let (root, name) = (continuity.scratch_root(), format!("opened-{}", opened.id));
    let room = dump.room();
    let scratch = blocking(move || {
        let scratch = Scratch::make(&root, &name)?;
        scratch.fits(room)?;
        Ok::<_, Error>(scratch)
    });
    let scratch = match scratch.await.map_err(Error::from).and_then(|made| made) {
        Ok(scratch) => scratch,
        Err(error) => return Stage::Failed(format!("failed to {error}")),
    };
    let line = Line {
        board: &continuity.board,
        clock: &continuity.clock,
        key: opened.id.as_str(),
        kind: "open",
        subject: &opened.database,
    };
    let loaded = loaded::keep(continuity, ticket, &line, vault, dump, scratch.path()).await;
    let stage = match loaded {
        Ok((server, reader)) => {
            let stage = serve(continuity, opened, &server, reader, listener, ticket).await;
            // It waits for the server's end.
            let _ = blocking(move || drop(server)).await;
            stage
        }
        Err(Error::Vault(vault::Error::Cancelled)) => Stage::Closed(asked(continuity)),
        Err(error) => Stage::Failed(format!("failed to {error}")),
    };
    let _ = blocking(move || drop(scratch)).await;
    stage
}

fn asked(continuity: &Continuity) -> Why {
    match continuity.work.stopping() {
        true => Why::Stop,
        false => Why::Asked,
    }
}

async fn serve(
    continuity: &Continuity,
    opened: &Opened,
    server: &Server,
    reader: Reader,
    listener: TcpListener,
    ticket: &Ticket,
) -> Stage {
    let fact = Fact::DatabaseOpened {
        opened: opened.id.to_string(),
        plan: opened.plan.clone(),
        target: opened.target.clone(),
        snapshot: opened.snapshot.clone(),
        database: opened.database.clone(),
        listen: opened.listen.to_string(),
        until_ms: opened.until.0,
        by: opened.by.clone(),
    };
    tell(continuity, fact).await;
    continuity.opened.change(&opened.id, |opened, password| {
        opened.stage = Stage::Open;
        opened.user = Some(reader.user);
        *password = Some(reader.password);
    });
    let closed = ticket.cancel.child_token();
    let socket = server.socket();
    let door = door::serve(listener, &socket, &closed);
    tokio::pin!(door);
    let mut beat = tokio::time::interval(BEAT);
    let mut why = None;
    loop {
        tokio::select! {
            () = &mut door => break,
            _ = beat.tick(), if why.is_none() => {
                if continuity.clock.now() >= opened.until {
                    why = Some(Why::Time);
                    closed.cancel();
                }
            }
        }
    }
    Stage::Closed(why.unwrap_or_else(|| asked(continuity)))
}

async fn end(continuity: &Continuity, opened: &Opened, stage: Stage) {
    let why = match &stage {
        Stage::Closed(why) => why.name().to_owned(),
        Stage::Failed(sentence) => {
            tracing::error!(plan = %opened.plan, "a database was not opened: {sentence}");
            sentence.clone()
        }
        Stage::Loading | Stage::Open => String::new(),
    };
    continuity.opened.change(&opened.id, |opened, password| {
        opened.stage = stage;
        *password = None;
    });
    let fact = Fact::DatabaseClosed {
        opened: opened.id.to_string(),
        plan: opened.plan.clone(),
        database: opened.database.clone(),
        why,
    };
    tell(continuity, fact).await;
}

async fn tell(continuity: &Continuity, fact: Fact) {
    let now = continuity.clock.now();
    let written = continuity
        .db
        .write(move |conn| Box::pin(async move { journal::append(conn, now, &fact).await }));
    if let Err(error) = written.await {
        tracing::error!(%error, "failed to record that a database was opened or closed");
    }
}
