//! The menu behind its password, and the files that the admin dropped in, as a machine fetches them.

use crate::identity::{UUID_A, facts, firmware_asks, machine, on_a_cable_with, pass, script};
use crate::nets::Net;
use provisioner::host::{self, HostId};
use state::wire::Fact;
use std::sync::Arc;

const PASSWORD: &str = "les clefs du camion";

/// What a machine fetches, and the status of the answer.
async fn fetch(net: &Arc<Net>, mac: &str, file: &str) -> (String, Vec<u8>) {
    let net = Arc::clone(net);
    let url = format!("http://10.77.0.2:8067/b/{}/{file}", mac.replace(':', ""));
    let fetched = tokio::task::spawn_blocking(move || {
        let mut curl = net.command("curl");
        curl.args(["-sS", "--max-time", "20", "-w", "%{http_code}", &url]);
        curl.output().unwrap()
    });
    let mut body = fetched.await.unwrap().stdout;
    let status = body.split_off(body.len() - 3);
    (String::from_utf8(status).unwrap(), body)
}

async fn types(net: &Arc<Net>, mac: &str, word: &str) -> String {
    let word: String = word.bytes().map(|b| format!("%{b:02x}")).collect();
    let (_, body) = fetch(net, mac, &format!("menu.ipxe?who=eve&word={word}")).await;
    String::from_utf8(body).unwrap()
}

#[test]
fn a_menu_that_a_rule_gives_opens_to_its_password_and_not_to_guesses() {
    let rule = config::BootRule {
        mac: Some("*".to_owned()),
        give: config::BootGive::Menu,
        ..Default::default()
    };
    let choices = config::BootChoices {
        entries: Vec::new(),
        rules: vec![rule],
        menu_password: Some(state::password::hash(PASSWORD).unwrap()),
    };
    on_a_cable_with(choices, async |boot, mut pc, clock, router| {
        let card = "02:00:00:00:00:0a";
        let a = machine(1, "SERIAL-A", UUID_A, card);
        let id = HostId(a.hello(&router, card).await.host);
        assert!(firmware_asks(&mut pc, card, UUID_A).await);
        let agent = types(&pc.net, card, PASSWORD).await;
        assert!(
            agent.contains("starting the agent"),
            "nobody approved it: {agent}"
        );
        host::approve(&boot.db, &id, None, "admin", clock.now())
            .await
            .unwrap();

        assert!(firmware_asks(&mut pc, card, UUID_A).await);
        let asks = script(&pc.net, card, false).await;
        assert!(
            asks.contains("\nlogin ||") && !asks.contains("item "),
            "{asks}"
        );
        for left in (0..5).rev() {
            let wrong = types(&pc.net, card, "les clefs du Camion").await;
            assert!(wrong.contains(&format!("tries left: {left}\n")), "{wrong}");
            assert!(!wrong.contains("item "), "{wrong}");
        }
        let closed = types(&pc.net, card, PASSWORD).await;
        assert!(closed.contains("too many wrong passwords"), "{closed}");

        // An operator's wish needs no password.
        let now = clock.now();
        host::next::ask(&boot.db, &boot.choices, &id, "menu", "admin", now)
            .await
            .unwrap();
        assert!(firmware_asks(&mut pc, card, UUID_A).await);
        let menu = script(&pc.net, card, false).await;
        assert!(menu.contains("item agent"), "{menu}");
        assert!(menu.contains("item rescue") && menu.contains("item wipe"));

        pass(&clock, 15 * 60);
        assert!(firmware_asks(&mut pc, card, UUID_A).await);
        let menu = types(&pc.net, card, PASSWORD).await;
        assert!(
            menu.contains("item agent") && menu.contains("item memtest"),
            "{menu}"
        );
        assert!(menu.contains("item rescue") && menu.contains("item wipe"));
        let (status, _) = fetch(&pc.net, card, "memtest.bin").await;
        assert_eq!(status, "200");

        let said = facts(&boot).await;
        let count = |wanted: fn(&Fact) -> bool| said.iter().filter(|fact| wanted(fact)).count();
        assert_eq!(
            count(|f| matches!(f, Fact::MenuRefused { who, .. } if who == "eve")),
            5
        );
        assert_eq!(
            count(|f| matches!(f, Fact::MenuOpened { who, .. } if who == "eve")),
            1
        );
        assert!(!format!("{said:?}").contains("camion"));
    });
}

#[test]
fn a_dropped_in_file_is_served_while_it_is_the_one_that_was_pinned() {
    let rule = config::BootRule {
        mac: Some("*".to_owned()),
        give: config::BootGive::Menu,
        ..Default::default()
    };
    let choices = config::BootChoices {
        rules: vec![rule],
        ..Default::default()
    };
    on_a_cable_with(choices, async |boot, mut pc, _, _| {
        let card = "02:00:00:00:00:0a";
        assert!(firmware_asks(&mut pc, card, UUID_A).await);
        let debian = fetch(&pc.net, card, "snponly.efi").await;
        let packaged = std::fs::read(boot.assets_dir.join("snponly.efi")).unwrap();
        assert_eq!(debian, ("200".to_owned(), packaged));
        assert_eq!(fetch(&pc.net, card, "wimboot").await.0, "404");

        let own = images::assets::own::folder(&boot.assets_dir);
        let given = boot.assets_dir.with_file_name("given");
        let newer = b"MZ a newer iPXE".as_slice();
        std::fs::write(&given, newer).unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, newer);
        let sha256: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        for name in ["snponly.efi", "wimboot"] {
            images::assets::own::add(&own, &given, &sha256, name).unwrap();
        }
        for name in ["snponly.efi", "ipxe.efi", "wimboot"] {
            let (status, body) = fetch(&pc.net, card, name).await;
            assert_eq!((status.as_str(), body.as_slice()), ("200", newer), "{name}");
        }
        // Nobody signed it: no shim is named, whatever the machine says.
        assert_eq!(fetch(&pc.net, card, "snponly-shim.efi").await.0, "404");

        std::fs::write(own.join("snponly.efi"), b"MZ a newer iPXF").unwrap();
        std::fs::write(own.join("wimboot"), b"another").unwrap();
        assert_eq!(
            fetch(&pc.net, card, "snponly.efi").await,
            debian,
            "Debian's again"
        );
        assert_eq!(fetch(&pc.net, card, "wimboot").await.0, "404");
    });
}
