//! Asking for a saved database back in a new one: on which server, then exactly what will be made there.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::shelf::look_in;
use crate::words::{Told, Words};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use config::DatabaseUrl;
use continuity::{DatabasePlanned, DatabaseRequest, SavedDatabase};
use state::Timestamp;

/// What exactly will be made.
struct Preview {
    /// As it was saved.
    from: String,
    /// As it will be.
    to: String,
    totals: String,
    also: Option<String>,
    /// A user that may do much there lets the statements of the dump do as much.
    powerful: bool,
    /// By which it is confirmed.
    confirm: String,
    button: String,
}

/// One of several dumps.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "restore_database.html")]
struct Page {
    f: Frame,
    base: String,
    choices: Vec<Choice>,
    to: String,
    example: String,
    problem: Option<Told>,
    preview: Option<Preview>,
}

fn label(saved: &SavedDatabase) -> String {
    let folder = saved.dump.rsplit('/').next().unwrap_or_default();
    let name = saved.database.as_ref().map(|(name, _)| name.as_str());
    match name {
        Some(name) if name != folder => format!("{name} ({folder})"),
        _ => folder.to_owned(),
    }
}

/// A URL to begin with: the same kind of server, a name that is likely free.
fn example(saved: &[SavedDatabase]) -> String {
    let first = saved.iter().find_map(|one| one.database.as_ref());
    let (name, kind) = match first {
        Some((name, kind)) => (name.as_str(), *kind),
        None => ("erp", config::DatabaseKind::MariaDb),
    };
    format!("{}://root@localhost/{name}_retour", kind.scheme())
}

fn preview(words: &Words, planned: &DatabasePlanned, confirm: String) -> Preview {
    let manifest = &planned.manifest;
    let also = [
        ("restore-db-views", manifest.views),
        ("restore-db-triggers", manifest.triggers),
        ("restore-db-routines", manifest.routines),
        ("restore-db-events", manifest.events),
    ];
    let also: Vec<String> = also
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(key, count)| words.n(key, count))
        .collect();
    Preview {
        from: words.with(
            "restore-db-from",
            &[
                ("database", &manifest.database),
                ("date", &words.date(Timestamp(manifest.taken_ms))),
                ("engine", &manifest.engine.name()),
                ("version", &manifest.engine_version),
            ],
        ),
        to: words.with(
            "restore-db-becomes",
            &[
                ("name", &planned.to.name),
                ("url", &planned.to),
                ("version", &planned.server.version),
            ],
        ),
        totals: words.n_with(
            "restore-db-totals",
            manifest.tables.len() as u64,
            &[
                ("rows", &words.count(manifest.rows())),
                ("bytes", &words.size(planned.bytes)),
            ],
        ),
        also: (!also.is_empty()).then(|| also.join(" · ")),
        powerful: planned.server.powerful,
        confirm,
        button: words.t1("restore-db-button", "name", &planned.to.name),
    }
}

/// What was typed.
#[derive(Default)]
struct Asked {
    dump: String,
    to: String,
}

async fn page(
    desk: &Desk,
    reader: &Reader,
    (target, id): (String, String),
    asked: Asked,
    shown: Result<Option<(DatabasePlanned, String)>, String>,
) -> Result<Response, Error> {
    let words = &reader.words;
    let snapshot = look_in(desk, &target, &id, |_, snapshot| Ok(snapshot)).await?;
    let of = snapshot.id.to_string();
    let saved = desk.app.continuity.saved_databases(&target, &of).await?;
    if saved.is_empty() {
        return Err(Error::NotFound(words.t("restore-db-none")));
    }
    let title = words.t2(
        "restore-db-title",
        "plan",
        words.plan(&snapshot.plan),
        "date",
        words.date(Timestamp(snapshot.finished_ms)),
    );
    let (problem, planned) = match shown {
        Ok(planned) => (None, planned),
        Err(why) => (Some(words.told(&why)), None),
    };
    let refused = problem.is_some();
    let choices = saved.iter().map(|one| Choice {
        value: one.dump.clone(),
        label: label(one),
        chosen: one.dump == asked.dump,
    });
    let mut response = render(&Page {
        base: super::snapshots::address(&target, &snapshot),
        choices: choices.collect(),
        example: example(&saved),
        to: asked.to,
        problem,
        preview: planned.map(|(planned, confirm)| preview(words, &planned, confirm)),
        f: Frame::new(desk, reader, "snapshots", title),
    })?;
    if refused {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

pub(super) async fn ask(
    State(desk): State<Desk>,
    reader: Reader,
    Path(of): Path<(String, String)>,
) -> Result<Response, Error> {
    page(&desk, &reader, of, Asked::default(), Ok(None)).await
}

/// By POST, as a password is among what was typed.
pub(super) async fn show(
    State(desk): State<Desk>,
    Path((target, id)): Path<(String, String)>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    let asked = Asked {
        dump: fields.get("dump").to_owned(),
        to: fields.get("to").trim().to_owned(),
    };
    let password = fields.get("password");
    let shown = match DatabaseUrl::parse(&asked.to) {
        Err(wrong) => Err(reader.words.t1("restore-db-url", "why", wrong)),
        Ok(to) => {
            let mut request = DatabaseRequest {
                target: target.clone(),
                snapshot: id.clone(),
                dump: (!asked.dump.is_empty()).then(|| asked.dump.clone()),
                to,
                password: (!password.is_empty()).then(|| password.to_owned()),
            };
            let planned = desk.app.continuity.plan_database(&request).await;
            match planned.map_err(Error::from) {
                Ok(planned) => {
                    // What is confirmed is what was shown.
                    request.snapshot.clone_from(&planned.snapshot);
                    request.dump = Some(planned.dump.clone());
                    let kept = &desk.live.shown;
                    let confirm = kept.keep(request, &reader.name, desk.app.clock.now());
                    Ok(Some((planned, confirm)))
                }
                Err(Error::Inside(cause)) => return Err(Error::Inside(cause)),
                Err(refused) => Err(refused.to_string()),
            }
        }
    };
    page(&desk, &reader, (target, id), asked, shown).await
}

/// Somebody confirmed what was shown.
pub(super) async fn start(
    State(desk): State<Desk>,
    Act { reader, fields }: Act,
) -> Result<Response, Error> {
    let now = desk.app.clock.now();
    let shown = desk
        .live
        .shown
        .take(fields.get("confirm"), &reader.name, now);
    let request = shown.ok_or_else(|| Error::Invalid(reader.words.t("restore-db-too-late")))?;
    let continuity = &desk.app.continuity;
    let id = continuity.start_database(request, &reader.name).await?;
    Ok(Redirect::to(&format!("/restores/{id}")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::DatabaseKind;

    #[test]
    fn a_dump_is_named_by_its_database_and_the_example_is_of_its_kind() {
        let saved = |folder: &str, name: Option<&str>| SavedDatabase {
            dump: format!("/.reprise/databases/{folder}"),
            database: name.map(|name| (name.to_owned(), DatabaseKind::PostgreSql)),
        };
        let all = [
            saved("broken", None),
            saved("cloud", Some("cloud")),
            saved("cloud-2", Some("cloud")),
        ];
        let labels: Vec<String> = all.iter().map(label).collect();
        assert_eq!(labels, ["broken", "cloud", "cloud (cloud-2)"]);
        assert_eq!(example(&all), "postgresql://root@localhost/cloud_retour");
        assert!(DatabaseUrl::parse(&example(&all)).is_ok());
        assert!(DatabaseUrl::parse(&example(&all[..1])).is_ok());
    }
}
