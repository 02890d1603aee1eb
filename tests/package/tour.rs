//! docs/tour.md, command by command, on a real OpenSSH server and a real MariaDB in use.

use crate::deb;
use crate::erp::{self, Erp, INVOICES, MariaDb};
use crate::nas::{Kind, Nas, PASSWORD};
use crate::room::{Base, Room, Service, own_network, said};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A fenced block of the document, or the mark of another box.
#[derive(Debug, PartialEq)]
enum Step {
    Shell(String),
    Setup(Vec<String>),
    AnotherBox,
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let block = |lines: &mut std::str::Lines<'_>| -> String {
            let inside = lines.take_while(|line| *line != "```");
            inside.map(|line| format!("{line}\n")).collect()
        };
        match line {
            "```sh" => steps.push(Step::Shell(block(&mut lines))),
            "```setup" => {
                assert_eq!(block(&mut lines), "reprise setup\n");
                steps.push(Step::Setup(Vec::new()));
            }
            "<!-- another box -->" => steps.push(Step::AnotherBox),
            // | 1 | it asks | `answer` |
            row if row.starts_with("| ") && row.ends_with("` |") => {
                let answer = row.trim_end_matches("` |").rsplit_once("| `").expect(row).1;
                let Some(Step::Setup(answers)) = steps.last_mut() else {
                    panic!("answers to no question: {row}");
                };
                answers.push(answer.trim_end_matches('`').to_owned());
            }
            _ => {}
        }
    }
    steps
}

/// What stands for the reader's own names and secrets.
struct Here {
    port: u16,
    host_key: String,
    words: String,
    /// Of the database that is open to be read, as they were shown.
    user: String,
    password: String,
    /// Each line that was typed, and what it said.
    told: Vec<(String, String)>,
}

impl Here {
    fn filled(&self, text: &str) -> String {
        text.replace("@nas.lan/", &format!("@nas.lan:{}/", self.port))
            .replace(
                "reprise_0.1.0_",
                &format!("reprise_{}_", env!("CARGO_PKG_VERSION")),
            )
    }

    fn answer(&self, text: &str) -> String {
        match text {
            "$NAS_PASSWORD" => PASSWORD.to_owned(),
            "$WORDS" => self.words.clone(),
            other => self.filled(other),
        }
    }

    /// One block; lines for systemd, which no room has, are done as its unit says.
    #[expect(
        clippy::print_stdout,
        reason = "how long each line takes is to be seen, and is never asserted"
    )]
    fn shell(&mut self, room: &Room, block: &str, service: &mut Option<Service>) {
        for line in self.filled(block).lines() {
            let began = Instant::now();
            match line.strip_prefix("systemctl ") {
                Some("stop reprise") => drop(service.take().map(Service::stop)),
                Some("start reprise" | "restart reprise") => {
                    drop(service.take().map(Service::stop));
                    *service = Some(room.serve());
                }
                Some(other) => panic!("systemctl {other}?"),
                None => {
                    let ran = room
                        .command("sh", &["-ec", &format!("cd /root; {line}")])
                        .env("NAS_PASSWORD", PASSWORD)
                        .env("WORDS", &self.words)
                        .env("HOST_KEY", &self.host_key)
                        .env("DB_USER", &self.user)
                        .env("DB_PASSWORD", &self.password)
                        .env("LANG", "en_US.UTF-8")
                        .output()
                        .expect("a shell");
                    let told = said(&ran);
                    assert!(ran.status.success(), "{line}: {told}");
                    assert!(!told.contains(PASSWORD) && !told.contains(erp::PASSWORD));
                    if line.starts_with("reprise database open") {
                        self.user = field(&told, "user");
                        self.password = field(&told, "password");
                    }
                    self.told.push((line.to_owned(), told));
                }
            }
            println!("{:>8.1} s  {line}", began.elapsed().as_secs_f64());
        }
    }

    /// What the last line that begins so said.
    fn said_to(&self, line: &str) -> &str {
        let mut typed = self.told.iter().rev();
        let found = typed.find(|(typed, _)| typed.starts_with(line));
        &found.unwrap_or_else(|| panic!("nobody typed {line}")).1
    }
}

