//! The only map from failures to status codes.
//!
//! A handler returns [`Error`]; the outer layer ([`dress`]) writes the page or the JSON in the
//! reader's language. What broke inside is logged under an id; outside only the id is shown.
//! Refusals carry a sentence meant for people (object and next action) and are shown as they are.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::desk::Desk;
use crate::page::failure;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("find {0}: there is no such thing")]
    NotFound(String),
    #[error("{0}")]
    Invalid(String),
    /// The state of things forbids it; the sentence says what to do.
    #[error("{0}")]
    Refused(String),
    #[error("accept this request: it does not come from a page of this console")]
    Forged,
    #[error("answer without log-in")]
    NotLoggedIn,
    #[error("do anything else before the one-time password is replaced")]
    MustChangePassword,
    #[error("serve another one now: too many at once")]
    TooMany,
    #[error("{0}")]
    Inside(String),
}

impl Error {
    /// For failures nobody outside can act on; logged with their cause.
    pub(crate) fn inside(cause: impl std::fmt::Display) -> Error {
        Error::Inside(cause.to_string())
    }

    fn status(&self) -> StatusCode {
        match self {
            Error::NotFound(_) => StatusCode::NOT_FOUND,
            Error::Invalid(_) => StatusCode::BAD_REQUEST,
            Error::Refused(_) => StatusCode::CONFLICT,
            Error::Forged | Error::MustChangePassword => StatusCode::FORBIDDEN,
            Error::NotLoggedIn => StatusCode::UNAUTHORIZED,
            Error::TooMany => StatusCode::SERVICE_UNAVAILABLE,
            Error::Inside(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<state::db::Error> for Error {
    fn from(e: state::db::Error) -> Error {
        Error::inside(e)
    }
}

/// What `continuity` refuses names its object and the next action.
impl From<continuity::Error> for Error {
    fn from(e: continuity::Error) -> Error {
        use continuity::Error as E;
        match e {
            E::NoSuchPlan { .. } | E::NoSuch { .. } => Error::NotFound(format!("failed to {e}")),
            E::Vault(inner) => inner.into(),
            E::Db(inner) => inner.into(),
            E::Crashed(inner) => inner.into(),
            other => Error::Refused(format!("failed to {other}")),
        }
    }
}

impl From<continuity::vaults::Error> for Error {
    fn from(e: continuity::vaults::Error) -> Error {
        match e {
            continuity::vaults::Error::Unknown { .. } => Error::NotFound(format!("failed to {e}")),
            other => Error::Refused(format!("failed to {other}")),
        }
    }
}

impl From<continuity::notify::NoTry> for Error {
    fn from(e: continuity::notify::NoTry) -> Error {
        Error::Refused(format!("failed to {e}"))
    }
}

impl From<vault::Error> for Error {
    fn from(e: vault::Error) -> Error {
        use vault::Error as E;
        match e {
            E::NoSuchSnapshot { .. } | E::AmbiguousSnapshot { .. } | E::NoSuchPath { .. } => {
                Error::NotFound(format!("failed to {e}"))
            }
            other => Error::Refused(format!("failed to {other}")),
        }
    }
}

impl From<continuity::blocking::Crashed> for Error {
    fn from(e: continuity::blocking::Crashed) -> Error {
        Error::inside(e)
    }
}

impl From<provisioner::host::Error> for Error {
    fn from(e: provisioner::host::Error) -> Error {
        use provisioner::host::Error as E;
        match e {
            E::State(inner) => inner.into(),
            E::Read(inner) => Error::inside(inner),
            E::Unknown(_) | E::Ambiguous(_) => Error::NotFound(format!("failed to {e}")),
            other => Error::Refused(format!("failed to {other}")),
        }
    }
}

impl From<provisioner::session::Error> for Error {
    fn from(e: provisioner::session::Error) -> Error {
        use provisioner::session::Error as E;
        match e {
            E::State(inner) => inner.into(),
            E::Read(inner) => Error::inside(inner),
            E::Host(inner) => inner.into(),
            E::Unknown(_) => Error::NotFound(format!("failed to {e}")),
            other => Error::Refused(format!("failed to {other}")),
        }
    }
}

impl From<askama::Error> for Error {
    fn from(e: askama::Error) -> Error {
        Error::inside(format!("render a page: {e}"))
    }
}

/// What [`dress`] finds in a failed response.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// A sentence for people; `None` when only the id may be told.
    pub(crate) sentence: Option<String>,
    pub(crate) id: String,
    /// The catalogue key of the title.
    pub(crate) title: &'static str,
    to: Option<&'static str>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let id = state::id::new();
        let (sentence, title, to) = match &self {
            Error::NotFound(what) => (Some(what.clone()), "error-not-found", None),
            Error::Invalid(s) => (Some(s.clone()), "error-invalid", None),
            Error::Refused(s) => (Some(s.clone()), "error-refused", None),
            Error::Forged => (None, "error-forged", None),
            Error::NotLoggedIn => (None, "error-not-logged-in", Some("/login")),
            Error::MustChangePassword => (None, "error-must-change", Some("/account/password")),
            Error::TooMany => (None, "error-too-many", None),
            Error::Inside(cause) => {
                tracing::error!(error_id = %id, cause = %cause, "failed to answer a request");
                (None, "error-inside", None)
            }
        };
        let status = self.status();
        let mut response = status.into_response();
        response.extensions_mut().insert(Failure {
            status,
            sentence,
            id,
            title,
            to,
        });
        response
    }
}

/// Writes failures as a page, as JSON under `/api`, or as the way to the log-in page.
pub(crate) async fn dress(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/") || request.uri().path() == "/events";
    let (words, _) = desk.words(request.headers(), request.uri().query());
    let get = matches!(
        *request.method(),
        axum::http::Method::GET | axum::http::Method::HEAD
    );
    let back = request
        .uri()
        .path_and_query()
        .map(|p| p.as_str().to_owned())
        .unwrap_or_default();
    let mut response = next.run(request).await;
    let Some(failure) = response.extensions_mut().remove::<Failure>() else {
        return response;
    };
    if api {
        return crate::api::failure(&words, &failure);
    }
    if let Some(to) = failure.to {
        let to = if get && to == "/login" && back != "/" {
            format!("{to}?to={}", crate::path::encode(back.as_bytes()))
        } else {
            to.to_owned()
        };
        let location = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/login"));
        return (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    }
    failure::page(&desk, words, &failure)
}
