//! What goes wrong, on real servers: each ends the dump, names the object and what to do, and leaves nothing behind.

use crate::dumped::{dump, dump_with};
use crate::servers::Server;
use databases::{Cause, Engine, Error, Limits, Source};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(crate) const ENGINES: [Engine; 2] = [Engine::MariaDb, Engine::PostgreSql];

fn server(engine: Engine) -> Server {
    let server = Server::start(engine);
    server.admin("CREATE DATABASE erp");
    server.sql("erp", "CREATE TABLE facture (id INT PRIMARY KEY, t TEXT); CREATE TABLE ligne (id INT PRIMARY KEY, t TEXT)");
    let rows: Vec<String> = (1..=2000)
        .map(|n| format!("({n}, '{}')", "x".repeat(1000)))
        .collect();
    for table in ["facture", "ligne"] {
        server.sql(
            "erp",
            &format!("INSERT INTO {table} VALUES {}", rows.join(",")),
        );
    }
    server
}

pub(crate) fn refused(result: Result<crate::dumped::Dumped, Error>) -> (Cause, String) {
    let Err(error) = result else {
        panic!("it was dumped")
    };
    let said = error.to_string();
    match error {
        Error::Refused { cause, .. } => (cause, said),
        other => panic!("{other}"),
    }
}

fn quick() -> Limits {
    Limits {
        lock_wait: Duration::from_secs(1),
        ..Limits::default()
    }
}

#[test]
fn wrong_password_user_database_and_server_are_told_apart() {
    for engine in ENGINES {
        let server = server(engine);
        let good = server.source("erp");
        let wrong_password = Source {
            password_file: None,
            password: Some("wrong".to_owned()),
            ..good.clone()
        };
        let no_server = {
            let text = good.url.to_string().replace("socket=/", "socket=/nowhere/");
            Source {
                url: config::DatabaseUrl::parse(&text).unwrap(),
                ..good.clone()
            }
        };
        for (source, cause, words) in [
            (wrong_password, Cause::Credentials, "database_password_file"),
            (
                server.source("nothing"),
                Cause::NoDatabase,
                "check the name of the database",
            ),
            (no_server, Cause::Unreachable, "check that the server runs"),
        ] {
            let (got, said) = refused(dump(source));
            assert_eq!(got, cause, "{said}");
            assert!(said.contains(words), "{said}");
            assert!(!said.contains("wrong\""), "{said}");
        }
        let no_file = Source {
            password_file: Some(server.folder.join("none")),
            ..good.clone()
        };
        let Err(Error::Password { .. }) = dump(no_file) else {
            panic!()
        };
        server.assert_no_login();
    }
}

#[test]
fn a_right_that_is_missing_and_a_database_without_tables_are_named() {
    for engine in ENGINES {
        let server = server(engine);
        server.admin("CREATE DATABASE hollow");
        let Err(Error::Empty { database }) = dump(server.source("hollow")) else {
            panic!()
        };
        assert!(database.contains("hollow"));
        let source = |user: &str| {
            let text = server
                .source("erp")
                .url
                .to_string()
                .replace("//erp@", &format!("//{user}@"));
            Source {
                url: config::DatabaseUrl::parse(&text).unwrap(),
                password_file: None,
                password: Some("p".to_owned()),
                ..server.source("erp")
            }
        };
        match engine {
            Engine::MariaDb => {
                server.admin("CREATE USER low@localhost IDENTIFIED BY 'p'; GRANT SELECT ON erp.facture TO low@localhost");
                let dumped = dump(source("low")).unwrap();
                assert_eq!(dumped.manifest.tables.len(), 1);
                assert_eq!(dumped.problems.len(), 1);
                let said = &dumped.problems[0].what;
                assert!(
                    said.contains(
                        "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON `erp`.* TO low@localhost"
                    ),
                    "{said}"
                );
                server.admin("GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON erp.* TO low@localhost");
                let dumped = dump(source("low")).unwrap();
                assert_eq!(
                    (dumped.manifest.tables.len(), dumped.problems),
                    (2, Vec::new())
                );
            }
            Engine::PostgreSql => {
                server.admin("CREATE ROLE low LOGIN PASSWORD 'p'");
                server.sql("erp", "GRANT SELECT ON facture TO low");
                let (cause, said) = refused(dump(source("low")));
                assert_eq!(cause, Cause::Denied, "{said}");
                assert!(said.contains("ligne"), "{said}");
            }
        }
    }
}

