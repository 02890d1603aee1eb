//! The console's HTTPS listener. A taken port stops the console only: the rest goes on, and the
//! listener is tried again until it works.

use crate::tls::Identity;
use axum_server::tls_rustls::RustlsConfig;
use config::Config;
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
        let server = server
            .map(|acceptor| acceptor.handshake_timeout(HANDSHAKE))
            .first_request_timeout(FIRST_REQUEST)
            .http1_only()
            .handle(handle.clone());
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

/// Lets the requests under way end, then returns.
async fn stop(handle: &axum_server::Handle<SocketAddr>, shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    handle.graceful_shutdown(Some(LAST_WORDS));
    let deadline = tokio::time::Instant::now() + LAST_WORDS;
    while handle.connection_count() > 0 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