/// `name: value` of what a command shows.
fn field(told: &str, name: &str) -> String {
    let mut lines = told.lines().filter_map(|l| l.trim().split_once(':'));
    let found = lines.find(|(first, _)| *first == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {told}"))
        .1
        .trim()
        .to_owned()
}

/// The number of the invoice at the beginning of a line that the client printed.
fn invoice(printed: &str) -> u64 {
    let number = printed.split("FA26-").nth(1).and_then(|rest| rest.get(..6));
    number.and_then(|n| n.parse().ok()).expect(printed)
}

/// A person at a terminal: reads until a question waits, then types. Returns all that was shown.
fn at_a_terminal(room: &Room, mut answer: impl FnMut(usize, &str) -> Option<String>) -> String {
    let root = room.at("").display().to_string();
    let command = format!("chroot {root} reprise setup --language en");
    let mut child = Command::new("script")
        .args(["-qefc", &command, "/dev/null"])
        .env("TERM", "dumb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start script; ./test installs it");
    let (mut keys, mut screen) = (
        child.stdin.take().expect("keys"),
        child.stdout.take().expect("a screen"),
    );
    let (sender, shown) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = screen.read(&mut bytes) {
            if sender
                .send(String::from_utf8_lossy(&bytes[..length]).into_owned())
                .is_err()
            {
                return;
            }
        }
    });
    let (mut all, mut seen, mut asked) = (String::new(), 0, 0);
    loop {
        match shown.recv_timeout(Duration::from_secs(60)) {
            Ok(text) => all.push_str(&text),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("nothing more is shown:\n{all}");
            }
        }
        if all[seen..].ends_with("\n> ") {
            seen = all.len();
            let Some(line) = answer(asked, &all) else {
                let _ = child.kill();
                let _ = child.wait();
                panic!("a question too many:\n{all}");
            };
            asked += 1;
            writeln!(keys, "{line}").expect("typed");
        }
    }
    let status = child.wait().expect("its end");
    assert!(status.success(), "{status}:\n{all}");
    all
}

/// The numbered words of the page that is on the screen.
fn words_on(screen: &str) -> String {
    let page = screen.rsplit("# To use it").next().unwrap_or_default();
    let mut words = vec![String::new(); 24];
    let tokens: Vec<&str> = page.split_whitespace().collect();
    for pair in tokens.windows(2) {
        let number = pair[0]
            .strip_suffix('.')
            .and_then(|n| n.parse::<usize>().ok());
        if let Some(slot) = number.and_then(|n| words.get_mut(n.wrapping_sub(1)))
            && slot.is_empty()
        {
            *slot = pair[1].to_owned();
        }
    }
    words.join(" ").trim().to_owned()
}

fn box_with_package(nas: &Nas) -> Room {
    let room = Room::new(Base::MariaDb);
    let package = deb::made();
    let name = package.file_name().expect("a file");
    std::fs::copy(package, room.at("root").join(name)).expect("the package");
    let hosts = room.at("etc/hosts");
    let before = std::fs::read_to_string(&hosts).unwrap_or_default();
    std::fs::write(&hosts, format!("{before}127.0.0.1 localhost nas.lan\n")).expect("hosts");
    assert!(nas.port > 0);
    room
}