#[test]
fn a_locked_table_is_named_and_the_wait_is_short() {
    for engine in ENGINES {
        let server = server(engine);
        let mut holder = server
            .command("erp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = holder.stdin.take().unwrap();
        let lock = match engine {
            Engine::MariaDb => "LOCK TABLES ligne WRITE; SELECT 'held';\n",
            Engine::PostgreSql => "BEGIN; LOCK TABLE ligne; SELECT 'held';\n",
        };
        stdin.write_all(lock.as_bytes()).unwrap();
        // MariaDB's client answers when its input ends: the server itself tells that the lock is there.
        let held = || {
            match engine {
            Engine::MariaDb => server.sql("erp", "SHOW OPEN TABLES WHERE in_use > 0").contains("ligne"),
            Engine::PostgreSql => {
                server.sql("erp", "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'ligne'::regclass") == "1"
            }
        }
        };
        while !held() {
            std::thread::yield_now();
        }
        let (cause, said) = refused(dump_with(server.source("erp"), quick(), &mut |_| {}));
        assert_eq!(cause, Cause::Locked, "{said}");
        assert!(said.contains("table ligne"), "{said}");
        let holder_named = match engine {
            Engine::MariaDb => "user root from localhost",
            Engine::PostgreSql => "locked by: user admin (psql)",
        };
        assert!(said.contains(holder_named), "{said}");
        drop(stdin);
        holder.wait().unwrap();
        server.assert_no_login();
    }
}

/// The session is cut by an admin in the middle; a table is changed in the middle.
#[test]
fn a_connection_that_is_cut_and_a_table_that_is_altered_end_the_dump() {
    for engine in ENGINES {
        let server = server(engine);
        let cut = &mut |path: &str| {
            if path.contains("facture") {
                server.admin(match engine {
                    Engine::MariaDb => "KILL USER erp@localhost",
                    Engine::PostgreSql => "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'erp'",
                });
            }
        };
        let (cause, said) = refused(dump_with(server.source("erp"), quick(), cut));
        assert_eq!(cause, Cause::Lost, "{said}");
        assert!(said.contains("run the plan again"), "{said}");
        server.assert_no_login();
    }
    let server = server(Engine::MariaDb);
    let alter = &mut |path: &str| {
        if path.contains("facture") {
            server.sql("erp", "ALTER TABLE ligne MODIFY t LONGTEXT NOT NULL, FORCE");
        }
    };
    let (cause, said) = refused(dump_with(server.source("erp"), quick(), alter));
    assert_eq!(cause, Cause::Altered, "{said}");
    assert!(said.contains("table ligne"), "{said}");
}

/// A dump program that ends well but has not written everything, one that fails, one that is not there.
#[test]
fn a_dump_program_that_is_cut_short_or_missing_is_no_dump() {
    for engine in ENGINES {
        let server = server(engine);
        let good = server.source("erp");
        let fake = server.folder.join("fake-dump");
        let with = |script: String| {
            std::fs::write(&fake, script).unwrap();
            std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
            let mut source = good.clone();
            source.tools.dump = fake.clone();
            refused(dump(source))
        };
        let real = good.tools.dump.display();
        let (cause, said) = with(format!("#!/bin/sh\n{real} \"$@\" | head -c 700\nexit 0\n"));
        assert_eq!(cause, Cause::Lost, "{said}");
        assert!(said.contains("cut short"), "{said}");
        let (_, said) = with("#!/bin/sh\necho 'CREATE TABLE x'; kill -9 $$\n".to_owned());
        assert!(said.contains("ended by signal 9"), "{said}");
        let (_, said) = with("#!/bin/sh\necho 'disk on fire' >&2; exit 3\n".to_owned());
        assert!(said.contains("disk on fire"), "{said}");
        let mut none = good.clone();
        none.tools.dump = server.folder.join("no-such-program");
        let Err(Error::Start { .. }) = dump(none) else {
            panic!()
        };
        server.assert_no_login();
    }
}

/// A server that hangs: the client is stopped by us, here by its id.
#[test]
fn a_silent_server_is_given_up_and_a_stop_is_heard() {
    for engine in ENGINES {
        let server = server(engine);
        let stop = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&stop);
        let limits = Limits {
            stop: Arc::new(move || heard.load(Ordering::Relaxed)),
            ..Limits::default()
        };
        let stopped = dump_with(server.source("erp"), limits, &mut |path| {
            stop.store(path.contains("ligne"), Ordering::Relaxed);
        });
        assert!(
            matches!(stopped, Err(Error::Stopped)),
            "{:?}",
            stopped.err()
        );
        let hung = server.folder.join("hung");
        std::fs::write(&hung, "#!/bin/sh\nexec sleep 600\n").unwrap();
        std::fs::set_permissions(&hung, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut source = server.source("erp");
        source.tools.dump = hung;
        let limits = Limits {
            silence: Duration::from_secs(1),
            ..Limits::default()
        };
        let given_up = dump_with(source, limits, &mut |_| {});
        assert!(
            matches!(given_up, Err(Error::Silent { .. })),
            "{:?}",
            given_up.err()
        );
        server.assert_no_login();
    }
}

/// While a dump runs, no process shows the password, neither in its arguments nor in its environment.
#[test]
fn no_process_shows_the_password() {
    for engine in ENGINES {
        let server = server(engine);
        let mut looked = 0;
        let look = &mut |_: &str| {
            for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                for file in ["cmdline", "environ"] {
                    let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
                    let text = String::from_utf8_lossy(&bytes);
                    assert!(!text.contains(crate::servers::PASSWORD), "{text}");
                    looked += usize::from(text.contains("reprise-login"));
                }
            }
        };
        dump_with(server.source("erp"), Limits::default(), look).unwrap();
        assert!(looked > 0, "a client was looked at");
    }
}

