//! The registry from the command line: names, approvals of many, notes, lists, GLPI.

use crate::harness::{Appliance, Start, Temp, config_text, eventually, within};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const RULES: &str = "[[profile]]\nname = \"compta\"\nnaming = \"COMPTA-PC{n:02}\"\n";

/// A PC's agent reports.
fn report(appliance: &Appliance, number: u8) {
    let key = format!("{number:064x}");
    let hello = json!({
        "mac": format!("52:54:00:00:00:{number:02x}"),
        "agent_key": key,
        "version": "0.1.0",
        "inventory": {
            "system": {"manufacturer": "Dell Inc.", "product": "Latitude 5520", "serial": format!("SERIAL{number:04}")},
            "nics": [{"name": "eth0", "mac": format!("52:54:00:00:00:{number:02x}"), "link": true}],
            "memory_bytes": 8_u64 << 30,
        },
    });
    let page = appliance.browser().send_json("/agent/hello", &key, &hello);
    assert_eq!(page.status, 200, "{}", page.text());
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", told(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn names(appliance: &Appliance) -> Vec<String> {
    let hosts = appliance.cli_json(&["host", "list"]);
    let hosts = hosts.as_array().expect("a list");
    let mut names: Vec<String> = hosts
        .iter()
        .map(|host| {
            format!(
                "{} {}",
                host["name"].as_str().expect("a name"),
                host["state"].as_str().expect("a state")
            )
        })
        .collect();
    names.sort();
    names
}

#[test]
fn many_are_approved_named_and_noted_by_commands() {
    let folder = Temp::new();
    let appliance = Appliance::first_start(&folder, &config_text(RULES));
    for number in 1..=3 {
        report(&appliance, number);
    }
    let waiting = [
        "PC-AL0001 waiting",
        "PC-AL0002 waiting",
        "PC-AL0003 waiting",
    ];
    assert_eq!(names(&appliance), waiting);
    // A dry run shows codes and names and changes nothing; without --yes nobody is there to be asked.
    let shown = printed(&appliance.cli(&[
        "host",
        "approve",
        "--all",
        "--profile",
        "compta",
        "--dry-run",
    ]));
    for name in ["COMPTA-PC01", "COMPTA-PC02", "COMPTA-PC03", "PC-AL0002"] {
        assert!(shown.contains(name), "{shown}");
    }
    let asked = appliance.cli(&["host", "approve", "--all", "--profile", "compta"]);
    assert!(
        !asked.status.success() && told(&asked).contains("--yes"),
        "{}",
        told(&asked)
    );
    let wrong = appliance.cli(&["host", "approve", "--all", "--profile", "nowhere", "--yes"]);
    assert!(
        !wrong.status.success() && told(&wrong).contains("nowhere"),
        "{}",
        told(&wrong)
    );
    assert_eq!(names(&appliance), waiting);
    printed(&appliance.cli(&["host", "approve", "--all", "--profile", "compta", "--yes"]));
    let approved = [
        "COMPTA-PC01 approved",
        "COMPTA-PC02 approved",
        "COMPTA-PC03 approved",
    ];
    assert_eq!(names(&appliance), approved);
    let none = appliance.cli(&["host", "approve", "--all", "--yes"]);
    assert!(told(&none).contains("no host waits"), "{}", told(&none));

    // Names: another's is refused, a rule fills the gap that a chosen one left.
    let taken = appliance.cli(&["host", "name", "COMPTA-PC01", "compta-pc02"]);
    assert!(!taken.status.success() && told(&taken).contains("another one has that name"));
    printed(&appliance.cli(&["host", "name", "COMPTA-PC01", "ACCUEIL"]));
    let would = appliance.cli(&["host", "name", "COMPTA-PC03", "--dry-run"]);
    assert!(
        told(&would).contains("COMPTA-PC03 keeps its name"),
        "{}",
        told(&would)
    );
    report(&appliance, 4);
    printed(&appliance.cli(&["host", "approve", "PC-AL0004", "--profile", "compta"]));
    assert!(names(&appliance).contains(&"COMPTA-PC01 approved".to_owned()));

    // Notes, and what is wrong with one.
    let noted = [
        "--user",
        "DOMAINE\\jean",
        "--bought",
        "17/05/2024",
        "--warranty-end",
        "2027-05-16",
    ];
    printed(&appliance.cli(&[&["host", "set", "ACCUEIL"][..], &noted].concat()));
    let host = appliance.cli_json(&["host", "show", "ACCUEIL"]);
    assert_eq!(host["bought"], "2024-05-17");
    assert_eq!(host["user"], "DOMAINE\\jean");
    let early = appliance.cli(&["host", "set", "ACCUEIL", "--warranty-end", "2020-01-01"]);
    assert!(!early.status.success() && told(&early).contains("before the purchase"));
    let host = appliance.cli_json(&["host", "show", "ACCUEIL"]);
    assert_eq!(host["warranty_end"], "2027-05-16");
    assert!(appliance.terminate().0.success());
}

