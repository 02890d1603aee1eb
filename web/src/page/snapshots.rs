//! The points in time of every target, and the folders in them.

use super::{Frame, render};
use crate::auth::permit::Reader;
use crate::desk::Desk;
use crate::error::Error;
use crate::path::{encode, in_query, shown};
use crate::shelf::{look, look_in};
use crate::words::Words;
use askama::Template;
use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use state::Timestamp;
use vault::{Kind, Node, NodeKind, Snapshot};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/snapshots", get(list))
        .route("/snapshots/{target}/{id}", get(browse))
}

/// A snapshot in a list.
struct Row {
    link: String,
    when: String,
    plan: String,
    host: String,
    files: String,
    bytes: String,
    added: String,
    /// How many things could not be saved, when any.
    problems: Option<String>,
}

struct TargetView {
    name: String,
    /// Newest first.
    snapshots: Vec<Row>,
    /// That older ones are not shown.
    older: Option<String>,
    problems: Vec<(String, String)>,
    /// Why it could not be opened.
    closed: Option<String>,
}

#[derive(Template)]
#[template(path = "snapshots.html")]
struct ListPage {
    f: Frame,
    targets: Vec<TargetView>,
}

const SHOWN: usize = 200;

pub(super) fn address(target: &str, snapshot: &Snapshot) -> String {
    format!("/snapshots/{}/{}", encode(target.as_bytes()), snapshot.id)
}

fn row(words: &Words, target: &str, s: &Snapshot) -> Row {
    Row {
        link: address(target, s),
        when: words.date(Timestamp(s.finished_ms)),
        plan: words.plan(&s.plan),
        host: s.host.clone(),
        files: words.count(s.files),
        bytes: words.size(s.bytes),
        added: words.size(s.stored_bytes),
        problems: (!s.problems.is_empty()).then(|| words.count(s.problems.len() as u64)),
    }
}

async fn list(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    let words = &reader.words;
    let mut targets = Vec::new();
    for target in &desk.app.config.targets {
        let mut view = TargetView {
            name: target.name.clone(),
            snapshots: Vec::new(),
            older: None,
            problems: Vec::new(),
            closed: None,
        };
        match look(&desk, &target.name, |vault| vault.snapshots()).await {
            Ok((snapshots, problems)) => {
                // Images have their own page.
                let listed: Vec<_> = snapshots
                    .iter()
                    .rev()
                    .filter(|s| s.kind != Kind::Image)
                    .collect();
                let older = listed.len().saturating_sub(SHOWN) as u64;
                view.older = (older > 0).then(|| words.n("snapshots-older", older));
                view.snapshots = listed
                    .into_iter()
                    .take(SHOWN)
                    .map(|s| row(words, &target.name, s))
                    .collect();
                view.problems = problems.into_iter().map(|p| (p.object, p.what)).collect();
            }
            // One target away must not hide the others.
            Err(Error::Inside(cause)) => return Err(Error::Inside(cause)),
            Err(refused) => view.closed = Some(refused.to_string()),
        }
        targets.push(view);
    }
    let title = words.t("nav-snapshots");
    render(&ListPage {
        targets,
        f: Frame::new(&desk, &reader, "snapshots", title),
    })
}

/// One step of the way to a folder.
#[derive(Debug, PartialEq)]
struct Crumb {
    name: String,
    /// Percent-encoded path; `None` for where we are.
    path: Option<String>,
}

/// The way from the snapshot's root (one of `roots`) down to `path`. Pure.
fn crumbs(roots: &[Vec<u8>], path: &[u8]) -> Vec<Crumb> {
    if path.is_empty() {
        return Vec::new();
    }
    let root = roots
        .iter()
        .filter(|r| {
            path == r.as_slice()
                || (path.starts_with(r) && path.get(r.len()) == Some(&b'/'))
                || r.as_slice() == b"/"
        })
        .max_by_key(|r| r.len());
    let mut ends = Vec::new();
    let start = root.map_or(0, Vec::len);
    if start > 0 {
        ends.push(start);
    }
    for (place, byte) in path.iter().enumerate().skip(start + 1) {
        if *byte == b'/' {
            ends.push(place);
        }
    }
    if ends.last() != Some(&path.len()) {
        ends.push(path.len());
    }
    let mut from = 0;
    ends.iter()
        .map(|&end| {
            let name = if from == 0 {
                &path[..end]
            } else {
                path[from..end]
                    .strip_prefix(b"/")
                    .unwrap_or(&path[from..end])
            };
            from = end;
            Crumb {
                name: shown(name),
                path: (end < path.len()).then(|| encode(&path[..end])),
            }
        })
        .collect()
}

/// An entry of a folder.
struct Entry {
    name: String,
    /// Percent-encoded path.
    path: String,
    shape: &'static str,
    kind: String,
    folder: bool,
    file: bool,
    size: String,
    modified: String,
    /// Where a link points.
    points_to: Option<String>,
}

