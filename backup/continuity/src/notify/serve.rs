//! Reads the journal into the outbox, and says good morning; `deliver` sends the outbox.

use super::channel::{Channel, FAIL, SUCCESS};
use super::decide::{DOUBT, Event, Known, Say, decide};
use super::deliver::unsent;
use super::records::{self, Batch, JOURNAL, Letter, MORNING};
use super::{Message, Notifier, Text, hour, morning, overdue};
use crate::run;
use crate::trouble::Trouble;
use jiff::civil::Date;
use state::wire::Fact;
use state::{Timestamp, journal};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) const BEAT: Duration = Duration::from_secs(1);
/// How often ages and verdicts are looked at.
pub(super) const ROUND: Duration = Duration::from_secs(60);
/// Within this time of a start, what is due begins.
const SETTLED: Duration = Duration::from_secs(15);
/// After a start, what was missed is made up for before its age is an incident, and before the morning message.
const CATCHING_UP: Duration = Duration::from_secs(15 * 60);
/// A box that did not look for so long was asleep.
const ASLEEP: Duration = Duration::from_secs(5 * 60);
/// Facts read at a time.
const FACTS: i64 = 500;

/// How long a message is worth sending.
const INCIDENT_LASTS: Duration = Duration::from_secs(7 * 86_400);
const MORNING_LASTS: Duration = Duration::from_secs(48 * 3600);
/// A late ping would vouch for a night nobody asks about any more.
const PING_LASTS: Duration = Duration::from_secs(12 * 3600);

