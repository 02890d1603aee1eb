//! Every way a configuration can be wrong, with the whole sentence the admin reads.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::path::{Path, PathBuf};

const GOOD: &str = "\
[appliance]
name = \"agen\"
[[target]]
name = \"nas\"
url = \"/mnt/nas/reprise\"
password_file = \"nas-password\"
";

fn complaints(text: &str) -> Vec<String> {
    match config::parse(text, Path::new("/etc/reprise/reprise.toml")) {
        Ok(config) => panic!("accepted: {config:?}"),
        Err(complaints) => complaints
            .0
            .iter()
            .map(|c| c.to_string().replace("/etc/reprise/reprise.toml:", ""))
            .collect(),
    }
}

/// The complaints about `extra` behind a good beginning; lines count from its first line.
fn about(extra: &str) -> Vec<String> {
    let before = GOOD.lines().count();
    complaints(&format!("{GOOD}{extra}"))
        .into_iter()
        .map(|c| {
            let (line, rest) = c.split_once(':').unwrap();
            format!("{}:{rest}", line.parse::<usize>().unwrap() - before)
        })
        .collect()
}

#[test]
fn an_unknown_key_names_the_close_one() {
    assert_eq!(
        about("[[network]]\nintreface = \"eth0\"\ninterface = \"eth0\"\n"),
        [
            "2:1: unknown key `intreface` in [[network]], expected one of interface, dhcp, http_port; did you mean `interface`?"
        ]
    );
}

#[test]
fn a_target_without_a_good_folder_is_blamed_for_that_alone() {
    let found = about(
        "[[target]]\nname = \"far\"\nurl = \"sftp://nas\"\npassword_file = \"p\"\n\
         [[plan]]\nname = \"a\"\nfiles = [\"/etc/reprise/sub\", \"here\"]\nat = \"02:00\"\ntargets = [\"nas\"]\n",
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("3:7: `url` in [[target]]"),
        "{found:?}"
    );
}

