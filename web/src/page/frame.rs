//! What surrounds every page: title, navigation, language, who is logged in.

use crate::auth::permit::Reader;
use crate::desk::Desk;
use crate::error::Error;
use crate::words::Words;
use askama::Template;
use axum::response::{Html, IntoResponse, Response};

pub(crate) struct Frame {
    pub(crate) words: Words,
    /// `None` on the log-in page.
    pub(crate) user: Option<String>,
    /// Goes into every form.
    pub(crate) token: String,
    /// This page's address, ready for `lang=…` to be added.
    pub(crate) here: String,
    pub(crate) title: String,
    /// The navigation entry this page belongs to.
    pub(crate) section: &'static str,
    pub(crate) appliance: String,
    pub(crate) version: String,
}

impl Frame {
    pub(crate) fn new(desk: &Desk, reader: &Reader, section: &'static str, title: String) -> Frame {
        Frame {
            user: Some(reader.name.clone()),
            token: reader.token.clone(),
            here: reader.here.clone(),
            ..Frame::outside(desk, reader.words.clone(), section, title)
        }
    }

    /// For nobody in particular.
    pub(crate) fn outside(
        desk: &Desk,
        words: Words,
        section: &'static str,
        title: String,
    ) -> Frame {
        Frame {
            words,
            user: None,
            token: String::new(),
            here: "?".to_owned(),
            title,
            section,
            appliance: desk.app.config.appliance.name.clone(),
            version: desk.app.version.clone(),
        }
    }

    pub(crate) fn t(&self, key: &str) -> String {
        self.words.t(key)
    }

    /// `aria-current` for the navigation.
    pub(crate) fn is(&self, section: &str) -> bool {
        self.section == section
    }
}

pub(crate) fn render(page: &impl Template) -> Result<Response, Error> {
    Ok(Html(page.render()?).into_response())
}