fn entry(words: &Words, node: &Node, at_roots: bool) -> Entry {
    let (shape, kind) = match &node.kind {
        NodeKind::File => ("▫", words.t("kind-file")),
        NodeKind::Dir => ("▸", words.t("kind-folder")),
        NodeKind::Symlink { .. } => ("↗", words.t("kind-link")),
        NodeKind::Fifo | NodeKind::Socket => ("∘", words.t("kind-pipe")),
        NodeKind::CharDevice { .. } | NodeKind::BlockDevice { .. } => ("∘", words.t("kind-device")),
    };
    Entry {
        name: shown(if at_roots { &node.path } else { &node.name }),
        path: encode(&node.path),
        shape,
        kind,
        folder: node.is_dir(),
        file: node.is_file(),
        size: if node.is_file() {
            words.size(node.size)
        } else {
            String::new()
        },
        modified: words.date(Timestamp(node.mtime_s.saturating_mul(1000))),
        points_to: match &node.kind {
            NodeKind::Symlink { target } => Some(shown(target)),
            _ => None,
        },
    }
}

#[derive(Template)]
#[template(path = "browse.html")]
struct BrowsePage {
    f: Frame,
    base: String,
    row: Row,
    target: String,
    id: String,
    crumbs: Vec<Crumb>,
    /// Percent-encoded path of this folder.
    path: String,
    /// At the top of a restore point that holds one.
    database: bool,
    entries: Vec<Entry>,
    more: Option<String>,
    problems: Vec<(String, String)>,
    problems_title: String,
}

/// The dump of a database is a root of its own.
fn is_dump(path: &[u8]) -> bool {
    path.starts_with(b"/.reprise/databases/")
}

/// A folder of a million entries is not one page.
const ENTRIES: usize = 2000;

async fn browse(
    State(desk): State<Desk>,
    reader: Reader,
    Path((target, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let words = &reader.words;
    let folder = in_query(query.as_deref(), "path").unwrap_or_default();
    let from: usize = in_query(query.as_deref(), "from")
        .and_then(|v| String::from_utf8(v).ok()?.parse().ok())
        .unwrap_or(0);
    let wanted = folder.clone();
    let (snapshot, nodes) = look_in(&desk, &target, &id, move |vault, snapshot| {
        let nodes = vault.list(&snapshot, &wanted)?;
        Ok((snapshot, nodes))
    })
    .await?;
    let roots: Vec<Vec<u8>> = snapshot
        .roots
        .iter()
        .map(|r| r.as_os_str().as_encoded_bytes().to_vec())
        .collect();
    let title = words.t2(
        "snapshot-title",
        "plan",
        words.plan(&snapshot.plan),
        "date",
        words.date(Timestamp(snapshot.finished_ms)),
    );
    let base = address(&target, &snapshot);
    let next = from.saturating_add(ENTRIES);
    render(&BrowsePage {
        row: row(words, &target, &snapshot),
        id: snapshot.id.to_string(),
        crumbs: crumbs(&roots, &folder),
        path: encode(&folder),
        database: folder.is_empty() && nodes.iter().any(|node| is_dump(&node.path)),
        more: (nodes.len() > next).then(|| format!("{base}?path={}&from={next}", encode(&folder))),
        entries: nodes
            .iter()
            .skip(from)
            .take(ENTRIES)
            .map(|n| entry(words, n, folder.is_empty()))
            .collect(),
        problems_title: words.n("run-problems", snapshot.problems.len() as u64),
        problems: snapshot
            .problems
            .iter()
            .map(|p| (shown(p.object.as_bytes()), p.what.clone()))
            .collect(),
        base,
        target,
        f: Frame::new(&desk, &reader, "snapshots", title),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_folder() {
        let roots = vec![b"/srv/compta".to_vec(), b"/srv/compta/x".to_vec()];
        let names = |path: &[u8]| {
            crumbs(&roots, path)
                .into_iter()
                .map(|c| (c.name, c.path))
                .collect::<Vec<_>>()
        };
        let s = |t: &str| t.to_owned();
        assert_eq!(names(b""), []);
        assert_eq!(names(b"/srv/compta"), [(s("/srv/compta"), None)]);
        assert_eq!(
            names(b"/srv/compta/a b/\xff"),
            [
                (s("/srv/compta"), Some(s("/srv/compta"))),
                (s("a b"), Some(s("/srv/compta/a%20b"))),
                (s("\u{fffd}"), None)
            ]
        );
        // A neighbour whose name only begins like a root is not below it.
        assert_eq!(
            names(b"/srv/comptabilite"),
            [(s("/srv"), Some(s("/srv"))), (s("comptabilite"), None)]
        );
        assert_eq!(crumbs(&[b"/".to_vec()], b"/etc/ssl").len(), 3);
        assert_eq!(names(b"disk.raw"), [(s("disk.raw"), None)]);
    }
}
