//! The console's HTTPS listener. A taken port stops the console only: the rest goes on, and the
//! listener is tried again until it works.

use crate::tls::Identity;
use axum_server::tls_rustls::RustlsConfig;
use config::Config;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use state::wire::Fact;
use state::{Clock, Db, journal};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const RETRY: Duration = Duration::from_secs(5);
/// A browser that sends nothing after connecting is let go.
const FIRST_REQUEST: Duration = Duration::from_secs(15);
const HANDSHAKE: Duration = Duration::from_secs(10);
/// … and so is one that sends no further request, or half of one: connections are files, and backups need some too.
const NEXT_REQUEST: Duration = Duration::from_secs(60);
/// Downloads under way at SIGTERM get this long.
const LAST_WORDS: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
#[error(
    "open the console on {listen}: {source}; `ss -ltnp` names the program that holds the port: stop it, or set `listen` in [console] to a free one. Backups and network boot go on, and the port is tried again every {} s", RETRY.as_secs()
)]
pub(crate) struct Taken {
    listen: SocketAddr,
    source: std::io::Error,
}

/// Takes the port, without serving yet.
pub(crate) fn bind(listen: SocketAddr) -> Result<TcpListener, Taken> {
    TcpListener::bind(listen).map_err(|source| Taken { listen, source })
}

/// The name troubles with this listener go by in the journal.
fn object(config: &Config) -> String {
    format!("console {}", config.console.listen)
}

/// What one listener needs to answer.
pub(crate) struct Console {
    pub(crate) config: std::sync::Arc<Config>,
    pub(crate) identity: Identity,
    pub(crate) router: axum::Router,
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    /// The port that is answered, for `ports.json`.
    pub(crate) answered: watch::Sender<Option<u16>>,
}

impl Console {
    /// Serves until `shutdown`; `first` is the outcome of the first attempt at the port.
    pub(crate) async fn serve(
        self,
        first: Result<TcpListener, Taken>,
        shutdown: CancellationToken,
    ) {
        let mut attempt = first;
        let mut troubled = false;
        let listener = loop {
            match attempt {
                Ok(listener) => break listener,
                Err(taken) => {
                    if !troubled {
                        troubled = true;
                        tracing::error!("failed to {taken}");
                        let sentence = format!("failed to {taken}");
                        let object = object(&self.config);
                        self.journal(Fact::Trouble { object, sentence }).await;
                    }
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
            attempt = bind(self.config.console.listen);
        };
        if troubled {
            let object = object(&self.config);
            self.journal(Fact::TroubleOver { object }).await;
            tracing::info!("the console answers on {}", self.config.console.listen);
        }
        let port = listener.local_addr().ok().map(|a| a.port());
        self.answered.send_replace(port);
        self.answer(listener, shutdown).await;
        self.answered.send_replace(None);
    }

    async fn answer(&self, listener: TcpListener, shutdown: CancellationToken) {
        let tls = RustlsConfig::from_config(self.identity.server.clone());
        let handle = axum_server::Handle::new();
        let server = match axum_server::from_tcp_rustls(listener, tls) {
            Ok(server) => server,
            Err(error) => {
                tracing::error!(%error, "failed to hand the console's socket to its server; restart reprise");
                return;
            }
        };
        let mut server = server
            .map(|acceptor| acceptor.handshake_timeout(HANDSHAKE))
            .first_request_timeout(FIRST_REQUEST)
            .http1_only()
            .handle(handle.clone());
        wait_at_most(server.http_builder(), NEXT_REQUEST);
        let service = self
            .router
            .clone()
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::select! {
            ended = server.serve(service) => {
                if let Err(error) = ended {
                    tracing::error!(%error, "the console's server ended; restart reprise");
                }
            }
            () = stop(&handle, &shutdown) => {}
        }
    }

    async fn journal(&self, fact: Fact) {
        if let Err(error) = journal::record(&self.db, self.clock.now(), fact).await {
            tracing::error!(%error, "failed to journal the console's trouble");
        }
    }
}

/// For the head of a request, from the end of the one before.
fn wait_at_most(server: &mut Builder<TokioExecutor>, limit: Duration) {
    let timer = TokioTimer::new();
    server.http1().timer(timer).header_read_timeout(limit);
}

/// Lets the requests under way end, then returns.
async fn stop(handle: &axum_server::Handle<SocketAddr>, shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    handle.graceful_shutdown(Some(LAST_WORDS));
    let deadline = tokio::time::Instant::now() + LAST_WORDS;
    while handle.connection_count() > 0 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[tokio::test]
    async fn a_connection_that_says_nothing_more_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        listener.set_nonblocking(true).expect("for tokio");
        let mut server = axum_server::from_tcp(listener)
            .expect("server")
            .http1_only();
        wait_at_most(server.http_builder(), Duration::from_millis(100));
        // An answer may take longer than that: only the wait for a question is bounded.
        let answer = axum::routing::get(|| async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            "hello"
        });
        let router = axum::Router::new().route("/", answer);
        let serving = tokio::spawn(server.serve(router.into_make_service()));
        let said = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.set_read_timeout(Some(Duration::from_secs(60)))?;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost:")?;
            let mut said = String::new();
            // Ends with the connection; an error is the deadline above.
            stream.read_to_string(&mut said)?;
            std::io::Result::Ok(said)
        });
        let said = said.await.expect("no fault").expect("it was closed");
        assert!(said.contains("hello"), "{said}");
        serving.abort();
    }
}
