//! The ways by which this box tells people, a try of them, and what waits or was sent.

use super::{Frame, render};
use crate::auth::permit::{Act, Reader};
use crate::desk::Desk;
use crate::error::Error;
use crate::story::Mood;
use crate::words::Words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use config::Rhythm;
use continuity::notify::{self, Letter, Tried};

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/notify", get(show))
        .route("/notify/try", post(attempt))
}

struct Row {
    when: String,
    channel: String,
    subject: String,
    mood: Mood,
    state: String,
    answer: String,
}

struct Answer {
    channel: String,
    mood: Mood,
    answer: String,
}

#[derive(Template)]
#[template(path = "notify.html")]
struct Page {
    f: Frame,
    channels: Vec<String>,
    rhythm: String,
    tried: Vec<Answer>,
    letters: Vec<Row>,
}

fn row(words: &Words, letter: Letter) -> Row {
    let (mood, state) = match letter.state {
        notify::State::Waiting if letter.attempts == 0 => (Mood::Plain, words.t("letter-waiting")),
        notify::State::Waiting => (Mood::Care, words.t("letter-waiting")),
        notify::State::Refused => (Mood::Care, words.t("letter-refused")),
        notify::State::Sent => (Mood::Good, words.t("letter-sent")),
        notify::State::Lost => (Mood::Bad, words.t("letter-lost")),
    };
    Row {
        when: words.date(letter.ended.unwrap_or(letter.queued)),
        channel: words.channel(&letter.channel),
        subject: letter.subject,
        mood,
        state,
        answer: letter.answer.unwrap_or_default(),
    }
}

fn answer(words: &Words, tried: Tried) -> Answer {
    Answer {
        channel: words.channel(&tried.channel),
        mood: match tried.answer {
            Ok(_) => Mood::Good,
            Err(_) => Mood::Bad,
        },
        answer: tried.answer.unwrap_or_else(|why| why),
    }
}

async fn page(desk: &Desk, reader: &Reader, tried: Vec<Tried>) -> Result<Response, Error> {
    let words = &reader.words;
    let letters = notify::letters(&desk.app.db, 50).await?;
    let settings = &desk.app.config.notify;
    let rhythm = match settings.every {
        Rhythm::Day => words.t1("notify-every-day", "hour", settings.morning),
        Rhythm::Week => words.t1("notify-every-week", "hour", settings.morning),
    };
    let channels = desk.app.notifier.channels().iter();
    let title = words.t("nav-notify");
    render(&Page {
        channels: channels.map(|c| words.channel(&c.name)).collect(),
        rhythm,
        tried: tried.into_iter().map(|t| answer(words, t)).collect(),
        letters: letters.into_iter().map(|l| row(words, l)).collect(),
        f: Frame::new(desk, reader, "notify", title),
    })
}

async fn show(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    page(&desk, &reader, Vec::new()).await
}

async fn attempt(State(desk): State<Desk>, Act { mut reader, .. }: Act) -> Result<Response, Error> {
    let tried = desk.app.notifier.try_all().await?;
    // The language links of this page lead to one that can be fetched.
    reader.here = "/notify?".to_owned();
    page(&desk, &reader, tried).await
}
