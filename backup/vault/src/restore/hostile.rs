//! Trees that somebody made who has the vault's keys: nothing of them lands outside the destination.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Overwrite, RestoreStats, Scratch, execute, plan};
use crate::content::Content;
use crate::format::tree::{self, tests};
use crate::keys::random;
use crate::node::{Node, NodeKind, Segment, Segments};
use crate::session::Session;
use crate::target::{MemoryTarget, ObjectKind};
use crate::writers::Purpose;
use crate::{KdfCost, Kind, Problem, Secret, Snapshot, SnapshotId, Vault, Watch};

struct Forge {
    vault: Vault,
    session: Session,
    watch: Watch,
}

impl Forge {
    fn new() -> Forge {
        let target = std::sync::Arc::new(MemoryTarget::new());
        let secret = Secret::new(b"hostile".to_vec());
        let vault = Vault::create(target, &secret, KdfCost::MINIMUM).unwrap();
        let purpose = Purpose {
            what: "forged".to_owned(),
            sweeps: false,
            now_ms: 1,
        };
        Forge {
            session: Session::begin(&vault.inner, &purpose).unwrap(),
            vault,
            watch: Watch::new(),
        }
    }

    fn file(&mut self, name: &[u8]) -> Node {
        let plain = b"content";
        let id = self
            .session
            .store(ObjectKind::Pack, plain, &self.watch)
            .unwrap();
        Node {
            links: 1,
            mode: 0o644,
            size: plain.len() as u64,
            segments: Segments::Inline(vec![Segment::Chunk {
                id,
                len: plain.len() as u32,
            }]),
            ..tests::node(name, NodeKind::File)
        }
    }

    fn folder(&mut self, name: &[u8], children: &[Node]) -> Node {
        let bytes = tree::encode(children, |node| &node.name);
        let mut content = Content::new(&self.vault.inner.keys);
        let subtree = content.store_tree(&mut self.session, &bytes, &self.watch);
        Node {
            links: 1,
            mode: 0o755,
            subtree: subtree.unwrap(),
            ..tests::node(name, NodeKind::Dir)
        }
    }

    /// A snapshot with these roots, named by whole paths.
    fn commit(mut self, roots: &[Node]) -> (Vault, Snapshot) {
        let subtree = self.folder(b"", roots).subtree;
        let finished = self.session.finish(&self.watch).unwrap();
        let snapshot = Snapshot {
            id: SnapshotId::from_bytes(random().unwrap()),
            seq: 0,
            parents: Vec::new(),
            session: [0; 16],
            tombs: Vec::new(),
            kind: Kind::Files,
            plan: "forged".to_owned(),
            host: "host".to_owned(),
            started_ms: 1,
            finished_ms: 2,
            roots: vec![PathBuf::from("/r")],
            files: 1,
            bytes: 1,
            stored_bytes: 1,
            problems: Vec::new(),
            tree: subtree,
        };
        let snapshot = self.vault.inner.commit(snapshot, finished).unwrap();
        (self.vault, snapshot)
    }
}

fn restored(vault: &Vault, snapshot: &Snapshot, to: &Path) -> (RestoreStats, Vec<Problem>) {
    let plan = plan(vault, snapshot, &[], to, Overwrite::Replace).unwrap();
    execute(vault, &plan, &Watch::new()).unwrap()
}

fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                todo.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

