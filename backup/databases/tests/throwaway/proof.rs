//! A dump of a real server, loaded in a throw-away one and compared: what was saved passes; each damage is named.

use crate::fixture::{Dump, Folder, care, start};
use crate::servers;
use databases::compare::compare;
use databases::{Engine, Limits, Manifest};
use std::collections::BTreeMap;

const MARIADB: &str = "
CREATE TABLE facture (id INT PRIMARY KEY, ref VARCHAR(30) UNIQUE, total DECIMAL(20,8), made DATETIME) CHARACTER SET utf8mb4;
INSERT INTO facture SELECT seq, CONCAT('FA', seq), seq * 1.25, '2026-01-01' FROM seq_1_to_2000;
CREATE TABLE facturedet (id INT PRIMARY KEY, fk INT, txt TEXT, FOREIGN KEY (fk) REFERENCES facture (id)) CHARACTER SET utf8mb4;
INSERT INTO facturedet SELECT seq, 1 + seq MOD 2000, CONCAT('ligne é \\\\ ''', seq) FROM seq_1_to_5000;
CREATE TABLE vide (id INT PRIMARY KEY);
CREATE TABLE journal (id INT) ENGINE=MyISAM; INSERT INTO journal VALUES (1);
CREATE DEFINER='gone'@'nowhere' VIEW ca AS SELECT SUM(total) AS total FROM facture;
CREATE TRIGGER t AFTER INSERT ON facture FOR EACH ROW INSERT INTO journal VALUES (NEW.id);
CREATE PROCEDURE p() SELECT 1;
";

const POSTGRESQL: &str = "
CREATE TABLE facture (id int PRIMARY KEY, ref text UNIQUE, total numeric(20,8), made timestamptz);
INSERT INTO facture SELECT n, 'FA' || n, n * 1.25, '2026-01-01' FROM generate_series(1, 2000) n;
CREATE TABLE facturedet (id serial PRIMARY KEY, fk int REFERENCES facture (id), txt text);
INSERT INTO facturedet (fk, txt) SELECT 1 + n % 2000, E'ligne é \\\\ ''\\t' || n FROM generate_series(1, 5000) n;
CREATE TABLE vide (id int PRIMARY KEY);
CREATE SCHEMA archive; CREATE TABLE archive.facture (id int); INSERT INTO archive.facture VALUES (1);
CREATE VIEW ca AS SELECT sum(total) AS total FROM facture;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON facture FOR EACH ROW EXECUTE FUNCTION f();
";

fn dumped(engine: Engine) -> (Manifest, BTreeMap<String, Vec<u8>>) {
    let server = servers::Server::start(engine);
    let (create, fill) = match engine {
        Engine::MariaDb => ("CREATE DATABASE doli", MARIADB),
        Engine::PostgreSql => ("CREATE DATABASE doli TEMPLATE template0", POSTGRESQL),
    };
    server.admin(create);
    server.sql("doli", fill);
    let mut dump = databases::Dump::begin(server.source("doli"), Limits::default()).unwrap();
    let mut files = BTreeMap::new();
    while let Some(mut part) = dump.next_part().unwrap() {
        let mut bytes = Vec::new();
        part.from.read_to_end(&mut bytes).unwrap();
        files.insert(part.path, bytes);
    }
    (dump.manifest().clone(), files)
}

/// What is wrong with the dump, or what the load said.
fn tried(manifest: &Manifest, files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let folder = Folder::make();
    let server = start(manifest.engine, &folder.below("server"));
    let dump = Dump {
        manifest: manifest.clone(),
        files: files
            .iter()
            .map(|(name, bytes)| (name.clone(), String::from_utf8(bytes.clone()).unwrap()))
            .collect(),
    };
    if let Err(error) = dump.load(&server, &care()) {
        return vec![error.to_string()];
    }
    let counted = databases::count(
        &server.source().unwrap(),
        &Limits::default(),
        manifest.row_hash(),
    )
    .unwrap();
    let mut found: Vec<String> = compare(manifest, &counted)
        .iter()
        .map(|d| format!("{}: {}", d.object, d.what))
        .collect();
    let (checked, complaints) = server.check(&counted.tables, &care()).unwrap();
    assert!(checked);
    found.extend(
        complaints
            .iter()
            .map(|d| format!("{}: {}", d.object, d.what)),
    );
    found
}

/// The file of a table's rows with one line of them changed.
fn change(
    files: &BTreeMap<String, Vec<u8>>,
    file: &str,
    change: impl Fn(&str) -> String,
) -> BTreeMap<String, Vec<u8>> {
    let mut files = files.clone();
    let text = String::from_utf8(files[file].clone()).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed, "{file} was not changed: {:.300}", text);
    files.insert(file.to_owned(), changed.into_bytes());
    files
}

#[test]
fn what_was_saved_passes_and_each_damage_is_named_by_its_table() {
    for engine in [Engine::MariaDb, Engine::PostgreSql] {
        let (manifest, files) = dumped(engine);
        assert_eq!(tried(&manifest, &files), Vec::<String>::new(), "{engine:?}");
        let table = |name: &str| {
            let mut tables = manifest.tables.iter();
            tables
                .find(|t| t.name == name && t.schema.is_none())
                .unwrap()
                .file
                .clone()
        };
        let (invoices, lines) = (table("facture"), table("facturedet"));
        let other = change(&files, &invoices, |text| text.replacen("FA77", "FA7x", 1));
        let found = tried(&manifest, &other);
        let want = "table facture: its 2000 rows are not the ones that were saved";
        assert_eq!(found, [want], "{engine:?}");
        let row = match engine {
            Engine::MariaDb => "INSERT INTO `facturedet` VALUES (900000,1,'x');\n",
            Engine::PostgreSql => "INSERT INTO public.facturedet VALUES (900000,1,'x');\n",
        };
        let more = change(&files, &lines, |text| format!("{text}{row}"));
        let found = tried(&manifest, &more);
        assert_eq!(
            found,
            ["table facturedet: 5000 rows were saved, 5001 came back"]
        );
        let less = change(&files, "after.sql", |text| match engine {
            Engine::MariaDb => format!("DELETE FROM facturedet WHERE id = 7;\n{text}"),
            Engine::PostgreSql => format!("DELETE FROM public.facturedet WHERE id = 7;\n{text}"),
        });
        let found = tried(&manifest, &less);
        assert_eq!(
            found,
            ["table facturedet: 5000 rows were saved, 4999 came back"]
        );
        let gone = change(&files, "after.sql", |text| {
            format!(
                "DROP TABLE {};\n{text}",
                match engine {
                    Engine::MariaDb => "vide",
                    Engine::PostgreSql => "public.vide CASCADE",
                }
            )
        });
        let found = tried(&manifest, &gone).join("; ");
        assert!(found.contains("vide"), "{found}");
        let half = change(&files, &lines, |text| {
            let mut end = text.len() / 2;
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text[..end].to_owned()
        });
        let found = tried(&manifest, &half).join("; ");
        assert!(found.contains("facturedet"), "{engine:?}: {found}");
    }
}
