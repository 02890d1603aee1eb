//! Makes the data sets of the comparison with the peers: the same bytes for the same seed, on any machine.
//!
//! `data SET FOLDER SEED SCALE day1` fills an empty folder; `... day2` turns what day 1 left into the next day.
//! One file without dependencies: `rustc -O data.rs`. It prints what it made or changed, in bytes.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// xoshiro256** seeded by splitmix64.
struct Rng([u64; 4]);

fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Rng {
    fn new(seed: u64, stream: u64) -> Rng {
        let mut state = seed ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93);
        mix(&mut state);
        Rng([mix(&mut state), mix(&mut state), mix(&mut state), mix(&mut state)])
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end.max(1))) >> 64) as u64
    }

    fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from).max(1))
    }

    fn chance(&mut self, of_thousand: u64) -> bool {
        self.below(1000) < of_thousand
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Log-normal around `median`, as sizes of files are, kept within bounds.
    fn size(&mut self, median: f64, sigma: f64, low: u64, high: u64) -> usize {
        let normal = (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        ((median * (sigma * normal).exp()) as u64).clamp(low, high) as usize
    }

    fn noise(&mut self, out: &mut Vec<u8>, len: usize) {
        let end = out.len() + len;
        while out.len() < end {
            out.extend_from_slice(&self.next().to_le_bytes());
        }
        out.truncate(end);
    }
}

/// Words as frequent as words are: the n-th is n times rarer than the first.
struct Words {
    words: Vec<String>,
    table: Vec<u16>,
    phrases: Vec<Vec<u16>>,
}

impl Words {
    fn new(seed: u64) -> Words {
        let mut rng = Rng::new(seed, 1);
        let heads = ["b", "c", "d", "f", "g", "l", "m", "n", "p", "r", "s", "t", "v", "ch", "pr", "tr", "st", "gr", "", ""];
        let hearts = ["a", "e", "i", "o", "u", "ai", "ou", "en", "on", "er", "an", "eu"];
        let tails = ["", "", "", "s", "t", "r", "n", "l", "ment", "tion"];
        let mut words = Vec::new();
        for n in 0..16_000 {
            let syllables = match n {
                0..=40 => 1,
                41..=600 => rng.between(1, 3),
                _ => rng.between(2, 5),
            };
            let mut word = String::new();
            for _ in 0..syllables {
                word.push_str(heads[rng.below(20) as usize]);
                word.push_str(hearts[rng.below(12) as usize]);
            }
            word.push_str(tails[rng.below(10) as usize]);
            words.push(word);
        }
        let total: f64 = (1..=words.len()).map(|n| 1.0 / (n as f64 + 2.0)).sum();
        let (mut table, mut sum) = (Vec::new(), 0.0);
        for n in 0..words.len() {
            sum += 1.0 / (n as f64 + 3.0) / total;
            while table.len() < (sum * 65_536.0) as usize {
                table.push(n as u16);
            }
        }
        let last = words.len() as u16 - 1;
        table.resize(65_536, last);
        let phrases = (0..4000)
            .map(|_| (0..rng.between(3, 7)).map(|_| table[rng.below(65_536) as usize]).collect())
            .collect();
        Words { words, table, phrases }
    }

    fn word(&self, rng: &mut Rng) -> &str {
        &self.words[self.table[rng.below(65_536) as usize] as usize]
    }

    /// Sentences; some phrases come again, as they do in what people write.
    fn text(&self, rng: &mut Rng, out: &mut Vec<u8>, len: usize) {
        let end = out.len() + len;
        let mut words = 0;
        while out.len() < end {
            if rng.chance(120) {
                for &n in &self.phrases[rng.below(4000) as usize] {
                    out.extend_from_slice(self.words[n as usize].as_bytes());
                    out.push(b' ');
                }
            } else {
                out.extend_from_slice(self.word(rng).as_bytes());
                out.push(b' ');
            }
            words += 1;
            if words % 11 == 0 {
                out.pop();
                out.extend_from_slice(if rng.chance(150) { b".\n" } else { b", " });
            }
        }
        out.truncate(end);
    }

    /// Records as databases, spreadsheets and programs keep them: repeating structure, changing values.
    fn records(&self, rng: &mut Rng, out: &mut Vec<u8>, len: usize) {
        let end = out.len() + len;
        let kinds: Vec<[u8; 12]> = (0..200)
            .map(|_| {
                let mut bytes = [0; 12];
                bytes[..8].copy_from_slice(&rng.next().to_le_bytes());
                bytes[8..].copy_from_slice(&(rng.next() as u32).to_le_bytes());
                bytes
            })
            .collect();
        while out.len() < end {
            let kind = &kinds[(rng.below(200) * rng.below(200) / 200) as usize];
            out.extend_from_slice(&kind[..4 + (kind[0] % 9) as usize]);
            if rng.chance(500) {
                out.extend_from_slice(&(rng.next() as u16).to_le_bytes());
            }
            if rng.chance(100) {
                out.extend_from_slice(self.word(rng).as_bytes());
            }
        }
        out.truncate(end);
    }

    fn csv(&self, rng: &mut Rng, out: &mut Vec<u8>, len: usize) {
        let end = out.len() + len;
        let mut number = rng.below(100_000);
        while out.len() < end {
            number += rng.between(1, 4);
            let day = rng.between(1, 29);
            let cents = rng.size(9000.0, 1.3, 1, 90_000_000);
            let line = format!(
                "{number};2026-{:02}-{day:02};{};{};{}.{:02};{}\n",
                rng.between(1, 12), self.word(rng), self.word(rng), cents / 100, cents % 100, rng.below(12)
            );
            out.extend_from_slice(line.as_bytes());
        }
        out.truncate(end);
    }

    fn source(&self, rng: &mut Rng, out: &mut Vec<u8>, len: usize, area: u64) {
        let end = out.len() + len;
        // Each area of the tree has its own names, and few of them.
        let mut own = Rng::new(area, 7);
        let names: Vec<String> = (0..60).map(|_| format!("{}_{}", self.word(&mut own), self.word(&mut own))).collect();
        let name = |rng: &mut Rng| &names[(rng.below(60) * rng.below(60) / 60) as usize];
        let licence = (area % 5) as u8;
        out.extend_from_slice(format!("// SPDX-License-Identifier: LICENCE-{licence}\n/*\n * ").as_bytes());
        self.text(&mut Rng::new(u64::from(licence), 9), out, 420);
        out.extend_from_slice(b"\n */\n");
        for _ in 0..rng.between(2, 9) {
            out.extend_from_slice(format!("#include <{}/{}.h>\n", self.word(&mut own), name(rng)).as_bytes());
        }
        while out.len() < end {
            let (what, first, second) = (name(rng), name(rng), name(rng));
            out.extend_from_slice(
                format!("\nstatic int {what}_{}(struct {first} *{}, unsigned int flags)\n{{\n", self.word(rng), self.word(rng)).as_bytes(),
            );
            for _ in 0..rng.between(3, 18) {
                let line = match rng.below(7) {
                    0 => format!("\tif (!{first}->{}) {{\n\t\treturn -EINVAL;\n\t}}\n", self.word(rng)),
                    1 => format!("\t{} = {second}({first}, {});\n", self.word(rng), rng.below(256)),
                    2 => format!("\t/* {} {} {} {} {} */\n", self.word(rng), self.word(rng), self.word(rng), self.word(rng), self.word(rng)),
                    3 => format!("\tfor (i = 0; i < {first}->count; i++)\n\t\t{second}(&{first}->{}[i]);\n", self.word(rng)),
                    4 => format!("\tmutex_lock(&{first}->lock);\n\t{first}->{} |= 0x{:04x};\n\tmutex_unlock(&{first}->lock);\n", self.word(rng), rng.below(65_536)),
                    5 => format!("\tdev_err({first}->dev, \"{} {} %d\\n\", {});\n", self.word(rng), self.word(rng), self.word(rng)),
                    _ => format!("\t{first}->{} = {};\n", self.word(rng), self.word(rng)),
                };
                out.extend_from_slice(line.as_bytes());
            }
            out.extend_from_slice(b"\treturn 0;\n}\n");
        }
    }
}

struct Job {
    root: PathBuf,
    seed: u64,
    scale: f64,
    words: Words,
    made: u64,
}

type Done = io::Result<()>;

impl Job {
    fn count(&self, full: u64) -> u64 {
        ((full as f64 * self.scale) as u64).max(1)
    }

    fn write(&mut self, path: &Path, data: &[u8], age_hours: u64) -> Done {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = File::create(path)?;
        file.write_all(data)?;
        self.made += data.len() as u64;
        let when = SystemTime::now() - Duration::from_secs(age_hours * 3600);
        file.set_times(FileTimes::new().set_modified(when))
    }

    // ---- office: documents that are zips inside, pictures, mails, tables; 0.73 GB ----

    fn office_file(&self, rng: &mut Rng, out: &mut Vec<u8>) -> &'static str {
        match rng.below(100) {
            0..=29 => {
                out.extend_from_slice(b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0");
                let len = rng.size(60_000.0, 1.2, 9_000, 4_000_000);
                rng.noise(out, len);
                out.extend_from_slice(b"word/document.xmlPK\x05\x06\0\0");
                "docx"
            }
            30..=49 => {
                let len = rng.size(180_000.0, 1.1, 12_000, 8_000_000);
                out.extend_from_slice(b"%PDF-1.7\n");
                while out.len() < len {
                    out.extend_from_slice(b"\n12 0 obj << /Type /Page /Parent 3 0 R /Length 4096 >> stream\n");
                    let piece = rng.between(2_000, 60_000) as usize;
                    rng.noise(out, piece);
                    let piece = rng.between(100, 6_000) as usize;
                    self.words.text(rng, out, piece);
                }
                "pdf"
            }
            50..=56 => {
                let len = rng.size(900_000.0, 0.8, 60_000, 6_000_000);
                out.extend_from_slice(b"\xff\xd8\xff\xe0\0\x10JFIF");
                rng.noise(out, len);
                "jpg"
            }
            57..=74 => {
                out.extend_from_slice(b"From: a@example.org\nTo: b@example.org\nContent-Type: text/plain\n\n");
                let len = rng.size(7_000.0, 1.3, 300, 600_000);
                self.words.text(rng, out, len);
                "eml"
            }
            75..=86 => {
                let len = rng.size(40_000.0, 1.6, 500, 9_000_000);
                self.words.text(rng, out, len);
                "txt"
            }
            87..=96 => {
                let len = rng.size(120_000.0, 1.6, 500, 12_000_000);
                self.words.csv(rng, out, len);
                "csv"
            }
            _ => {
                let len = rng.size(120_000.0, 1.0, 8_000, 4_000_000);
                self.words.records(rng, out, len);
                "xls"
            }
        }
    }

    fn office1(&mut self) -> Done {
        let mut rng = Rng::new(self.seed, 100);
        let mut former: Vec<(Vec<u8>, &str)> = Vec::new();
        let mut data = Vec::new();
        for n in 0..self.count(3_000) {
            data.clear();
            let kind = match rng.chance(30) && !former.is_empty() {
                true => {
                    let (old, kind) = &former[rng.below(former.len() as u64) as usize];
                    data.extend_from_slice(old);
                    kind
                }
                false => self.office_file(&mut rng, &mut data),
            };
            if former.len() < 64 {
                former.push((data.clone(), kind));
            }
            let path = self.root.join(format!(
                "service {}/{} {}/{} {n}.{kind}",
                n % 12, self.words.word(&mut rng), n % 150, self.words.word(&mut rng)
            ));
            self.write(&path, &data, rng.between(24, 20_000))?;
        }
        data.clear();
        let len = (60e6 * self.scale) as usize;
        self.words.text(&mut rng, &mut data, len);
        self.write(&self.root.join("mail/archive.mbox"), &data, 24)
    }

    fn office2(&mut self) -> Done {
        let mut rng = Rng::new(self.seed, 101);
        let mut data = Vec::new();
        for path in files(&self.root)? {
            let kind = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_owned();
            if !rng.chance(30) && kind != "mbox" {
                continue;
            }
            let old = fs::read(&path)?;
            data.clear();
            match kind.as_str() {
                // Saved again by its program: nothing inside stays as it was.
                "docx" => {
                    data.extend_from_slice(&old[..16]);
                    rng.noise(&mut data, old.len().saturating_sub(16));
                }
                "csv" => {
                    data.extend_from_slice(&old);
                    self.words.csv(&mut rng, &mut data, 4_000);
                }
                "mbox" => {
                    data.extend_from_slice(&old);
                    let len = (2e6 * self.scale) as usize;
                    self.words.text(&mut rng, &mut data, len);
                }
                "txt" | "eml" => {
                    let at = rng.below(old.len() as u64) as usize;
                    data.extend_from_slice(&old[..at]);
                    self.words.text(&mut rng, &mut data, 300);
                    data.extend_from_slice(&old[at..]);
                }
                "xls" => {
                    data.extend_from_slice(&old);
                    let at = rng.below(old.len() as u64 - 600) as usize;
                    let mut new = Vec::new();
                    self.words.records(&mut rng, &mut new, 600);
                    data[at..at + 600].copy_from_slice(&new);
                }
                _ => continue,
            }
            self.write(&path, &data, 1)?;
        }
        for n in 0..self.count(40) {
            data.clear();
            let kind = self.office_file(&mut rng, &mut data);
            self.write(&self.root.join(format!("service {}/new/{n}.{kind}", n % 12)), &data, 1)?;
        }
        fs::rename(self.root.join("service 3"), self.root.join("service 3 (archive)"))
    }

    // ---- sql: a dump as pg_dump writes it, rows in the order of their key; 0.75 GB ----

    fn row(&self, table: u64, n: u64, version: u64, out: &mut Vec<u8>) {
        let mut rng = Rng::new(self.seed ^ (n << 8) ^ (version << 50), 200 + table);
        let w = |rng: &mut Rng| self.words.word(rng).to_owned();
        let line = match table {
            0 => format!("{n}\t{} {}\t{}@{}.example\t2026-{:02}-{:02} {:02}:{:02}:{:02}\t{}\n", w(&mut rng), w(&mut rng), w(&mut rng), w(&mut rng),
                rng.between(1, 12), rng.between(1, 29), rng.below(24), rng.below(60), rng.below(60), ["t", "f"][rng.below(2) as usize]),
            1 => format!("{n}\t{}\t{}\t{}.{:02}\tEUR\t2026-{:02}-{:02} {:02}:{:02}:{:02}.{:06}\t{}\t\\N\n", rng.below(900_000), rng.below(40_000), rng.below(2_000), rng.below(100),
                rng.between(1, 12), rng.between(1, 29), rng.below(24), rng.below(60), rng.below(60), rng.below(1_000_000), ["new", "paid", "sent", "closed"][rng.below(4) as usize]),
            2 => format!("{n}\t{:016x}{:016x}\t{}\t{}\n", rng.next(), rng.next(), rng.below(3_000_000), rng.below(500)),
            _ => {
                let mut text = Vec::new();
                let len = rng.between(80, 420) as usize;
                self.words.text(&mut rng, &mut text, len);
                format!("{n}\t{}\t{}\n", rng.below(900_000), String::from_utf8_lossy(&text).replace('\n', "\\n"))
            }
        };
        out.extend_from_slice(line.as_bytes());
    }

    /// What the night changed: new rows at the end of tables, runs of rows and single rows updated here and there.
    fn sql(&mut self, day: u64) -> Done {
        let sizes = [600_000u64, 3_000_000, 3_200_000, 1_250_000].map(|n| self.count(n));
        let mut rng = Rng::new(self.seed, 201);
        let temporary = self.root.join("dump.sql.new");
        fs::create_dir_all(&self.root)?;
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&temporary)?);
        let (mut line, mut new) = (Vec::new(), 0u64);
        for (table, &rows) in sizes.iter().enumerate() {
            let table = table as u64;
            let runs: Vec<(u64, u64)> = (0..self.count(30)).map(|_| (rng.below(rows), rng.between(100, 1_500))).collect();
            let mut singles: Vec<u64> = (0..self.count(60)).map(|_| rng.below(rows)).collect();
            singles.sort_unstable();
            file.write_all(format!("\nCOPY public.table_{table} FROM stdin;\n").as_bytes())?;
            let more = if day == 1 { 0 } else { rows / 100 };
            for n in 0..rows + more {
                let is_changed = day == 2
                    && (n >= rows || runs.iter().any(|&(from, len)| n >= from && n < from + len) || singles.binary_search(&n).is_ok());
                line.clear();
                self.row(table, n, u64::from(is_changed), &mut line);
                if is_changed {
                    new += line.len() as u64;
                }
                self.made += line.len() as u64;
                file.write_all(&line)?;
            }
            file.write_all(b"\\.\n")?;
        }
        file.flush()?;
        if day == 2 {
            self.made = new;
        }
        fs::rename(temporary, self.root.join("dump.sql"))
    }

    // ---- image: a raw disk, two fifths never written; 1.5 GiB ----

    fn image1(&mut self) -> Done {
        let mut rng = Rng::new(self.seed, 300);
        fs::create_dir_all(&self.root)?;
        let file = File::create(self.root.join("disk.raw"))?;
        let len = self.count(1536 << 8) * 4096;
        file.set_len(len)?;
        let (mut at, mut data) = (0u64, Vec::new());
        while at < len {
            let room = (len - at) as usize;
            data.clear();
            let kind = rng.below(1000);
            let size = match kind {
                0..=11 => rng.size(12e6, 0.8, 1 << 20, 60 << 20),
                _ => rng.size(60_000.0, 1.8, 500, 16 << 20),
            };
            match kind {
                0..=11 => {
                    at += (size as u64).div_ceil(4096) * 4096;
                    continue;
                }
                12..=400 => self.words.text(&mut rng, &mut data, size.min(room)),
                401..=650 => rng.noise(&mut data, size.min(room)),
                _ => self.words.records(&mut rng, &mut data, size.min(room)),
            }
            file.write_all_at(&data, at)?;
            self.made += data.len() as u64;
            at += (size as u64).div_ceil(4096) * 4096;
        }
        Ok(())
    }

    /// Some 5000 pages of 4 KiB, in short runs, in 180 neighbourhoods of 1 MiB: as a day's work leaves a disk.
    fn image2(&mut self) -> Done {
        let mut rng = Rng::new(self.seed, 301);
        let file = OpenOptions::new().write(true).open(self.root.join("disk.raw"))?;
        let pages = file.metadata()?.len() / 4096;
        let mut data = Vec::new();
        for _ in 0..self.count(180) {
            let from = rng.below(pages.saturating_sub(256).max(1));
            for _ in 0..7 {
                let (first, run) = (from + rng.below(248), rng.between(1, 8));
                data.clear();
                match rng.below(3) {
                    0 => rng.noise(&mut data, run as usize * 4096),
                    1 => self.words.text(&mut rng, &mut data, run as usize * 4096),
                    _ => self.words.records(&mut rng, &mut data, run as usize * 4096),
                }
                file.write_all_at(&data, first * 4096)?;
                self.made += data.len() as u64;
            }
        }
        Ok(())
    }

    // ---- source: 80,000 files of program text ----

    fn source_file(&self, rng: &mut Rng, n: u64, data: &mut Vec<u8>) {
        data.clear();
        let len = rng.size(3_600.0, 1.1, 200, 300_000);
        self.words.source(rng, data, len, n / 400);
    }

    fn source1(&mut self) -> Done {
        let mut rng = Rng::new(self.seed, 400);
        let mut data = Vec::new();
        for n in 0..self.count(80_000) {
            self.source_file(&mut rng, n, &mut data);
            let name = format!("area{}/part{}/{}_{n}.c", n / 4000, n / 400, self.words.word(&mut rng));
            self.write(&self.root.join(name), &data, rng.between(24, 20_000))?;
        }
        Ok(())
    }

    fn source2(&mut self) -> Done {
        let mut rng = Rng::new(self.seed, 401);
        let mut data = Vec::new();
        for path in files(&self.root)? {
            if rng.chance(2) {
                fs::remove_file(&path)?;
            } else if rng.chance(10) {
                let mut text = fs::read(&path)?;
                for _ in 0..rng.between(1, 4) {
                    let at = rng.below(text.len() as u64) as usize;
                    let line = format!("\n\t{} = {}({});\n", self.words.word(&mut rng), self.words.word(&mut rng), rng.below(1000));
                    text.splice(at..at, line.into_bytes());
                }
                self.write(&path, &text, 1)?;
            }
        }
        for n in 0..self.count(200) {
            self.source_file(&mut rng, n * 7, &mut data);
            self.write(&self.root.join(format!("area0/new/{n}.c")), &data, 1)?;
        }
        fs::rename(self.root.join("area0/part0"), self.root.join("area0/renamed"))
    }

    // ---- tiny: 200,000 files of 100 to 2000 bytes ----

    fn tiny_file(&self, rng: &mut Rng, data: &mut Vec<u8>) {
        data.clear();
        let len = rng.between(100, 2_000) as usize;
        match rng.below(20) {
            0..=2 => rng.noise(data, len),
            3..=9 => self.words.text(rng, data, len),
            10..=13 => self.words.csv(rng, data, len),
            _ => {
                while data.len() < len {
                    let line = format!("{{\"id\":{},\"name\":\"{} {}\",\"state\":\"{}\",\"at\":{}}}\n", rng.below(1_000_000), self.words.word(rng), self.words.word(rng),
                        ["open", "closed", "waiting"][rng.below(3) as usize], 1_790_000_000 + rng.below(10_000_000));
                    data.extend_from_slice(line.as_bytes());
                }
                data.truncate(len);
            }
        }
    }

    fn tiny1(&mut self) -> Done {
        let mut rng = Rng::new(self.seed, 500);
        let mut data = Vec::new();
        for n in 0..self.count(200_000) {
            self.tiny_file(&mut rng, &mut data);
            self.write(&self.root.join(format!("{:02}/{:03}/{:06x}", n / 10_000, n / 200, n.wrapping_mul(0x9e37))), &data, rng.between(24, 20_000))?;
        }
        Ok(())
    }

    fn tiny2(&mut self) -> Done {
        let mut rng = Rng::new(self.seed, 501);
        let mut data = Vec::new();
        for path in files(&self.root)? {
            if rng.chance(5) {
                fs::remove_file(&path)?;
            } else if rng.chance(10) {
                self.tiny_file(&mut rng, &mut data);
                self.write(&path, &data, 1)?;
            }
        }
        for n in 0..self.count(1_000) {
            self.tiny_file(&mut rng, &mut data);
            self.write(&self.root.join(format!("{:02}/new/{n}", n % 20)), &data, 1)?;
        }
        Ok(())
    }
}

