//! What a user would write by hand.

use crate::{EVENTS, event};
use std::hint::black_box;
use tokio::sync::mpsc;

/// Hands all events over a channel.
pub(crate) fn run(keys: u32) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (events, mut arriving) = mpsc::channel(1024);
        let sending = tokio::spawn(async move {
            for number in 0..EVENTS {
                let sent = events.send(event(number, keys)).await;
                sent.expect("somebody receives");
            }
        });
        let handling = tokio::spawn(async move {
            let mut handled = 0;
            while let Some(event) = arriving.recv().await {
                black_box(event);
                handled += 1;
            }
            assert_eq!(handled, EVENTS);
        });
        sending.await.expect("it does not panic");
        handling.await.expect("it does not panic");
    });
}
