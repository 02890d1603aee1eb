//! A server comes, holds what a dump says, and goes without a trace.

use crate::fixture::{Dump, Folder, care, processes_of, start, started};
use databases::Engine;
use databases::talk::{Care, Room};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

fn dump(engine: Engine) -> Dump {
    match engine {
        Engine::MariaDb => Dump::new(
            engine,
            "/*M!999999\\- enable the sandbox mode */ \nSET NAMES utf8mb4;\nCREATE TABLE facture (id INT PRIMARY KEY, ref VARCHAR(30));\n",
            &[(
                "facture",
                "INSERT INTO facture VALUES (1,'FA-1'),(2,'it''s \\\\ \\! touch x');\n",
            )],
            "DELIMITER ;;\nCREATE DEFINER=`root`@`localhost` TRIGGER t BEFORE INSERT ON facture FOR EACH ROW BEGIN SET NEW.ref = UPPER(NEW.ref); END;;\nDELIMITER ;\n",
        ),
        Engine::PostgreSql => Dump::new(
            engine,
            "\\restrict AbCdEf123\nSET client_encoding = 'UTF8';\nCREATE TABLE public.facture (id integer NOT NULL, ref text);\n\\unrestrict AbCdEf123\n",
            &[(
                "facture",
                "COPY public.facture (id, ref) FROM stdin;\n1\tFA-1\n2\tit's \\\\ \\\\! touch x\n\\.\n",
            )],
            "\\restrict X\nALTER TABLE ONLY public.facture ADD CONSTRAINT k PRIMARY KEY (id);\nCREATE FUNCTION up() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN NEW;\nEND $$;\n",
        ),
    }
}

#[test]
fn a_dump_is_loaded_and_nothing_of_the_server_stays() {
    for engine in [Engine::MariaDb, Engine::PostgreSql] {
        let folder = Folder::make();
        let place = folder.below("server");
        let server = start(engine, &place);
        assert!(server.is_walled());
        let version = server.version(&care()).expect("a version");
        assert!(
            version.starts_with(|c: char| c.is_ascii_digit()),
            "{version}"
        );
        assert!(!processes_of(&place).is_empty());
        let sent = AtomicU64::new(0);
        let passed = |bytes| {
            sent.fetch_add(bytes, Ordering::SeqCst);
        };
        let counted = Care {
            passed: &passed,
            ..care()
        };
        let dump = dump(engine);
        dump.load(&server, &counted).expect("loaded");
        let rows = server
            .ask("SELECT id, ref FROM facture ORDER BY id", &care())
            .expect("rows");
        assert!(rows.starts_with("1\tFA-1\n2\tit's "), "{rows}");
        assert!(rows.contains("! touch x"), "{rows}");
        assert!(sent.load(Ordering::SeqCst) > 100);
        drop(server);
        assert_eq!(processes_of(&place), Vec::<String>::new(), "{engine:?}");
    }
}

#[test]
fn a_dump_that_is_cut_fails_and_names_the_file() {
    for (engine, cut) in [
        (
            Engine::MariaDb,
            "INSERT INTO facture VALUES (1,'FA-1'),(2,'it",
        ),
        (
            Engine::PostgreSql,
            "COPY public.facture (id, ref) FROM stdin;\n1\tFA-1\n2",
        ),
    ] {
        let folder = Folder::make();
        let server = start(engine, &folder.below("server"));
        let mut dump = dump(engine);
        dump.files
            .insert("tables/facture.sql".to_owned(), cut.to_owned());
        let error = dump.load(&server, &care()).expect_err("cut").to_string();
        assert!(error.contains("facture"), "{engine:?}: {error}");
        // A file that cannot be read is its own error, and what was read is not taken for all.
        dump.files.remove("tables/facture.sql");
        let error = dump.load(&server, &care()).expect_err("gone").to_string();
        assert!(error.contains("tables/facture.sql"), "{engine:?}: {error}");
        assert!(error.contains("no file"), "{engine:?}: {error}");
    }
}

#[test]
fn a_load_is_stopped_on_request_when_it_takes_too_long_and_before_the_disk_is_full() {
    let folder = Folder::make();
    let place = folder.below("server");
    let server = start(Engine::MariaDb, &place);
    let slow = Dump::new(Engine::MariaDb, "SELECT SLEEP(600);\n", &[], "");
    let asked = AtomicBool::new(false);
    let cancelled = || asked.swap(true, Ordering::SeqCst);
    let stopped = Care {
        cancelled: &cancelled,
        ..care()
    };
    let error = slow.load(&server, &stopped).expect_err("stopped");
    assert!(error.is_cancelled(), "{error}");
    let hurried = Care {
        most: std::time::Duration::from_millis(300),
        ..care()
    };
    let error = slow.load(&server, &hurried).expect_err("too long");
    assert!(error.to_string().contains("longer than"), "{error}");
    let room = Room {
        folder: place.clone(),
        reserve_bytes: u64::MAX,
    };
    let full = Care {
        room: Some(&room),
        ..care()
    };
    let error = slow.load(&server, &full).expect_err("full");
    assert!(error.to_string().contains("free some space"), "{error}");
    // A start is stopped the same way, and leaves nothing that runs.
    let other = folder.below("other");
    let now = Care {
        cancelled: &|| true,
        ..care()
    };
    let error = started(Engine::PostgreSql, &other, &now)
        .err()
        .expect("stopped");
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(processes_of(&other), Vec::<String>::new());
}