#[test]
fn the_tour_is_as_written() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tour.md");
    let steps = steps(&std::fs::read_to_string(document).expect("docs/tour.md"));
    // Before the NAS, which must be in the same network.
    own_network(Base::MariaDb);
    let nas = Nas::start(Kind {
        is_chrooted: true,
        ..Kind::default()
    });
    let mut here = Here {
        port: nas.port,
        host_key: nas.fingerprint("host"),
        words: String::new(),
        user: String::new(),
        password: String::new(),
        told: Vec::new(),
    };
    let mut room = box_with_package(&nas);
    let share = room.at("srv/compta");
    std::fs::create_dir_all(share.join("2026")).expect("a share");
    std::fs::write(share.join("2026/facture é.txt"), "1 234,56 €\n").expect("a file");
    std::fs::write(share.join("grand.bin"), vec![7; 3 << 20]).expect("a file");
    let mut people = Some(Erp::installed(&room));
    let (mut service, mut server) = (None, None);
    let mut seen = 0;
    for step in &steps {
        match step {
            Step::Shell(block) => {
                here.shell(&room, block, &mut service);
                if block.contains("reprise database open") {
                    seen = opened(&here, &room);
                }
            }
            Step::Setup(answers) => {
                assert!((1..=10).contains(&answers.len()), "{answers:?}");
                let began = Instant::now();
                let key = here.host_key.clone();
                let screen = at_a_terminal(&room, |number, screen| {
                    let answer = answers.get(number)?;
                    if answer == "yes" {
                        assert!(screen.contains(&key), "the host key is shown:\n{screen}");
                    }
                    if answer == "$WORDS" {
                        here.words = words_on(screen);
                    }
                    Some(here.answer(answer))
                });
                for secret in [PASSWORD, erp::PASSWORD] {
                    assert!(!screen.contains(secret), "{screen}");
                }
                assert!(screen.contains("Dolibarr found in"), "{screen}");
                assert!(screen.contains("The words open the vault."), "{screen}");
                let took = began.elapsed().as_secs_f64();
                println!("{took:>8.1} s  reprise setup: {} answers", answers.len());
            }
            Step::AnotherBox => {
                for plan in ["compta", "dolibarr"] {
                    protected(here.said_to("reprise pra status"), plan);
                }
                let written = people.take().map(Erp::stop).expect("they were at work");
                println!("            {written} invoices were written meanwhile");
                drop(service.take());
                room = box_with_package(&nas);
                server = Some(MariaDb::start(&room));
            }
        }
    }
    drop(service);
    drop(server);
    for plan in ["compta", "dolibarr"] {
        protected(here.said_to("reprise pra status"), plan);
    }
    let back = room.at("srv/back/2026/facture é.txt");
    let back = std::fs::read_to_string(back).expect("it is back");
    assert_eq!(back, "1 234,56 €\n");
    // The very invoices that were read from the proven copy, on the new box.
    let counted = here.said_to("mariadb dolibarr_back");
    assert!(
        counted.lines().any(|l| l == seen.to_string()),
        "{seen}: {counted}"
    );
    let name = format!("FA26-{seen:06}");
    let document = format!("srv/erp/var/www/dolibarr/documents/facture/{name}/{name}.pdf");
    let document = std::fs::read_to_string(room.at(&document)).expect("the last invoice's PDF");
    assert_eq!(document, erp::content(seen));
}

/// The row of a plan says yes.
fn protected(status: &str, plan: &str) {
    let row = status.lines().find(|l| l.starts_with(plan));
    let row = row.unwrap_or_else(|| panic!("no {plan} in {status}"));
    assert!(row.contains("protected"), "{status}");
}

/// The proven copy is whole, of one instant, and only to be read; how many invoices it holds.
fn opened(here: &Here, room: &Room) -> u64 {
    let proofs = here.said_to("reprise proof list");
    let proven = proofs.lines().find(|l| l.contains(" dolibarr "));
    let proven = proven.unwrap_or_else(|| panic!("no proof in {proofs}"));
    assert!(
        proven.contains("loaded") && proven.contains("yes"),
        "{proven}"
    );
    let last = invoice(here.said_to("MYSQL_PWD"));
    assert!(last > INVOICES, "nobody wrote while it was saved: {last}");
    let ask = |query: &str| {
        let user = format!("--user={}", here.user);
        let mut client = room.command(
            "mariadb",
            &[
                "-h",
                "127.0.0.1",
                "-P",
                "3307",
                &user,
                "-N",
                "dolibarr",
                "-e",
                query,
            ],
        );
        let answer = client.env("MYSQL_PWD", &here.password).output();
        answer.expect("start mariadb")
    };
    for (query, answer) in [
        ("SELECT COUNT(*) FROM llx_facture", last),
        ("SELECT COUNT(*) FROM llx_facturedet", 2 * last),
        (erp::TORN, 0),
    ] {
        let said = said(&ask(query));
        assert_eq!(said.trim(), answer.to_string(), "{query}");
    }
    let written = ask("DELETE FROM llx_facturedet");
    assert!(!written.status.success(), "{}", said(&written));
    last
}
