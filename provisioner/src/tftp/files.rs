//! The files of this appliance over TFTP: loaders, the script, and what GRUB needs, by the boot policy.

use super::packet::Refusal;
use super::server::{self, Content, Ended, Files, Opening, Place};
use super::transfer::End;
use crate::Mac;
use crate::boot::path::{self, BootFile};
use crate::boot::policy::BootStep;
use crate::boot::{asset, gate, no_image};
use crate::flight::{Carrier, Step, policy_code};
use crate::http::scripts::{grub, script};
use crate::interface::{EVERY, Served};
use crate::socket;
use crate::trouble::Trouble;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const PORT: u16 = 69;

/// Serves one interface until `stop`; a port that cannot be opened is tried again.
pub(crate) async fn serve(served: Served, stop: CancellationToken) {
    let interface = served.interface.clone();
    let boot = served.boot.clone();
    let object = served.port_name("UDP", PORT);
    let mut trouble = Trouble::of(&boot.db, &boot.clock, object).await;
    loop {
        // Bound to the interface's own address: strict ROMs drop answers from another.
        let ended = match socket::udp(&interface, served.at(), PORT) {
            Ok(socket) => {
                trouble.over().await;
                mark(&served, Some(PORT));
                tracing::info!(interface, address = %served.at(), port = PORT, "TFTP server listens");
                let place = Place {
                    interface: interface.clone(),
                    address: served.at(),
                };
                let files = Arc::new(Boot(Arc::new(Shelf {
                    served: served.clone(),
                })));
                let ended = server::serve(socket, place, files, stop.clone()).await;
                mark(&served, None);
                ended
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            let sentence = socket::sentence("UDP", PORT, &interface, &error);
            trouble.begins(&sentence).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

fn mark(served: &Served, port: Option<u16>) {
    let ports = &served.boot.ports;
    ports.change(&served.interface, |ports| match served.six {
        None => ports.tftp = port,
        Some(_) => ports.tftp6 = port,
    });
}

struct Boot(Arc<Shelf>);

impl Files for Boot {
    fn open(&self, _machine: SocketAddr, path: String) -> Opening {
        let shelf = Arc::clone(&self.0);
        Box::pin(async move { shelf.open(&path).await })
    }
}

struct Shelf {
    served: Served,
}

impl Shelf {
    async fn open(&self, path: &str) -> Result<Content, Refusal> {
        if path::is_grub_entry(path) {
            return Ok(Content {
                bytes: grub_entry().into_bytes().into(),
                ended: Box::new(|_| {}),
            });
        }
        let (mac, file) = path::parse(path).ok_or_else(Refusal::not_found)?;
        let boot = &self.served.boot;
        let (step, gated) = match gate::step(boot, mac).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%mac, %error, "failed to look up a machine; it gets no file");
                return Err(Refusal::because(
                    "the appliance has a problem; its log says which",
                ));
            }
        };
        tracing::info!(%mac, file = file.name(), ?step, "boot file asked by TFTP");
        let (by, name) = (Carrier::Tftp, file.name());
        let asked = Step::FileAsked {
            by,
            file: name.to_owned(),
            head: false,
        };
        boot.recorder.note(mac, asked);
        let found = match (file, step) {
            (_, BootStep::Ignore(why)) => Err(Refusal::because(why.text())),
            (BootFile::Script, _) => {
                let script = script(&self.served, mac, step, gated.host.as_ref()).await;
                Ok(script.into_bytes().into())
            }
            (BootFile::GrubConfig, _) => Ok(grub(&self.served, mac, step).into_bytes().into()),
            (
                BootFile::SnpOnly
                | BootFile::UndiOnly
                | BootFile::SignedShim
                | BootFile::Shim
                | BootFile::GrubNet
                | BootFile::Kernel
                | BootFile::Initrd,
                _,
            ) => self.load(file).await,
            (BootFile::NoImage, _) => {
                let boot = &self.served.boot;
                Ok(no_image::program(&boot.appliance, boot.locale).into())
            }
            // By HTTP only.
            _ => Err(Refusal::not_found()),
        };
        match found {
            Ok(bytes) => Ok(self.content(mac, file, bytes)),
            Err(refusal) => {
                let why = match step {
                    BootStep::Ignore(why) => policy_code(why),
                    BootStep::Agent | BootStep::Give(_) => "missing",
                };
                let (file, why) = (name.to_owned(), why.to_owned());
                boot.recorder.note(mac, Step::FileRefused { by, file, why });
                Err(refusal)
            }
        }
    }

    fn content(&self, mac: Mac, file: BootFile, bytes: Arc<[u8]>) -> Content {
        let of = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let recorder = &self.served.boot.recorder;
        let mut sending = recorder.sending(mac, Carrier::Tftp, file.name(), of);
        let ended = move |ended: Ended| {
            sending.add(ended.acknowledged_bytes);
            if let Some(why) = why(&ended.how) {
                sending.failed(&why);
            }
            tracing::debug!(%mac, file = file.name(), ?ended, "TFTP transfer ended");
        };
        Content {
            bytes,
            ended: Box::new(ended),
        }
    }

    async fn load(&self, file: BootFile) -> Result<Arc<[u8]>, Refusal> {
        let path = asset::path(&self.served.boot.assets_dir, &self.served.own, file).await;
        self.served.shared.loaded.load(&path).await.map_err(|error| {
            tracing::error!(path = %path.display(), %error, "failed to read a boot loader; run `reprise boot assets build`");
            Refusal::not_found()
        })
    }
}

/// The same for everybody: it says nothing that is not on the wire already.
fn grub_entry() -> String {
    images::assets::network_entry(path::BEFORE_MAC, "/grub.cfg")
}

/// For the flight recorder: why a transfer ended early, as a code of its catalogue.
fn why(how: &End) -> Option<String> {
    Some(match how {
        End::Complete => return None,
        End::Aborted { code, message } => format!("aborted {code} {message}"),
        End::Unanswered => "unanswered".to_owned(),
        End::Silent => "stopped_answering".to_owned(),
        End::Unreachable => "unreachable".to_owned(),
        End::Replaced => "asked_again".to_owned(),
        End::Crowded => "crowded".to_owned(),
        End::Stopped => "server_stopped".to_owned(),
    })
}
