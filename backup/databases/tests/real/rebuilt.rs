//! A dump into a new database of a real server, and what is refused there.

use crate::dumped::{Dumped, dump};
use crate::servers::Server;
use databases::rebuild::{Error, look, rebuild};
use databases::talk::Care;
use databases::{Engine, Limits, Source};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ENGINES: [Engine; 2] = [Engine::MariaDb, Engine::PostgreSql];

fn care() -> Care<'static> {
    Care {
        cancelled: &|| false,
        passed: &|_| {},
        most: Duration::from_secs(120),
        room: None,
    }
}

/// A server with a database `erp`, and a dump of it.
fn saved(engine: Engine) -> (Server, Dumped) {
    let server = Server::start(engine);
    server.admin("CREATE DATABASE erp");
    let shape = "CREATE TABLE facture (id INT PRIMARY KEY, t TEXT); CREATE TABLE ligne (id INT PRIMARY KEY, t TEXT); \
                 CREATE VIEW petites AS SELECT id FROM facture WHERE id < 10";
    server.sql("erp", shape);
    for table in ["facture", "ligne"] {
        let rows: Vec<String> = (1..=3000)
            .map(|n| format!("({n}, 'é {n} {}')", "x".repeat(1000)))
            .collect();
        let rows = rows.join(",");
        server.sql("erp", &format!("INSERT INTO {table} VALUES {rows}"));
    }
    let dumped = dump(server.source("erp")).unwrap();
    (server, dumped)
}

fn restore(to: &Source, dumped: &Dumped, care: &Care<'_>) -> Result<Vec<String>, Error> {
    let files = dumped.files.clone();
    let mut open = move |name: &str| {
        let bytes = files.get(name).cloned();
        let bytes = bytes.ok_or_else(|| std::io::Error::other("no file"))?;
        Ok(Box::new(std::io::Cursor::new(bytes)) as Box<dyn Read>)
    };
    let differences = rebuild(to, &dumped.manifest, &mut open, &Limits::default(), care)?;
    let told = |d: databases::compare::Difference| format!("{}: {}", d.object, d.what);
    Ok(differences.into_iter().map(told).collect())
}

fn databases(server: &Server) -> String {
    server.admin(match server.engine {
        Engine::MariaDb => "SHOW DATABASES",
        Engine::PostgreSql => "SELECT datname FROM pg_database ORDER BY 1",
    })
}

/// Logged in as somebody else.
fn as_user(server: &Server, user: &str, database: &str) -> Source {
    let text = server.source(database).url.to_string();
    Source {
        url: config::DatabaseUrl::parse(&text.replace("//erp@", &format!("//{user}@"))).unwrap(),
        password_file: None,
        password: Some("p".to_owned()),
        ..server.source(database)
    }
}

#[test]
fn a_dump_goes_into_a_new_database_and_is_compared() {
    for engine in ENGINES {
        let (server, dumped) = saved(engine);
        let name = r#"back "2026"`_%'é"#;
        let to = server.source(name);
        let prospect = look(&to, engine, &Limits::default()).unwrap();
        assert_eq!(prospect.version, dumped.manifest.engine_version);
        assert!(prospect.powerful);
        assert!(!databases(&server).contains("back"), "looking made it");
        let sent = std::sync::atomic::AtomicU64::new(0);
        let passed = |bytes| {
            sent.fetch_add(bytes, Ordering::SeqCst);
        };
        let counting = Care {
            passed: &passed,
            ..care()
        };
        let differences = restore(&to, &dumped, &counting).unwrap();
        assert_eq!(differences, Vec::<String>::new());
        assert!(sent.load(Ordering::SeqCst) > 6_000_000);
        let sum = match engine {
            Engine::MariaDb => "SELECT COUNT(*), SUM(CRC32(CONCAT(id, t))) FROM facture",
            Engine::PostgreSql => {
                "SELECT count(*), md5(string_agg(id || t, '' ORDER BY id)) FROM facture"
            }
        };
        assert_eq!(server.sql(name, sum), server.sql("erp", sum));
        assert_eq!(server.sql(name, "SELECT COUNT(*) FROM petites"), "9");
        server.assert_no_login();
    }
}

#[test]
fn a_database_that_exists_is_refused_and_stays_as_it_is() {
    for engine in ENGINES {
        let (server, dumped) = saved(engine);
        server.sql("erp", "DELETE FROM facture WHERE id > 1000");
        server.admin("CREATE DATABASE hollow");
        for name in ["erp", "hollow"] {
            let to = server.source(name);
            for error in [
                look(&to, engine, &Limits::default()).unwrap_err(),
                restore(&to, &dumped, &care()).unwrap_err(),
            ] {
                let said = error.to_string();
                assert!(matches!(error, Error::Exists { .. }), "{said}");
                assert!(
                    said.contains(name) && said.contains("nothing was changed"),
                    "{said}"
                );
            }
        }
        assert_eq!(server.sql("erp", "SELECT COUNT(*) FROM facture"), "1000");
        let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema IN ('hollow', 'public')";
        assert_eq!(server.sql("hollow", tables), "0");
        // The other engine's dump.
        let other = ENGINES[usize::from(engine == Engine::MariaDb)];
        let said = look(&server.source("back"), other, &Limits::default()).unwrap_err();
        assert!(said.to_string().contains("name one of"), "{said}");
    }
}

