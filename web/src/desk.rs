//! The state behind every handler: the app's handles and what the console holds in memory.

use crate::app::App;
use crate::auth::throttle::Throttle;
use crate::path;
use crate::shown::Shown;
use crate::words::{self, Words};
use axum::http::{HeaderMap, header};
use config::Locale;
use jiff::tz::TimeZone;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Cloning shares everything.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) app: App,
    pub(crate) live: Arc<Live>,
}

/// Bounds on what readers may use at once.
pub(crate) struct Live {
    pub(crate) throttle: Throttle,
    /// Each password check holds 19 MiB.
    pub(crate) password_checks: Semaphore,
    /// Open event streams: one per tab.
    pub(crate) streams: Arc<Semaphore>,
    /// Downloads: each holds a reader thread and a few chunks.
    pub(crate) downloads: Arc<Semaphore>,
    /// What waits for somebody's confirmation.
    pub(crate) shown: Shown,
    zone: TimeZone,
}

impl Desk {
    pub(crate) fn new(app: App) -> Desk {
        let zone = TimeZone::get(&app.config.appliance.timezone).unwrap_or(TimeZone::UTC);
        Desk {
            app,
            live: Arc::new(Live {
                throttle: Throttle::default(),
                password_checks: Semaphore::new(2),
                streams: Arc::new(Semaphore::new(64)),
                downloads: Arc::new(Semaphore::new(8)),
                shown: Shown::default(),
                zone,
            }),
        }
    }

    /// The reader's words; and the language, when this very request asked for it (to remember).
    pub(crate) fn words(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
    ) -> (Words, Option<Locale>) {
        let asked = path::in_query(query, "lang").and_then(|v| String::from_utf8(v).ok());
        let accept = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|v| v.to_str().ok());
        let locale = words::choose(
            asked.as_deref(),
            cookie(headers, LANGUAGE_COOKIE).as_deref(),
            accept,
            self.app.config.appliance.locale,
        );
        let asked = asked.is_some_and(|a| a == locale.code());
        (
            Words::new(locale, self.live.zone.clone(), self.app.clock.now()),
            asked.then_some(locale),
        )
    }
}

pub(crate) const LANGUAGE_COOKIE: &str = "reprise-language";

/// The value of one cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then(|| value.to_owned())
        })
}
