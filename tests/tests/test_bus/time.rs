//! The bus's clock in a test.

use crate::shop::{Order, Scene, Shop, Wish, order, place, shop, shop_with};
use bus_runtime::prelude::{Config, Event};
use bus_runtime::testing::{TestBus, TestEvent, TestOutcome};
use bus_runtime::{Brake, DeadReason};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tests::cause::told;
use tests::on::{Broker, Memory};
use tests::patience::until;

const HOUR: Duration = Duration::from_hours(1);

/// What became of the order with this number.
pub(crate) fn the_order(bus: &TestBus, number: u64) -> TestEvent {
    let of_topic = |event: &TestEvent| *event.topic == *Order::TOPIC.name();
    let mut orders = bus.events().into_iter().filter(of_topic);
    let found = orders.find(|event| event.decode::<Order>().number == number);
    found.expect("it has begun")
}

/// 1 h, 2 h, 4 h, 6 h, exactly, and far less for the test.
async fn hours_of_backoff_pass_within_the_test(broker: impl Broker) {
    let begun = Instant::now();
    let bus = shop(&broker).await;
    place(&bus, [order(1, Wish::FailUntil(5))]).await;
    bus.run_until_idle().await;

    let event = the_order(&bus, 1);
    assert_eq!(event.outcome, TestOutcome::Handled);
    assert_eq!(event.attempts, 5);
    let waits: Vec<_> = event
        .failures
        .iter()
        .map(|failure| failure.again_after)
        .collect();
    assert_eq!(waits, [HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR]);
    // What passed by itself was not skipped.
    let passed = bus.skipped() + begun.elapsed();
    assert!(
        bus.skipped() <= 13 * HOUR && passed >= 13 * HOUR,
        "{passed:?}"
    );
    bus.shutdown().await.expect("it runs until it is shut down");
}

/// Each of those that wait is a probe: after 1 s, 2 s … 30 s, since one that has failed waits for an hour by itself.
async fn what_a_brake_waits_is_skipped(_: Memory) {
    let scene = Scene::default();
    scene.away.store(5, Ordering::Relaxed);
    let config = Config::memory().brake(Brake::After(3));
    let bus = TestBus::on::<Shop>(config, scene).await;
    let bus = bus.expect("it starts");
    place(&bus, (1..=3).map(|number| order(number, Wish::Refuse))).await;
    until("it is braked", || told("its events wait") == (1, 0)).await;
    place(&bus, (4..=9).map(|number| order(number, Wish::Need))).await;
    bus.run_until_idle().await;
    assert_eq!(bus.handled::<Order>().len(), 6);
    assert_eq!(told("its events wait"), (1, 1));
    // The probes come first, and then at once those that have failed.
    let skipped = bus.skipped();
    assert!(HOUR < skipped && skipped < 2 * HOUR, "{skipped:?}");
    bus.shutdown().await.expect("it runs until it is shut down");
}

/// The wait that the handler asks for is as long as it says.
async fn a_handlers_own_wait_is_skipped_too(broker: impl Broker) {
    let bus = shop(&broker).await;
    place(&bus, [order(1, Wish::RetryAfter(86_400))]).await;
    bus.run_until_idle().await;
    let event = &bus.events()[0];
    let waits: Vec<_> = event
        .failures
        .iter()
        .map(|failure| failure.again_after)
        .collect();
    assert_eq!(waits, [24 * HOUR, 24 * HOUR]);
    assert_eq!(event.outcome, TestOutcome::Handled);
    bus.shutdown().await.expect("it runs until it is shut down");
}

/// Each attempt hangs for its timeout, and the event is a dead letter after the last.
async fn a_handler_that_hangs_runs_out_of_time_when_the_clock_is_moved(broker: impl Broker) {
    let bus = shop(&broker).await;
    place(&bus, [order(1, Wish::Hang), order(2, Wish::Take)]).await;
    // Five attempts of a minute, and 13 hours between them.
    bus.advance(13 * HOUR + Duration::from_mins(4)).await;
    let hangs = the_order(&bus, 1);
    assert_eq!((hangs.attempts, hangs.outcome), (5, TestOutcome::Running));
    assert_eq!(the_order(&bus, 2).outcome, TestOutcome::Handled);
    // Another one succeeds meanwhile: this one is to blame, and is not held.
    place(&bus, [order(3, Wish::Take)]).await;
    bus.advance(Duration::from_mins(2)).await;
    bus.run_until_idle().await;
    let dead = bus.dead_lettered();
    assert_eq!(dead.len(), 1);
    let TestOutcome::Dead { reason, error } = &dead[0].outcome else {
        panic!("{:?}", dead[0]);
    };
    assert_eq!(*reason, DeadReason::Timeout);
    assert!(error.contains("timeout of 60s"), "{error}");
    bus.shutdown().await.expect("it runs until it is shut down");
}

