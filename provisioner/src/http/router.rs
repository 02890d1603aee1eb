//! One handler for every boot path: firmware writes paths in ways a router's redirects would break.

use super::answer::{Answer, text, whole};
use super::request::Request;
use super::script;
use super::scripts;
use super::stream::{self, Patch};
use super::unlock;
use crate::boot::path::{self, BootFile};
use crate::boot::policy::BootStep;
use crate::boot::{asset, gate, no_image};
use crate::flight::{Carrier, Step, policy_code};
use crate::interface::Served;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use images::assets;

/// A HEAD is answered like a GET: the body is dropped on the way out, its length stays.
pub(super) async fn answer(served: &Served, request: &Request) -> Answer {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        let mut answer = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "GET and HEAD only\n".to_owned(),
        );
        let allowed = HeaderValue::from_static("GET, HEAD");
        answer.headers_mut().insert(header::ALLOW, allowed);
        return answer;
    }
    let Some((mac, file)) = path::parse(request.uri.path()) else {
        return text(StatusCode::NOT_FOUND, "no such boot file\n".to_owned());
    };
    let boot = &served.boot;
    let (step, found) = match gate::step(boot, mac).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%mac, %error, "failed to look up a machine; it gets no file");
            let sentence = "the appliance has a problem; its log says which\n";
            return text(StatusCode::INTERNAL_SERVER_ERROR, sentence.to_owned());
        }
    };
    tracing::info!(%mac, file = file.name(), method = %request.method, ?step, "boot file asked");
    let head = request.method == Method::HEAD;
    let (by, name) = (Carrier::Http, file.name().to_owned());
    boot.recorder.note(
        mac,
        Step::FileAsked {
            by,
            file: name,
            head,
        },
    );
    let refused = |why: &str| {
        let (by, file, why) = (Carrier::Http, file.name().to_owned(), why.to_owned());
        boot.recorder.note(mac, Step::FileRefused { by, file, why });
    };
    let sending = |of| (!head).then(|| boot.recorder.sending(mac, by, file.name(), of));
    match (file, step) {
        (BootFile::Script | BootFile::Menu, BootStep::Ignore(why)) => {
            refused(policy_code(why));
            text(StatusCode::OK, script::nothing(&boot.appliance, why.text()))
        }
        (_, BootStep::Ignore(why)) => {
            refused(policy_code(why));
            text(StatusCode::FORBIDDEN, format!("{}\n", why.text()))
        }
        (BootFile::Script, BootStep::Agent | BootStep::Give(_)) => {
            let host = found.host.as_ref().filter(|_| !head);
            let script = scripts::script(served, mac, step, host).await;
            let len = u64::try_from(script.len()).unwrap_or(u64::MAX);
            if let Some(mut sending) = sending(len) {
                sending.add(len);
            }
            text(StatusCode::OK, script)
        }
        (BootFile::Menu, BootStep::Agent | BootStep::Give(_)) => {
            let typed = unlock::typed(request.uri.query()).filter(|_| !head);
            let script = scripts::menu(served, mac, step, found.host.as_ref(), typed).await;
            text(StatusCode::OK, script)
        }
        (BootFile::NoImage, BootStep::Agent | BootStep::Give(_)) => {
            let program = no_image::program(&boot.appliance, boot.locale);
            let len = u64::try_from(program.len()).unwrap_or(u64::MAX);
            if let Some(mut sending) = sending(len) {
                sending.add(len);
            }
            whole("application/efi", program)
        }
        (BootFile::GrubConfig, step) => text(StatusCode::OK, scripts::grub(served, mac, step)),
        (file, BootStep::Agent | BootStep::Give(_)) => {
            let path = asset::path(&boot.assets_dir, &served.own, file).await;
            // RFC 9110 §14.2: a range is for GET; firmware takes the size of the file from HEAD.
            let whole = HeaderMap::new();
            let asked = if head { &whole } else { &request.headers };
            let patch = (file == BootFile::BootDisk).then(|| boot_disk(served, mac));
            stream::file(&path, asked, patch, sending)
                .await
                .unwrap_or_else(|error| {
                    tracing::error!(path = %path.display(), %error, "failed to read a boot asset; run `reprise boot assets build`");
                    refused("missing");
                    let sentence = "this boot file is missing on the appliance\n";
                    text(StatusCode::NOT_FOUND, sentence.to_owned())
                })
        }
    }
}

/// What the boot disk tells this machine.
fn boot_disk(served: &Served, mac: crate::Mac) -> Patch {
    Patch {
        at: assets::CONFIG.start,
        bytes: scripts::tell(served, mac, |start| assets::config(start).to_vec()),
    }
}
