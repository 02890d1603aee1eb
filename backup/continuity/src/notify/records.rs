//! The outbox, what was told of each incident, and since when a service is not protected.

use super::channel::Channel;
use super::decide::Known;
use super::{Kind, Text};
use crate::records::{count, moment, stored};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use state::db::Error;
use state::wire::Fact;
use state::{Db, Timestamp, journal};
use std::collections::BTreeMap;
use std::time::Duration;

/// Most letters that wait for one channel; one more drops the oldest, which is told in the journal.
const MOST: i64 = 500;
/// Letters that ended stay this long, for the page.
const KEPT: Duration = Duration::from_secs(60 * 86_400);
/// A next try this far ahead was written under another clock.
const AHEAD: Duration = Duration::from_secs(3600);

/// A message in the outbox: one channel, one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    pub id: String,
    pub channel: String,
    /// What it tells; the same is never told twice by one channel.
    pub about: String,
    /// Names the mails that belong together; empty for none.
    pub thread: String,
    pub subject: String,
    pub body: String,
    pub html: String,
    pub queued: Timestamp,
    pub expires: Timestamp,
    pub next: Timestamp,
    pub attempts: u64,
    pub state: State,
    pub ended: Option<Timestamp>,
    /// The server's answer, or why the last attempt failed.
    pub answer: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not sent yet; its channel may be down.
    Waiting,
    /// The server was reached and did not take this one; tried again.
    Refused,
    Sent,
    /// Too old to be worth sending, or dropped because too many waited.
    Lost,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Refused => "refused",
            State::Sent => "sent",
            State::Lost => "lost",
        }
    }

    fn of(text: &str) -> State {
        match text {
            "waiting" => State::Waiting,
            "refused" => State::Refused,
            "sent" => State::Sent,
            _ => State::Lost,
        }
    }
}

impl Letter {
    pub(super) fn new(
        channel: &Channel,
        about: String,
        thread: &str,
        text: &Text,
        now: Timestamp,
        lasts: Duration,
    ) -> Letter {
        let (body, html) = match channel.kind {
            Kind::Mail { .. } => (text.plain.clone(), text.html.clone()),
            Kind::Mattermost { .. } => (text.markdown.clone(), String::new()),
            Kind::Ping(_) => (String::new(), String::new()),
        };
        Letter {
            id: state::id::new(),
            channel: channel.name.clone(),
            about,
            thread: thread.to_owned(),
            subject: text.subject.clone(),
            body,
            html,
            queued: now,
            expires: now + lasts,
            next: now,
            attempts: 0,
            state: State::Waiting,
            ended: None,
            answer: None,
        }
    }

    pub(super) fn to_try(channel: &Channel, text: &Text, now: Timestamp) -> Letter {
        Letter::new(channel, "try".to_owned(), "", text, now, Duration::ZERO)
    }

    pub(super) fn begins_thread(&self) -> bool {
        self.about.starts_with("opened:")
    }
}

/// What is learned and queued together: all of it is kept, or nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    pub(super) known: Vec<(String, Known)>,
    pub(super) letters: Vec<Letter>,
    pub(super) marks: Vec<(&'static str, String)>,
}

/// Last fact read, and last day told.
pub(super) const JOURNAL: &str = "journal";
pub(super) const MORNING: &str = "morning";

pub(super) async fn mark(db: &Db, name: &str) -> Result<Option<String>, Error> {
    let row = sqlx::query("SELECT value FROM notify_mark WHERE name = $1")
        .bind(name)
        .fetch_optional(db.read())
        .await?;
    Ok(row.map(|row| row.try_get("value")).transpose()?)
}

pub(super) async fn known(db: &Db) -> Result<BTreeMap<String, Known>, Error> {
    let rows = sqlx::query(
        "SELECT object, thread, sentence, since_ms, is_open, opened, window_ms, muted, doubted_ms FROM told",
    )
    .fetch_all(db.read())
    .await?;
    let list = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>((
            row.try_get("object")?,
            Known {
                thread: row.try_get("thread")?,
                sentence: row.try_get("sentence")?,
                since: Timestamp(row.try_get("since_ms")?),
                open: row.try_get::<i64, _>("is_open")? != 0,
                opened: count(row.try_get("opened")?),
                window: Timestamp(row.try_get("window_ms")?),
                muted: row.try_get::<i64, _>("muted")? != 0,
                doubted: moment(row, "doubted_ms")?,
            },
        ))
    });
    Ok(list.collect::<Result<_, _>>()?)
}

