//! MariaDB, with everything that is odd in one database.

use crate::dumped::{dump, dump_with};
use crate::servers::Server;
use databases::{Engine, Limits};
use std::sync::atomic::{AtomicBool, Ordering};

const ODD: &str = r#"
CREATE TABLE plain (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255), note TEXT, amount DECIMAL(20,4), made DATETIME(6), stamp TIMESTAMP NULL, flag BIT(10), ratio FLOAT, big DOUBLE, kind ENUM('a','b''c'), tags SET('x','y'), y YEAR, t TIME(3), j JSON) CHARACTER SET utf8mb4;
INSERT INTO plain VALUES (1,'it''s "quoted" \\ back\0slash','line\nbreak\ttab\rcr\Z',-12345678901.5,'2026-11-23 02:03:04.123456','2026-01-01 00:00:00',b'1010101010',0.1,1e308,'b''c','x,y',2026,'-838:59:59.000','{"a": [1, "é"]}');
INSERT INTO plain VALUES (2,'NULL',NULL,NULL,NULL,NULL,NULL,16777217,5e-324,NULL,NULL,NULL,NULL,NULL);
INSERT INTO plain VALUES (3,'','   trailing  ',0,'1000-01-01','2038-01-19 03:14:07',b'0',3.14159274,-0.0,'a','',0,'00:00:00',NULL);
SET sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';
INSERT INTO plain (id,name,made) VALUES (0,'zero 🎉','0000-00-00 00:00:00'),(-7,'invalid','2026-02-31'); SET sql_mode=''; UPDATE plain SET kind = '' WHERE id = 3;
CREATE TABLE `odd ``name"'; -- $(x) é
two` (`key` INT, `a``b` VARCHAR(20), `select` BLOB, PRIMARY KEY (`key`));
INSERT INTO `odd ``name"'; -- $(x) é
two` VALUES (1,'x',x'00010A0D5C27'),(2,NULL,''),(3,'',NULL);
CREATE TABLE `-p` (a INT PRIMARY KEY); INSERT INTO `-p` VALUES (1);
CREATE TABLE `back\slash` (a INT PRIMARY KEY, b TEXT); INSERT INTO `back\slash` VALUES (1,'\\n');
CREATE TABLE blobs (id INT PRIMARY KEY, bytes LONGBLOB, fixed BINARY(16), place POINT, bin_text VARCHAR(50) CHARACTER SET binary);
INSERT INTO blobs VALUES (1,REPEAT(x'00FF0A095C27',200000),x'00112233445566778899AABBCCDDEEFF',ST_GeomFromText('POINT(1 2)'),x'C328');
INSERT INTO blobs SELECT seq, UNHEX(CONCAT(MD5(seq),SHA1(seq))), NULL, NULL, NULL FROM seq_2_to_500;
CREATE TABLE latin (id INT PRIMARY KEY, t VARCHAR(50)) CHARACTER SET latin1; INSERT INTO latin VALUES (1,'été €');
CREATE TABLE computed (a INT, b INT AS (a * 2) VIRTUAL, c INT GENERATED ALWAYS AS (a + 1) STORED, d INT INVISIBLE DEFAULT 7, e UUID, f INET6) ;
INSERT INTO computed (a,e,f) VALUES (1,'123e4567-e89b-12d3-a456-426655440000','::1'),(2,NULL,NULL),(2,NULL,NULL);
UPDATE computed SET d = 9 WHERE a = 1;
CREATE TABLE empty_one (id INT PRIMARY KEY);
CREATE TABLE parts (id INT, PRIMARY KEY (id)) PARTITION BY HASH (id) PARTITIONS 4; INSERT INTO parts SELECT seq FROM seq_1_to_100;
CREATE TABLE old_engine (id INT PRIMARY KEY, t TEXT) ENGINE=MyISAM; INSERT INTO old_engine VALUES (1,'x');
CREATE TABLE parent (id INT PRIMARY KEY); CREATE TABLE a_child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent(id));
INSERT INTO parent VALUES (1); INSERT INTO a_child VALUES (1,1);
CREATE SEQUENCE counter START WITH 100; DO NEXTVAL(counter);
CREATE TABLE logged (n INT, w TEXT);
CREATE FUNCTION plus_one(x INT) RETURNS INT DETERMINISTIC RETURN x + 1;
CREATE DEFINER='gone'@'nowhere' VIEW seen AS SELECT plus_one(id) AS id, name FROM plain;
CREATE DEFINER='gone'@'nowhere' TRIGGER watch AFTER INSERT ON plain FOR EACH ROW INSERT INTO logged VALUES (NEW.id, 'DEFINER=`a`@`b` stays');
CREATE DEFINER='gone'@'nowhere' PROCEDURE busy() SELECT 'CREATE DEFINER=`x`@`y` stays';
CREATE DEFINER='gone'@'nowhere' EVENT sometimes ON SCHEDULE EVERY 1 DAY DO DELETE FROM logged WHERE n < 0;
"#;

fn odd() -> Server {
    let server = Server::start(Engine::MariaDb);
    server.admin("CREATE DATABASE `odd db` CHARACTER SET utf8mb4");
    server.sql("odd db", ODD);
    server
}