/// In the order of their names, so that the same seed changes the same files anywhere.
fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries: Vec<_> = fs::read_dir(root)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    let mut found = Vec::new();
    for entry in entries {
        match entry.file_type()?.is_dir() {
            true => found.extend(files(&entry.path())?),
            false => found.push(entry.path()),
        }
    }
    Ok(found)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, set, root, seed, scale, day] = args.as_slice() else {
        return Err("usage: data office|sql|image|source|tiny FOLDER SEED SCALE day1|day2".into());
    };
    let seed = seed.parse()?;
    let mut job = Job { root: PathBuf::from(root), seed, scale: scale.parse()?, words: Words::new(seed), made: 0 };
    match (set.as_str(), day.as_str()) {
        ("office", "day1") => job.office1()?,
        ("office", "day2") => job.office2()?,
        ("sql", "day1") => job.sql(1)?,
        ("sql", "day2") => job.sql(2)?,
        ("image", "day1") => job.image1()?,
        ("image", "day2") => job.image2()?,
        ("source", "day1") => job.source1()?,
        ("source", "day2") => job.source2()?,
        ("tiny", "day1") => job.tiny1()?,
        ("tiny", "day2") => job.tiny2()?,
        _ => return Err(format!("no set {set} or day {day}").into()),
    }
    println!("{}", job.made);
    Ok(())
}