pub(super) async fn keep(db: &Db, batch: Batch, now: Timestamp) -> Result<(), Error> {
    db.write(move |conn| {
        Box::pin(async move {
            for (object, known) in batch.known {
                remember(&mut *conn, object, known).await?;
            }
            for letter in batch.letters {
                queue(&mut *conn, letter, now).await?;
            }
            for (name, value) in batch.marks {
                sqlx::query(
                    "INSERT INTO notify_mark (name, value) VALUES ($1, $2) \
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )
                .bind(name)
                .bind(value)
                .execute(&mut *conn)
                .await?;
            }
            Ok(())
        })
    })
    .await
}

async fn remember(
    conn: &mut AnyConnection,
    object: String,
    known: Known,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO told (object, thread, sentence, since_ms, is_open, opened, window_ms, muted, doubted_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (object) DO UPDATE SET thread = excluded.thread, sentence = excluded.sentence, \
         since_ms = excluded.since_ms, is_open = excluded.is_open, opened = excluded.opened, \
         window_ms = excluded.window_ms, muted = excluded.muted, doubted_ms = excluded.doubted_ms",
    )
    .bind(object)
    .bind(known.thread)
    .bind(known.sentence)
    .bind(known.since.0)
    .bind(i64::from(known.open))
    .bind(stored(known.opened))
    .bind(known.window.0)
    .bind(i64::from(known.muted))
    .bind(known.doubted.map(|at| at.0))
    .execute(conn)
    .await
    .map(drop)
}

/// A letter about the same thing by the same channel is the same letter. While the channel is down a new one waits
/// with the others, so that they leave in their order.
async fn queue(
    conn: &mut AnyConnection,
    letter: Letter,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS waiting, MIN(number) AS oldest, MIN(next_ms) AS next_ms FROM outbox \
         WHERE channel = $1 AND state = 'waiting'",
    )
    .bind(letter.channel.clone())
    .fetch_one(&mut *conn)
    .await?;
    if row.try_get::<i64, _>("waiting")? >= MOST
        && let Some(oldest) = row.try_get::<Option<i64>, _>("oldest")?
    {
        let full = format!(
            "{MOST} messages wait for {}: the oldest was dropped",
            letter.channel
        );
        lose(&mut *conn, oldest, &letter.channel, full, now).await?;
    }
    let next = row.try_get::<Option<i64>, _>("next_ms")?.unwrap_or(now.0);
    sqlx::query(
        "INSERT INTO outbox (number, id, channel, about, thread, subject, body, html, queued_ms, expires_ms, \
         next_ms, attempts, state) \
         SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 'waiting' FROM outbox \
         WHERE 1 = 1 ON CONFLICT (channel, about) DO NOTHING",
    )
    .bind(letter.id)
    .bind(letter.channel)
    .bind(letter.about)
    .bind(letter.thread)
    .bind(letter.subject)
    .bind(letter.body)
    .bind(letter.html)
    .bind(letter.queued.0)
    .bind(letter.expires.0)
    .bind(next)
    .execute(conn)
    .await
    .map(drop)
}

async fn lose(
    conn: &mut AnyConnection,
    number: i64,
    channel: &str,
    why: String,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let subject: String = sqlx::query("SELECT subject FROM outbox WHERE number = $1")
        .bind(number)
        .fetch_one(&mut *conn)
        .await?
        .try_get("subject")?;
    sqlx::query("UPDATE outbox SET state = 'lost', ended_ms = $1, answer = $2 WHERE number = $3")
        .bind(now.0)
        .bind(why.clone())
        .bind(number)
        .execute(&mut *conn)
        .await?;
    let fact = Fact::MessageLost {
        channel: channel.to_owned(),
        subject,
        why,
    };
    journal::append(conn, now, &fact).await
}

