//! What a tampered dump tries: files, programs, the network, other accounts. It gets none.

use crate::fixture::{Dump, Folder, care, start};
use databases::Engine;
use std::net::TcpListener;

/// Each is loaded on a fresh line of an own load; `{P}` is a file that must not come to be, `{S}` one that holds a secret.
const MARIADB: &[&str] = &[
    "\\! touch {P}",
    "system touch {P}",
    "tee {P}\nSELECT 1;",
    "\\T {P}\nSELECT 1;",
    "source {S}",
    "\\. {S}",
    "/*! SELECT 1 */ \\! touch {P}",
    "SELECT 1 INTO OUTFILE '{P}';",
    "SELECT 1 INTO DUMPFILE '{P}';",
    "CREATE TABLE s (t TEXT); LOAD DATA INFILE '{S}' INTO TABLE s;",
    "CREATE TABLE s (t TEXT); LOAD DATA LOCAL INFILE '{S}' INTO TABLE s;",
    "CREATE TABLE s AS SELECT LOAD_FILE('{S}') AS t;",
    "CREATE FUNCTION sys_exec RETURNS INT SONAME 'udf.so';",
    "INSTALL SONAME 'ha_federatedx';",
    "SET GLOBAL general_log_file = '{P}'; SET GLOBAL general_log = 1;",
    "CREATE TABLE d (a INT) ENGINE=MyISAM DATA DIRECTORY='{D}';",
    "CREATE DEFINER=`root`@`localhost` FUNCTION f() RETURNS TEXT RETURN LOAD_FILE('{S}'); CREATE TABLE s AS SELECT f() AS t;",
    "CREATE DEFINER=`mariadb.sys`@`localhost` SQL SECURITY DEFINER VIEW v AS SELECT * FROM mysql.global_priv; CREATE TABLE s AS SELECT * FROM v;",
    "CREATE USER intruder IDENTIFIED BY 'x';",
    "SET GLOBAL local_infile = 1;",
];

const POSTGRESQL: &[&str] = &[
    "\\! touch {P}",
    "\\o {P}\nSELECT 1;",
    "\\o |touch {P}\nSELECT 1;",
    "SELECT 1 \\g {P}",
    "SELECT 1 \\g |touch {P}",
    "\\i {S}",
    "\\copy (SELECT 1) TO '{P}'",
    "\\copy (SELECT 1) TO PROGRAM 'touch {P}'",
    "\\set x `touch {P}`",
    "\\unrestrict guess\n\\! touch {P}",
    "SET standard_conforming_strings = off;\nSELECT '\\'; \\! touch {P}\n';",
    "CREATE TABLE s (t text);\nCOPY s FROM stdin;\nx\n\\.\n\\! touch {P}",
    "COPY (SELECT 1) TO '{P}';",
    "COPY (SELECT 1) TO PROGRAM 'touch {P}';",
    "CREATE TABLE s (t text); COPY s FROM '{S}';",
    "CREATE TABLE s (t text); COPY s FROM PROGRAM 'cat {S}';",
    "CREATE TABLE s AS SELECT pg_read_file('{S}');",
    "SELECT lo_import('{S}');",
    "CREATE FUNCTION c() RETURNS int AS 'libc.so.6', 'system' LANGUAGE c;",
    "CREATE EXTENSION dblink;",
    "CREATE EXTENSION postgres_fdw;",
    "CREATE ROLE intruder SUPERUSER;",
    "ALTER SYSTEM SET archive_command = 'touch {P}';",
    "DO $$ BEGIN EXECUTE 'SET ROLE pg_execute_server_program'; END $$;",
];

#[test]
fn a_hostile_dump_writes_no_file_runs_no_program_and_reads_no_secret() {
    for (engine, attempts) in [(Engine::MariaDb, MARIADB), (Engine::PostgreSql, POSTGRESQL)] {
        let folder = Folder::make();
        let server = start(engine, &folder.below("server"));
        // Where anybody may write and read: only the walls are in the way.
        let open = folder.below("open");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        for path in [&folder.0, &open] {
            let mode = std::fs::Permissions::clone(&mode);
            std::fs::set_permissions(path, mode).expect("opened");
        }
        let planted = open.join("planted");
        let secret = open.join("secret");
        std::fs::write(&secret, "the-secret-of-this-box\n").expect("written");
        for attempt in attempts {
            let text = attempt
                .replace("{P}", &planted.display().to_string())
                .replace("{S}", &secret.display().to_string())
                .replace("{D}", &open.display().to_string());
            let dump = Dump::new(engine, &format!("{text}\n"), &[], "");
            let ended = dump.load(&server, &care());
            assert!(!planted.exists(), "{attempt}: {ended:?}");
            let said = format!("{ended:?}");
            assert!(
                !said.contains("the-secret-of-this-box"),
                "{attempt}: {said}"
            );
            // What it could keep of it is nothing.
            let kept = server.ask("SELECT * FROM s", &care()).unwrap_or_default();
            assert!(!kept.contains("the-secret"), "{attempt}: {kept}");
            assert!(!kept.contains("root"), "{attempt}: {kept}");
            let _ = server.ask("DROP TABLE IF EXISTS s", &care());
            let files = std::fs::read_dir(&open).expect("there").count();
            assert_eq!(files, 1, "{attempt}");
        }
        // The server is still ours.
        let one = server.ask("SELECT 1", &care()).expect("it answers");
        assert_eq!(one.trim(), "1");
    }
}

#[test]
fn nothing_inside_reaches_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    listener.set_nonblocking(true).expect("it does not wait");
    let folder = Folder::make();
    let server = start(Engine::PostgreSql, &folder.below("server"));
    // The one way out that psql itself has.
    let text = format!("\\connect \"host=127.0.0.1 port={port} user=x dbname=x\"\n");
    let dump = Dump::new(Engine::PostgreSql, &text, &[], "");
    dump.load(&server, &care()).expect_err("refused");
    // The server's own processes see no interface but their own loopback.
    let id = server.id();
    let devices = children_of(id)
        .iter()
        .map(|child| format!("/proc/{child}/net/dev"))
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect::<Vec<_>>();
    assert!(
        !devices.is_empty(),
        "no process of the server found below {id}"
    );
    assert!(
        devices.iter().all(|text| text.matches(':').count() == 1),
        "{devices:?}"
    );
    let seen = listener.accept().map(|(_, from)| from);
    assert!(seen.is_err(), "{seen:?}");
}

/// Of the process, and theirs.
fn children_of(id: u32) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .expect("proc")
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let rest = stat.rsplit_once(')')?.1;
            Some((pid, rest.split_whitespace().nth(1)?.parse().ok()?))
        })
        .collect();
    let mut wanted = vec![id];
    while let Some(parent) = wanted.pop() {
        for (pid, of) in &parents {
            if *of == parent {
                found.push(*pid);
                wanted.push(*pid);
            }
        }
    }
    found
}