#[test]
fn mariadb_everything_comes_back_by_the_standard_client_alone() {
    let server = odd();
    let dumped = dump(server.source("odd db")).unwrap();
    assert_eq!(dumped.rows("plain"), 5);
    assert_eq!(dumped.rows("blobs"), 500);
    assert_eq!(dumped.rows("empty_one"), 0);
    let manifest = &dumped.manifest;
    assert_eq!(
        (
            manifest.views,
            manifest.triggers,
            manifest.routines,
            manifest.events
        ),
        (1, 1, 2, 1)
    );
    assert_eq!(dumped.problems.len(), 1, "{:?}", dumped.problems);
    assert_eq!(dumped.problems[0].object, "table old_engine");
    assert!(
        !manifest
            .tables
            .iter()
            .find(|t| t.name == "old_engine")
            .unwrap()
            .exact
    );
    dumped.load(&server, "back");
    for query in [
        "SELECT *, HEX(flag), ratio + 0e0, HEX(note) FROM plain ORDER BY id",
        "SELECT a, b, c, d, e, f FROM computed ORDER BY a, d",
        "SELECT HEX(t), t FROM latin",
        "SELECT id, MD5(bytes), HEX(fixed), ST_AsText(place), HEX(bin_text) FROM blobs ORDER BY id",
        "SELECT * FROM `back\\slash`",
        "SELECT `key`, `a``b`, HEX(`select`) FROM `odd ``name\"'; -- $(x) é\ntwo`",
        "SHOW CREATE TABLE a_child",
        "SHOW CREATE TABLE parts",
    ] {
        assert_eq!(
            server.sql("back", query),
            server.sql("odd db", query),
            "{query}"
        );
    }
    assert_eq!(
        server.sql("back", "CALL busy()"),
        "CREATE DEFINER=`x`@`y` stays"
    );
    // The server had set a thousand values aside; none is given twice.
    let next = server.sql("back", "SELECT NEXTVAL(counter)");
    assert!(next.parse::<u32>().unwrap() >= 101, "{next}");
    // Where it came from it could not even be read: its owner is gone.
    assert_eq!(
        server.sql("back", "SELECT id FROM seen WHERE name = 'NULL'"),
        "3"
    );
    server.sql("back", "INSERT INTO plain (id, name) VALUES (50, 'n')");
    let logged = server.sql("back", "SELECT w FROM logged");
    assert_eq!(logged, "DEFINER=`a`@`b` stays");
    let shown = server.sql("back", "SHOW CREATE VIEW seen; SHOW CREATE EVENT sometimes");
    assert!(!shown.contains("nowhere"), "{shown}");
    server.assert_no_login();
    // The same bytes the night after.
    let again = dump(server.source("odd db")).unwrap();
    for (path, bytes) in &dumped.files {
        assert!(
            path == "manifest.json" || again.files[path] == *bytes,
            "{path}"
        );
    }
}

/// Money moves between two tables all the time; the sum is the same in each instant.
#[test]
fn mariadb_a_dump_is_of_one_instant_while_others_write() {
    let server = Server::start(Engine::MariaDb);
    server.admin("CREATE DATABASE bank");
    server.sql(
        "bank",
        "CREATE TABLE a (id INT PRIMARY KEY, n BIGINT, pad VARCHAR(200)); CREATE TABLE z (id INT PRIMARY KEY, n BIGINT, pad VARCHAR(200));
         INSERT INTO a SELECT seq, 1000, REPEAT(MD5(seq), 3) FROM seq_1_to_60000; INSERT INTO z SELECT seq, 1000, '' FROM seq_1_to_60000;
         DELIMITER $$
CREATE PROCEDURE move(k INT) BEGIN START TRANSACTION; UPDATE a SET n = n - 10 WHERE id = k; UPDATE z SET n = n + 10 WHERE id = k; INSERT INTO z VALUES (100000 + k, 0, 'new'); DELETE FROM a WHERE id = k + 30000 AND n = 0; COMMIT; END $$\n",
    );
    let stop = AtomicBool::new(false);
    let dumped = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut k = 0;
            while !stop.load(Ordering::Relaxed) {
                let calls: Vec<String> = (0..50)
                    .map(|i| format!("CALL move({})", k + i + 1))
                    .collect();
                server.sql("bank", &calls.join(";"));
                k += 50;
            }
            k
        });
        // Writers have been at work between any two files.
        let mut moved = String::new();
        let between = &mut |_: &str| {
            let before = moved.clone();
            while moved == before {
                moved = server.sql("bank", "SELECT COUNT(*) FROM z");
            }
        };
        let dumped = dump_with(server.source("bank"), Limits::default(), between).unwrap();
        stop.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() > 0);
        dumped
    });
    dumped.load(&server, "back");
    let sum = "SELECT (SELECT SUM(n) FROM a) + (SELECT SUM(n) FROM z)";
    assert_eq!(server.sql("back", sum), "120000000");
    assert_ne!(server.sql("bank", "SELECT SUM(n) FROM a"), "60000000");
    assert!(dumped.rows("a") == 60_000);
}

/// One row more at the front does not change what follows it.
#[test]
fn mariadb_a_change_changes_little_of_the_dump() {
    let server = Server::start(Engine::MariaDb);
    server.admin("CREATE DATABASE d");
    server.sql("d", "CREATE TABLE t (id INT PRIMARY KEY, x VARCHAR(99)); INSERT INTO t SELECT seq, SHA1(seq) FROM seq_1000_to_60000");
    let first = dump(server.source("d")).unwrap();
    server.sql("d", "INSERT INTO t VALUES (1, 'first'); UPDATE t SET x = 'changed' WHERE id = 30000; DELETE FROM t WHERE id = 50000");
    let second = dump(server.source("d")).unwrap();
    let statements = |dumped: &crate::dumped::Dumped| {
        let text = String::from_utf8(dumped.files["tables/00001-t.sql"].clone()).unwrap();
        text.split(";\n")
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (first, second) = (statements(&first), statements(&second));
    assert!(first.len() > 100, "{}", first.len());
    let new = second.difference(&first).count();
    assert!((1..=5).contains(&new), "{new} of {}", second.len());
}