const LETTER: &str = "SELECT number, id, channel, about, thread, subject, body, html, queued_ms, expires_ms, next_ms, \
                      attempts, state, ended_ms, answer FROM outbox";

fn letter_of(row: &AnyRow) -> Result<Letter, sqlx::Error> {
    Ok(Letter {
        id: row.try_get("id")?,
        channel: row.try_get("channel")?,
        about: row.try_get("about")?,
        thread: row.try_get("thread")?,
        subject: row.try_get("subject")?,
        body: row.try_get("body")?,
        html: row.try_get("html")?,
        queued: Timestamp(row.try_get("queued_ms")?),
        expires: Timestamp(row.try_get("expires_ms")?),
        next: Timestamp(row.try_get("next_ms")?),
        attempts: count(row.try_get("attempts")?),
        state: State::of(&row.try_get::<String, _>("state")?),
        ended: moment(row, "ended_ms")?,
        answer: row.try_get("answer")?,
    })
}

/// The newest `limit` letters, newest first.
pub async fn letters(db: &Db, limit: i64) -> Result<Vec<Letter>, Error> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "{LETTER} ORDER BY number DESC LIMIT $1"
    )))
    .bind(limit)
    .fetch_all(db.read())
    .await?;
    Ok(rows.iter().map(letter_of).collect::<Result<_, _>>()?)
}

/// The oldest letter of a channel that may be tried now, or when the next may.
pub(super) async fn due(
    db: &Db,
    channel: &str,
    now: Timestamp,
) -> Result<(Option<Letter>, Option<Timestamp>), Error> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "{LETTER} WHERE channel = $1 AND state IN ('waiting', 'refused') AND (next_ms <= $2 OR next_ms > $3) \
         ORDER BY number LIMIT 1"
    )))
    .bind(channel)
    .bind(now.0)
    .bind((now + AHEAD).0)
    .fetch_optional(db.read())
    .await?;
    let next = sqlx::query(
        "SELECT MIN(next_ms) AS next_ms FROM outbox WHERE channel = $1 AND state IN ('waiting', 'refused')",
    )
    .bind(channel)
    .fetch_one(db.read())
    .await?;
    let letter = row.as_ref().map(letter_of).transpose()?;
    Ok((letter, moment(&next, "next_ms")?))
}

pub(super) async fn sent(
    db: &Db,
    letter: &Letter,
    answer: String,
    now: Timestamp,
) -> Result<(), Error> {
    let letter = letter.clone();
    db.write(move |conn| {
        Box::pin(async move {
            sqlx::query(
                "UPDATE outbox SET state = 'sent', ended_ms = $1, answer = $2, attempts = attempts + 1 WHERE id = $3",
            )
            .bind(now.0)
            .bind(answer)
            .bind(letter.id.clone())
            .execute(&mut *conn)
            .await?;
            // The server is there: what waited for it need not wait longer.
            sqlx::query("UPDATE outbox SET next_ms = $1 WHERE channel = $2 AND state = 'waiting'")
                .bind(now.0)
                .bind(letter.channel.clone())
                .execute(&mut *conn)
                .await?;
            sqlx::query(
                "DELETE FROM outbox WHERE ended_ms < $1 AND number < (SELECT MAX(number) FROM outbox)",
            )
            .bind((now - KEPT).0)
            .execute(&mut *conn)
            .await?;
            let fact = Fact::MessageSent {
                channel: letter.channel,
                subject: letter.subject,
            };
            journal::append(conn, now, &fact).await
        })
    })
    .await
}

/// A message that a person asked for; it was in no outbox.
pub(super) async fn sent_by_hand(db: &Db, letter: &Letter) {
    let fact = Fact::MessageSent {
        channel: letter.channel.clone(),
        subject: letter.subject.clone(),
    };
    if let Err(error) = journal::record(db, letter.queued, fact).await {
        tracing::error!(%error, "failed to record a message");
    }
}

