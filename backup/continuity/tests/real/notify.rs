use crate::bench::{Bench, plan};
use continuity::Notifier;
use continuity::notify::{self, Letter, Message, State, Text};
use state::wire::Fact;
use state::{Timestamp, journal};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A webhook at a port where nobody listens, and words that are the objects.
async fn unreachable() -> (Bench, Notifier) {
    let bench = Bench::configured(|folder, config| {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hooks/x\n", socket.local_addr().unwrap());
        std::fs::write(folder.join("hook"), url).unwrap();
        config.notify.mattermost_url_file = Some(folder.join("hook"));
        config.plans = vec![plan("compta", &folder.join("share"))];
    })
    .await;
    let compose = Arc::new(|message: &Message| {
        let subject = match message {
            Message::Opened { object, .. } => format!("opened {object}"),
            Message::Over { object, .. } => format!("over {object}"),
            Message::Morning(_) => "morning".to_owned(),
            Message::Try => "try".to_owned(),
        };
        Text {
            plain: subject.clone(),
            html: String::new(),
            markdown: subject.clone(),
            subject,
        }
    });
    let notifier = Notifier::new(bench.continuity.clone(), compose);
    (bench, notifier)
}

async fn trouble(bench: &Bench, object: String, over: bool) {
    let fact = match over {
        true => Fact::TroubleOver { object },
        false => Fact::Trouble {
            object,
            sentence: "a sentence".into(),
        },
    };
    let now = bench.continuity.clock.now();
    journal::record(bench.db(), now, fact).await.unwrap();
}

/// Waits until the outbox is as `good` wants it.
async fn outbox(bench: &Bench, good: impl Fn(&[Letter]) -> bool) -> Vec<Letter> {
    let mut commits = bench.db().commits();
    let looked = async {
        loop {
            let letters = notify::letters(bench.db(), 10_000).await.unwrap();
            if good(&letters) {
                return letters;
            }
            commits.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looked)
        .await
        .expect("the outbox came to it")
}

/// A first start: the journal is read from there on.
async fn started(bench: &Bench) {
    let fact = Fact::ApplianceStarted {
        version: "1".into(),
    };
    let now = bench.continuity.clock.now();
    journal::record(bench.db(), now, fact).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_sent_waits_in_its_order_and_is_lost_in_the_open_after_a_week() {
    let (bench, notifier) = unreachable().await;
    started(&bench).await;
    trouble(&bench, "target nas".into(), false).await;
    trouble(&bench, "target nas".into(), true).await;
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let (notifier, stop) = (notifier.clone(), stop.clone());
        async move { notifier.serve(stop).await }
    });
    let both = outbox(&bench, |all| {
        all.len() == 2 && all.iter().all(|l| l.attempts > 0)
    })
    .await;
    let subjects: Vec<&str> = both.iter().map(|l| l.subject.as_str()).collect();
    assert_eq!(
        subjects,
        ["over target nas", "opened target nas"],
        "newest first"
    );
    assert!(
        both.iter()
            .all(|l| l.state == State::Waiting && l.thread == both[0].thread)
    );
    assert_eq!(both[0].next, both[1].next, "they leave together");
    let why = both[1].answer.as_deref().unwrap_or_default();
    assert!(
        why.starts_with("failed to reach the webhook") && !why.contains("hooks/x"),
        "{why}"
    );

    bench
        .continuity
        .clock
        .advance(Duration::from_secs(8 * 86_400));
    outbox(&bench, |all| {
        all.iter().filter(|l| l.state == State::Lost).count() == 2
    })
    .await;
    stop.cancel();
    serving.await.unwrap();
    let lost = bench.facts().await.into_iter().filter(|fact| {
        matches!(fact, Fact::MessageLost { channel, why, .. } if channel == "mattermost" && why.contains("webhook"))
    });
    assert_eq!(lost.count(), 2);
}