#[test]
fn lists_go_out_and_come_back() {
    let folder = Temp::new();
    let appliance = Appliance::first_start(&folder, &config_text(RULES));
    let list = folder.join("bought.csv");
    let bought = "name;serial;user;supplier;warranty_end\r\n\
        NEUF-1;SERIAL0007;=HYPERLINK(1);\"LDLC; Lyon\";2030-01-01\r\nNEUF-2;SERIAL0008;;;\r\n";
    std::fs::write(&list, bought).expect("the list");
    let file = list.to_str().expect("a path");
    let would = appliance.cli(&["host", "import", file, "--dry-run"]);
    assert!(
        told(&would).contains("2 hosts would be added"),
        "{}",
        told(&would)
    );
    assert!(names(&appliance).is_empty());
    let done = appliance.cli(&["host", "import", file]);
    assert!(
        told(&done).contains("2 hosts added, 0 changed, 0 were known"),
        "{}",
        told(&done)
    );
    let again = appliance.cli(&["host", "import", file]);
    assert!(
        told(&again).contains("0 hosts added, 0 changed, 2 were known"),
        "{}",
        told(&again)
    );
    // What was bought and listed is found by its serial number when it first boots, and keeps its name.
    report(&appliance, 7);
    assert_eq!(names(&appliance), ["NEUF-1 waiting", "NEUF-2 seen"]);
    printed(&appliance.cli(&["host", "approve", "NEUF-1", "--profile", "compta"]));
    assert_eq!(names(&appliance), ["NEUF-1 approved", "NEUF-2 seen"]);

    // Out, as Excel wants it: no cell is a formula; and in again, which brings nothing.
    let excel = ["host", "export", "--separator", "semicolon", "--bom"];
    let text = printed(&appliance.cli(&excel));
    assert!(text.starts_with("\u{feff}name;mac;serial;uuid;"), "{text}");
    assert!(
        text.contains(";'=HYPERLINK(1);") && text.contains("\"LDLC; Lyon\""),
        "{text}"
    );
    std::fs::write(&list, &text).expect("the list");
    let back = appliance.cli(&["host", "import", file]);
    assert!(
        told(&back).contains("0 hosts added, 0 changed, 2 were known"),
        "{}",
        told(&back)
    );
    // Changed by hand, and taken over; in a list with a mistake nothing is.
    std::fs::write(&list, text.replace("NEUF-2", "ATELIER-2")).expect("the list");
    let changed = appliance.cli(&["host", "import", file]);
    assert!(
        told(&changed).contains("0 hosts added, 1 changed, 1 were known"),
        "{}",
        told(&changed)
    );
    std::fs::write(
        &list,
        "name,serial\nNEUF-3,SERIAL0009\nATELIER-2,SERIAL0010\n",
    )
    .expect("the list");
    let refused = appliance.cli(&["host", "import", file]);
    assert!(
        !refused.status.success() && told(&refused).contains("line 3"),
        "{}",
        told(&refused)
    );
    assert_eq!(names(&appliance), ["ATELIER-2 seen", "NEUF-1 approved"]);
    // A thousand at once.
    let many: String = (0..999).map(|n| format!("M{n},BK{},Jean-Baptiste Dupont de la Comptabilité,I-{n},LDLC,2024-01-01,2030-01-01\n", 470_013 + n * 7)).collect();
    std::fs::write(
        &list,
        format!("name,serial,user,asset_tag,supplier,bought,warranty_end\n{many}"),
    )
    .expect("the list");
    let done = appliance.cli(&["host", "import", file]);
    assert!(told(&done).contains("999 hosts added"), "{}", told(&done));
    let text = printed(&appliance.cli(&["host", "export"]));
    assert_eq!(text.lines().count(), 1 + 1001);

    // NetBox: what is approved and has a model; who is left out is said.
    let into = folder.join("netbox");
    let into = into.to_str().expect("a path");
    let asked = [
        "host", "export", "--format", "netbox", "--into", into, "--role", "Poste", "--site", "Agen",
    ];
    let files = printed(&appliance.cli(&asked));
    let files: Vec<&str> = files.lines().collect();
    assert_eq!(
        files,
        [
            "1-manufacturers.csv",
            "2-device-types.csv",
            "3-devices.csv",
            "4-interfaces.csv",
            "5-mac-addresses.csv"
        ]
    );
    let devices = std::fs::read_to_string(folder.join("netbox/3-devices.csv")).expect("the table");
    assert!(
        devices.contains("NEUF-1,Poste,Dell Inc.,Latitude 5520,SERIAL0007,,active,Agen,"),
        "{devices}"
    );
    assert_eq!(devices.lines().count(), 2);
    let missing = appliance.cli(&["host", "export", "--format", "netbox"]);
    assert!(
        !missing.status.success() && told(&missing).contains("--into"),
        "{}",
        told(&missing)
    );
    assert!(appliance.terminate().0.success());
}

