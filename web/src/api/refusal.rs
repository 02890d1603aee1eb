//! Refusals that only the API makes.

use crate::error::Error;

pub(super) fn import(error: continuity::image::Error) -> Error {
    use continuity::image::Error as Image;
    match error {
        Image::Db(e) => e.into(),
        Image::Crashed(e) => e.into(),
        Image::Vaults(e) => e.into(),
        other => Error::Refused(format!("failed to {other}")),
    }
}

pub(super) fn no_such(what: &str, id: &str) -> Error {
    Error::NotFound(format!(
        "failed to find the {what} {id}: there is none; list them first"
    ))
}