/// Serves until the outbox is as `good` wants it; the clock stands `after` a start.
async fn served(
    bench: &Bench,
    notifier: &Notifier,
    after: Duration,
    good: impl Fn(&[Letter]) -> bool,
) -> Vec<Letter> {
    let stop = CancellationToken::new();
    let (this, token) = (notifier.clone(), stop.clone());
    let serving = tokio::spawn(async move { this.serve(token).await });
    // Told once the journal is read: the start is behind us, and the clock may go on.
    let object = format!("target of {}", state::id::new());
    trouble(bench, object.clone(), false).await;
    outbox(bench, |all| {
        all.iter().any(|l| l.subject.ends_with(&object))
    })
    .await;
    bench.continuity.clock.advance(after);
    let all = outbox(bench, good).await;
    stop.cancel();
    serving.await.unwrap();
    all
}

#[tokio::test]
async fn a_morning_missed_while_the_box_was_off_is_told_once_when_it_is_back() {
    let (bench, notifier) = unreachable().await;
    started(&bench).await;
    let mornings = |all: &[Letter]| all.iter().filter(|l| l.subject == "morning").count();
    // A first start at noon: no night to tell of.
    let minute = Duration::from_secs(60);
    let all = served(&bench, &notifier, minute, |_| true).await;
    assert_eq!(mornings(&all), 0);
    // Off at seven two days later, back at eleven.
    bench
        .continuity
        .clock
        .advance(Duration::from_secs(47 * 3600));
    let all = served(&bench, &notifier, minute, |all| mornings(all) == 1).await;
    let morning = all.iter().find(|l| l.subject == "morning").unwrap();
    assert_eq!(morning.about, "morning:2026-11-24");
    // Once more off and on within the day.
    let all = served(&bench, &notifier, minute, |_| true).await;
    assert_eq!(mornings(&all), 1);
    bench
        .continuity
        .clock
        .advance(Duration::from_secs(24 * 3600));
    let all = served(&bench, &notifier, minute, |all| mornings(all) == 2).await;
    assert_eq!(
        all.iter()
            .filter(|l| l.about == "morning:2026-11-25")
            .count(),
        1
    );
}

#[tokio::test]
async fn an_outbox_nobody_empties_stays_bounded() {
    let (bench, notifier) = unreachable().await;
    started(&bench).await;
    for n in 0..520 {
        trouble(&bench, format!("target number {n}"), false).await;
    }
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let stop = stop.clone();
        async move { notifier.serve(stop).await }
    });
    let all = outbox(&bench, |all| all.len() == 520).await;
    let waiting = all.iter().filter(|l| l.state == State::Waiting).count();
    assert_eq!(waiting, 500);
    // The oldest are those that went, and the journal has them.
    let mut lost: Vec<&str> = all
        .iter()
        .filter(|l| l.state == State::Lost)
        .map(|l| l.subject.as_str())
        .collect();
    lost.reverse();
    assert_eq!(lost.first(), Some(&"opened target number 0"));
    assert_eq!(lost.len(), 20);
    stop.cancel();
    serving.await.unwrap();
}

#[tokio::test]
async fn an_old_journal_is_not_told_again_and_what_goes_on_is() {
    let (mut bench, _) = unreachable().await;
    trouble(&bench, "target old".into(), false).await;
    started(&bench).await;
    // Known to the table of incidents: it goes on.
    std::fs::rename(bench.join("share"), bench.join("away")).unwrap();
    bench.run("compta").await;
    bench.restart().await;
    started(&bench).await;
    let compose = Arc::new(|message: &Message| Text {
        subject: format!("{message:?}"),
        plain: String::new(),
        html: String::new(),
        markdown: String::new(),
    });
    let notifier = Notifier::new(bench.continuity.clone(), compose);
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let stop = stop.clone();
        async move { notifier.serve(stop).await }
    });
    let all = outbox(&bench, |all| !all.is_empty()).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].subject.contains("plan compta"), "{all:?}");
    assert_eq!(all[0].queued, bench.continuity.clock.now());
    assert!(all[0].queued > Timestamp(0));
    stop.cancel();
    serving.await.unwrap();
}