#[test]
fn all_errors_at_once_in_the_order_of_the_file() {
    let found = complaints(
        "\
[apliance]
name = \"x\"
[console]
listen = \":8443\"
[[network]]
interface = \"eth 0\"
dhcp = \"sever\"
http_port = 70000
[[target]]
name = \"nas\"
url = \"sftp://root:hunter2@nas/x\"
password = \"hunter2\"
[[plan]]
name = \"appliance\"
files = [\"/srv\", 3]
at = 02:00:00
targets = [\"nsa\"]
tier = 9
rpo = \"one day\"
keep = { dayly = 3 }
prove = { level = \"booted\", every = \"7 days\" }
recipe = \"dolibarr\"
",
    );
    assert_eq!(
        found,
        [
            "1:1: [appliance] is missing; write it with at least `name = \"agen\"`",
            "1:2: unknown table `apliance`, expected one of [appliance], [console], [log], [notify], [[network]], [[dhcp_subnet]], [[dhcp_reservation]], [[dhcp_profile]], [boot], [[boot_entry]], [[boot_rule]], [hosts], [[profile]], [[site]], [[target]], [[server]], [glpi], [[plan]]; did you mean `appliance`?",
            "4:10: `listen` in [console]: `:8443` is not an address and a port; expected such as 0.0.0.0:8443 or [::]:8443; did you mean `0.0.0.0:8443`?",
            "6:13: `interface` in [[network]]: `eth 0` cannot be an interface; expected a name of 1 to 15 characters that `ip link` shows, such as eth0",
            "7:8: `dhcp` in [[network]]: `sever` is not known; expected one of off, proxy, server; did you mean `server`?",
            "8:13: `http_port` in [[network]]: is out of range; expected 0 to 65535",
            "9:1: `password_file` is missing in [[target]]: a file that holds the vault's password on its first line; make one with `umask 077; head -c 24 /dev/urandom | base64 > nas-password`, and keep a copy of it outside this box; write such as `password_file = \"/etc/reprise/nas-password\"`",
            "11:7: `url` in [[target]]: it holds a password, which would be shown in messages: write it in a file of its own; write it as sftp://user@host/folder or sftp://user@host:2222/folder",
            "12:1: `password` in [[target]] is not read here, so that this file holds no secret; write the password in a file of its own, and name it with password_file",
            "14:8: `name` in [[plan]]: `appliance` is the appliance's own backup, which needs no plan; choose another name",
            "15:18: `files` in [[plan]]: holds a whole number, expected texts in quotes",
            "16:6: `at` in [[plan]] is a date or time without quotes, expected a time of day in quotes, such as `at = \"02:00\"`",
            "17:12: `targets` in [[plan]]: no [[target]] has the name `nsa`; did you mean `nas`?",
            "18:8: `tier` in [[plan]]: is out of range; expected 1 to 4",
            "19:7: `rpo` in [[plan]]: `one day` is not a duration; expected a number and a unit (s, m, h, d, w), such as 30m, 24h or 7d",
            "20:10: unknown key `dayly` in `keep` of [[plan]], expected one of last, hourly, daily, weekly, monthly, yearly; did you mean `daily`?",
            "21:19: `level` in `prove` of [[plan]]: `booted` is not in this version; expected one of listed, scrubbed, restored, loaded",
            "21:37: `every` in `prove` of [[plan]]: `7 days` is not a duration; expected a number and a unit (s, m, h, d, w), such as 30m, 24h or 7d",
            "22:10: `recipe` in [[plan]] needs `folder`, where the application is installed; write such as `folder = \"/var/www/dolibarr\"`",
        ]
    );
}

#[test]
fn what_keys_say_about_each_other() {
    let plan = |rest: &str| format!("[[plan]]\nname = \"a\"\ntargets = [\"nas\"]\n{rest}\n");
    let table: &[(String, &[&str])] = &[
        (
            format!("{}{}", plan("files = [\"/a\"]"), plan("files = [\"/a\"]")),
            &["6:8: `name` in [[plan]]: `a` is already on line 8; give each [[plan]] its own"],
        ),
        (
            plan("folder = \"/var/www/x\"\ndatabase_password_file = \"p\""),
            &[
                "1:1: `files` is missing in [[plan]]: the folders and files to save (or `database`, or `recipe`); write such as `files = [\"/srv/partage/compta\"]`",
                "4:10: `folder` in [[plan]] is for a `recipe`; write `recipe = \"dolibarr\"` beside it, or list the folder in `files`",
                "5:26: `database_password_file` in [[plan]] stands without `database`; write such as `database = \"mariadb://reprise@erp.lan/dolibarr\"`, or remove it",
            ],
        ),
        (
            plan("database = \"mariadb://root:hunter2@erp/d\""),
            &["4:12: `database` in [[plan]]: it holds a password, which would be shown in messages: write it in a file of its own, and name it with database_password_file; write it as mariadb://user@host/name or postgresql://user@host:5432/name, with ?socket=/path behind the name for a server on this box, or ?ca=/path for TLS with the certificates in that file"],
        ),
        (
            plan("files = [\"/mnt/nas\"]"),
            &["4:10: `files` in [[plan]]: the vault of target `nas` lies inside /mnt/nas, so it would save itself; list narrower folders, or move the vault"],
        ),
        (
            plan("files = [\"/srv/../mnt/./nas/reprise\"]"),
            &["4:10: `files` in [[plan]]: the vault of target `nas` lies inside /mnt/nas/reprise, so it would save itself; list narrower folders, or move the vault"],
        ),
        (
            plan("files = [\"/mnt/nas/reprise/packs\"]"),
            &["4:10: `files` in [[plan]]: /mnt/nas/reprise/packs lies inside the vault of target `nas`; save the original files instead"],
        ),
        (
            plan("files = [\"/a/b\", \"/a\", \"/a-b\"]"),
            &["4:10: `files` in [[plan]]: /a/b is already inside /a; remove it"],
        ),
        (
            plan("files = [\"/a\", \"/a\"]"),
            &["4:16: `files` in [[plan]] names `/a` twice; remove one"],
        ),
        (
            plan("files = []"),
            &["4:9: `files` in [[plan]] is empty; write at least one, such as `files = [\"/srv/partage/compta\"]`"],
        ),
        (
            "[[target]]\nname = \"b\"\nurl = \"/mnt/nas/./reprise/\"\npassword_file = \"p\"\n".to_owned(),
            &["3:7: `url` in [[target]]: `/mnt/nas/./reprise/` is already the folder of target `nas`; give each target its own folder"],
        ),
        (
            "[[network]]\ninterface = \"eth0\"\nhttp_port = 8443\n[[network]]\ninterface = \"eth0\"\n".to_owned(),
            &[
                "3:13: `http_port` in [[network]]: 8443 is the port of the console; choose another, such as 8067",
                "5:13: `interface` in [[network]]: `eth0` is already on line 8; give each [[network]] its own",
            ],
        ),
        (
            "[network]\ninterface = \"eth0\"\n".to_owned(),
            &["1:2: there can be several: write [[network]], with two brackets"],
        ),
        (
            "[[log]]\nformat = \"json\"\n".to_owned(),
            &["1:3: there is only one: write [log] once, with one bracket"],
        ),
        (
            "[service]\nname = \"x\"\n".to_owned(),
            &["1:2: [service] is not in this version; a service is a plan in this version"],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(about(text), *expected, "{text}");
    }
}

#[test]
fn references_to_targets_that_are_not_there() {
    let plan = "[[plan]]\nname = \"a\"\nfiles = [\"/a\"]\ntargets = [\"cloud\"]\n";
    assert_eq!(
        about(plan),
        ["4:12: `targets` in [[plan]]: no [[target]] has the name `cloud`; expected one of nas"]
    );
    assert_eq!(
        complaints(&format!(
            "[appliance]\nname = \"x\"\nimage_target = \"nas\"\n{plan}"
        )),
        [
            "3:16: `image_target` in [appliance]: no [[target]] has the name `nas`; add a [[target]] of that name",
            "7:12: `targets` in [[plan]]: no [[target]] has the name `cloud`; add a [[target]] of that name",
        ]
    );
}

#[test]
fn a_key_above_every_header_says_where_it_belongs() {
    assert_eq!(
        complaints(&format!("state_dir = \"/x\"\n{GOOD}")),
        [
            "1:1: unknown table `state_dir`, expected one of [appliance], [console], [log], [notify], [[network]], [[dhcp_subnet]], [[dhcp_reservation]], [[dhcp_profile]], [boot], [[boot_entry]], [[boot_rule]], [hosts], [[profile]], [[site]], [[target]], [[server]], [glpi], [[plan]]; it belongs under [appliance]"
        ]
    );
}

#[test]
fn broken_toml_is_reported_with_the_mistakes_around_it() {
    let found = complaints("[appliance]\nname = \"agen\nstate_dir = 3\n[log]\nfromat = \"json\"\n");
    assert!(found[0].starts_with("2:"), "{found:?}");
    assert!(found[0].contains("not valid TOML"), "{found:?}");
    assert!(
        found
            .iter()
            .any(|c| c.starts_with("3:13: `state_dir` in [appliance] is a whole number")),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|c| c.starts_with("5:1:") && c.ends_with("did you mean `format`?")),
        "{found:?}"
    );
}

#[test]
fn a_broken_header_does_not_accuse_the_keys_below_it() {
    assert_eq!(
        complaints("[appliance\nname = \"a\"\n"),
        ["1:11: not valid TOML: unclosed table, expected `]`"]
    );
}

/// A file cut at any byte is either refused, or was cut between two whole settings.
#[test]
fn a_file_cut_anywhere_never_panics_and_never_misplaces_a_complaint() {
    let whole = config::example();
    for cut in 0..whole.len() {
        let Some(text) = whole.get(..cut) else {
            continue;
        };
        if let Err(complaints) = config::parse(text, Path::new("/x/reprise.toml")) {
            assert!(!complaints.0.is_empty(), "{cut}");
            for complaint in complaints.0 {
                let (line, _) = complaint.at.unwrap();
                assert!(
                    line <= text.lines().count().max(1) + 1,
                    "{cut}: {complaint}"
                );
            }
        }
    }
    let cut = whole.find("Europe/Paris").unwrap() + 3;
    let found = complaints(&whole[..cut]);
    assert!(
        found.iter().any(|c| c.contains("half written")),
        "{found:?}"
    );
}

/// Bytes changed at random in a good file: any answer but a panic or an empty list.
#[test]
fn mutated_files_never_panic() {
    let good = config::example();
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % u64::try_from(below).unwrap()).unwrap()
    };
    let mut refused = 0;
    for _ in 0..500 {
        let mut bytes = good.clone().into_bytes();
        for _ in 0..=next(4) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes[at] = b"\"[]{}=#\n'.,x0\\"[next(14)],
                1 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        if let Err(complaints) = config::parse(&text, Path::new("/x/reprise.toml")) {
            assert!(!complaints.0.is_empty());
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("reprise-config-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_unreadable_file_has_one_clear_sentence() {
    let folder = Folder::new("unreadable");
    let zeros = folder.file("zeros", &[b'[', 0, 0, 0]);
    let latin = folder.file("latin", b"[appliance]\nname = \"soci\xe9t\xe9\"\n");
    let empty = folder.file("empty", b"\n \n");
    let huge = folder.file("huge", &vec![b'#'; 5 * 1024 * 1024]);
    for (path, expected) in [
        (
            folder.0.join("none"),
            "no such file; write one with `reprise config example`",
        ),
        (
            folder.0.clone(),
            "is a folder, not a file; name the file inside it",
        ),
        (PathBuf::from("/dev/null"), "is not an ordinary file"),
        (
            zeros,
            "holds zero bytes, as a file half written at a power cut does",
        ),
        (latin, "is not UTF-8 text (first wrong byte on line 2)"),
        (empty, "is empty: it may have been half written"),
        (huge, "is larger than 4 MiB"),
    ] {
        let complaints = config::load(&path).unwrap_err();
        assert_eq!(complaints.0.len(), 1, "{complaints}");
        let text = complaints.to_string();
        assert!(
            text.starts_with(&format!("{}: {expected}", path.display())),
            "{text}"
        );
        assert!(!text.contains('\n'), "{text}");
    }
}

#[test]
fn secrets_are_read_from_files_and_never_printed() {
    let folder = Folder::new("secrets");
    folder.file("url", b"postgres://reprise:hunter2@db/reprise\n");
    folder.file("wrong", b"hunter2@db\n");
    let with = |file: &str| {
        let text = GOOD.replacen(
            "name = \"agen\"",
            &format!("name = \"agen\"\ndatabase_url_file = \"{file}\""),
            1,
        );
        config::parse(&text, &folder.0.join("reprise.toml"))
    };
    let config = with("url").unwrap();
    assert_eq!(
        config.appliance.database_url.as_deref(),
        Some("postgres://reprise:hunter2@db/reprise")
    );
    let printed = format!("{config:?} {config:#?}");
    assert!(
        printed.contains("(hidden)") && !printed.contains("hunter2"),
        "{printed}"
    );
    for (file, expected) in [
        ("wrong", "is not the URL of a PostgreSQL database"),
        ("absent", "cannot read"),
    ] {
        let text = with(file).unwrap_err().to_string();
        assert!(
            text.contains(expected) && !text.contains("hunter2"),
            "{text}"
        );
        assert!(
            text.contains(":3:21: `database_url_file` in [appliance]"),
            "{text}"
        );
    }
}

#[test]
fn the_file_asked_for_wins_and_need_not_exist() {
    assert_eq!(
        config::find(Some(Path::new("/nowhere/x.toml"))).unwrap(),
        Path::new("/nowhere/x.toml")
    );
}

#[test]
fn messages_need_what_they_are_sent_with() {
    for (extra, expected) in [
        (
            "[notify]\nmail_to = [\"a@b.net\"]\n",
            "2:11: `mail_to` in [notify]: no mail server is named; add `smtp`, or remove it",
        ),
        (
            "[notify]\nsmtp = \"mail.b.net:587\"\nmail_to = [\"a@b.net\"]\n",
            "2:8: `mail_from` is missing in [notify]: a mail needs it beside `smtp`",
        ),
        (
            "[notify]\nsmtp = \"mail.b.net:25\"\nsmtp_security = \"none\"\nmail_to = [\"a@b.net\"]\nmail_from = \"c@b.net\"\n\
             smtp_user = \"c\"\nsmtp_password_file = \"p\"\n",
            "6:13: `smtp_user` in [notify]: its password would cross the network readable by anyone; set `smtp_security` to starttls or tls, or remove the log-in",
        ),
        (
            "[notify]\nsmtp = \"127.0.0.1:25\"\nmail_to = [\"a@b.net\"]\nmail_from = \"c@b.net\"\nsmtp_user = \"c\"\n",
            "5:13: `smtp_user` in [notify]: its password is missing; add `smtp_password_file`",
        ),
        (
            "[notify]\nsmtp = \"mail.b.net\"\n",
            "2:8: `smtp` in [notify]: `mail.b.net` is not a host and a port; expected such as smtp.example.net:587",
        ),
        (
            "[notify]\nping_fail_suffix = \"/fail\"\n",
            "2:20: `ping_fail_suffix` in [notify]: there is no address it could end; add `ping_url_file`, or remove it",
        ),
    ] {
        assert_eq!(about(extra), [expected], "{extra}");
    }
}

/// A second [[target]] with these lines behind its name; the first of them is line 3.
fn about_target(lines: &str) -> Vec<String> {
    about(&format!(
        "[[target]]\nname = \"far\"\n{lines}\npassword_file = \"p\"\n"
    ))
}

#[test]
fn distant_targets_are_blamed_where_the_mistake_is() {
    const URL: &str = "url = \"sftp://reprise@nas.lan/backup\"";
    for (lines, want) in [
        (
            URL.to_owned(),
            "3:7: `url` in [[target]]: nothing to log in with; write `ssh_key = ",
        ),
        (
            format!("{URL}\nssh_key = \"k\"\nssh_password_file = \"l\""),
            "5:21: `ssh_password_file` in [[target]] stands beside `ssh_key`; ",
        ),
        (
            format!("{URL}\nssh_key = \"k\"\nmust_be_mounted = true"),
            "5:19: `must_be_mounted` in [[target]] is for folders; ",
        ),
        (
            "url = \"/mnt/b\"\nssh_key = \"k\"".to_owned(),
            "4:11: `ssh_key` in [[target]] is for a `url` that begins with sftp://; ",
        ),
        (
            "url = \"/mnt/b\"\nknown_hosts = \"k\"".to_owned(),
            "4:15: `known_hosts` in [[target]] is for a `url` that begins with sftp://; ",
        ),
        (
            "url = \"sftp://reprise:hunter2@nas.lan/backup\"\nssh_key = \"k\"".to_owned(),
            "3:7: `url` in [[target]]: it holds a password, ",
        ),
        (
            "url = \"SFTP://nas.lan/backup\"\nssh_key = \"k\"".to_owned(),
            "3:7: `url` in [[target]]: the user is missing; write it as sftp://user@host/folder ",
        ),
        (
            "url = \"sftp://reprise@nas.lan\"".to_owned(),
            "3:7: `url` in [[target]]: the folder is missing; ",
        ),
        (
            format!("{URL}\nssh_key = \"~/k\""),
            "4:11: `ssh_key` in [[target]]: ",
        ),
        (
            format!(
                "{URL}\nssh_key = \"k\"\npassword_file = \"p\"\n[[target]]\nname = \"again\"\nurl = \"SFTP://reprise@nas.lan:22//backup/\"\nssh_key = \"k\""
            ),
            "8:7: `url` in [[target]]: `sftp://reprise@nas.lan/backup` is already the folder of target `far`; ",
        ),
    ] {
        let found = about_target(&lines);
        assert_eq!(found.len(), 1, "{lines}: {found:?}");
        assert!(found[0].starts_with(want), "{lines}: {found:?}");
        assert!(!found[0].contains("hunter2"), "{found:?}");
    }
}

#[test]
fn a_distant_target_is_where_and_who() {
    for (lines, login, known_hosts) in [
        (
            "ssh_key = \"nas-key\"\nmust_be_mounted = false",
            config::SshLogin::Key("/etc/reprise/nas-key".into()),
            "/etc/reprise/known_hosts",
        ),
        (
            "ssh_password_file = \"/root/login\"\nknown_hosts = \"../hosts\"",
            config::SshLogin::Password("/root/login".into()),
            "/etc/hosts",
        ),
    ] {
        // A plan may save a folder of the same name: it is another machine's.
        let text = format!(
            "{GOOD}[[target]]\nname = \"far\"\nurl = \"sftp://reprise@[::1]:2222/srv\"\n{lines}\npassword_file = \"p\"\n\
             [[plan]]\nname = \"a\"\nfiles = [\"/srv\"]\ntargets = [\"far\"]\n"
        );
        let config = config::parse(&text, Path::new("/etc/reprise/reprise.toml")).unwrap();
        let target = config.target("far").unwrap();
        let config::Place::Sftp(distant) = &target.place else {
            panic!("{target:?}");
        };
        assert_eq!(distant.url.to_string(), "sftp://reprise@[::1]:2222/srv");
        assert_eq!(distant.login, login);
        assert_eq!(distant.known_hosts, Path::new(known_hosts));
        assert_eq!(target.folder(), None);
    }
}

#[test]
fn a_server_is_blamed_where_the_mistake_is() {
    const URL: &str = "url = \"sftp://root@erp.lan/srv\"";
    let server = |lines: &str| format!("{GOOD}[[server]]\nname = \"erp\"\n{lines}\n");
    let line = GOOD.lines().count() + 3;
    for (lines, want) in [
        (
            URL.to_owned(),
            "`url` in [[server]]: nothing to log in with; ",
        ),
        (
            "url = \"/srv\"\nssh_key = \"k\"".to_owned(),
            "`url` in [[server]] is a folder of this box, which needs no server; ",
        ),
        (
            "url = \"sftp://root@erp.lan/\"\nssh_key = \"k\"".to_owned(),
            "`url` in [[server]]: the folder is missing; ",
        ),
        (
            format!("{URL}\nssh_key = \"k\"\nhost_key = \"aa:bb\""),
            "`host_key` in [[server]] is not a fingerprint; ",
        ),
        (
            format!("{URL}\nssh_key = \"k\"\nssh_password_file = \"l\""),
            "`ssh_password_file` in [[server]] stands beside `ssh_key`; ",
        ),
    ] {
        let found = complaints(&server(&lines));
        let found: Vec<&String> = found.iter().filter(|c| c.contains("[[server]]")).collect();
        assert_eq!(found.len(), 1, "{lines}: {found:?}");
        let (place, what) = found[0].split_once(": ").unwrap();
        assert!(what.starts_with(want), "{lines}: {found:?}");
        assert!(
            place.starts_with(&line.to_string()) || lines.contains('\n'),
            "{found:?}"
        );
    }
    let text = server(&format!("{URL}\nssh_key = \"k\"\nhost_key = \"SHA256:x\""));
    let config = config::parse(&text, Path::new("/etc/reprise/reprise.toml")).unwrap();
    let server = config.server("erp").unwrap();
    assert_eq!(
        server.at.login,
        config::SshLogin::Key("/etc/reprise/k".into())
    );
    assert_eq!(server.host_key.as_deref(), Some("SHA256:x"));
}
