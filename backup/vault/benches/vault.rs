//! Chunker, pipeline, index, planning of a restore. `cargo bench -p vault`, or with a name: `cargo bench -p vault -- index`.
//!
//! Whole operations against other programs are measured by `/benches`.

#![allow(clippy::expect_used, reason = "a bench that cannot go on ends")]

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vault::bench::{Cutter, Places};
use vault::restore::{self, Overwrite};
use vault::target::MemoryTarget;
use vault::writer::{Chunking, Meta, SnapshotWriter};
use vault::{KdfCost, Kind, Secret, Vault, Watch, backup};

const MIB: usize = 1024 * 1024;

/// xorshift: the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn noise(&mut self, len: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next().to_le_bytes());
        words.flatten().take(len).collect()
    }

    /// Lines of a dump: shrinks to about two fifths.
    fn text(&mut self, len: usize) -> Vec<u8> {
        let words = [
            "invoice",
            "customer",
            "Lyon",
            "delivered",
            "pending",
            "2026-11-22",
            "NULL",
            "Dupont",
            "rue de la Gare",
            "EUR",
        ];
        let mut out = Vec::with_capacity(len + 128);
        while out.len() < len {
            let (a, b) = (self.next(), self.next());
            let word = |n: u64| words[(n % words.len() as u64) as usize];
            let line = format!(
                "({}, '{}', '{} {}', {}.{:02}),\n",
                a >> 40,
                word(a),
                word(b),
                word(b >> 8),
                b >> 44,
                b % 100
            );
            out.extend_from_slice(line.as_bytes());
        }
        out.truncate(len);
        out
    }
}

fn vault() -> Vault {
    let password = Secret::new("bench".into());
    let target = Arc::new(MemoryTarget::new());
    Vault::create(target, &password, KdfCost::MINIMUM).expect("a vault in memory")
}

fn chunker(c: &mut Criterion) {
    let mut group = c.benchmark_group("chunker");
    let bytes = Random(1).noise(64 * MIB);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    let cutter = Cutter::default();
    group.bench_function("noise", |b| b.iter(|| cutter.cut(black_box(&bytes))));
    group.finish();
}

fn pipeline(c: &mut Criterion) {
    let mut group = c.benchmark_group("pipeline");
    group.sample_size(10);
    let mut random = Random(2);
    let kinds = [
        ("text", random.text(128 * MIB)),
        ("noise", random.noise(128 * MIB)),
    ];
    let meta = || Meta {
        kind: Kind::Files,
        plan: "bench".to_owned(),
        host: "bench".to_owned(),
        started_ms: 0,
    };
    let store = |vault: &Vault, bytes: &[u8]| {
        let watch = Watch::new();
        let mut writer = SnapshotWriter::begin(vault, meta(), &watch).expect("a session");
        let mut from = bytes;
        let stored = writer.add_stream("bench", &mut from, Chunking::Cdc, 0o600);
        stored.expect("stored");
        writer.finish(1).expect("committed");
    };
    for (name, bytes) in &kinds {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("{name}, first"), |b| {
            b.iter_with_large_drop(|| {
                let vault = vault();
                store(&vault, bytes);
                vault
            });
        });
        let known = vault();
        store(&known, bytes);
        group.bench_function(format!("{name}, known"), |b| {
            b.iter(|| store(&known, bytes));
        });
    }
    group.finish();
}

fn index(c: &mut Criterion) {
    let mut group = c.benchmark_group("index");
    const CHUNKS: u64 = 1_000_000;
    const ASKED: u64 = 10_000;
    group.throughput(Throughput::Elements(ASKED));
    let (there, absent) = (Places::names(5, ASKED), Places::names(CHUNKS * 2, ASKED));
    for (name, limit) in [("in memory", usize::MAX), ("in scratch files", 4 * MIB)] {
        let places = Places::new(CHUNKS, limit);
        assert_eq!(
            (places.found(&there), places.found(&absent)),
            (there.len(), 0)
        );
        group.bench_function(format!("a million {name}, there"), |b| {
            b.iter(|| places.found(black_box(&there)));
        });
        group.bench_function(format!("a million {name}, absent"), |b| {
            b.iter(|| places.found(black_box(&absent)));
        });
    }
    group.finish();
}

/// A folder that goes away.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn plan(c: &mut Criterion) {
    const FILES: u64 = 10_000;
    let scratch = std::env::temp_dir().join(format!("vault-bench-{}", std::process::id()));
    let scratch = Scratch(scratch);
    for n in 0..FILES {
        let folder = scratch.0.join(format!("from/{:02}", n / 100));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("{n}")), format!("content {n}")).expect("a file");
    }
    let vault = vault();
    let request = backup::Request {
        kind: Kind::Files,
        plan: "bench".to_owned(),
        host: "bench".to_owned(),
        roots: vec![scratch.0.join("from")],
        now_ms: 1,
        end_ms: &|| 2,
    };
    let (snapshot, _) = backup::run(&vault, &request, &Watch::new()).expect("saved");
    let mut group = c.benchmark_group("restore");
    group.throughput(Throughput::Elements(FILES));
    group.bench_function("plan", |b| {
        b.iter(|| {
            let to = scratch.0.join("to");
            restore::plan(&vault, &snapshot, &[], &to, Overwrite::Refuse).expect("a plan")
        });
    });
    group.finish();
}

criterion_group!(benches, chunker, pipeline, index, plan);
criterion_main!(benches);