#[test]
fn names_that_lead_out_of_their_folder_cost_only_that_folder() {
    for name in [
        &b".."[..],
        b".",
        b"",
        b"../../escaped",
        b"x/../../escaped",
        b"/tmp/escaped",
        b"a/b",
        b"nul\0byte",
    ] {
        let scratch = Scratch::new(&format!("hostile-{}", name.len()));
        let mut forge = Forge::new();
        let (bad, good) = (forge.file(name), forge.file(b"good"));
        let evil = forge.folder(b"evil", &[bad]);
        let fine = forge.folder(b"fine", &[good]);
        let root = forge.folder(b"/r", &[evil, fine]);
        let (vault, snapshot) = forge.commit(&[root]);
        let to = scratch.0.join("deep/to");
        let (stats, problems) = restored(&vault, &snapshot, &to);
        assert_eq!((stats.files, problems.len()), (1, 1), "{problems:?}");
        let below = |name: &str| to.join(name);
        let want = [
            scratch.0.join("deep"),
            to.clone(),
            below("evil"),
            below("fine"),
            below("fine/good"),
        ];
        assert_eq!(everything(&scratch.0), want, "{name:?}");
        // Archives neither.
        let (mut zip, mut tar) = (Vec::new(), Vec::new());
        assert_eq!(
            crate::zip::write(&vault, &snapshot, b"", &mut zip)
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            crate::tar::write(&vault, &snapshot, b"", &mut tar)
                .unwrap()
                .len(),
            1
        );
        for archive in [zip, tar] {
            let has = |text: &[u8]| archive.windows(text.len()).any(|window| window == text);
            assert!(has(b"good") && !has(b"escaped") && !has(b"a/b"));
        }
    }
}

#[test]
fn a_saved_link_is_no_way_out_for_what_is_saved_below_it() {
    let scratch = Scratch::new("hostile-link");
    let outside = scratch.0.join("outside");
    fs::create_dir(&outside).unwrap();
    let mut forge = Forge::new();
    let target = outside.to_str().unwrap().as_bytes().to_vec();
    let link = Node {
        links: 1,
        xattrs: Vec::new(),
        ..tests::node(b"/r/link", NodeKind::Symlink { target })
    };
    let below = forge.file(b"/r/link/file");
    let (vault, snapshot) = forge.commit(&[link, below]);
    let to = scratch.0.join("to");
    let (stats, problems) = restored(&vault, &snapshot, &to);
    assert_eq!((stats.files, problems.len()), (1, 1), "{problems:?}");
    assert_eq!(everything(&outside), Vec::<PathBuf>::new());
}

#[test]
fn lies_about_a_file_do_not_pass_for_the_file() {
    let scratch = Scratch::new("hostile-lies");
    let mut forge = Forge::new();
    type Lie = fn(&mut Node);
    // Its size cannot be lied about: it is the sum of its parts.
    let lies: [(&[u8], Lie); 2] = [
        (b"d other length", |node| {
            if let Segments::Inline(segments) = &mut node.segments
                && let Some(Segment::Chunk { len, .. }) = segments.first_mut()
            {
                (*len, node.size) = (6, 6);
            }
        }),
        (b"e nowhere", |node| {
            if let Segments::Inline(segments) = &mut node.segments
                && let Some(Segment::Chunk { id, .. }) = segments.first_mut()
            {
                *id = crate::ChunkId::from_bytes([7; 32]);
            }
        }),
    ];
    let mut children = Vec::new();
    for (name, lie) in lies {
        let mut node = forge.file(name);
        lie(&mut node);
        children.push(node);
    }
    children.push(forge.file(b"f true"));
    let root = forge.folder(b"/r", &children);
    let (vault, snapshot) = forge.commit(&[root]);
    let to = scratch.0.join("to");
    let (stats, problems) = restored(&vault, &snapshot, &to);
    assert_eq!((stats.files, problems.len()), (1, 2), "{problems:?}");
    assert_eq!(everything(&to), [to.join("f true")]);
}

#[test]
fn names_of_one_file_that_are_of_different_kinds_become_links_of_the_first_at_most() {
    let scratch = Scratch::new("hostile-kinds");
    let victim = scratch.0.join("victim");
    fs::write(&victim, b"untouched").unwrap();
    let mut forge = Forge::new();
    let target = victim.to_str().unwrap().as_bytes().to_vec();
    let link = Node {
        links: 2,
        ..tests::node(b"a", NodeKind::Symlink { target })
    };
    // The same device and inode: a link's second name is said to be a file.
    let file = Node {
        links: 2,
        ..forge.file(b"b")
    };
    let root = forge.folder(b"/r", &[link, file]);
    let (vault, snapshot) = forge.commit(&[root]);
    let to = scratch.0.join("to");
    restored(&vault, &snapshot, &to);
    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
    assert_eq!(everything(&scratch.0).len(), 4);
}
