//! Asking for files back: where, then exactly what will be written there and what will be lost.

use super::{Frame, render};
use crate::auth::permit::Reader;
use crate::desk::Desk;
use crate::error::Error;
use crate::path::{self, encode, in_query, shown};
use crate::shelf::look_in;
use crate::words::Words;
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use continuity::{Destination, Planned, RestoreRequest};
use state::Timestamp;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use vault::restore::Overwrite;

/// Of each list, the first so many are shown.
const SHOWN: usize = 20;

/// What exactly a restore would do.
struct Preview {
    /// From where in the snapshot, to which path there.
    placements: Vec<(String, String)>,
    becomes: String,
    totals: String,
    /// What is in the way and what becomes of it, in sentences.
    notes: Vec<String>,
    /// Files whose present content will be lost, and a mark on those newer than the saved ones.
    lost: Vec<(String, bool)>,
    lost_title: String,
    lost_count: u64,
    room: Option<String>,
    /// The folder, percent-encoded: what is confirmed is what was shown.
    folder: String,
    button: String,
}

#[derive(Template)]
#[template(path = "restore_ask.html")]
struct AskPage {
    f: Frame,
    base: String,
    target: String,
    id: String,
    /// Percent-encoded.
    path: String,
    path_shown: String,
    to: String,
    home: bool,
    /// Name and address of each server, and whether it is chosen.
    servers: Vec<(String, String, bool)>,
    server: String,
    overwrite: &'static str,
    problem: Option<String>,
    preview: Option<Preview>,
}

impl AskPage {
    fn is(&self, overwrite: &str) -> bool {
        self.overwrite == overwrite
    }
}

pub(super) fn overwrite(text: &str) -> (Overwrite, &'static str) {
    match text {
        "replace" => (Overwrite::Replace, "replace"),
        "keep" => (Overwrite::Keep, "keep"),
        "older" => (Overwrite::Older, "older"),
        "beside" => (Overwrite::Beside, "beside"),
        _ => (Overwrite::Refuse, "refuse"),
    }
}

pub(super) fn selection(path: &[u8]) -> Vec<Vec<u8>> {
    if path.is_empty() {
        Vec::new()
    } else {
        vec![path.to_vec()]
    }
}

/// A form writes spaces as `+`, also in a query.
fn from_form(query: Option<&str>, name: &str) -> Option<Vec<u8>> {
    in_query(query.map(|q| q.replace('+', "%20")).as_deref(), name)
}

/// What the form says of where; nothing before somebody said something.
fn destination(
    desk: &Desk,
    to: &[u8],
    server: &str,
    home: bool,
    words: &Words,
) -> Result<Option<Destination>, String> {
    let named = (!server.is_empty()).then(|| server.to_owned());
    if home {
        return Ok(Some(Destination {
            server: named,
            folder: None,
        }));
    }
    if to.is_empty() {
        return Ok(None);
    }
    let found = Destination::read(to, &desk.app.config);
    let found = found.map_err(|unknown| format!("failed to {unknown}"))?;
    if found.server.is_some() {
        return Ok(Some(found));
    }
    match to.starts_with(b"/") {
        true => Ok(Some(Destination {
            server: named,
            folder: Some(PathBuf::from(OsString::from_vec(to.to_vec()))),
        })),
        false => Err(words.t("restore-absolute")),
    }
}

