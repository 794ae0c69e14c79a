//! One process after the other, on NATS.

use crate::{
    A_LIFE, Found, KEYS, KILLS, dead_letters, poisoned, published, rng, until_some_moment,
};
use bus_runtime::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::alone::{alone, figure, runtime};
use tests::broker::Nats;
use tests::jetstream;
use tests::load::Load;
use tests::members::Members;
use tests::patience::PATIENCE;
use tokio::sync::Semaphore;

/// Publishes, kills the service `kills` times meanwhile, and lets the last life settle what is left, until
/// everything is settled or no step comes for `quiet`.
fn run(kills: usize, early: bool, quiet: Duration) -> Found {
    let load = Load {
        keys: KEYS,
        each: (kills * A_LIFE) as u64 / u64::from(KEYS),
        tasks: 100,
    };
    let nats = Nats::start();
    let (url, mut rng) = (nats.url().to_owned(), rng());
    let pace = Arc::new(Semaphore::new(0));
    let runtime = runtime();
    let mut members = Members::new(env!("CARGO_BIN_EXE_crash-service"), &url);
    let mut publishing = runtime.spawn({
        let (pace, config) = (Arc::clone(&pace), Config::new(&url));
        async move {
            let publisher = Publisher::connect(config).await.expect("it connects");
            load.publish(&publisher, pace, |_| ()).await;
            publisher.shutdown().await.expect("nothing is left");
        }
    });

    if early {
        // A backlog: what a life has fetched and not begun is much.
        pace.add_permits(Semaphore::MAX_PERMITS);
        published(&runtime, &mut publishing);
    }
    for life in 0..kills {
        if early {
            let before = if life == 0 { 0 } else { acknowledged(&url) };
            let service = members.start(&["early", "stuck=1000"]);
            until_lost(&mut members, || acknowledged(&url) > before + 1500);
            members.kill(service);
            continue;
        }
        pace.add_permits(A_LIFE);
        let service = members.start(&[]);
        until_some_moment(&mut members, &mut rng);
        members.kill(service);
    }

    if !early {
        published(&runtime, &mut publishing);
    }
    members.start(if early { &["early"] } else { &[] });
    while members.history.settled() < load.events() && members.read(quiet) {}
    let lost = members.lost(load.iter());
    let config = Config::new(&url);
    if lost.is_empty() {
        // The last dead letters are on their way.
        let deadline = Instant::now() + PATIENCE;
        while runtime.block_on(dead_letters(&config)).len() < poisoned(load).len() {
            assert!(Instant::now() < deadline, "dead letters are missing");
        }
    }
    let history = members.close();
    let dead = runtime.block_on(dead_letters(&config));
    Found {
        load,
        history,
        lost,
        dead,
    }
}

/// Up to where the server takes the group's events for handled.
fn acknowledged(url: &str) -> u64 {
    let info = jetstream::ask(url, "CONSUMER.INFO.events.crash");
    info["ack_floor"]["stream_seq"].as_u64().expect("a number")
}

/// Reads until `lost` says that the server has forgotten events that the service, which gets stuck after 1000
/// attempts, has not handled.
fn until_lost(members: &mut Members, lost: impl Fn() -> bool) {
    let started = members.read(PATIENCE);
    assert!(started, "the service stands still, or ended by itself");
    let deadline = Instant::now() + PATIENCE;
    while !lost() {
        while members.read(Duration::from_millis(10)) {}
        assert!(Instant::now() < deadline, "nothing is acknowledged early");
    }
}

#[test]
fn nothing_is_lost_however_often_the_service_is_killed() {
    alone(
        "nats::nothing_is_lost_however_often_the_service_is_killed",
        || {
            let begun = Instant::now();
            let found = run(KILLS, false, PATIENCE);
            let (history, poisoned) = (&found.history, poisoned(found.load));
            assert_eq!(history.broken, Vec::<String>::new());
            let lost: Vec<String> = found.lost.iter().map(|event| event.id()).collect();
            assert_eq!(lost, Vec::<String>::new());
            assert_eq!(found.dead, poisoned);
            assert_eq!(history.dead(), BTreeSet::from_iter(poisoned));
            figure(format_args!(
                "crash: {KILLS} × kill -9: {} published, {} settled, {} of them dead, 0 lost, 0 out of order, {} \
         repeated after a crash, {} attempts failed; {:.0?}",
                found.load.events(),
                history.settled(),
                found.dead.len(),
                history.repeated,
                history.failed,
                begun.elapsed()
            ));
        },
    );
}

#[test]
fn acknowledged_before_it_is_settled_it_is_lost() {
    alone("nats::acknowledged_before_it_is_settled_it_is_lost", || {
        let found = run(2, true, Duration::from_secs(3));
        // Not only late: later events of their keys are settled.
        let lost = found.lost.iter();
        let lost = lost.filter(|event| found.history.overtook(**event)).count();
        assert!(lost >= 1000, "the mistake is not found: {lost}");
        figure(format_args!(
            "crash: acknowledged early, 2 × kill -9: {lost} of {} lost",
            found.load.events()
        ));
    });
}
