//! The company's Dolibarr on a box: MariaDB as Debian runs it, 200 000 invoices, their PDFs, and people who go on working.

use crate::harness::within;
use crate::room::{Room, said};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) const INVOICES: u64 = 200_000;
/// Where it is installed.
const FOLDER: &str = "var/www/dolibarr";
/// Must never be shown.
pub(crate) const PASSWORD: &str = "d'olibarr\\ 24";

/// MariaDB of a room, as its Debian configures it.
pub(crate) struct MariaDb(Child);

impl MariaDb {
    pub(crate) fn start(room: &Room) -> MariaDb {
        room.done(
            "install",
            &["-d", "-o", "mysql", "-g", "mysql", "/run/mysqld"],
        );
        let server = room
            .command("mariadbd", &["--user=mysql"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = MariaDb(server.expect("start mariadbd"));
        within(Duration::from_secs(60), "MariaDB answers", || {
            let asked = room.run("mariadb", &["-e", "SELECT 1"]);
            asked.status.success().then_some(())
        });
        server
    }
}

impl Drop for MariaDb {
    /// As a fire ends it.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The tables of Dolibarr that a company fills first, with its own columns; an invoice is as much as its two lines.
const TABLES: &str = "
CREATE DATABASE dolibarr CHARACTER SET utf8mb4;
USE dolibarr;
CREATE TABLE llx_user (rowid INT AUTO_INCREMENT PRIMARY KEY, login VARCHAR(50) NOT NULL UNIQUE, lastname VARCHAR(50), statut INT DEFAULT 1);
CREATE TABLE llx_societe (rowid INT AUTO_INCREMENT PRIMARY KEY, nom VARCHAR(128), code_client VARCHAR(24) UNIQUE, town VARCHAR(50));
CREATE TABLE llx_facture (rowid INT AUTO_INCREMENT PRIMARY KEY, ref VARCHAR(30) NOT NULL, entity INT NOT NULL DEFAULT 1, fk_soc INT NOT NULL,
  datec DATETIME, datef DATE, tms TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, paye SMALLINT NOT NULL DEFAULT 0, total_ht DOUBLE(24,8) DEFAULT 0,
  fk_statut SMALLINT NOT NULL DEFAULT 0, note_public TEXT, last_main_doc VARCHAR(255), UNIQUE uk_facture_ref (ref, entity), KEY idx_facture_fk_soc (fk_soc),
  CONSTRAINT fk_facture_fk_soc FOREIGN KEY (fk_soc) REFERENCES llx_societe (rowid));
CREATE TABLE llx_facturedet (rowid INT AUTO_INCREMENT PRIMARY KEY, fk_facture INT NOT NULL, description TEXT, qty DOUBLE, total_ht DOUBLE(24,8),
  rang INT DEFAULT 0, KEY idx_facturedet_fk_facture (fk_facture),
  CONSTRAINT fk_facturedet_fk_facture FOREIGN KEY (fk_facture) REFERENCES llx_facture (rowid));
INSERT INTO llx_user (login, lastname) VALUES ('admin', 'Hénaff'), ('compta', 'Le Goff');
INSERT INTO llx_societe (nom, code_client, town) SELECT CONCAT('Société n° ', seq), CONCAT('CU', LPAD(seq, 6, '0')), 'Quimper' FROM seq_1_to_2000;
INSERT INTO llx_facture (rowid, ref, fk_soc, datec, datef, paye, total_ht, fk_statut, note_public)
  SELECT seq, CONCAT('FA26-', LPAD(seq, 6, '0')), 1 + seq % 2000, '2026-01-02 08:00:00' + INTERVAL seq SECOND, '2026-01-02', seq % 2, seq * 3, 1,
  IF(seq % 9, NULL, 'Payable à réception ; l\\'escompte est de 0 %') FROM seq_1_to_200000;
INSERT INTO llx_facturedet (fk_facture, description, qty, total_ht, rang)
  SELECT seq, CONCAT('Prestation ', MD5(seq)), 1, seq, 1 FROM seq_1_to_200000;
INSERT INTO llx_facturedet (fk_facture, description, qty, total_ht, rang)
  SELECT seq, 'Déplacement', 2, seq * 2, 2 FROM seq_1_to_200000;
";

/// Invoices that are not as much as their lines: what a dump of two instants would hold.
pub(crate) const TORN: &str = "SELECT COUNT(*) FROM llx_facture f LEFT JOIN (SELECT fk_facture, SUM(total_ht) AS total FROM llx_facturedet GROUP BY fk_facture) d \
     ON d.fk_facture = f.rowid WHERE d.total IS NULL OR d.total <> f.total_ht";

/// Dolibarr of one room, installed and at work until it is dropped.
pub(crate) struct Erp {
    /// Its end is the sign to stop.
    at_work: Option<mpsc::Sender<()>>,
    people: Option<JoinHandle<u64>>,
    /// After those who speak to it.
    _server: MariaDb,
}

impl Erp {
    pub(crate) fn installed(room: &Room) -> Erp {
        let server = MariaDb::start(room);
        let quoted = PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
        let user = format!(
            "CREATE USER dolibarr@localhost IDENTIFIED BY '{quoted}'; GRANT ALL ON dolibarr.* TO dolibarr@localhost;"
        );
        sql(room, &format!("{TABLES}{user}"));
        let home = room.at(FOLDER);
        std::fs::create_dir_all(home.join("htdocs/conf")).expect("a folder");
        let conf = format!(
            "<?php\n$dolibarr_main_url_root='https://erp.lan';\n$dolibarr_main_data_root='/{FOLDER}/documents';\n\
             $dolibarr_main_db_host='localhost';\n$dolibarr_main_db_port='3306';\n$dolibarr_main_db_name='dolibarr';\n\
             $dolibarr_main_db_prefix='llx_';\n$dolibarr_main_db_user='dolibarr';\n$dolibarr_main_db_pass='{quoted}';\n\
             $dolibarr_main_db_type='mysqli';\n"
        );
        std::fs::write(home.join("htdocs/conf/conf.php"), conf).expect("conf.php");
        for number in INVOICES - 200..=INVOICES {
            print(&home, number);
        }
        let (at_work, stop) = mpsc::channel();
        let mut client = room
            .command("mariadb", &["dolibarr"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("start mariadb");
        let people = std::thread::spawn(move || {
            let done = work(&mut client, &home, &stop);
            drop(client.stdin.take());
            assert!(client.wait().expect("its end").success());
            done
        });
        Erp {
            at_work: Some(at_work),
            people: Some(people),
            _server: server,
        }
    }

    /// Everybody goes home; how many invoices they wrote.
    pub(crate) fn stop(mut self) -> u64 {
        drop(self.at_work.take());
        let people = self.people.take().expect("stopped once");
        people.join().expect("they could write all the time")
    }
}

impl Drop for Erp {
    fn drop(&mut self) {
        drop(self.at_work.take());
        if let Some(people) = self.people.take() {
            let _ = people.join();
        }
    }
}

/// Invoice after invoice, each with its lines in one transaction and then its PDF, as Dolibarr does; an older one is paid.
fn work(client: &mut Child, home: &Path, stop: &mpsc::Receiver<()>) -> u64 {
    let keys = client.stdin.as_mut().expect("its input");
    let mut number = INVOICES;
    // Some twenty a second: the pace of people, not a wait for anything.
    while stop.recv_timeout(Duration::from_millis(50)) == Err(RecvTimeoutError::Timeout) {
        number += 1;
        let paid = number % INVOICES + 1;
        let written = writeln!(
            keys,
            "START TRANSACTION; \
             INSERT INTO llx_facture (rowid, ref, fk_soc, datec, total_ht, fk_statut) VALUES ({number}, 'FA26-{number:06}', 7, NOW(), {number} * 3, 1); \
             INSERT INTO llx_facturedet (fk_facture, description, qty, total_ht, rang) VALUES ({number}, 'Prestation', 1, {number}, 1), ({number}, 'Déplacement', 2, {number} * 2, 2); \
             UPDATE llx_facture SET paye = 1 WHERE rowid = {paid}; COMMIT;"
        );
        written.expect("MariaDB takes what people write");
        print(home, number);
    }
    number - INVOICES
}

fn pdf(home: &Path, number: u64) -> PathBuf {
    let name = format!("FA26-{number:06}");
    home.join(format!("documents/facture/{name}/{name}.pdf"))
}

fn print(home: &Path, number: u64) {
    let file = pdf(home, number);
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    std::fs::write(file, content(number)).expect("a PDF");
}

/// What the PDF of an invoice holds.
pub(crate) fn content(number: u64) -> String {
    format!("%PDF-1.4\n% FA26-{number:06}\n{}\n%%EOF\n", number * 3)
}

/// By the standard client, as root of the box.
fn sql(room: &Room, statements: &str) {
    let mut client: Command = room.command("mariadb", &["--default-character-set=utf8mb4"]);
    let mut client = client
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start mariadb");
    let mut keys = client.stdin.take().expect("its input");
    keys.write_all(statements.as_bytes()).expect("statements");
    drop(keys);
    let output = client.wait_with_output().expect("its end");
    assert!(output.status.success(), "{}", said(&output));
}
