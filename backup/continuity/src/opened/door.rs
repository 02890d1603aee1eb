//! Connections to an address of this box, passed on to a Unix socket.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The server behind takes a few more.
const AT_ONCE: usize = 16;

/// Passes connections on until `closed`, then cuts them.
pub(super) async fn serve(listener: TcpListener, socket: &Path, closed: &CancellationToken) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut open = JoinSet::new();
    loop {
        // The next one waits in the system's queue while there is no place.
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = closed.cancelled() => break,
            next = next => next,
        };
        match accepted {
            Ok((from, _)) => {
                let socket = socket.to_owned();
                open.spawn(async move {
                    pass(from, &socket).await;
                    drop(place);
                });
            }
            // Out of descriptors, or a client that went away at once.
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection to an opened database");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        while open.try_join_next().is_some() {}
    }
    open.shutdown().await;
}

async fn pass(mut from: TcpStream, socket: &Path) {
    match UnixStream::connect(socket).await {
        // Either side may end it; how is theirs to know.
        Ok(mut to) => drop(tokio::io::copy_bidirectional(&mut from, &mut to).await),
        Err(error) => tracing::warn!(%error, "failed to reach the server of an opened database"),
    }
}
