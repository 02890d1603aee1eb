//! Ports that are taken and interfaces that are not there: one sentence each, the rest goes on,
//! and it heals by itself.

use crate::nets::{Net, inside};
use crate::rig::{Folder, boot, until};
use config::{DhcpRole, Network};
use provisioner::Boot;
use state::wire::Fact;
use state::{Clock, journal};
use tokio_util::sync::CancellationToken;

/// The sentence of an open trouble, `None` when it is over or never was.
async fn trouble(boot: &Boot, object: &str) -> Option<String> {
    let entries = journal::latest(&boot.db, 1000).await.unwrap();
    entries.into_iter().find_map(|entry| match entry.fact {
        Fact::Trouble {
            object: found,
            sentence,
        } if found == object => Some(Some(sentence)),
        Fact::TroubleOver { object: found } if found == object => Some(None),
        _ => None,
    })?
}

async fn begins(boot: &Boot, object: &str) -> String {
    until(&format!("trouble with {object}"), async || {
        trouble(boot, object).await
    })
    .await
}

async fn ends(boot: &Boot, object: &str) {
    until(&format!("end of the trouble with {object}"), async || {
        trouble(boot, object).await.is_none().then_some(())
    })
    .await;
}

fn network(interface: &str, dhcp: DhcpRole, http_port: u16) -> Network {
    Network {
        interface: interface.to_owned(),
        dhcp,
        http_port,
    }
}

#[test]
fn what_cannot_be_served_is_said_and_the_rest_goes_on() {
    let (server, pc) = (Net::new(), Net::new());
    server.cable_to(&pc);
    let folder = Folder::new();
    inside(&server, async || {
        let taken: Vec<_> = [67, 69]
            .map(|port| std::net::UdpSocket::bind(("0.0.0.0", port)).unwrap())
            .into();
        let taken_http = std::net::TcpListener::bind("10.77.0.2:8067").unwrap();
        let (boot, _) = boot(&folder, Clock::System).await;
        let stop = CancellationToken::new();
        let networks = vec![
            network("srv0", DhcpRole::Proxy, 8067),
            network("none0", DhcpRole::Off, 0),
        ];
        let serving = tokio::spawn(provisioner::serve(boot.clone(), networks, stop.clone()));

        let sentence = begins(&boot, "UDP port 67 on srv0").await;
        assert!(sentence.contains("taken by another program"), "{sentence}");
        assert!(sentence.contains("ss -ulpn"), "{sentence}");
        begins(&boot, "UDP port 69 on srv0").await;
        let sentence = begins(&boot, "TCP port 8067 on srv0").await;
        assert!(sentence.contains("ss -tlpn"), "{sentence}");
        let sentence = begins(&boot, "interface none0").await;
        assert!(sentence.contains("does not exist"), "{sentence}");
        assert!(
            sentence.contains("srv0"),
            "it names what there is: {sentence}"
        );
        let sentence = begins(&boot, "boot assets for srv0").await;
        assert!(sentence.contains("reprise boot assets build"), "{sentence}");
        // 4011 was free.
        until("port 4011", async || boot.ports.all().remove("srv0")?.pxe).await;

        drop((taken, taken_http));
        folder.fill_assets();
        for object in [
            "UDP port 67 on srv0",
            "UDP port 69 on srv0",
            "TCP port 8067 on srv0",
            "boot assets for srv0",
        ] {
            ends(&boot, object).await;
        }
        let open = boot.ports.all().remove("srv0").unwrap();
        assert_eq!((open.dhcp, open.http), (Some(67), Some(8067)));

        server.ip("link add none0 type veth peer name none1");
        server.ip("link set none1 up");
        let sentence = until("another sentence", async || {
            trouble(&boot, "interface none0")
                .await
                .filter(|sentence| sentence.contains("no IPv4 address"))
        })
        .await;
        assert!(sentence.contains("ip addr add"), "{sentence}");
        server.ip("addr add 10.78.0.1/24 dev none0");
        let sentence = until("a down interface", async || {
            trouble(&boot, "interface none0")
                .await
                .filter(|sentence| sentence.contains("is down"))
        })
        .await;
        assert!(sentence.contains("ip link set none0 up"), "{sentence}");
        server.ip("link set none0 up");
        ends(&boot, "interface none0").await;
        until("HTTP on the new interface", async || {
            boot.ports.all().remove("none0")?.http
        })
        .await;

        // Its address changes: the listeners move.
        server.ip("addr del 10.77.0.2/24 dev srv0");
        server.ip("addr add 10.77.0.9/24 dev srv0");
        until("HTTP at the new address", async || {
            tokio::net::TcpStream::connect("10.77.0.9:8067").await.ok()
        })
        .await;
        stop.cancel();
        serving.await.unwrap();
    });
}
