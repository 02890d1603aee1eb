//! What was loaded is opened to people: they read, and change nothing.

use crate::fixture::{Dump, Folder, care, start};
use databases::Engine;
use databases::server::{Reader, Server};
use std::process::{Command, Output};

fn dump(engine: Engine) -> Dump {
    match engine {
        Engine::MariaDb => Dump::new(
            engine,
            "CREATE TABLE facture (id INT PRIMARY KEY);\n",
            &[("facture", "INSERT INTO facture VALUES (1),(2);\n")],
            "CREATE VIEW seen AS SELECT id FROM facture;\n",
        ),
        Engine::PostgreSql => Dump::new(
            engine,
            "CREATE SCHEMA archive;\nCREATE TABLE archive.facture (id int);\nCREATE TABLE public.facture (id int);\n",
            &[(
                "facture",
                "COPY public.facture (id) FROM stdin;\n1\n2\n\\.\n",
            )],
            "CREATE VIEW public.seen AS SELECT id FROM public.facture;\n",
        ),
    }
}

/// As a person would, by the standard client.
fn ask(server: &Server, engine: Engine, reader: &Reader, sql: &str) -> Output {
    let socket = server.socket();
    let mut command = match engine {
        Engine::MariaDb => {
            let mut command = Command::new("mariadb");
            command
                .args(["--no-defaults", "--batch", "--skip-column-names"])
                .arg(format!("--socket={}", socket.display()))
                .arg(format!("--user={}", reader.user))
                .args(["-e", sql, &reader.database])
                .env("MYSQL_PWD", &reader.password);
            command
        }
        Engine::PostgreSql => {
            let mut command = Command::new("psql");
            command
                .args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
                .arg(format!("--host={}", socket.parent().unwrap().display()))
                .arg(format!("--username={}", reader.user))
                .arg(format!("--dbname={}", reader.database))
                .env("PGPASSWORD", &reader.password);
            command
        }
    };
    command.output().unwrap()
}

#[test]
fn an_opened_copy_is_read_and_never_written() {
    for engine in [Engine::MariaDb, Engine::PostgreSql] {
        let folder = Folder::make();
        let server = start(engine, &folder.below("server"));
        dump(engine).load(&server, &care()).unwrap();
        let reader = server.open(&care()).unwrap();
        let read = ask(&server, engine, &reader, "SELECT count(*) FROM facture");
        assert_eq!(
            String::from_utf8_lossy(&read.stdout).trim(),
            "2",
            "{read:?}"
        );
        let seen = ask(&server, engine, &reader, "SELECT count(*) FROM seen");
        assert_eq!(
            String::from_utf8_lossy(&seen.stdout).trim(),
            "2",
            "{seen:?}"
        );
        for sql in [
            "INSERT INTO facture VALUES (3)",
            "DELETE FROM facture",
            "UPDATE facture SET id = 4",
            "DROP TABLE facture",
            "CREATE TABLE mine (id INT)",
            "CREATE TEMPORARY TABLE mine (id INT)",
            "CREATE USER other",
        ] {
            let tried = ask(&server, engine, &reader, sql);
            assert!(!tried.status.success(), "{engine:?}: {sql}");
        }
        if engine == Engine::PostgreSql {
            // The setting is anybody's to change; the right is not.
            let sql = "SET default_transaction_read_only = off; INSERT INTO facture VALUES (3)";
            assert!(!ask(&server, engine, &reader, sql).status.success());
        }
        let wrong = Reader {
            password: "guess".to_owned(),
            ..reader.clone()
        };
        assert!(!ask(&server, engine, &wrong, "SELECT 1").status.success());
        // Who loaded it is locked out.
        assert!(server.ask("SELECT 1", &care()).is_err(), "{engine:?}");
    }
}
