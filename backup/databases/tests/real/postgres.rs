//! PostgreSQL, with everything that is odd in one database.

use crate::dumped::{dump, dump_with};
use crate::servers::Server;
use databases::{Engine, Limits};
use std::sync::atomic::{AtomicBool, Ordering};

const ODD: &str = r#"
CREATE TYPE mood AS ENUM ('sad', 'it''s');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE plain (id serial PRIMARY KEY, name text, note text, amount numeric(20,4), made timestamptz, d date, span interval, flag bit varying, ratio real, big double precision, m mood, list int[], j jsonb, u uuid, b bytea, p positive);
INSERT INTO plain VALUES (1, E'it''s "quoted" \\ back', E'line\nbreak\ttab\rcr\b', -12345678901.5, '2026-11-23 02:03:04.123456+02', '0044-03-15 BC', '1 mon -3 days', B'1010', 0.1, 1e308, 'it''s', '{1,NULL,3}', '{"a": [1, "é"]}', '123e4567-e89b-12d3-a456-426655440000', '\x00ff0a5c27', 3);
INSERT INTO plain (id, name) VALUES (2, '\N'), (3, ''), (4, '\.'), (5, '🎉');
INSERT INTO plain (id, ratio, big) VALUES (6, 'NaN', '-Infinity'), (7, 16777217, 5e-324);
SELECT setval('plain_id_seq', 41);
CREATE SCHEMA archive;
CREATE TABLE archive.plain (a int, b text);
INSERT INTO archive.plain VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
CREATE TABLE "odd ""name'; -- $(x) é
\! two" ("key" int PRIMARY KEY, "a""b" text, "select" text, "it" int);
INSERT INTO "odd ""name'; -- $(x) é
\! two" VALUES (1, 'x', ':a', 1), (2, NULL, '\\', 2);
CREATE TABLE computed (a int, b int GENERATED ALWAYS AS (a * 2) STORED, c int GENERATED ALWAYS AS IDENTITY);
INSERT INTO computed (a) VALUES (1), (2), (2);
CREATE TABLE dropped (a int, gone int, b text); ALTER TABLE dropped DROP COLUMN gone; INSERT INTO dropped VALUES (1, 'b');
CREATE TABLE empty_one (id int PRIMARY KEY);
CREATE TABLE no_column ();
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (id);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (0) TO (50);
CREATE TABLE parts_b PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT n, '2026-01-01' FROM generate_series(1, 100) n;
CREATE TABLE base (id int PRIMARY KEY); CREATE TABLE derived (extra text) INHERITS (base);
INSERT INTO base VALUES (1); INSERT INTO derived VALUES (2, 'd');
CREATE TABLE a_child (id int PRIMARY KEY, p int REFERENCES base (id)); INSERT INTO a_child VALUES (1, 1);
CREATE TABLE blobs (id int PRIMARY KEY, bytes bytea);
INSERT INTO blobs SELECT n, decode(repeat(md5(n::text), 2000), 'hex') FROM generate_series(1, 100) n;
CREATE FUNCTION plus_one(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x + 1';
CREATE VIEW seen AS SELECT plus_one(id) AS id, name FROM plain;
CREATE MATERIALIZED VIEW kept AS SELECT count(*) AS n FROM plain;
CREATE TABLE logged (n int);
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.logged VALUES (NEW.id); RETURN NEW; END $$;
CREATE TRIGGER watch AFTER INSERT ON plain FOR EACH ROW EXECUTE FUNCTION log_it();
CREATE ROLE somebody; ALTER TABLE logged OWNER TO somebody; GRANT SELECT ON plain TO somebody;
SELECT lo_from_bytea(0, 'large');
"#;

#[test]
fn postgres_everything_comes_back_by_the_standard_client_alone() {
    let server = Server::start(Engine::PostgreSql);
    server.admin("CREATE DATABASE \"odd 'db\\\"");
    server.sql("odd 'db\\", ODD);
    let dumped = dump(server.source("odd 'db\\")).unwrap();
    assert_eq!(dumped.rows("blobs"), 100);
    assert_eq!(dumped.rows("parts_a") + dumped.rows("parts_b"), 100);
    assert_eq!((dumped.rows("base"), dumped.rows("derived")), (1, 1));
    let manifest = &dumped.manifest;
    assert_eq!(
        (manifest.views, manifest.triggers, manifest.routines),
        (2, 1, 2)
    );
    assert_eq!(
        manifest.tables.iter().filter(|t| t.name == "plain").count(),
        2
    );
    assert_eq!(dumped.problems.len(), 1, "{:?}", dumped.problems);
    assert!(dumped.problems[0].what.contains("1 large objects"));
    dumped.load(&server, "back");
    for query in [
        "SELECT * FROM plain ORDER BY id",
        "SELECT * FROM archive.plain ORDER BY a, b",
        "SELECT * FROM computed ORDER BY c",
        "SELECT *, tableoid::regclass FROM parts ORDER BY id",
        "SELECT * FROM \"odd \"\"name'; -- $(x) é\n\\! two\" ORDER BY \"key\"",
        "SELECT id, md5(bytes) FROM blobs ORDER BY id",
        "SELECT * FROM seen ORDER BY id",
        "SELECT * FROM kept",
        "SELECT nextval('plain_id_seq'), nextval('computed_c_seq')",
        "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1",
    ] {
        assert_eq!(
            server.sql("back", query),
            server.sql("odd 'db\\", query),
            "{query}"
        );
    }
    server.sql("back", "INSERT INTO plain (id) VALUES (900)");
    assert_eq!(server.sql("back", "SELECT n FROM logged"), "900");
    server.assert_no_login();
}

#[test]
fn postgres_a_dump_is_of_one_instant_while_others_write() {
    let server = Server::start(Engine::PostgreSql);
    server.admin("CREATE DATABASE bank");
    server.sql(
        "bank",
        "CREATE TABLE a (id int PRIMARY KEY, n bigint, pad text); CREATE TABLE z (id int PRIMARY KEY, n bigint);
         INSERT INTO a SELECT i, 1000, repeat(md5(i::text), 3) FROM generate_series(1, 60000) i; INSERT INTO z SELECT i, 1000 FROM generate_series(1, 60000) i;",
    );
    let stop = AtomicBool::new(false);
    let dumped = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut k = 0;
            while !stop.load(Ordering::Relaxed) {
                k += 50;
                let from = k - 49;
                server.sql(
                    "bank",
                    &format!(
                        "BEGIN; UPDATE a SET n = n - 10 WHERE id BETWEEN {from} AND {k}; UPDATE z SET n = n + 10 WHERE id BETWEEN {from} AND {k}; INSERT INTO z VALUES (100000 + {k}, 0); COMMIT;"
                    ),
                );
            }
        });
        let mut moved = String::new();
        let between = &mut |_: &str| {
            let before = moved.clone();
            while moved == before {
                moved = server.sql("bank", "SELECT count(*) FROM z");
            }
        };
        let dumped = dump_with(server.source("bank"), Limits::default(), between);
        stop.store(true, Ordering::Relaxed);
        dumped.unwrap()
    });
    dumped.load(&server, "back");
    let sum = "SELECT (SELECT sum(n) FROM a) + (SELECT sum(n) FROM z)";
    assert_eq!(server.sql("back", sum), "120000000");
    assert_ne!(server.sql("bank", "SELECT sum(n) FROM a"), "60000000");
    assert_eq!(dumped.rows("a"), 60_000);
}
