//! docs/tour.md, command by command, on a real OpenSSH server.

use crate::deb;
use crate::nas::{Kind, Nas, PASSWORD};
use crate::room::{Room, Service, said};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

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
    fn shell(&self, room: &Room, block: &str, service: &mut Option<Service>) -> String {
        let mut told = String::new();
        for line in self.filled(block).lines() {
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
                        .env("LANG", "en_US.UTF-8")
                        .output()
                        .expect("a shell");
                    assert!(ran.status.success(), "{line}: {}", said(&ran));
                    told.push_str(&said(&ran));
                }
            }
        }
        told
    }
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
    let room = Room::new();
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
    crate::room::own_network();
    let nas = Nas::start(Kind {
        is_chrooted: true,
        ..Kind::default()
    });
    let mut here = Here {
        port: nas.port,
        host_key: nas.fingerprint("host"),
        words: String::new(),
    };
    let mut room = box_with_package(&nas);
    let share = room.at("srv/compta");
    std::fs::create_dir_all(share.join("2026")).expect("a share");
    std::fs::write(share.join("2026/facture é.txt"), "1 234,56 €\n").expect("a file");
    std::fs::write(share.join("grand.bin"), vec![7; 3 << 20]).expect("a file");
    let mut service = None;
    let mut told = Vec::new();
    for step in &steps {
        match step {
            Step::Shell(block) => told.push(here.shell(&room, block, &mut service)),
            Step::Setup(answers) => {
                assert!((1..=10).contains(&answers.len()), "{answers:?}");
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
                assert!(!screen.contains(PASSWORD), "{screen}");
                assert!(screen.contains("The words open the vault."), "{screen}");
            }
            Step::AnotherBox => {
                drop(service.take().map(Service::stop));
                room = box_with_package(&nas);
            }
        }
    }
    drop(service);
    let last = told.last().expect("it ended");
    for text in [&told[1], last] {
        assert!(text.contains("compta"), "{text}");
        assert!(
            text.contains("1 of your services is protected") || text.contains("protected"),
            "{text}"
        );
    }
    let back = room.at("srv/back/2026/facture é.txt");
    assert_eq!(
        std::fs::read_to_string(back).expect("it is back"),
        "1 234,56 €\n"
    );
}
