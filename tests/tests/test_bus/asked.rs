//! What a test asks of the bus when it is idle.

use crate::shop::{
    Order, Scene, Shop, Step, Taken, Wanderers, Wish, order, place, shop, shop_with,
};
use bus_runtime::prelude::*;
use bus_runtime::testing::{Ledger, TestBus, TestOutcome};
use bus_runtime::{DeadLetterFilter, DeadReason, Drain};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tests::on::{Broker, Memory};
use tests::probe::Footprint;

async fn end(bus: TestBus) {
    let report = bus.shutdown().await.expect("it runs until it is shut down");
    assert!(report.left.is_empty(), "{report}");
}

async fn what_was_handled_and_published_is_listed(broker: impl Broker) {
    let scene = Scene::default();
    let bus = shop_with(&broker, scene.clone()).await;
    place(&bus, (1..=3).map(|number| order(number, Wish::Take))).await;
    place(&bus, [order(4, Wish::Skip)]).await;
    bus.run_until_idle().await;

    let mut handled: Vec<_> = bus
        .handled::<Order>()
        .iter()
        .map(|order| order.number)
        .collect();
    handled.sort_unstable();
    assert_eq!(handled, [1, 2, 3]);
    assert_eq!(scene.handled.count(), 3);
    let taken = bus.published::<Taken>();
    assert_eq!((taken.len(), bus.handled::<Taken>().len()), (3, 3));
    // What the test has published is not what handlers have.
    assert_eq!(bus.outbox().len(), 3);
    let events = bus.events();
    let skipped: Vec<_> = events
        .iter()
        .filter(|event| event.outcome == TestOutcome::Skipped)
        .collect();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].decode::<Order>().0, order(4, Wish::Skip));
    assert_eq!(skipped[0].handler, "test_bus::shop::take");
    assert_eq!(skipped[0].key, Key::of(&4));
    let counted = events.iter().find(|event| *event.topic == *"test.taken");
    assert_eq!(counted.map(|event| &*event.group), Some("shop~count"));
    bus.assert_no_dead_letters();
    end(bus).await;
}

