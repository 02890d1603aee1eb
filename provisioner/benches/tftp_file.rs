//! One file in memory, served by the boot server's own TFTP on loopback until the program is ended:
//! what `benches/tftp/run` measures beside other servers.

use provisioner::tftp::{self, Content, Files, Opening, Place};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

struct OneFile(Arc<[u8]>);

impl Files for OneFile {
    fn open(&self, _machine: SocketAddr, _path: String) -> Opening {
        let bytes = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(Content {
                bytes,
                ended: Box::new(|_| {}),
            })
        })
    }
}

/// As the program runs it: the runtime of several threads, the engine on its own.
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: tftp_file PORT FILE (cargo bench says only --bench: see benches/tftp/run)";
    let (Some(port), Some(file)) = (arguments.next(), arguments.next()) else {
        eprintln!("{usage}");
        return Ok(());
    };
    let address = Ipv4Addr::LOCALHOST;
    let socket = std::net::UdpSocket::bind((address, port.parse()?))?;
    socket.set_nonblocking(true)?;
    let place = Place {
        interface: "lo".to_owned(),
        address: address.into(),
    };
    let files = Arc::new(OneFile(std::fs::read(file)?.into()));
    let stop = CancellationToken::new();
    Ok(tftp::serve(socket.into(), place, files, stop).await?)
}
