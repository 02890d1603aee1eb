//! A proxy on the interfaces of a namespace, and the answers it gives.

use crate::nets::{Net, inside};
use crate::rig::{Folder, boot, until};
use config::{DhcpRole, Network};
use state::Clock;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Serves `interfaces` in `server` as a proxy while `work` runs on a thread of its own.
pub(crate) fn proxy(server: &Net, interfaces: &[&str], work: impl FnOnce() + Send) {
    let folder = Folder::new();
    folder.fill_assets();
    proxy_in(&folder, Clock::System, server, interfaces, work);
}

/// The same with what an earlier start left in `folder`.
pub(crate) fn proxy_in(
    folder: &Folder,
    clock: Clock,
    server: &Net,
    interfaces: &[&str],
    work: impl FnOnce() + Send,
) {
    std::thread::scope(|scope| {
        let stop = CancellationToken::new();
        let (open, opened) = std::sync::mpsc::channel();
        let until_stop = stop.clone();
        let thread = scope.spawn(move || {
            inside(server, async || {
                let (boot, _) = boot(folder, clock).await;
                let network = |interface: &&str| Network {
                    interface: (*interface).to_owned(),
                    dhcp: DhcpRole::Proxy,
                    http_port: 8067,
                };
                let networks = interfaces.iter().map(network).collect();
                let serving = tokio::spawn(provisioner::serve(boot.clone(), networks, until_stop));
                until("all ports open", async || {
                    let ports = boot.ports.all();
                    let open = |ports: &provisioner::Ports| {
                        [ports.dhcp, ports.pxe, ports.http, ports.tftp]
                            .iter()
                            .all(Option::is_some)
                    };
                    (ports.len() == interfaces.len() && ports.values().all(open)).then_some(())
                })
                .await;
                open.send(()).unwrap();
                serving.await.unwrap();
            });
        });
        let stopped = stop.drop_guard();
        opened.recv_timeout(Duration::from_secs(60)).unwrap();
        scope.spawn(work).join().unwrap();
        drop(stopped);
        thread.join().unwrap();
    });
}

/// One answer, as far as the tests look.
pub(crate) struct Answer {
    pub(crate) packet: Vec<u8>,
    pub(crate) from: SocketAddr,
}

impl Answer {
    pub(crate) fn field(&self, at: usize) -> Ipv4Addr {
        let bytes: [u8; 4] = self.packet[at..at + 4].try_into().unwrap();
        bytes.into()
    }

    pub(crate) fn gives_an_address(&self) -> bool {
        !self.field(16).is_unspecified()
    }

    pub(crate) fn file(&self) -> String {
        let bytes = self.packet[108..236].split(|b| *b == 0).next().unwrap();
        String::from_utf8_lossy(bytes).into_owned()
    }

    pub(crate) fn option(&self, code: u8) -> Option<&[u8]> {
        let mut rest = &self.packet[240..];
        while let [found, len, tail @ ..] = rest {
            if *found == 255 {
                return None;
            }
            let (value, next) = tail.split_at(usize::from(*len));
            if *found == code {
                return Some(value);
            }
            rest = next;
        }
        None
    }
}

/// Asks until `enough`, as firmware asks again; all answers that came.
pub(crate) fn ask(
    socket: &UdpSocket,
    packet: &[u8],
    to: &str,
    enough: impl Fn(&[Answer]) -> bool,
) -> Vec<Answer> {
    socket
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let mut answers = Vec::new();
    let mut buffer = vec![0; 4096];
    let deadline = Instant::now() + Duration::from_secs(40);
    while Instant::now() < deadline {
        // Until an interface has its routes, sending fails.
        let _ = socket.send_to(packet, to);
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            // Its own broadcast, which it hears too.
            if buffer[0] != 2 {
                continue;
            }
            answers.push(Answer {
                packet: buffer[..len].to_vec(),
                from,
            });
            if enough(&answers) {
                return answers;
            }
        }
    }
    panic!(
        "{} answers, and not those that were expected",
        answers.len()
    );
}