/// Each with its reason, its error and its attempts.
async fn dead_letters_are_listed_with_their_reasons(broker: impl Broker) {
    let bus = shop(&broker).await;
    place(
        &bus,
        [
            order(1, Wish::Refuse),
            order(2, Wish::Panic),
            order(3, Wish::FailUntil(99)),
        ],
    )
    .await;
    let raw = bus.publisher();
    let published = raw.publish_raw("test.order", Key::of(&4), "{}", Publish::new());
    published.await.expect("the broker takes it");
    bus.run_until_idle().await;

    let mut dead = bus.dead_lettered();
    dead.sort_by_key(|event| event.key.to_string());
    let told: Vec<_> = dead
        .iter()
        .map(|event| match &event.outcome {
            TestOutcome::Dead { reason, error } => (*reason, event.attempts, error.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told[0], (DeadReason::Permanent, 1, "out of stock"));
    assert_eq!((told[1].0, told[1].1), (DeadReason::Panic, 5));
    assert!(told[1].2.contains("no such shelf"), "{}", told[1].2);
    assert_eq!(told[2], (DeadReason::Exhausted, 5, "failed 5"));
    assert_eq!((told[3].0, told[3].1), (DeadReason::Undecodable, 1));
    assert!(
        told[3].2.contains("missing field `number`"),
        "{}",
        told[3].2
    );

    // An assertion that can fail: it names them.
    let failed = catch_unwind(AssertUnwindSafe(|| bus.assert_no_dead_letters()));
    let text = failed.expect_err("there are some").downcast::<String>();
    let text = text.expect("a text");
    assert!(text.contains("there are 4 dead letters"), "{text}");
    assert!(
        text.contains(
            "test.order 1 at test_bus::shop::take: dead (permanent: out of stock), attempt 1"
        ),
        "{text}"
    );
    let wrong = catch_unwind(AssertUnwindSafe(|| dead[0].decode::<Taken>()));
    let text = wrong.expect_err("another topic").downcast::<String>();
    assert!(
        text.expect("a text")
            .contains("this event is of topic `test.order`")
    );
    let wrong = catch_unwind(AssertUnwindSafe(|| dead[3].decode::<Order>()));
    let text = wrong.expect_err("no order").downcast::<String>();
    assert!(text.expect("a text").contains("cannot be decoded"));
    end(bus).await;
}

/// They are refused again, so that each is listed twice.
async fn what_is_replayed_is_waited_for(broker: impl Broker) {
    let bus = shop(&broker).await;
    place(&bus, (1..=3).map(|number| order(number, Wish::Refuse))).await;
    bus.run_until_idle().await;
    assert_eq!(bus.dead_lettered().len(), 3);
    let replayed = bus
        .dead_letters()
        .replay_all(&DeadLetterFilter::all())
        .await;
    assert_eq!(replayed.expect("the broker takes them"), 3);
    bus.run_until_idle().await;
    assert_eq!(bus.dead_lettered().len(), 6);
    end(bus).await;
}

/// A repeated attempt publishes the same event, by its id.
async fn what_a_handler_publishes_again_has_the_same_id(broker: impl Broker) {
    let bus = shop(&broker).await;
    place(
        &bus,
        [order(1, Wish::FailUntil(3)), order(2, Wish::FailUntil(1))],
    )
    .await;
    bus.run_until_idle().await;
    let ids: Vec<_> = bus.outbox().into_iter().map(|message| message.id).collect();
    let different: HashSet<_> = ids.iter().map(|id| id.as_str().to_owned()).collect();
    assert_eq!(different.len(), 2);
    // Where the broker knows an id already, it does not store the event again.
    assert!(ids.len() == 4 || ids.len() == 2, "{ids:?}");
    end(bus).await;
}

async fn walk(bus: &TestBus, ledger: &Ledger) {
    for number in 1..=20 {
        for walk in ["north", "south", "west"] {
            ledger.published(walk, number);
            let (walk, hard) = (walk.to_owned(), number % 4 == 1);
            let step = Step { walk, number, hard };
            bus.publish(&step).await.expect("the broker takes it");
        }
    }
    bus.run_until_idle().await;
}

async fn the_order_of_each_key_holds_over_skipped_waits(broker: impl Broker) {
    let scene = Scene::default();
    let bus = shop_with(&broker, scene.clone()).await;
    walk(&bus, &scene.ledger).await;
    let findings = scene.ledger.findings();
    assert!(
        findings.is_clean() && findings.published == 60,
        "{findings}"
    );
    assert!(bus.skipped() > Duration::from_hours(1));
    end(bus).await;
}

/// The check of the order can fail: without a key there is none.
async fn without_a_key_the_same_walk_is_out_of_order(broker: impl Broker) {
    let scene = Scene::default();
    let bus = TestBus::on::<Wanderers>(broker.config(), scene.clone()).await;
    let bus = bus.expect("it starts").patience(tests::on::PATIENCE);
    walk(&bus, &scene.ledger).await;
    let findings = scene.ledger.findings();
    assert!(
        !findings.inversions.is_empty() && findings.lost.is_empty(),
        "{findings}"
    );
    end(bus).await;
}

/// Ten of them in one process, on one broker, and each sees its own events alone.
async fn buses_side_by_side_do_not_see_each_other(broker: impl Broker) {
    let mut buses = Vec::new();
    for number in 0..10 {
        // No namespace: each has one of its own.
        let bus = TestBus::on::<Shop>(broker.config(), Scene::default()).await;
        let bus = bus.expect("any number run").patience(tests::on::PATIENCE);
        place(&bus, [order(number, Wish::FailUntil(2))]).await;
        buses.push((number, bus));
    }
    for (number, bus) in &buses {
        bus.run_until_idle().await;
        let handled = bus.handled::<Order>();
        assert_eq!(handled, [Json(order(*number, Wish::FailUntil(2)))]);
    }
    for (_, bus) in buses {
        end(bus).await;
    }
}

/// What is not settled is released, and said to be lost where it is.
async fn a_shutdown_does_not_wait_for_retries(_: Memory) {
    let bus = TestBus::start::<Shop>(Scene::default()).await;
    let bus = bus.expect("it starts");
    place(&bus, [order(1, Wish::FailUntil(2))]).await;
    bus.advance(Duration::ZERO).await;
    let report = bus.shutdown().await.expect("it runs until it is shut down");
    assert_eq!((report.handled(), report.released()), (1, 1), "{report}");
    assert!(report.left[0].contains("lost with the process"), "{report}");
}

/// A configuration that says what a shutdown waits for is kept.
async fn the_configuration_is_the_tests(_: Memory) {
    let config = Config::memory().drain(Drain::Everything);
    let bus = TestBus::on::<Shop>(config, Scene::default()).await;
    let bus = bus.expect("it starts");
    place(&bus, [order(1, Wish::Take)]).await;
    let report = bus.shutdown().await.expect("it runs until it is shut down");
    assert_eq!((report.handled(), report.left.len()), (2, 0), "{report}");
}

/// Neither a shutdown nor a drop leaves a task, whatever still ran.
async fn nothing_is_left_of_a_test(_: Memory) {
    let before = Footprint::now().tasks;
    let orders = || {
        [
            order(1, Wish::Hang),
            order(2, Wish::FailUntil(2)),
            order(3, Wish::Take),
        ]
    };
    let start = || async {
        let config = Config::memory().shutdown_deadline(Duration::from_millis(50));
        let bus = TestBus::on::<Shop>(config, Scene::default()).await;
        let bus = bus.expect("it starts");
        place(&bus, orders()).await;
        bus.advance(Duration::ZERO).await;
        bus
    };
    let report = start().await.shutdown().await.expect("it ends");
    assert_eq!(report.cancelled, 1, "{report}");
    // tokio counts a task for a moment longer than it is waited for.
    tests::patience::until("the end", || Footprint::now().tasks == before).await;
    drop(start().await);
    tests::patience::until("the end in the background", || {
        Footprint::now().tasks == before
    })
    .await;
    let error = {
        let bus = start().await.patience(Duration::from_millis(10));
        bus.try_run_until_idle().await
    };
    assert!(error.is_err(), "a handler hangs");
    tests::patience::until("the end in the background", || {
        Footprint::now().tasks == before
    })
    .await;
}

/// A bus that is no test's runs beside them, once.
async fn a_bus_runs_beside_those_under_test(_: Memory) {
    let bus = TestBus::start::<Shop>(Scene::default())
        .await
        .expect("it starts");
    let ledger = Arc::new(Ledger::new());
    let scene = Scene {
        ledger,
        ..Scene::default()
    };
    let other = Shop::new(Config::memory())
        .start(scene)
        .await
        .expect("it runs beside");
    place(&bus, [order(1, Wish::Take)]).await;
    bus.run_until_idle().await;
    let report = other
        .shutdown()
        .await
        .expect("it runs until it is shut down");
    assert_eq!(report.handled(), 0);
    end(bus).await;
}

tests::on! {
    every [
        what_was_handled_and_published_is_listed,
        dead_letters_are_listed_with_their_reasons,
        what_is_replayed_is_waited_for,
        what_a_handler_publishes_again_has_the_same_id,
        the_order_of_each_key_holds_over_skipped_waits,
        without_a_key_the_same_walk_is_out_of_order,
    ]
    memory [
        buses_side_by_side_do_not_see_each_other,
        a_shutdown_does_not_wait_for_retries,
        the_configuration_is_the_tests,
        nothing_is_left_of_a_test,
        a_bus_runs_beside_those_under_test,
    ]
    nats [
        buses_side_by_side_do_not_see_each_other,
    ]
}
