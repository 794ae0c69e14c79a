//! Everything at once, on several threads, with random scripts.

use super::super::{Grant, Limits};
use super::rig::{Happened, Rig, Step};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;

const EVENTS: u64 = 20_000;
const KEYS: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_event_is_settled_once_and_in_order_within_its_bounds() {
    let limits = Limits {
        in_flight: 16,
        buffer: 64,
        buffer_bytes: 256,
        delayed: 8,
    };
    let rig = Arc::new(Rig::new(limits, &[14, 14, 14]));
    let mut sources = Vec::new();
    for at in 0..3 {
        let rig = Arc::clone(&rig);
        sources.push(tokio::spawn(async move {
            let woken = Arc::new(Notify::new());
            let wake = Arc::clone(&woken);
            let source = rig.pool.source(Arc::new(move || wake.notify_one()));
            let mut submitted = Vec::new();
            let mut left = EVENTS / 3;
            while left > 0 {
                let Grant { events, bytes } =
                    source.reserve(usize::try_from(left.min(5)).expect("small"), 40);
                if events == 0 {
                    woken.notified().await;
                    continue;
                }
                for _ in 0..events {
                    let key = 1 + fastrand::u64(0..KEYS) * 3 + at;
                    let step = if fastrand::u8(0..4) == 0 {
                        Step::Yield
                    } else {
                        Step::Done
                    };
                    let id = rig.submit_to(
                        &source,
                        usize::try_from(at).expect("small"),
                        key,
                        4,
                        &[step],
                    );
                    submitted.push((key, id));
                    left -= 1;
                }
                source.give_back(Grant { events: 0, bytes });
                let load = rig.pool.load();
                assert!(
                    load.in_flight <= 16 && load.buffered <= 64 && load.bytes <= 256 + 40,
                    "{load:?}"
                );
            }
            submitted
        }));
    }
    let mut expected = HashMap::<u64, Vec<u64>>::new();
    let mut keys = HashMap::new();
    for source in sources {
        for (key, id) in source.await.expect("no source fails") {
            expected.entry(key).or_default().push(id);
            keys.insert(id, key);
        }
    }
    rig.pool.emptied().await;
    let mut settled = HashMap::<u64, Vec<u64>>::new();
    let mut running = HashMap::<u64, u64>::new();
    for happened in rig.log() {
        match happened {
            Happened::Began(id, _) => {
                assert_eq!(running.insert(keys[&id], id), None, "one at a time");
            }
            Happened::Settled(id) => {
                assert_eq!(running.remove(&keys[&id]), Some(id));
                settled.entry(keys[&id]).or_default().push(id);
            }
            Happened::Ended(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(settled, expected);
    Arc::into_inner(rig)
        .expect("the sources are gone")
        .end()
        .await;
}
