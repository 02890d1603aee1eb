//! The boot server's own DHCP on one interface until the program is ended: what `benches/dhcp/run`
//! measures beside Kea.

use config::{Dhcp, DhcpRole, Network, Subnet, Told};
use provisioner::lease::Leases;
use provisioner::{Boot, Heard, Negotiations, PortsBoard};
use state::progress::Board;
use state::{Clock, Db};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// As the program has it: musl's own allocator is slow with several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As the program runs it: the runtime of several threads, leases on disk before they are answered.
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: dhcp_leases INTERFACE server|proxy FOLDER (see benches/dhcp/run)";
    let (Some(interface), Some(role), Some(folder)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        eprintln!("{usage}");
        return Ok(());
    };
    let folder = PathBuf::from(folder);
    let clock = Clock::System;
    let db = Db::open_file(&folder.join("state.db")).await?;
    provisioner::migrate(&db).await?;
    let dhcp = Dhcp {
        subnets: vec![Subnet {
            network: [10, 77, 0, 0].into(),
            prefix: 16,
            ranges: vec![([10, 77, 1, 0].into(), [10, 77, 200, 255].into())],
            exclude: Vec::new(),
            lease: Duration::from_secs(4000),
            told: Told::default(),
            authoritative: true,
        }],
        ..Dhcp::default()
    };
    let boot = Boot {
        recorder: provisioner::flight::Recorder::new(clock.clone()),
        negotiations: Negotiations::default(),
        leases: Leases::new(folder.join("leases"), dhcp, clock.clone()),
        db,
        clock,
        board: Board::default(),
        assets_dir: folder.join("assets"),
        console_port: 8443,
        fingerprint: String::new(),
        appliance: "bench".to_owned(),
        locale: config::Locale::En,
        images: Arc::new(|| Box::pin(async { Err("there are no images here".to_owned()) })),
        store: Arc::new(|_, _, _| Box::pin(async { Err("there are no images here".to_owned()) })),
        choices: Arc::default(),
        glpi: None,
        heard: Heard::default(),
        ports: PortsBoard::default(),
        attempts: provisioner::Attempts::default(),
    };
    let network = Network {
        interface,
        dhcp: match role.as_str() {
            "proxy" => DhcpRole::Proxy,
            _ => DhcpRole::Server,
        },
        http_port: 0,
    };
    provisioner::serve(boot, vec![network], CancellationToken::new()).await;
    Ok(())
}