/// After a failed attempt. One that `refused` this letter says nothing of the others; one that did not reach the
/// server holds up all of them, in their order.
pub(super) async fn failed(
    db: &Db,
    letter: &Letter,
    refused: bool,
    why: String,
    next: Timestamp,
) -> Result<(), Error> {
    let letter = letter.clone();
    db.write(move |conn| {
        Box::pin(async move {
            if refused {
                sqlx::query(
                    "UPDATE outbox SET attempts = attempts + 1, next_ms = $1, answer = $2, state = 'refused' \
                     WHERE id = $3",
                )
                .bind(next.0)
                .bind(why)
                .bind(letter.id)
                .execute(conn)
                .await
                .map(drop)
            } else {
                sqlx::query(
                    "UPDATE outbox SET attempts = attempts + 1, next_ms = $1, answer = $2 \
                     WHERE channel = $3 AND (state = 'waiting' OR id = $4)",
                )
                .bind(next.0)
                .bind(why)
                .bind(letter.channel)
                .bind(letter.id)
                .execute(conn)
                .await
                .map(drop)
            }
        })
    })
    .await
}

pub(super) async fn expired(db: &Db, letter: &Letter, now: Timestamp) -> Result<(), Error> {
    let letter = letter.clone();
    db.write(move |conn| {
        Box::pin(async move {
            let number: i64 = sqlx::query("SELECT number FROM outbox WHERE id = $1")
                .bind(letter.id)
                .fetch_one(&mut *conn)
                .await?
                .try_get("number")?;
            let why = letter
                .answer
                .unwrap_or_else(|| "it was too late".to_owned());
            lose(conn, number, &letter.channel, why, now).await
        })
    })
    .await
}

/// Since when each service is not protected, as seen from here.
pub(super) async fn exposed(db: &Db) -> Result<BTreeMap<String, Timestamp>, Error> {
    let rows = sqlx::query("SELECT plan, since_ms FROM exposed")
        .fetch_all(db.read())
        .await?;
    let list = rows.iter().map(|row| {
        Ok::<_, sqlx::Error>((row.try_get("plan")?, Timestamp(row.try_get("since_ms")?)))
    });
    Ok(list.collect::<Result<_, _>>()?)
}

/// Services that are no longer protected, and those that are again.
pub(super) async fn expose(
    db: &Db,
    begun: Vec<String>,
    over: Vec<String>,
    now: Timestamp,
) -> Result<(), Error> {
    db.write(move |conn| {
        Box::pin(async move {
            for plan in begun {
                sqlx::query(
                    "INSERT INTO exposed (plan, since_ms) VALUES ($1, $2) ON CONFLICT (plan) DO NOTHING",
                )
                .bind(plan)
                .bind(now.0)
                .execute(&mut *conn)
                .await?;
            }
            for plan in over {
                sqlx::query("DELETE FROM exposed WHERE plan = $1")
                    .bind(plan)
                    .execute(&mut *conn)
                    .await?;
            }
            Ok(())
        })
    })
    .await
}

/// How many runs succeeded and failed since, bytes they added, and how many restores for real passed and failed.
pub(super) async fn since(db: &Db, since: Timestamp) -> Result<super::Week, Error> {
    let runs = sqlx::query("SELECT outcome, stored_bytes FROM run WHERE finished_ms >= $1")
        .bind(since.0)
        .fetch_all(db.read())
        .await?;
    let proofs = sqlx::query("SELECT passed FROM proof WHERE at_ms >= $1 AND level = 'restored'")
        .bind(since.0)
        .fetch_all(db.read())
        .await?;
    let mut week = super::Week::default();
    for row in &runs {
        let outcome: Option<String> = row.try_get("outcome")?;
        match outcome.as_deref() {
            Some("done" | "problems") => week.saved += 1,
            _ => week.failed += 1,
        }
        week.stored_bytes += count(row.try_get("stored_bytes")?);
    }
    for row in &proofs {
        match row.try_get::<i64, _>("passed")? {
            0 => week.not_restored += 1,
            _ => week.restored += 1,
        }
    }
    Ok(week)
}