/// Says `ok` to every inventory, or 401 while it is shut.
struct Glpi {
    port: u16,
    open: Arc<AtomicBool>,
    taken: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Glpi {
    fn start() -> Glpi {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (open, ends) = (
            Arc::new(AtomicBool::new(true)),
            Arc::new(AtomicBool::new(false)),
        );
        let taken = Arc::new(AtomicUsize::new(0));
        let (is_open, is_over, count) = (open.clone(), ends.clone(), taken.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let good = is_open.load(Ordering::SeqCst);
                if answer(stream.expect("a connection"), good).is_some() && good {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Glpi {
            port,
            open,
            taken,
            ends,
            thread: Some(thread),
        }
    }
}

impl Drop for Glpi {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// `None`: the connection broke, or that was no inventory.
fn answer(mut stream: TcpStream, good: bool) -> Option<()> {
    let limit = Duration::from_secs(60);
    stream.set_read_timeout(Some(limit)).ok()?;
    let mut reader = BufReader::new(&mut stream);
    let (mut length, mut head) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(text) = line.strip_prefix("content-length: ") {
            length = text.parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
        head.push_str(&line);
        head.push('\n');
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let is_inventory =
        head.starts_with("post /front/inventory.php ") && head.contains("\nglpi-agent-id: ");
    let (status, text) = match good {
        true => ("200 OK", r#"{"status":"ok","expiration":24}"#),
        false => (
            "401 No",
            r#"{"status":"error","message":"Wrong login","expiration":24}"#,
        ),
    };
    let text = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    );
    stream.write_all(text.as_bytes()).ok()?;
    is_inventory.then_some(())
}

#[test]
fn inventories_are_pushed_to_glpi_and_wait_for_it_over_a_kill() {
    let folder = Temp::new();
    let glpi = Glpi::start();
    let table = format!(
        "[glpi]\nurl = \"http://127.0.0.1:{}\"\ntag = \"agen\"\n",
        glpi.port
    );
    let appliance = Appliance::first_start(&folder, &config_text(&table));
    report(&appliance, 1);
    let refused = appliance.cli(&["host", "push", "PC-AL0001"]);
    assert!(
        !refused.status.success() && told(&refused).contains("approve it first"),
        "{}",
        told(&refused)
    );
    printed(&appliance.cli(&["host", "approve", "PC-AL0001"]));
    let accepted = |appliance: &Appliance, name: &str| {
        // The first pause after a failure is half a minute.
        within(Duration::from_secs(180), "GLPI accepts it", || {
            let host = appliance.cli_json(&["host", "show", name]);
            (host["glpi"]["accepted_ms"].is_i64() && host["glpi"]["problem"].is_null())
                .then_some(())
        });
    };
    accepted(&appliance, "PC-AL0001");
    assert_eq!(glpi.taken.load(Ordering::SeqCst), 1);
    // What would be sent is shown, and nothing is sent by that.
    let shown = printed(&appliance.cli(&["host", "push", "PC-AL0001", "--dry-run"]));
    let document: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(document["itemtype"], "Computer");
    assert_eq!(document["content"]["bios"]["ssn"], "SERIAL0001");
    let all = printed(&appliance.cli(&["host", "push", "--dry-run"]));
    assert_eq!(
        serde_json::from_str::<Value>(&all).expect("JSON"),
        json!([document])
    );
    // Asked for, it is sent again.
    printed(&appliance.cli(&["host", "push"]));
    eventually("it is sent again", || {
        (glpi.taken.load(Ordering::SeqCst) == 2).then_some(())
    });
    accepted(&appliance, "PC-AL0001");
    // Refused: the reason is said; it waits over a kill, and arrives.
    glpi.open.store(false, Ordering::SeqCst);
    report(&appliance, 2);
    printed(&appliance.cli(&["host", "approve", "PC-AL0002"]));
    eventually("the reason is said", || {
        let host = appliance.cli_json(&["host", "show", "PC-AL0002"]);
        host["glpi"]["problem"]
            .as_str()?
            .contains("another log-in (answer 401: Wrong login)")
            .then_some(())
    });
    appliance.kill();
    glpi.open.store(true, Ordering::SeqCst);
    let appliance = Appliance::start(&folder, Start::default());
    accepted(&appliance, "PC-AL0002");
    assert_eq!(glpi.taken.load(Ordering::SeqCst), 3);
    assert!(appliance.terminate().0.success());
}

#[test]
fn without_glpi_a_push_says_what_to_write() {
    let folder = Temp::new();
    let appliance = Appliance::first_start(&folder, &config_text(""));
    let refused = appliance.cli(&["host", "push"]);
    assert!(
        !refused.status.success() && told(&refused).contains("[glpi]"),
        "{}",
        told(&refused)
    );
    assert!(appliance.terminate().0.success());
}
