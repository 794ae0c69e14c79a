//! The pool's one timer task: alive only while a retry or a timeout is to come.

use super::handle::Pool;
use super::work::Work;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use tokio::time::sleep;

/// Makes due what is due, sleeps until the next, and ends when there is none.
pub(super) async fn run<W: Work>(pool: Pool<W>) {
    loop {
        let mut expired = Vec::new();
        let ahead = pool.clock().ahead();
        let (burials, next) = pool.change(|state| {
            let now = pool.clock().now();
            let burials = state.core.due(now);
            state.core.suspended.expire(now, &mut expired);
            let next = state.core.next_deadline();
            state.timer.at = next;
            // In the same critical section in which it saw nothing to wait for: whoever arms it after this
            // starts another.
            state.timer.runs = next.is_some() || !burials.is_empty();
            (burials, next)
        });
        expired.into_iter().for_each(Waker::wake);
        let work = Arc::clone(pool.work());
        let buried = !burials.is_empty();
        for burial in burials {
            work.bury(&pool, burial.ticket, burial.event, burial.nth);
        }
        let Some(at) = next else {
            if buried {
                continue;
            }
            return;
        };
        let mut sleep = std::pin::pin!(sleep(pool.clock().until(at)));
        poll_fn(|cx| {
            {
                let mut state = pool.lock();
                // Armed for something sooner, or the last of it has gone, or the clock was skipped, before the waker
                // was known.
                let sooner = state.core.next_deadline().is_none_or(|next| next < at);
                if sooner || pool.clock().ahead() != ahead {
                    return Poll::Ready(());
                }
                state.timer.waker = Some(cx.waker().clone());
            }
            sleep.as_mut().poll(cx)
        })
        .await;
        pool.lock().timer.waker = None;
    }
}
