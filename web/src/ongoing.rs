//! What is going on right now, as a reader sees it. Pure.

use crate::words::Words;
use state::progress::Progress;

/// One long piece of work.
pub(crate) struct Work {
    pub(crate) title: String,
    pub(crate) step: String,
    /// 0–100; `None` while the total is not known.
    pub(crate) percent: Option<u8>,
    /// `1,2 Gio sur 4,0 Gio · 85 Mio/s · encore 33 s`.
    pub(crate) figures: String,
    pub(crate) link: Option<String>,
}

pub(crate) fn work(words: &Words, key: &str, p: &Progress) -> Work {
    let subject = words.plan(&p.subject);
    let (title, link) = match p.kind.as_str() {
        "run" => (
            words.t1("work-run", "subject", subject),
            Some(format!("/runs/{key}")),
        ),
        "proof" => (words.t1("work-proof", "subject", subject), None),
        "restore" => (
            words.t1("work-restore", "subject", subject),
            Some(format!("/restores/{key}")),
        ),
        "session" => (
            words.t1("work-session", "subject", subject),
            Some(format!("/sessions/{key}")),
        ),
        "open" => (
            words.t1("work-open", "subject", &p.subject),
            Some("/databases".to_owned()),
        ),
        "import" => (words.t1("work-import", "subject", subject), None),
        "tidy" => (words.t1("work-tidy", "subject", &p.subject), None),
        other => (format!("{other} {subject}"), None),
    };
    let mut figures = vec![if p.total_bytes > 0 {
        words.t2(
            "work-of",
            "done",
            words.size(p.done_bytes),
            "total",
            words.size(p.total_bytes),
        )
    } else {
        words.size(p.done_bytes)
    }];
    if p.rate() > 0.0 {
        figures.push(words.rate(p.rate()));
    }
    if let Some(left) = p.eta() {
        figures.push(words.t1("work-left", "left", words.duration(left)));
    }
    Work {
        title,
        step: step(words, &p.step),
        percent: p.percent(),
        figures: figures.join(" · "),
        link,
    }
}

/// A step's name; one this catalogue does not know is shown as it is.
fn step(words: &Words, step: &str) -> String {
    match step {
        "queued" => words.t("step-queued"),
        "scan" => words.t("step-scan"),
        "store" => words.t("step-store"),
        "restore" => words.t("step-restore"),
        "compare" => words.t("step-compare"),
        "load" => words.t("step-load"),
        "check" => words.t("step-check"),
        "read" => words.t("step-read"),
        "write" | "writing" => words.t("step-write"),
        "verify" | "verifying" => words.t("step-verify"),
        "wait" | "waiting" => words.t("step-wait"),
        other => other.to_owned(),
    }
}
