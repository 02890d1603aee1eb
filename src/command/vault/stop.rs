//! Ctrl-C and SIGTERM end long work at its next step; a second one ends it at once.

use std::process;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use vault::Watch;

/// From now on the signals cancel the watch. Where they cannot be listened for, they end the program as ever.
#[expect(
    clippy::disallowed_methods,
    reason = "who asks twice does not want to wait for the next step"
)]
pub(super) fn on_signals(watch: &Arc<Watch>) {
    let watch = Arc::clone(watch);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build();
    let Ok(runtime) = runtime else { return };
    // Before the work begins: whoever sees it at work may send one.
    let both = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        )
    };
    let (Ok(mut interrupt), Ok(mut terminate)) = both else {
        return;
    };
    let listen = move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if watch.is_cancelled() {
                    process::exit(1);
                }
                watch.cancel();
            }
        })
    };
    let thread = std::thread::Builder::new().name("signals".to_owned());
    // It ends with the process.
    drop(thread.spawn(listen));
}
