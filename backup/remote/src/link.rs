//! The connection that is there when it is needed: made at first use, made again after a cut, by one at a time.

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Mutex;

use crate::patience::Next;
use crate::session::Session;
use crate::{Place, Trouble};

pub(crate) struct Link {
    place: Place,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    session: Option<Arc<Session>>,
    /// Tries in a row that came to nothing, or to a connection that did not last.
    failed: u32,
    was_in: bool,
    gave_up: Option<(Instant, Trouble)>,
}

impl Drop for Link {
    fn drop(&mut self) {
        // Waiting for its tasks is not allowed where somebody else's runtime drops us, and nothing is lost by not
        // waiting: what counts was answered.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Link {
    pub(crate) fn new(place: Place) -> Result<Link, Trouble> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sftp")
            .enable_all()
            .build()
            .map_err(|error| Trouble::Runtime {
                what: error.to_string(),
            })?;
        Ok(Link {
            place,
            runtime: Some(runtime),
            state: Mutex::default(),
        })
    }

    pub(crate) fn handle(&self) -> Result<&Handle, Trouble> {
        let runtime = self.runtime.as_ref().ok_or_else(|| Trouble::Runtime {
            what: "it is being closed".to_owned(),
        })?;
        Ok(runtime.handle())
    }

    /// The connection there is, or a new one; with pauses, which may add up to minutes.
    pub(crate) async fn session(&self) -> Result<Arc<Session>, Trouble> {
        let patience = &self.place.patience;
        let mut state = self.state.lock().await;
        if let Some(session) = state.session.take() {
            if !session.is_lost() {
                return Ok(Arc::clone(state.session.insert(session)));
            }
            // A connection that is cut as soon as it is made is a try that failed: otherwise this would go round and
            // round at the speed of the network.
            match session.began.elapsed() < patience.settled {
                true => state.failed += 1,
                false => state.failed = 0,
            }
            if state.failed > 0 {
                let cut = Trouble::Silent {
                    host: self.place.url.address(),
                    what: "it cuts the connection".to_owned(),
                    tries: crate::trouble::Tries(1),
                };
                self.pause(&mut state, cut).await?;
            }
        }
        if let Some((when, trouble)) = &state.gave_up {
            if when.elapsed() < patience.rest {
                return Err(trouble.clone());
            }
            state.gave_up = None;
            state.failed = 0;
        }
        loop {
            match Session::begin(&self.place).await {
                Ok(session) => {
                    state.was_in = true;
                    return Ok(Arc::clone(state.session.insert(Arc::new(session))));
                }
                Err(trouble) => {
                    state.failed += 1;
                    self.pause(&mut state, trouble).await?;
                }
            }
        }
    }

    async fn pause(&self, state: &mut State, trouble: Trouble) -> Result<(), Trouble> {
        let patience = &self.place.patience;
        match patience.next(state.failed, &trouble, state.was_in) {
            Next::Wait(pause) => {
                tokio::time::sleep(pause).await;
                Ok(())
            }
            Next::GiveUp => {
                let trouble = trouble.after(state.failed);
                state.gave_up = Some((Instant::now(), trouble.clone()));
                Err(trouble)
            }
        }
    }
}
