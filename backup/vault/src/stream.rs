//! A stream saved as the only file of a snapshot: what a program writes, without a copy on disk.

use std::io::Read;
use std::sync::atomic::Ordering;

use crate::backup::Request;
use crate::content::{Content, Failed, Stored};
use crate::format::tree;
use crate::keys::random;
use crate::node::{Node, NodeKind, Segments};
use crate::session::Session;
use crate::writer::Chunking;
use crate::writers::Purpose;
use crate::{ChunkId, Error, Snapshot, SnapshotId, Vault, Watch};

/// Saves what `from` gives as the file `name` (a plain name, no `/`); the request names no roots. Fails, without a
/// snapshot, when reading fails: a reader that knows that what it gave is not whole says so by an error at the end.
pub fn stream(
    vault: &Vault,
    request: &Request<'_>,
    name: &[u8],
    from: &mut dyn Read,
    watch: &Watch,
) -> Result<Snapshot, Error> {
    let shown = || crate::problem::show(name);
    let wrong = |what: &str| Error::BadRoot {
        path: shown(),
        what: what.to_owned(),
    };
    if !tree::is_plain(name) {
        return Err(wrong("it is not a plain file name"));
    }
    if !request.roots.is_empty() {
        return Err(wrong("folders and a stream are not saved together"));
    }
    let inner = &vault.inner;
    let purpose = Purpose {
        what: request.plan.clone(),
        sweeps: false,
        now_ms: request.now_ms,
    };
    let mut session = Session::begin(inner, &purpose)?;
    let mut content = Content::new(&inner.keys);
    let mut stored = Stored::default();
    let each =
        |session: &mut Session, id: ChunkId, plain: &[u8]| stored.chunk(session, id, plain, watch);
    content
        .store(&mut session, from, Chunking::Cdc, watch, each)
        .map_err(|failed| match failed {
            Failed::Read(source) => Error::Source {
                what: shown(),
                source,
            },
            Failed::Vault(error) => error,
        })?;
    let size = stored.size;
    let mut node = node(name, request.now_ms);
    node.size = size;
    (node.segments, node.content_hash) = stored.finish(&mut session, watch)?;
    let list = tree::encode(&[node], |node| &node.name);
    let tree = content.store_tree(&mut session, &list, watch)?;
    watch.files_done.fetch_add(1, Ordering::Relaxed);
    // The stream may have ended because of what cancels us.
    if watch.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let finished = session.finish(watch)?;
    let snapshot = Snapshot {
        id: SnapshotId::from_bytes(random()?),
        seq: 0,
        parents: Vec::new(),
        session: [0; 16],
        tombs: Vec::new(),
        kind: request.kind,
        plan: request.plan.clone(),
        host: request.host.clone(),
        started_ms: request.now_ms,
        finished_ms: (request.end_ms)(),
        roots: Vec::new(),
        files: 1,
        bytes: size,
        stored_bytes: finished.stored_bytes,
        problems: Vec::new(),
        tree,
    };
    inner.commit(snapshot, finished)
}

/// A file that nobody else may read, written at that time.
fn node(name: &[u8], now_ms: i64) -> Node {
    let seconds = now_ms.div_euclid(1000);
    let nanos = u32::try_from(now_ms.rem_euclid(1000) * 1_000_000).unwrap_or(0);
    Node {
        name: name.to_vec(),
        path: name.to_vec(),
        kind: NodeKind::File,
        size: 0,
        mode: 0o600,
        uid: 0,
        gid: 0,
        mtime_s: seconds,
        mtime_ns: nanos,
        atime_s: seconds,
        atime_ns: nanos,
        ctime_s: seconds,
        ctime_ns: nanos,
        device: 0,
        inode: 0,
        links: 1,
        xattrs: Vec::new(),
        content_hash: None,
        segments: Segments::default(),
        subtree: Vec::new(),
    }
}
