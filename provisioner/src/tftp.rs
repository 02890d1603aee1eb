//! TFTP, read-only, for the two boot loaders and the script. async-tftp stands behind this one
//! file, within limits: without them it sends a whole file unasked to whoever sends one packet.

use crate::boot::path::{self, BootFile};
use crate::boot::policy::BootStep;
use crate::boot::{asset, gate};
use crate::flight::{Carrier, Sending, Step, policy_code};
use crate::http::router::script;
use crate::interface::{EVERY, Served};
use crate::socket;
use crate::trouble::Trouble;
use async_tftp::packet;
use async_tftp::server::{Handler, TftpServer, TftpServerBuilder};
use futures_util::io::{AsyncRead, Cursor, Sink};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

const PORT: u16 = 69;
const RETRIES: u32 = 5;
const TIMEOUT: Duration = Duration::from_secs(1);
/// Ethernet's 1500 less the headers of IP, UDP and TFTP: larger blocks travel in fragments.
const LONGEST_BLOCK: u16 = 1468;
const LARGEST_WINDOW: u16 = 16;
const MOST_TRANSFERS: usize = 64;
/// The loaders have 1 MiB at most; the kernel and the initramfs travel by HTTP.
const LARGEST_FILE: u64 = 8 << 20;

pub(crate) async fn serve(served: Served, stop: CancellationToken) {
    serve_on(served, PORT, stop).await;
}

