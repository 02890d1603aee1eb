//! The console in a real browser, over a real appliance: log-in, the proof on the home page, both
//! languages, a file and a zip out of a snapshot, a host that appears and is approved, and the same
//! pages without JavaScript.
//!
//! `UPDATE_SCREENSHOTS=1` renews the pictures of the README.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must fail"
)]

#[path = "../e2e/harness/mod.rs"]
mod harness;
mod webdriver;

use harness::{Appliance, Temp, config_text, within};
use std::path::{Path, PathBuf};
use std::time::Duration;
use webdriver::Chromium;

const PASSWORD: &str = "une phrase bien assez longue";
/// A name that must be shown, downloaded and never run.
const ODD: &str = "devis <b>été & Cie.txt";

/// By how much a page is wider than its window.
const SIDEWAYS: &str =
    "return document.documentElement.scrollWidth - document.documentElement.clientWidth";

fn content() -> Vec<u8> {
    (0..700_000u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

/// An appliance that protects a small share.
fn appliance(folder: &Temp) -> Appliance {
    std::fs::create_dir_all(folder.join("compta/2026/factures")).expect("folders");
    std::fs::write(
        folder.join("compta/2026/factures/grand livre.bin"),
        content(),
    )
    .expect("a file");
    std::fs::write(folder.join("compta/2026/factures").join(ODD), "120 €\n").expect("a file");
    std::fs::write(folder.join("compta/lisez-moi.txt"), "bonjour\n").expect("a file");
    let more = "[[plan]]\nname = \"compta\"\nfiles = [\"compta\"]\ntargets = [\"local\"]\nrpo = \"24h\"\nrto = \"4h\"\n";
    Appliance::first_start(folder, &config_text(more).replace("\"test\"", "\"agen\""))
}

/// The appliance's own copy was restored for real, as the API says.
fn own_proof(appliance: &Appliance) {
    within(
        Duration::from_secs(90),
        "the proof of the own backup",
        || {
            let proofs = appliance.get("/api/proofs");
            let own = proofs
                .as_array()?
                .iter()
                .find(|p| p["plan"] == "appliance" && p["passed"] == true)?;
            Some(own["id"].as_str()?.to_owned())
        },
    );
}

fn saved_and_proven(appliance: &Appliance) {
    let run = appliance.cli(&["plan", "run", "compta"]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    within(Duration::from_secs(90), "the proof of compta", || {
        let proofs = appliance.get("/api/proofs");
        proofs
            .as_array()?
            .iter()
            .find(|p| p["plan"] == "compta" && p["passed"] == true)
            .map(drop)
    });
}

fn log_in(browser: &Chromium, base: &str, password: &str) {
    browser.open(&format!("{base}/"));
    assert!(browser.url().ends_with("/login"), "{}", browser.url());
    browser.fill("#user", "admin");
    browser.fill("#password", password);
    browser.click("main button");
}

/// What an agent says when it starts: the real request, over the console's own HTTPS.
fn agent_hello(appliance: &Appliance, product: &str) -> images::wire::Welcome {
    let hello = images::wire::Hello {
        mac: "52:54:00:12:34:56".to_owned(),
        agent_key: "5a".repeat(32),
        version: "0.1.0".to_owned(),
        inventory: images::wire::Inventory {
            system: images::wire::System {
                manufacturer: "Dell".to_owned(),
                product: product.to_owned(),
                serial: "7XK2M43".to_owned(),
                uuid: "4c4c4544-0058-4b10-8032-b7c04f4d3433".to_owned(),
                ..Default::default()
            },
            cpu: images::wire::Cpu {
                model: "Intel Core i5-10500".to_owned(),
                cores: 12,
            },
            memory_bytes: 16 << 30,
            disks: vec![images::wire::Disk {
                name: "nvme0n1".to_owned(),
                path: "/dev/nvme0n1".to_owned(),
                serial: "S4EWNX0R".to_owned(),
                model: "Samsung SSD 970".to_owned(),
                size_bytes: 512_110_190_592,
                sector_bytes: 512,
                ..Default::default()
            }],
            nics: vec![images::wire::Nic {
                name: "eno1".to_owned(),
                mac: "52:54:00:12:34:56".to_owned(),
                speed_mbits: Some(1000),
                link: true,
                address: Some("192.168.1.57".to_owned()),
                external: Some(false),
            }],
            firmware: images::wire::Firmware::Uefi,
            secure_boot: Some(true),
            trusted: images::secure_boot::THIRD_PARTY.map(str::to_owned).to_vec(),
        },
    };
    let body = serde_json::to_value(&hello).expect("JSON");
    let answer = appliance
        .browser()
        .send_json("/agent/hello", &hello.agent_key, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_value(answer.json()).expect("a welcome")
}

#[expect(
    clippy::disallowed_methods,
    reason = "asked for by hand, like UPDATE_GOLDEN; no behaviour of the product depends on it"
)]
fn pictures() -> Option<PathBuf> {
    std::env::var("UPDATE_SCREENSHOTS")
        .is_ok_and(|v| v == "1")
        .then(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screenshots"))
}

/// Keeps a picture when they were asked for.
fn picture(browser: &Chromium, name: &str) {
    if let Some(folder) = pictures() {
        std::fs::create_dir_all(&folder).expect("the folder of pictures");
        browser.screenshot(&folder.join(name));
    }
}

#[test]
fn an_administrator_sees_the_proof_and_gets_a_file_and_a_folder_back() {
    let folder = Temp::new();
    let appliance = appliance(&folder);
    let base = appliance.console_url();
    own_proof(&appliance);
    let browser = Chromium::start(true, "fr");

    log_in(&browser, &base, &appliance.one_time_password());
    browser.shows("Choisir un mot de passe");
    browser.fill("#new", PASSWORD);
    browser.fill("#repeated", PASSWORD);
    browser.click("main button");

    // The honest sentence, beside the proof of the appliance's own copy.
    browser
        .shows("0 de vos services sont protégés\u{202f}; cette copie disparaît avec ce boîtier.");
    browser.shows("restaurés et comparés en");
    browser.shows("jamais sauvé");
    browser.follow("EN");
    browser.shows("0 of your services are protected; this copy dies with this box.");
    browser.follow("FR");
    saved_and_proven(&appliance);
    browser.find("#services .pill.care");
    browser.window(1280, 1250);
    picture(&browser, "home-fr.png");
    browser.follow("EN");
    browser.shows("restored for real, not protected");
    picture(&browser, "home-en.png");
    browser.follow("FR");
    browser.shows("restauré pour de vrai, non protégé");
    browser.window(1280, 900);
    browser.click(".proof a");
    browser.shows("Ce que cette preuve ne montre pas");
    picture(&browser, "proof-fr.png");

    // Into the snapshot, down to a file whose name is hostile.
    browser.follow("Restaurer");
    let snapshots = appliance.get("/api/snapshots?target=local");
    let compta = snapshots["snapshots"]
        .as_array()
        .and_then(|l| l.iter().find(|s| s["plan"] == "compta"));
    let id = compta.expect("a snapshot")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    browser.click(&format!("a[href$='{id}']"));
    browser.follow(&folder.join("compta").display().to_string());
    browser.follow("2026");
    browser.follow("factures");
    browser.shows(ODD);
    picture(&browser, "browse-fr.png");
    browser.follow("grand livre.bin");
    assert!(
        browser.downloaded("grand livre.bin") == content(),
        "the file differs"
    );
    browser.follow(ODD);
    within(Duration::from_secs(60), "the odd file", || {
        // A browser replaces what its own system cannot hold in a name.
        let entries = std::fs::read_dir(browser.downloads()).ok()?;
        entries
            .filter_map(Result::ok)
            .find(|e| std::fs::read(e.path()).is_ok_and(|b| b == "120 €\n".as_bytes()))
    });
    browser.click("a.button[href*='/zip?']");
    browser.downloaded("factures.zip");
    let zip = browser
        .downloads()
        .join("factures.zip")
        .display()
        .to_string();
    let unpacked = folder.join("unpacked");
    harness::tool(
        "unzip",
        &["-q", &zip, "-d", &unpacked.display().to_string()],
    );
    let found = find(&unpacked, "grand livre.bin").expect("the file in the zip");
    assert!(
        std::fs::read(found).expect("readable") == content(),
        "the zip differs"
    );
    restore(&browser, &folder);
    // What was taken out is on record.
    browser.follow("Journal");
    browser.shows("admin a téléchargé");

    // Narrow: no sideways scrolling on a phone.
    browser.window(360, 800);
    for page in [
        "/",
        "/plans",
        "/snapshots",
        "/hosts",
        "/journal",
        "/account",
        "/targets",
        "/unprotected",
    ] {
        browser.open(&format!("{base}{page}"));
        assert_eq!(browser.script(SIDEWAYS), 0, "{page} is wider than a phone");
    }
    // On a small laptop the header is one line, in the longer of the two languages.
    browser.window(1200, 900);
    browser.open(&format!("{base}/?lang=fr"));
    let lines = "const tops = [...document.querySelectorAll('.top a, .top button')].map(e => \
                 Math.round(e.getBoundingClientRect().top + e.getBoundingClientRect().height / 2)); \
                 return Math.max(...tops) - Math.min(...tops) < 12";
    assert_eq!(
        browser.script(lines),
        true,
        "the header wraps at 1200 pixels"
    );
    paper(&browser, &base);
    browser.window(1280, 900);
    browser.open(&format!("{base}/?lang=en"));
    browser.shows("restored for real, not protected");
    browser.window(1280, 1250);
    browser.dark();
    picture(&browser, "home-dark.png");
    browser.window(360, 800);
    picture(&browser, "home-phone.png");
}

/// What would be written and what is in the way is shown before anything is done.
fn restore(browser: &Chromium, folder: &Temp) {
    let to = folder.join("retour");
    std::fs::create_dir(&to).expect("a folder");
    browser.click("a.button.primary[href*='/restore?']");
    browser.fill("#to", &to.display().to_string());
    browser.click("main form[method='get'] button");
    browser.find("#preview form button");
    let nothing = std::fs::read_dir(&to).expect("readable").next().is_none();
    assert!(nothing, "a preview wrote something");
    browser.window(1280, 1250);
    picture(browser, "restore-fr.png");
    browser.window(1280, 900);
}

#[test]
fn the_morning_message_can_be_read_on_a_desk_and_on_a_telephone() {
    let letters = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/letters");
    let browser = Chromium::start(true, "fr");
    browser.window(900, 1500);
    browser.open(&format!("file://{}/morning.fr.html", letters.display()));
    browser.shows("1 de vos 3 services est protégé.");
    picture(&browser, "morning-fr.png");
    browser.window(360, 800);
    assert_eq!(browser.script(SIDEWAYS), 0, "wider than a telephone");
}

/// A sheet of recovery words, typed back from what the page showed; then what nobody saves, and where the copies are.
fn paper(browser: &Chromium, base: &str) {
    browser.window(1280, 1250);
    browser.open(&format!("{base}/account?lang=fr"));
    browser.shows("Mots jamais ressaisis.");
    browser.click("form[action='/account/keys/paper'] button");
    browser.shows("Imprimez cette page maintenant");
    let words = "return [...document.querySelectorAll('.paperwords code')].map(e => e.textContent).join(' ')";
    let words = browser.script(words).as_str().expect("words").to_owned();
    assert_eq!(words.split(' ').count(), 24, "{words}");
    picture(browser, "paper-fr.png");
    browser.open(&format!("{base}/account"));
    browser.fill("textarea[name='words']", &words);
    browser.click("form[action='/account/keys'] button");
    browser.shows("Mots ressaisis par admin");
    picture(browser, "account-fr.png");
    browser.open(&format!("{base}/targets"));
    browser.shows("disparaît avec ce boîtier");
    picture(browser, "targets-fr.png");
    browser.open(&format!("{base}/unprotected"));
    browser.shows("Ce que ce boîtier voit, et ne voit pas");
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .find_map(|e| {
            let path = e.path();
            if path.is_dir() {
                find(&path, name)
            } else {
                (e.file_name() == name).then_some(path)
            }
        })
}

#[test]
fn a_host_that_reports_appears_without_reload_and_is_approved() {
    let folder = Temp::new();
    let appliance = appliance(&folder);
    let base = appliance.console_url();
    let browser = Chromium::start(true, "fr");
    log_in(&browser, &base, &appliance.one_time_password());
    browser.fill("#new", PASSWORD);
    browser.fill("#repeated", PASSWORD);
    browser.click("main button");
    browser.find("#headline");
    browser.open(&format!("{base}/hosts"));
    browser.shows("Aucun poste ne s’est encore présenté.");
    browser.script("window.notReloaded = true");

    let welcome = agent_hello(&appliance, "OptiPlex 7080");
    browser.shows(&welcome.pairing_code);
    browser.shows("OptiPlex 7080");
    browser.shows("Samsung SSD 970");
    assert_eq!(
        browser.script("return window.notReloaded === true"),
        true,
        "the page was loaded again instead of being told"
    );
    picture(&browser, "host-waiting-fr.png");
    browser.click(&format!("#approve-{}", welcome.host));
    browser.shows("approuvé par admin");
    let host = appliance.get(&format!("/api/hosts/{}", welcome.host));
    assert_eq!(host["state"], "approved", "{host}");

    // Progress comes the same way: a run started elsewhere shows on the open home page.
    browser.open(&format!("{base}/"));
    browser.shows("jamais sauvé");
    browser.script("window.notReloaded = true");
    saved_and_proven(&appliance);
    browser.find("#services .pill.care");
    assert_eq!(browser.script("return window.notReloaded === true"), true);
}

#[test]
fn every_page_works_without_javascript() {
    let folder = Temp::new();
    let appliance = appliance(&folder);
    let base = appliance.console_url();
    own_proof(&appliance);
    let browser = Chromium::start(false, "en");
    // Without scripts the driver misses what it would have to scroll to.
    browser.window(1280, 3000);
    log_in(&browser, &base, &appliance.one_time_password());
    browser.shows("Choose a password");
    browser.fill("#new", PASSWORD);
    browser.fill("#repeated", PASSWORD);
    browser.click("main button");
    browser.shows("0 of your services are protected; this copy dies with this box.");

    // Save now, by a form; then reload by hand until it is done.
    browser.click("form[action='/plans/compta/run'] button");
    within(Duration::from_secs(60), "the run on its page", || {
        browser.reload();
        browser
            .has("a.button[href^='/snapshots/local/']")
            .then_some(())
    });
    browser.click("a.button[href^='/snapshots/local/']");
    browser.follow(&folder.join("compta").display().to_string());
    browser.follow("lisez-moi.txt");
    assert_eq!(browser.downloaded("lisez-moi.txt"), b"bonjour\n");

    // A restore: the exact paths first, then done.
    let to = folder.join("retour").display().to_string();
    browser.click("a.button.primary[href*='/restore?']");
    browser.fill("#to", &to);
    browser.click("main form[method='get'] button");
    browser.shows(&to);
    assert!(!folder.join("retour").exists(), "a preview wrote something");
    browser.click("#preview form button");
    within(Duration::from_secs(60), "the restore on its page", || {
        browser.reload();
        browser.text().contains("3 files").then_some(())
    });
    let back = find(&folder.join("retour"), "lisez-moi.txt").expect("the file is back");
    assert_eq!(std::fs::read(back).expect("readable"), b"bonjour\n");

    agent_hello(&appliance, "OptiPlex 7080");
    for (page, words) in [
        ("/plans", "Recovery time objective (RTO)"),
        ("/proofs", "restored for real"),
        ("/hosts", "OptiPlex 7080"),
        ("/images", "reprise image import"),
        ("/journal", "admin logged in"),
        ("/account", "Words never typed back."),
        ("/targets", "dies with this box"),
        ("/unprotected", "What nobody saves"),
    ] {
        browser.open(&format!("{base}{page}"));
        browser.shows(words);
    }
    browser.open(&format!("{base}/"));
    browser.shows("1 host waits for approval");
    browser.click(".me form button");
    browser.shows("Open the console");
}