/// Up to the moment and no further.
async fn the_clock_moves_as_far_as_the_test_says(broker: impl Broker) {
    let bus = shop(&broker).await;
    place(&bus, [order(1, Wish::FailUntil(4))]).await;
    let attempts = || bus.events()[0].attempts;
    bus.advance(Duration::ZERO).await;
    assert_eq!(attempts(), 1);
    bus.advance(HOUR / 2).await;
    assert_eq!(attempts(), 1);
    bus.advance(HOUR).await;
    assert_eq!(attempts(), 2);
    assert_eq!(bus.events()[0].outcome, TestOutcome::Waiting);
    bus.advance(6 * HOUR).await;
    assert_eq!(bus.events()[0].outcome, TestOutcome::Handled);
    bus.shutdown().await.expect("it runs until it is shut down");
}

/// While a handler waits for something of the test's, no time passes: neither its timeout, nor another event's wait.
async fn the_clock_stands_while_a_handler_runs(broker: impl Broker) {
    let scene = Scene::default();
    let bus = shop_with(&broker, scene.clone()).await;
    place(&bus, [order(1, Wish::Gate), order(2, Wish::FailUntil(2))]).await;
    {
        let mut idle = std::pin::pin!(bus.run_until_idle());
        let both = tests::seen::eventually("both to have begun", || {
            let events = bus.events();
            let is = |outcome| events.iter().any(|event| event.outcome == outcome);
            (is(TestOutcome::Running) && is(TestOutcome::Waiting)).then_some(())
        });
        tokio::select! {
            biased;
            () = &mut idle => panic!("a handler runs"),
            () = both => {}
        }
        assert_eq!(bus.skipped(), Duration::ZERO);
        scene.gate.open();
        idle.await;
    }
    assert!(bus.skipped() > HOUR / 2);
    let outcomes = bus.events().into_iter().map(|event| event.outcome);
    assert!(
        outcomes
            .into_iter()
            .all(|outcome| outcome == TestOutcome::Handled)
    );
    bus.shutdown().await.expect("it runs until it is shut down");
}

/// It is named, with what to do; the test goes on.
async fn a_bus_that_does_not_become_idle_says_why(broker: impl Broker) {
    let bus = shop(&broker).await.patience(Duration::from_secs(1));
    place(
        &bus,
        [
            order(7, Wish::Hang),
            order(7, Wish::Take),
            order(8, Wish::FailUntil(2)),
        ],
    )
    .await;
    let error = bus.try_run_until_idle().await.expect_err("a handler hangs");
    let text = error.to_string();
    for part in [
        "not idle after 1s",
        "test.order 7 at test_bus::shop::take: running, attempt 1",
        "test.order 8 at test_bus::shop::take: waiting, attempt 1, again after 1h: failed 1",
        "test.order: 1 published and not begun",
        "`advance(…)` moves it",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!((error.running.len(), error.waiting.len()), (1, 1));
    // Long enough for the handler that hangs to be given up.
    bus.advance(14 * HOUR).await;
    bus.run_until_idle().await;
    assert_eq!(bus.dead_lettered().len(), 1);
    bus.shutdown().await.expect("it runs until it is shut down");
}

/// What goes round and round is told apart from what hangs.
async fn a_bus_whose_events_go_on_for_ever_says_so(broker: impl Broker) {
    let bus = shop(&broker).await.patience(Duration::from_millis(500));
    place(&bus, [order(7, Wish::Repeat(1))]).await;
    let error = bus.try_run_until_idle().await.expect_err("it never ends");
    let text = error.to_string();
    assert!(text.contains("the bus is not idle after 500ms"), "{text}");
    drop(bus);
}

/// The panic is the test's: it says where.
async fn the_panic_names_the_place_in_the_test(broker: impl Broker) {
    let bus = shop(&broker).await.patience(Duration::from_millis(100));
    place(&bus, [order(7, Wish::Hang)]).await;
    let line = line!() + 2;
    let waits = tokio::spawn(async move {
        bus.run_until_idle().await;
    });
    let panic = waits.await.expect_err("it hangs").into_panic();
    let text = panic.downcast::<String>().expect("a text");
    assert!(text.contains(&format!("time.rs:{line}")), "{text}");
}

tests::on! {
    every [
        hours_of_backoff_pass_within_the_test,
        a_handlers_own_wait_is_skipped_too,
        a_handler_that_hangs_runs_out_of_time_when_the_clock_is_moved,
        the_clock_moves_as_far_as_the_test_says,
        the_clock_stands_while_a_handler_runs,
        a_bus_that_does_not_become_idle_says_why,
        a_bus_whose_events_go_on_for_ever_says_so,
        the_panic_names_the_place_in_the_test,
    ]
    memory [what_a_brake_waits_is_skipped]
}