async fn serve_on(served: Served, port: u16, stop: CancellationToken) {
    let interface = served.interface.clone();
    let boot = served.boot.clone();
    let object = format!("UDP port {port} on {interface}");
    let mut trouble = Trouble::of(&boot.db, &boot.clock, object).await;
    loop {
        match open(&served, port).await {
            Ok(server) => {
                trouble.over().await;
                let port = server.listen_addr().map_or(port, |address| address.port());
                boot.ports
                    .change(&interface, |ports| ports.tftp = Some(port));
                tracing::info!(interface, address = %served.address, port, "TFTP server listens");
                let ended = tokio::select! {
                    () = stop.cancelled() => Ok(()),
                    ended = server.serve() => ended,
                };
                boot.ports.change(&interface, |ports| ports.tftp = None);
                if let Err(error) = ended {
                    let sentence =
                        socket::sentence("UDP", port, &interface, &io::Error::other(error));
                    trouble.begins(&sentence).await;
                }
            }
            Err(error) => {
                let sentence = socket::sentence("UDP", port, &interface, &error);
                trouble.begins(&sentence).await;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Bound to the interface's own address: async-tftp answers from the address it is bound to, and
/// strict ROMs drop answers from another.
async fn open(served: &Served, port: u16) -> io::Result<TftpServer<Files>> {
    let socket = socket::udp(&served.interface, served.address, port)?;
    let files = Files {
        served: served.clone(),
        transfers: Arc::new(Semaphore::new(MOST_TRANSFERS)),
        loaded: HashMap::new(),
    };
    TftpServerBuilder::with_handler(files)
        .std_socket(socket.into())
        .map_err(io::Error::other)?
        .timeout(TIMEOUT)
        // A client may ask for 255 s, and would hold a transfer for twenty minutes.
        .ignore_client_timeout()
        .max_send_retries(RETRIES)
        .block_size_limit(LONGEST_BLOCK)
        .window_size_limit(LARGEST_WINDOW)
        .build()
        .await
        .map_err(io::Error::other)
}

/// What was read of a file, as long as the file has not changed.
struct Loaded {
    len: u64,
    changed: Option<SystemTime>,
    bytes: Arc<[u8]>,
}

struct Files {
    served: Served,
    transfers: Arc<Semaphore>,
    /// At most the two loaders.
    loaded: HashMap<BootFile, Loaded>,
}

impl Files {
    async fn load(&mut self, file: BootFile) -> Result<Arc<[u8]>, packet::Error> {
        let path = asset::path(&self.served.boot.assets_dir, file);
        let failed = |error: io::Error| {
            tracing::error!(path = %path.display(), %error, "failed to read a boot loader; run `reprise boot assets build`");
            packet::Error::FileNotFound
        };
        let metadata = tokio::fs::metadata(&path).await.map_err(failed)?;
        let (len, changed) = (metadata.len(), metadata.modified().ok());
        if let Some(loaded) = self.loaded.get(&file)
            && (loaded.len, loaded.changed) == (len, changed)
        {
            return Ok(Arc::clone(&loaded.bytes));
        }
        if len > LARGEST_FILE {
            return Err(failed(io::Error::other("it is larger than a boot loader")));
        }
        let bytes: Arc<[u8]> = tokio::fs::read(&path).await.map_err(failed)?.into();
        let loaded = Loaded {
            len,
            changed,
            bytes: Arc::clone(&bytes),
        };
        self.loaded.insert(file, loaded);
        Ok(bytes)
    }

    async fn answer(&mut self, path: &Path) -> Result<(Arc<[u8]>, Sending), packet::Error> {
        let (mac, file) = path
            .to_str()
            .and_then(path::parse)
            .ok_or(packet::Error::FileNotFound)?;
        let step = match gate::step(&self.served.boot, mac).await {
            Ok((step, _)) => step,
            Err(error) => {
                tracing::error!(%mac, %error, "failed to look up a machine; it gets no file");
                return Err(packet::Error::UnknownError);
            }
        };
        tracing::info!(%mac, file = file.name(), ?step, "boot file asked by TFTP");
        let recorder = self.served.boot.recorder.clone();
        let (by, name) = (Carrier::Tftp, file.name());
        let asked = Step::FileAsked {
            by,
            file: name.to_owned(),
            head: false,
        };
        recorder.note(mac, asked);
        let found = match (file, step) {
            (_, BootStep::Ignore(why)) => Err(packet::Error::Msg(why.text().to_owned())),
            (BootFile::Script, BootStep::Agent) => {
                Ok(script(&self.served, mac).into_bytes().into())
            }
            (BootFile::SnpOnly | BootFile::UndiOnly, BootStep::Agent) => self.load(file).await,
            // Tens of megabytes in lock-step: by HTTP only.
            (BootFile::Kernel | BootFile::Initrd, BootStep::Agent) => {
                Err(packet::Error::FileNotFound)
            }
        };
        match found {
            Ok(bytes) => {
                let of = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                Ok((bytes, recorder.sending(mac, by, name, of)))
            }
            Err(error) => {
                let why = match step {
                    BootStep::Ignore(why) => policy_code(why),
                    BootStep::Agent => "missing",
                };
                let (file, why) = (name.to_owned(), why.to_owned());
                recorder.note(mac, Step::FileRefused { by, file, why });
                Err(error)
            }
        }
    }
}

impl Handler for Files {
    type Reader = Transfer;
    type Writer = Sink;

    async fn read_req_open(
        &mut self,
        client: &SocketAddr,
        path: &Path,
    ) -> Result<(Transfer, Option<u64>), packet::Error> {
        let Ok(place) = Arc::clone(&self.transfers).try_acquire_owned() else {
            tracing::warn!(%client, "too many TFTP transfers at once; this one is refused");
            return Err(packet::Error::Msg(
                "too many transfers, try again".to_owned(),
            ));
        };
        let (bytes, sending) = self.answer(path).await?;
        let size = u64::try_from(bytes.len()).ok();
        let transfer = Transfer {
            bytes: Cursor::new(bytes),
            sending,
            _place: place,
        };
        Ok((transfer, size))
    }

    async fn write_req_open(
        &mut self,
        _client: &SocketAddr,
        _path: &Path,
        _size: Option<u64>,
    ) -> Result<Sink, packet::Error> {
        Err(packet::Error::PermissionDenied)
    }
}

/// One file on its way; gives its place back when it ends.
struct Transfer {
    bytes: Cursor<Arc<[u8]>>,
    sending: Sending,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Transfer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = Pin::new(&mut self.bytes).poll_read(context, buffer);
        if let Poll::Ready(Ok(bytes)) = read {
            self.sending.add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
        read
    }
}