fn preview(words: &Words, planned: &Planned) -> Preview {
    let plan = &planned.plan;
    let file = |path: &std::path::Path| shown(path.as_os_str().as_bytes());
    let ways = plan.in_the_way;
    let mut notes = Vec::new();
    for (key, count) in [
        ("restore-same", ways.same),
        ("restore-kept", ways.kept),
        ("restore-beside-count", ways.beside),
        ("restore-blocked", ways.blocked),
    ] {
        if count > 0 {
            notes.push(words.n(key, count));
        }
    }
    if ways.beside > 0
        && let Some(first) = plan.existing.first()
    {
        notes.push(words.t2(
            "restore-beside-name",
            "name",
            file(first),
            "becomes",
            file(&plan.sibling_of(first)),
        ));
    }
    let free = plan.free_bytes.unwrap_or(u64::MAX);
    Preview {
        placements: plan
            .placements
            .iter()
            .map(|p| (shown(&p.from), file(&p.to)))
            .collect(),
        becomes: match &planned.server {
            Some(server) => words.t1("restore-becomes-on", "server", server),
            None => words.t("restore-becomes"),
        },
        totals: words.n_with(
            "restore-totals",
            plan.files,
            &[
                ("folders", &words.count(plan.folders)),
                ("bytes", &words.size(plan.bytes)),
            ],
        ),
        notes,
        lost: plan
            .lost
            .iter()
            .take(SHOWN)
            .map(|(path, newer)| (file(path), *newer))
            .collect(),
        lost_title: match ways.newer {
            0 => words.n("restore-lost", ways.replaced),
            newer => words.n_with(
                "restore-lost-newer",
                ways.replaced,
                &[("newer", &words.count(newer))],
            ),
        },
        lost_count: ways.replaced,
        room: plan.is_too_big().then(|| {
            words.t2(
                "restore-no-room",
                "needed",
                words.size(plan.needed_bytes),
                "free",
                words.size(free),
            )
        }),
        folder: encode(plan.destination.as_os_str().as_bytes()),
        button: words.t1(
            "restore-button",
            "destination",
            shown(planned.to.as_bytes()),
        ),
    }
}

pub(super) async fn ask(
    State(desk): State<Desk>,
    reader: Reader,
    Path((target, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let words = &reader.words;
    let text = |name: &str| {
        let value = from_form(query.as_deref(), name).unwrap_or_default();
        String::from_utf8_lossy(&value).into_owned()
    };
    let path = in_query(query.as_deref(), "path").unwrap_or_default();
    // In the form the path is percent-encoded once more, so that any bytes survive it.
    let path = in_query(query.as_deref(), "encoded")
        .map_or(path, |p| path::decode(&String::from_utf8_lossy(&p)));
    let to = from_form(query.as_deref(), "to").unwrap_or_default();
    let to = to.trim_ascii().to_vec();
    let (server, home) = (text("server"), text("place") == "home");
    let (overwrite, how) = overwrite(&text("overwrite"));
    let (snapshot, wanted) = look_in(&desk, &target, &id, {
        let path = path.clone();
        move |vault, snapshot| {
            if !path.is_empty() {
                vault.node(&snapshot, &path)?;
            }
            Ok((snapshot, path))
        }
    })
    .await?;
    let (mut problem, mut shown_plan) = (None, None);
    match destination(&desk, &to, &server, home, words) {
        Err(what) => problem = Some(what),
        Ok(None) => {}
        Ok(Some(destination)) => {
            let request = RestoreRequest {
                target: target.clone(),
                snapshot: snapshot.id.to_string(),
                paths: selection(&wanted),
                destination,
                overwrite,
            };
            let planned = desk.app.continuity.plan_restore(&request).await;
            match planned.map_err(Error::from) {
                Ok(planned) => shown_plan = Some(planned),
                Err(Error::Inside(cause)) => return Err(Error::Inside(cause)),
                Err(refused) => problem = Some(refused.to_string()),
            }
        }
    }
    let title = words.t2(
        "restore-title",
        "plan",
        words.plan(&snapshot.plan),
        "date",
        words.date(Timestamp(snapshot.finished_ms)),
    );
    // A URL that was typed has found its server.
    let chosen = shown_plan
        .as_ref()
        .map_or(Some(server), |p| p.server.clone());
    let chosen = chosen.unwrap_or_default();
    let servers = desk.app.config.servers.iter().map(|server| {
        let is_it = server.name == chosen;
        (server.name.clone(), server.at.url.to_string(), is_it)
    });
    let refused = problem.is_some();
    let mut response = render(&AskPage {
        base: super::snapshots::address(&target, &snapshot),
        id: snapshot.id.to_string(),
        path_shown: shown(&path),
        path: encode(&path),
        to: String::from_utf8_lossy(&to).into_owned(),
        home,
        servers: servers.collect(),
        server: chosen,
        overwrite: how,
        problem,
        preview: shown_plan.as_ref().map(|planned| preview(words, planned)),
        target,
        f: Frame::new(&desk, &reader, "snapshots", title),
    })?;
    if refused {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}