#[test]
fn a_server_started_without_its_scheduler_is_dumped_and_its_events_are_told() {
    let server = Server::mariadb_with("--event-scheduler=DISABLED");
    server.admin("CREATE DATABASE erp");
    server.sql(
        "erp",
        "CREATE TABLE facture (id INT PRIMARY KEY); INSERT INTO facture VALUES (1)",
    );
    // Readable, and there are none: nothing to say.
    let dumped = dump(server.source("erp")).unwrap();
    assert_eq!((dumped.manifest.events, dumped.problems), (0, Vec::new()));
    server.admin(
        "INSERT INTO mysql.event (db, name, body, definer, execute_at, comment, sql_mode, time_zone, originator, body_utf8) \
         VALUES ('erp', 'nightly', 'DELETE FROM facture', 'root@localhost', NOW(), '', '', 'SYSTEM', 1, '')",
    );
    let dumped = dump(server.source("erp")).unwrap();
    assert_eq!(dumped.manifest.rows(), 1);
    assert_eq!(dumped.problems.len(), 1, "{:?}", dumped.problems);
    let said = &dumped.problems[0].what;
    assert!(
        said.contains("1 events are not in this dump") && said.contains("event_scheduler=OFF"),
        "{said}"
    );
    // Not readable: that is said instead.
    server.admin(
        "CREATE USER low@localhost IDENTIFIED BY 'p'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON erp.* TO low@localhost",
    );
    let text = server.source("erp").url.to_string();
    let low = Source {
        url: config::DatabaseUrl::parse(&text.replace("//erp@", "//low@")).unwrap(),
        password_file: None,
        password: Some("p".to_owned()),
        ..server.source("erp")
    };
    let dumped = dump(low).unwrap();
    assert_eq!(dumped.problems.len(), 1, "{:?}", dumped.problems);
    let said = &dumped.problems[0].what;
    assert!(said.contains("GRANT SELECT ON mysql.event"), "{said}");
}