#[test]
fn a_wrong_password_and_a_right_that_is_missing_make_nothing_and_say_what_to_do() {
    for engine in ENGINES {
        let (server, dumped) = saved(engine);
        let before = databases(&server);
        let wrong = Source {
            password_file: None,
            password: Some("wrong".to_owned()),
            ..server.source("back")
        };
        let said = restore(&wrong, &dumped, &care()).unwrap_err().to_string();
        assert!(
            said.contains("check the user") && said.contains("nothing was made"),
            "{said}"
        );
        server.admin(match engine {
            Engine::MariaDb => "CREATE USER low@localhost IDENTIFIED BY 'p'",
            Engine::PostgreSql => "CREATE ROLE low LOGIN PASSWORD 'p'",
        });
        let low = as_user(&server, "low", "back_1");
        assert!(!look(&low, engine, &Limits::default()).unwrap().powerful);
        let error = restore(&low, &dumped, &care()).unwrap_err();
        let Error::MayNot { grant, .. } = &error else {
            panic!("{error}")
        };
        assert!(error.to_string().ends_with(grant.as_str()), "{error}");
        assert_eq!(databases(&server), before);
        // The grant that it names is enough.
        server.admin(grant);
        assert_eq!(
            restore(&low, &dumped, &care()).unwrap(),
            Vec::<String>::new()
        );
        server.assert_no_login();
    }
}

#[test]
fn what_is_missing_is_told_by_table_and_what_is_cut_is_named_and_left() {
    for engine in ENGINES {
        let (server, mut dumped) = saved(engine);
        // One row less in the file than the manifest counts.
        let file = dumped.manifest.tables.iter().find(|t| t.name == "ligne");
        let file = file.unwrap().file.clone();
        let whole = dumped.files[&file].clone();
        let text = String::from_utf8(whole.clone()).unwrap();
        let row = text.lines().position(|l| l.contains("é 1500 ")).unwrap();
        let kept: Vec<&str> = text
            .lines()
            .enumerate()
            .filter_map(|(at, line)| (at != row).then_some(line))
            .collect();
        dumped
            .files
            .insert(file.clone(), format!("{}\n", kept.join("\n")).into_bytes());
        let told = restore(&server.source("less"), &dumped, &care()).unwrap();
        assert_eq!(told, ["table ligne: 3000 rows were saved, 2999 came back"]);
        // Cut in the middle of a row.
        dumped
            .files
            .insert(file.clone(), whole[..whole.len() / 2].to_vec());
        let error = restore(&server.source("cut"), &dumped, &care()).unwrap_err();
        let said = error.to_string();
        let drop = match engine {
            Engine::MariaDb => "DROP DATABASE `cut`",
            Engine::PostgreSql => "DROP DATABASE \"cut\"",
        };
        assert!(said.contains("ligne") && said.ends_with(drop), "{said}");
        assert!(!error.is_cancelled());
        assert!(databases(&server).lines().any(|name| name == "cut"));
        server.admin(drop);
        // Stopped in the middle.
        let begun = AtomicBool::new(false);
        let passed = |_| begun.store(true, Ordering::SeqCst);
        let cancelled = || begun.load(Ordering::SeqCst);
        let stopped = Care {
            cancelled: &cancelled,
            passed: &passed,
            ..care()
        };
        dumped.files.insert(file, whole);
        let slow = match engine {
            Engine::MariaDb => "\nSELECT SLEEP(600);\n",
            Engine::PostgreSql => "\nSELECT pg_sleep(600);\n",
        };
        let after = [slow.as_bytes(), &dumped.files["after.sql"]].concat();
        dumped.files.insert("after.sql".to_owned(), after);
        let error = restore(&server.source("stopped"), &dumped, &stopped).unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        assert!(error.to_string().contains("DROP DATABASE"), "{error}");
        server.assert_no_login();
    }
}

#[test]
fn a_hostile_dump_runs_no_program_and_touches_no_file_of_this_box() {
    for engine in ENGINES {
        let (server, dumped) = saved(engine);
        let mark = server.folder.join("touched");
        let mark = mark.display();
        let words: &[String] = &match engine {
            Engine::MariaDb => vec![
                format!("\\! touch {mark}"),
                format!("system touch {mark}"),
                format!("\\T {mark}"),
                format!("tee {mark}"),
                "\\. /etc/passwd".to_owned(),
                "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE facture (t);".to_owned(),
            ],
            Engine::PostgreSql => vec![
                format!("\\! touch {mark}"),
                format!("\\o {mark}"),
                format!("\\unrestrict x\n\\! touch {mark}"),
                format!("\\copy facture to {mark}"),
                format!("\\copy facture to program 'touch {mark}'"),
                "\\copy facture (t) from /etc/passwd".to_owned(),
                "\\connect postgres".to_owned(),
            ],
        };
        for (number, hostile) in words.iter().enumerate() {
            let mut files = dumped.files.clone();
            let after = format!("{hostile}\nSELECT 1;\n").into_bytes();
            let after = [after, files["after.sql"].clone()].concat();
            files.insert("after.sql".to_owned(), after);
            let dumped = Dumped {
                files,
                manifest: dumped.manifest.clone(),
                problems: Vec::new(),
            };
            let to = server.source(&format!("hostile{number}"));
            let error = restore(&to, &dumped, &care()).expect_err(hostile);
            assert!(matches!(error, Error::Half { .. }), "{hostile}: {error}");
            assert!(!Path::new(&mark.to_string()).exists(), "{hostile}");
        }
        server.assert_no_login();
    }
}