impl Notifier {
    /// Until `shutdown`; a message that is being sent then gets its answer first.
    pub async fn serve(&self, shutdown: CancellationToken) {
        let mut tasks = JoinSet::new();
        for channel in self.channels.iter() {
            let (this, channel, token) = (self.clone(), channel.clone(), shutdown.clone());
            tasks.spawn(async move { this.deliver(&channel, token).await });
        }
        self.watch(shutdown).await;
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "the sender of messages ended on a fault; restart reprise");
            }
        }
    }

    async fn watch(&self, shutdown: CancellationToken) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut commits = self.continuity.db.commits();
        commits.mark_changed();
        let clock = &self.continuity.clock;
        // By what nobody sets: a clock put back would make us young for as long.
        let mut started = clock.steady();
        let mut before = clock.reading();
        let (mut looked, mut told): (Option<Timestamp>, bool) = (None, false);
        let mut morning: Option<Date> = None;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = beat.tick() => {}
            }
            let reading = clock.reading();
            let slept = reading.steady.saturating_sub(before.steady) >= ASLEEP;
            if slept || reading.set_since(before).is_some() {
                // What is due now by that clock is made up for first, as after a start.
                started = reading.steady;
            }
            before = reading;
            let (now, up) = (reading.wall, reading.steady.saturating_sub(started));
            let mut done = Ok(());
            if commits.has_changed().unwrap_or(true) {
                commits.mark_unchanged();
                done = self.listen(now).await;
            }
            // Also when the clock was put back.
            if done.is_ok() && looked.is_none_or(|at| now < at || now.since(at) >= ROUND) {
                looked = Some(now);
                done = self.round(up, now).await;
            }
            if done.is_ok() {
                done = self.good_morning(&mut morning, up, now).await;
            }
            match done {
                Ok(()) => told = false,
                Err(error) => {
                    commits.mark_changed();
                    if !told {
                        tracing::error!(%error, "failed to look for what is to be told; trying again each second");
                        told = true;
                    }
                }
            }
        }
    }

    /// Facts that are news go into the outbox, in the same write as the place in the journal that was reached.
    pub(super) async fn listen(&self, now: Timestamp) -> Result<(), crate::Error> {
        let db = &self.continuity.db;
        let mut known = records::known(db).await?;
        let mut reached = match records::mark(db, JOURNAL).await? {
            Some(text) => text.parse().unwrap_or(0),
            None => self.begin(&mut known, now).await?,
        };
        loop {
            let head = journal::head(db).await?;
            if head <= reached {
                return Ok(());
            }
            let entries = journal::after(db, reached, FACTS).await?;
            // Facts of a newer version are not among them, and are passed over.
            reached = match entries.last() {
                Some(last) if entries.len() as i64 == FACTS => last.number,
                _ => head,
            };
            let lasting = self.lasting().await?;
            let mut batch = Batch::default();
            for entry in &entries {
                match &entry.fact {
                    Fact::Trouble { object, sentence } => {
                        let event = Event::Begins(sentence);
                        self.learn(&mut known, &mut batch, object, event, entry.at, now);
                    }
                    Fact::TroubleOver { object } => {
                        self.learn(&mut known, &mut batch, object, Event::Over, entry.at, now);
                    }
                    // What this package holds in its own table outlives the process; the rest must be told again.
                    Fact::ApplianceStarted { .. } => {
                        let open: Vec<String> = known
                            .iter()
                            .filter(|(object, k)| k.open && !lasting.contains(*object))
                            .map(|(object, _)| object.clone())
                            .collect();
                        for object in open {
                            let event = Event::Restarted;
                            self.learn(&mut known, &mut batch, &object, event, now, now);
                        }
                    }
                    _ => {}
                }
            }
            batch.marks.push((JOURNAL, reached.to_string()));
            records::keep(db, batch, now).await?;
        }
    }

    /// The first time: from the last start of the appliance on, and what goes on already.
    async fn begin(
        &self,
        known: &mut BTreeMap<String, Known>,
        now: Timestamp,
    ) -> Result<i64, crate::Error> {
        let db = &self.continuity.db;
        let newest = journal::troubles(db, 1000).await?;
        let start = newest
            .iter()
            .find(|e| matches!(e.fact, Fact::ApplianceStarted { .. }));
        let reached = match start {
            Some(start) => start.number,
            None => journal::head(db).await?,
        };
        let mut batch = Batch::default();
        for trouble in crate::records::troubles(db).await? {
            let event = Event::Begins(&trouble.sentence);
            self.learn(known, &mut batch, &trouble.object, event, now, now);
        }
        batch.marks.push((JOURNAL, reached.to_string()));
        records::keep(db, batch, now).await?;
        Ok(reached)
    }

    async fn lasting(&self) -> Result<BTreeSet<String>, crate::Error> {
        let troubles = crate::records::troubles(&self.continuity.db).await?;
        Ok(troubles.into_iter().map(|t| t.object).collect())
    }

    fn learn(
        &self,
        known: &mut BTreeMap<String, Known>,
        batch: &mut Batch,
        object: &str,
        event: Event<'_>,
        at: Timestamp,
        now: Timestamp,
    ) {
        let (row, say) = decide(known.get(object), event, at, &state::id::new());
        let Some(row) = row else { return };
        if let Some(say) = say {
            let sentence = row.sentence.clone();
            let (object, since) = (object.to_owned(), row.since);
            let message = match say {
                Say::Opened | Say::ComesAndGoes => Message::Opened {
                    object,
                    sentence,
                    at,
                    comes_and_goes: say == Say::ComesAndGoes,
                },
                Say::Over => Message::Over {
                    object,
                    sentence,
                    since,
                    at,
                },
            };
            let about = match say {
                Say::Over => format!("over:{}", row.thread),
                _ => format!("opened:{}", row.thread),
            };
            let own = |channel: &Channel| match &message {
                Message::Opened { object, .. } | Message::Over { object, .. } => {
                    *object == unsent(channel)
                }
                _ => false,
            };
            let text = (self.compose)(&message);
            for channel in self.channels.iter().filter(|c| c.is_read() && !own(c)) {
                let letter = Letter::new(
                    channel,
                    about.clone(),
                    &row.thread,
                    &text,
                    now,
                    INCIDENT_LASTS,
                );
                batch.letters.push(letter);
            }
        }
        batch.known.push((object.to_owned(), row.clone()));
        known.insert(object.to_owned(), row);
    }

    /// Ages of backups, since when a service is not protected, incidents nobody vouches for any more.
    async fn round(&self, up: Duration, now: Timestamp) -> Result<(), crate::Error> {
        let db = &self.continuity.db;
        let mut known = records::known(db).await?;
        let mut batch = Batch::default();
        let forgotten: Vec<String> = known
            .iter()
            .filter(|(_, k)| k.doubted.is_some_and(|at| now.since(at) >= DOUBT))
            .map(|(object, _)| object.clone())
            .collect();
        for object in forgotten {
            self.learn(&mut known, &mut batch, &object, Event::Over, now, now);
        }
        if !batch.known.is_empty() {
            records::keep(db, batch, now).await?;
        }
        let overview = self.continuity.overview().await?;
        let (begun, over) = morning::exposure(&overview, &records::exposed(db).await?);
        if !begun.is_empty() || !over.is_empty() {
            records::expose(db, begun, over, now).await?;
        }
        let open = self.lasting().await?;
        let busy = run::records::open(db).await?;
        let busy = busy.into_iter().map(|run| (run.plan, run.target)).collect();
        for (object, old) in overdue::overdue(&overview, &busy, &open) {
            let is_open = open.contains(&object);
            if old == is_open || (old && up < CATCHING_UP) {
                continue;
            }
            let found = old.then(|| {
                let target = object.rsplit_once(" on target ").map(|(_, target)| target);
                let target = target.and_then(|name| self.continuity.config.target(name));
                let disk = target.is_some_and(|target| target.removable.is_some());
                let kind = if disk { "disk late" } else { "overdue" };
                (kind, overdue::sentence(&object, disk))
            });
            self.continuity.incident(&object, found).await;
        }
        Ok(())
    }

    /// `told` is the last day told, as far as this process knows; it spares a look each second.
    async fn good_morning(
        &self,
        told: &mut Option<Date>,
        up: Duration,
        now: Timestamp,
    ) -> Result<(), crate::Error> {
        let db = &self.continuity.db;
        let (zone, notify) = (self.continuity.timezone(), &self.continuity.config.notify);
        if told.is_none() {
            let mark = records::mark(db, MORNING).await?;
            let known = mark.and_then(|text| text.parse().ok());
            // A first start has had no night to tell of: if the hour has passed, tomorrow is the first day.
            let first = || hour::passed(now, &zone, notify.morning).unwrap_or(Date::ZERO);
            let day = known.unwrap_or_else(first);
            if known.is_none() {
                let mut batch = Batch::default();
                batch.marks.push((MORNING, day.to_string()));
                records::keep(db, batch, now).await?;
            }
            *told = Some(day);
        }
        let Some(day) = hour::morning(now, &zone, notify.morning, notify.every, *told) else {
            return Ok(());
        };
        // A box that was off all night first does what it missed, then tells of it.
        if up < SETTLED || (up < CATCHING_UP && !self.continuity.work.idle()) {
            return Ok(());
        }
        let known = records::known(db).await?;
        let troubles: Vec<Trouble> = open_troubles(known);
        let gathered = self.gather(day, troubles, now).await?;
        let good = morning::good_night(&gathered.overview, &gathered.troubles);
        let text = (self.compose)(&Message::Morning(Box::new(gathered)));
        let ping = Text {
            subject: if good { SUCCESS } else { FAIL }.to_owned(),
            plain: String::new(),
            html: String::new(),
            markdown: String::new(),
        };
        let mut batch = Batch::default();
        for channel in self.channels.iter().filter(|c| c.tells(good)) {
            let (text, lasts) = match channel.is_read() {
                true => (&text, MORNING_LASTS),
                false => (&ping, PING_LASTS),
            };
            let letter = Letter::new(channel, format!("morning:{day}"), "", text, now, lasts);
            batch.letters.push(letter);
        }
        batch.marks.push((MORNING, day.to_string()));
        records::keep(db, batch, now).await?;
        *told = Some(day);
        Ok(())
    }
}

fn open_troubles(known: BTreeMap<String, Known>) -> Vec<Trouble> {
    let mut open: Vec<Trouble> = known
        .into_iter()
        .filter(|(_, k)| k.open)
        .map(|(object, k)| Trouble {
            object,
            kind: String::new(),
            sentence: k.sentence,
            since: k.since,
        })
        .collect();
    open.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.object.cmp(&b.object)));
    open
}
