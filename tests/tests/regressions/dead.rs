//! Dead letters are listed, shown, replayed and purged, while the bus runs and while it is down.

use crate::step::{Step, numbers, step};
use bus_runtime::prelude::*;
use bus_runtime::{
    DeadLetter, DeadLetterError, DeadLetterFilter, DeadLetters, DeadReason, Publish, PublishError,
    Report, Running,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tests::letters::{all, listed};
use tests::on;
use tests::on::Broker;
#[cfg(feature = "nats")]
use tests::patience::until;
use tests::patience::within;
use tests::seen::Seen;

#[derive(Clone, Debug, Default)]
struct Scene {
    mended: Arc<AtomicBool>,
    handled: Seen<Step>,
    audited: Seen<Step>,
}

impl Scene {
    fn mend(&self) {
        self.mended.store(true, Ordering::Release);
    }
}

#[event_handler(topic = Step::TOPIC, retry = Retry::attempts(1))]
async fn mended(Json(step): Json<Step>, State(scene): State<Scene>) -> Result {
    if !scene.mended.load(Ordering::Acquire) {
        Err("not mended yet")?;
    }
    scene.handled.add(step);
    Ok(())
}

/// What another group sees: each event once, and no replay.
#[event_handler(topic = Step::TOPIC, group = "audit")]
async fn audits(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.audited.add(step);
}

#[event_bus(group = "dead", state = Scene, handlers = [mended, audits])]
struct Mending;

#[cfg(any(feature = "nats", feature = "kafka"))]
#[event_handler(topic = "steps.other", key = Record)]
async fn takes_others(_: Raw) {}

/// A version of the service that no longer handles the topic.
#[cfg(any(feature = "nats", feature = "kafka"))]
#[event_bus(group = "dead", state = Scene, handlers = [takes_others, audits])]
struct Narrower;

async fn start(broker: &impl Broker, scene: &Scene) -> Running {
    let bus = Mending::new(broker.config()).start(scene.clone()).await;
    bus.expect("it starts")
}

/// One event for each key, all of which are dead letters then.
async fn three_die(bus: &Running, scene: &Scene) -> Vec<DeadLetter> {
    for key in ["a", "b", "c"] {
        bus.publish(&step(key, 1)).await.expect("published");
    }
    scene.audited.at_least(3).await;
    listed(&bus.dead_letters(), 3).await
}

async fn end(bus: Running) -> Report {
    let report = bus.shutdown().await.expect("it ends");
    assert!(report.left.is_empty(), "{report}");
    report
}

fn of_key(letters: &[DeadLetter], key: &str) -> DeadLetter {
    let mut letters = letters.iter();
    let found = letters.find(|letter| letter.event.key == Key::of(key));
    found.expect("it is listed").clone()
}

async fn regression_43_dead_letters_are_listed_shown_replayed_and_purged<B: Broker>(broker: B) {
    let (scene, begun) = (Scene::default(), SystemTime::now());
    let bus = start(&broker, &scene).await;
    let letters = three_die(&bus, &scene).await;
    let dead = bus.dead_letters();

    let of_b = of_key(&letters, "b");
    assert_eq!(of_b.reason, Some(DeadReason::Exhausted));
    assert_eq!((of_b.attempts, &*of_b.error), (1, "not mended yet"));
    assert_eq!((&*of_b.group, &*of_b.event.topic), ("dead", "steps.taken"));
    assert!(of_b.handler.ends_with("::mended"), "{of_b}");
    assert_eq!(&of_b.event.payload[..], br#"{"key":"b","number":1}"#);
    let shown = dead.get(of_b.id).await.expect("it is there");
    assert_eq!(shown.to_string(), of_b.to_string());

    let count = async |filter: DeadLetterFilter| {
        let page = dead.list(&filter, None, 10).await.expect("listed");
        page.letters.len()
    };
    let filter = DeadLetterFilter::all;
    // Clocks of brokers and processes are not compared here: an hour is more than they differ.
    let hour = Duration::from_hours(1);
    for (filter, expected) in [
        (filter().key("b"), 1),
        (filter().key("d"), 0),
        (filter().topic("steps.taken"), 3),
        (filter().topic("steps"), 0),
        (filter().reason(DeadReason::Exhausted), 3),
        (filter().reason(DeadReason::Panic), 0),
        (filter().since(begun - hour), 3),
        (filter().since(begun + hour), 0),
        (filter().before(begun - hour), 0),
        (filter().before(begun + hour).key("a"), 1),
    ] {
        assert_eq!(count(filter.clone()).await, expected, "{filter:?}");
    }
    let first = dead.list(&filter(), None, 2).await.expect("listed");
    let rest = dead.list(&filter(), first.next, 2).await.expect("listed");
    let ids = first.letters.iter().chain(&rest.letters);
    let ids: Vec<_> = ids.map(|letter| letter.id).collect();
    assert_eq!(
        ids,
        letters.iter().map(|letter| letter.id).collect::<Vec<_>>()
    );

    // It fails again, and is a dead letter again: another one, with all attempts.
    dead.replay(of_b.id).await.expect("replayed");
    let again = of_key(&listed(&dead, 3).await, "b");
    assert!(again.id > of_b.id);
    assert_eq!((again.attempts, &again.position), (2, &of_b.position));
    let unknown = dead.replay(of_b.id).await.expect_err("it was replayed");
    assert!(
        matches!(&unknown, DeadLetterError::UnknownId { id, .. } if *id == of_b.id),
        "{unknown}"
    );

    scene.mend();
    dead.replay(again.id).await.expect("replayed");
    scene.handled.at_least(1).await;
    dead.purge(of_key(&letters, "a").id).await.expect("purged");
    let purged = dead.purge(of_key(&letters, "a").id).await;
    assert!(matches!(purged, Err(DeadLetterError::UnknownId { .. })));
    assert_eq!(dead.replay_all(&filter()).await.expect("replayed"), 1);
    assert_eq!(all(&dead).await.len(), 0);
    assert_eq!(dead.purge_all(&filter()).await.expect("none is left"), 0);

    let other = dead.of_group("dead~audit").await.expect("a group of ours");
    assert_eq!(all(&other).await.len(), 0);
    for unknown in ["nobody", "dead~nobody", "dead.>", "*", ""] {
        let error = dead.of_group(unknown).await.expect_err("nobody's group");
        let says = format!("`{unknown}`");
        assert!(
            matches!(error, DeadLetterError::UnknownGroup { .. })
                && error.to_string().contains(&says),
            "{error}"
        );
    }

    // Whatever comes once more comes before these, of the same keys.
    for key in ["a", "b", "c"] {
        bus.publish(&step(key, 2)).await.expect("published");
    }
    scene.handled.at_least(5).await;
    scene.audited.at_least(6).await;
    end(bus).await;
    let (handled, audited) = (scene.handled.all(), scene.audited.all());
    assert_eq!(numbers("a", &handled), [2], "it was purged");
    for key in ["b", "c"] {
        assert_eq!(numbers(key, &handled), [1, 2], "{key}");
    }
    for key in ["a", "b", "c"] {
        assert_eq!(numbers(key, &audited), [1, 2], "{key}");
    }
    let late = dead.replay(again.id).await;
    late.expect_err("the bus has ended");
}

async fn regression_43_replays_come_through_the_smallest_buffer<B: Broker>(broker: B) {
    let scene = Scene::default();
    let config = broker.config().buffer(1);
    let bus = Mending::new(config).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    three_die(&bus, &scene).await;
    scene.mend();
    let dead = bus.dead_letters();
    let replayed = dead.replay_all(&DeadLetterFilter::all()).await;
    assert_eq!(replayed.expect("replayed"), 3);
    scene.handled.at_least(3).await;
    for key in ["a", "b", "c"] {
        bus.publish(&step(key, 2)).await.expect("published");
    }
    scene.handled.at_least(6).await;
    scene.audited.at_least(6).await;
    end(bus).await;
}

#[cfg(any(feature = "nats", feature = "kafka"))]
async fn regression_43_replays_wait_for_a_bus_that_is_down<B: Broker>(broker: B) {
    let scene = Scene::default();
    let bus = start(&broker, &scene).await;
    three_die(&bus, &scene).await;
    end(bus).await;

    let unknown = DeadLetters::connect(broker.config(), "deed").await;
    let unknown = unknown.expect_err("nobody's group");
    assert!(
        matches!(unknown, DeadLetterError::UnknownGroup { .. }),
        "{unknown}"
    );
    let dead = DeadLetters::connect(broker.config(), "dead").await;
    let dead = dead.expect("it connects");
    let letters = listed(&dead, 3).await;
    dead.purge(of_key(&letters, "a").id).await.expect("purged");
    let all_left = DeadLetterFilter::all();
    let replayed = dead.replay_all(&all_left).await;
    assert_eq!(replayed.expect("replayed"), 2);
    assert_eq!(all(&dead).await.len(), 0);
    dead.shutdown().await.expect("it closes");

    scene.mend();
    let bus = start(&broker, &scene).await;
    scene.handled.at_least(2).await;
    for key in ["b", "c"] {
        bus.publish(&step(key, 2)).await.expect("published");
    }
    scene.handled.at_least(4).await;
    scene.audited.at_least(5).await;
    assert_eq!(all(&bus.dead_letters()).await.len(), 0);
    end(bus).await;
    let (handled, audited) = (scene.handled.all(), scene.audited.all());
    for key in ["b", "c"] {
        assert_eq!(numbers(key, &handled), [1, 2], "{key}");
        assert_eq!(numbers(key, &audited), [1, 2], "{key}");
    }
}

#[cfg(any(feature = "nats", feature = "kafka"))]
async fn regression_43_a_replay_without_a_handler_is_a_dead_letter_again<B: Broker>(broker: B) {
    let scene = Scene::default();
    let bus = start(&broker, &scene).await;
    let letters = three_die(&bus, &scene).await;
    end(bus).await;

    let bus = Narrower::new(broker.config()).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    let dead = bus.dead_letters();
    dead.replay(letters[0].id).await.expect("replayed");
    let newest = async {
        loop {
            let last = all(&dead).await.pop().expect("there are some");
            if last.id > letters[2].id {
                return last;
            }
            tokio::task::yield_now().await;
        }
    };
    let again = within("the replay is a dead letter again", newest).await;
    assert_eq!(again.event.id, letters[0].event.id);
    assert_eq!(again.reason, Some(DeadReason::Permanent));
    assert!(again.error.contains("`steps.taken`"), "{again}");
    let report = end(bus).await;
    assert_eq!(report.dead_lettered(), 1, "{report}");

    // With the handler back, it is handled.
    scene.mend();
    let bus = start(&broker, &scene).await;
    let replayed = bus
        .dead_letters()
        .replay_all(&DeadLetterFilter::all())
        .await;
    assert_eq!(replayed.expect("replayed"), 3);
    scene.handled.at_least(3).await;
    end(bus).await;
}

#[event_handler(topic = "steps.large", key = Record)]
async fn refuses(_: Raw) -> Result {
    Err(HandlerError::permanent("a long story ".repeat(200)))
}

#[event_bus(group = "large", handlers = [refuses])]
struct Large;

async fn regression_20_the_largest_event_is_a_dead_letter_and_replayed<B: Broker>(broker: B) {
    let config = broker.config().memory_log_bytes(8 << 20);
    let bus = Large::new(config).start().await.expect("it starts");
    let publisher = bus.publisher();
    let publish = async |bytes: usize| {
        let (topic, key) = ("steps.large", Key::of("k"));
        publisher
            .publish_raw(topic, key, vec![b'x'; bytes], Publish::new())
            .await
    };
    let error = publish(32 << 20).await.expect_err("too large");
    let PublishError::TooLarge { size, limit, .. } = error else {
        panic!("{error}");
    };
    let largest = (32 << 20) - (size - limit);
    publish(largest).await.expect("exactly the limit");

    let dead = bus.dead_letters();
    let [letter] = &listed(&dead, 1).await[..] else {
        unreachable!("one is listed")
    };
    assert_eq!(letter.event.payload.len(), largest);
    assert_eq!(letter.reason, Some(DeadReason::Permanent));
    assert_eq!(&*letter.event.topic, "steps.large");
    assert!(!letter.position.is_empty(), "{letter}");
    // As much of the error as has room.
    assert!(letter.error.len() <= 1024, "{}", letter.error.len());
    dead.replay(letter.id).await.expect("replayed");
    let again = async {
        loop {
            match &all(&dead).await[..] {
                [again] if again.id > letter.id => return again.clone(),
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let again = within("it is a dead letter again", again).await;
    assert_eq!(again.event.payload, letter.event.payload);
    assert_eq!(again.position, letter.position);
    end(bus).await;
}

#[cfg(feature = "nats")]
async fn regression_43_a_replay_that_is_refused_stays_a_dead_letter(broker: tests::broker::Nats) {
    use async_nats::jetstream::{self, stream};
    let client = async_nats::connect(broker.url()).await;
    let server = jetstream::new(client.expect("the server is there"));
    // Somebody keeps replays short.
    let short = stream::Config {
        name: "events~replay".to_owned(),
        subjects: vec!["events~replay.>".to_owned()],
        retention: stream::RetentionPolicy::WorkQueue,
        discard: stream::DiscardPolicy::New,
        max_messages: 1,
        ..stream::Config::default()
    };
    server.create_stream(short).await.expect("made");
    let scene = Scene::default();
    let bus = start(&broker, &scene).await;
    three_die(&bus, &scene).await;
    end(bus).await;
    let dead = DeadLetters::connect(broker.config(), "dead").await;
    let dead = dead.expect("it connects");
    let refused = dead.replay_all(&DeadLetterFilter::all()).await;
    let refused = refused.expect_err("one has room");
    assert!(
        matches!(&refused, DeadLetterError::Partly { done: 1, .. })
            && refused.to_string().contains("raise the stream's limit"),
        "{refused}"
    );
    let left = all(&dead).await;
    assert_eq!(left.len(), 2);
    let refused = dead.replay(left[0].id).await;
    refused.expect_err("there is no room still");
    dead.shutdown().await.expect("it closes");

    scene.mend();
    let bus = start(&broker, &scene).await;
    scene.handled.at_least(1).await;
    let dead = bus.dead_letters();
    for letter in left {
        // What was handled makes room, as soon as that is acknowledged.
        let replayed = async {
            while dead.replay(letter.id).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        within("there is room for the next", replayed).await;
    }
    scene.handled.at_least(3).await;
    end(bus).await;
}

/// Whether a server lets the bus store dead letters.
#[cfg(feature = "nats")]
fn may_bury(may: bool) -> String {
    let denied = if may { "" } else { "\"events~dead.>\"" };
    format!(
        "authorization {{ users: [ {{ user: shop, password: secret, permissions: {{ publish: {{ allow: \">\", deny: \
         [{denied}] }} }} }} ] }}"
    )
}

#[cfg(feature = "nats")]
async fn regression_19_where_dead_letters_are_forbidden_their_events_wait(_: tests::broker::Nats) {
    use tests::broker::Nats;
    let mut server = Nats::start_with(&may_bury(false));
    let config = Config::new(format!("nats://shop:secret@{}", server.servers()));
    let scene = Scene::default();
    let bus = Mending::new(config.clone()).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    bus.publish(&step("a", 1)).await.expect("published");
    let refused = || {
        let problems = bus.health().problems;
        let mut problems = problems.iter().map(ToString::to_string);
        problems.any(|problem| problem.contains("no right to publish to the subject `events~dead."))
    };
    until("the refusal is in the health report", refused).await;
    // Another key goes on, and behind the event itself nothing does.
    bus.publish(&step("a", 2)).await.expect("published");
    scene.mend();
    bus.publish(&step("b", 1)).await.expect("published");
    scene.handled.at_least(1).await;
    assert_eq!(numbers("a", &scene.handled.all()), [0; 0]);
    assert_eq!(all(&bus.dead_letters()).await.len(), 0);

    // It goes on by itself.
    let conf = server.folder().join("nats.conf");
    std::fs::write(conf, may_bury(true)).expect("written");
    server.restart();
    let letters = listed(&bus.dead_letters(), 1).await;
    assert_eq!(letters[0].event.key, Key::of("a"));
    scene.handled.at_least(2).await;
    assert_eq!(numbers("a", &scene.handled.all()), [2]);
    until("the health report is well again", || !refused()).await;
    end(bus).await;
}

/// A deployment of before there were replays, and one of now.
#[cfg(feature = "nats")]
async fn regression_34_what_is_missing_of_replays_is_named_or_created(broker: tests::broker::Nats) {
    use bus_runtime::Provision::{Create, None, Verify};
    let start = async |provision| {
        let config = broker.config().provision(provision);
        Mending::new(config).start(Scene::default()).await
    };
    end(start(Create).await.expect("it starts")).await;
    for (missing, says) in [
        (
            "CONSUMER.DELETE.events~replay.dead",
            "the stream `events~replay` has no consumer `dead`; create it",
        ),
        (
            "STREAM.DELETE.events~replay",
            "the stream `events~replay` does not exist; create it",
        ),
    ] {
        tests::jetstream::ask(broker.url(), missing);
        for provision in [Verify, None] {
            let error = start(provision).await.expect_err(says).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
    for provision in [Create, Verify, None] {
        end(start(provision).await.expect("it starts")).await;
    }
}

/// The same on Kafka, where what is missing and not looked for holds nothing else up.
#[cfg(feature = "kafka")]
async fn regression_34_a_missing_topic_of_replays_is_named_or_created(
    kafka: tests::on::SharedKafka,
) {
    use bus_runtime::Provision::{Create, None, Verify};
    let url = tests::on::SharedKafka::server().url();
    let wire = |topic: &str| format!("{}.{topic}", kafka.namespace());
    for before in ["steps.taken", "dead..dead", "dead..audit..dead"] {
        tests::kafka::make_topic(url, &wire(before), 1, &[]).await;
    }
    let scene = Scene::default();
    let start = async |provision| {
        let config = kafka.config().provision(provision);
        Mending::new(config).start(scene.clone()).await
    };
    let error = start(Verify).await.expect_err("it is missing").to_string();
    assert!(
        error.contains("..replay`; make it, or set `provision`"),
        "{error}"
    );
    for (number, provision) in (1..).zip([None, Create, Verify]) {
        let bus = start(provision).await.expect("it starts");
        let replays = wire("dead..replay");
        assert_eq!(
            tests::kafka::topics(url).contains_key(&replays),
            provision != None
        );
        bus.publish(&step("k", number)).await.expect("published");
        scene
            .audited
            .at_least(usize::try_from(number).expect("a few"))
            .await;
        end(bus).await;
    }
}

/// Nobody may make the topic that names what was replayed: nothing is stored again that could not be removed.
#[cfg(feature = "kafka")]
async fn regression_43_a_replay_that_could_not_be_removed_is_not_stored(
    kafka: tests::on::SharedKafka,
) {
    use bus_runtime::Provision;
    let scene = Scene::default();
    let bus = start(&kafka, &scene).await;
    three_die(&bus, &scene).await;
    end(bus).await;
    let wire = |topic: &str| format!("{}.{topic}", kafka.namespace());
    let connect = async |provision| {
        let dead = DeadLetters::connect(kafka.config().provision(provision), "dead").await;
        dead.expect("it connects")
    };
    let everything = DeadLetterFilter::all();
    let dead = connect(Provision::Verify).await;
    let refused = dead
        .replay_all(&everything)
        .await
        .expect_err("it is missing");
    let missing = format!("`{}`; make it", wire("dead..resolved"));
    assert!(refused.to_string().contains(&missing), "{refused}");
    assert_eq!(all(&dead).await.len(), 3);
    dead.shutdown().await.expect("it closes");
    let url = tests::on::SharedKafka::server().url();
    assert_eq!(tests::kafka::ends(url, &wire("dead..replay")), [0]);

    let dead = connect(Provision::Create).await;
    assert_eq!(dead.replay_all(&everything).await.expect("replayed"), 3);
    assert_eq!(all(&dead).await.len(), 0);
    dead.shutdown().await.expect("it closes");
}

/// Three events die, and a program of its own replays them. It has no way to remove their dead letters, and is killed
/// (SIGKILL) when the replays are handled; then they are replayed once more.
#[cfg(any(feature = "nats", feature = "kafka"))]
async fn replayed_by_one_that_is_killed(config: Config, its: &[(&str, &str)]) -> (Running, Scene) {
    let scene = Scene::default();
    let bus = Mending::new(config).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    let letters = three_die(&bus, &scene).await;
    scene.mend();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_replay-service"))
        .arg("dead")
        .envs(its.iter().copied())
        .spawn()
        .expect("it runs");
    scene.handled.at_least(3).await;
    program.kill().expect("it is ours");
    let ended = program.wait().expect("it is ours");
    assert!(!ended.success(), "it has removed them");

    let dead = bus.dead_letters();
    let ids = |letters: &[DeadLetter]| letters.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(ids(&all(&dead).await), ids(&letters), "they are listed");
    let again = dead.replay_all(&DeadLetterFilter::all()).await;
    assert_eq!(again.expect("replayed"), 3);
    assert_eq!(all(&dead).await.len(), 0);
    (bus, scene)
}

#[cfg(feature = "nats")]
async fn regression_43_a_replay_whose_program_is_killed_is_handled_once(_: tests::broker::Nats) {
    use tests::broker::Nats;
    let server = Nats::start_with(
        r#"no_auth_user: shop
        authorization { users: [
            { user: shop, password: secret }
            { user: keeps, password: secret, permissions: { publish: { deny: "$JS.API.STREAM.MSG.DELETE.>" } } }
        ] }"#,
    );
    let url = format!("nats://keeps:secret@{}", server.servers());
    let its = [("BUS_URL", &*url)];
    let (bus, scene) = replayed_by_one_that_is_killed(server.config(), &its).await;
    // The server has noticed: there is nothing more to come.
    let replays = tests::jetstream::ask(server.url(), "STREAM.INFO.events~replay");
    assert_eq!(replays["state"]["last_seq"], 3, "{replays}");
    end(bus).await;
    for key in ["a", "b", "c"] {
        assert_eq!(numbers(key, &scene.handled.all()), [1], "{key}");
    }
}

#[cfg(feature = "kafka")]
async fn regression_43_a_replay_whose_program_is_killed_is_not_lost(kafka: tests::on::SharedKafka) {
    let url = tests::on::SharedKafka::server().url();
    // It looks for no topic and makes none, and that of those that are removed is missing.
    let its = [
        ("BUS_URL", url),
        ("BUS_NAMESPACE", kafka.namespace()),
        ("BUS_PROVISION", "none"),
    ];
    let (bus, scene) = replayed_by_one_that_is_killed(kafka.config(), &its).await;
    // Kafka does not notice.
    scene.handled.at_least(6).await;
    end(bus).await;
    for key in ["a", "b", "c"] {
        assert_eq!(numbers(key, &scene.handled.all()), [1, 1], "{key}");
    }
}

async fn the_dead_letters_of_memory_are_in_its_bus(broker: tests::on::Memory) {
    let error = DeadLetters::connect(broker.config(), "dead").await;
    let error = error.expect_err("nobody else's memory");
    assert!(
        error.to_string().contains("that bus's `dead_letters()`"),
        "{error}"
    );
}

on! {
    every [
        regression_43_dead_letters_are_listed_shown_replayed_and_purged,
        regression_43_replays_come_through_the_smallest_buffer,
        regression_20_the_largest_event_is_a_dead_letter_and_replayed,
    ]
    durable [
        regression_43_replays_wait_for_a_bus_that_is_down,
        regression_43_a_replay_without_a_handler_is_a_dead_letter_again,
    ]
    memory [
        the_dead_letters_of_memory_are_in_its_bus,
    ]
    nats [
        regression_34_what_is_missing_of_replays_is_named_or_created,
        regression_43_a_replay_that_is_refused_stays_a_dead_letter,
        regression_43_a_replay_whose_program_is_killed_is_handled_once,
        regression_19_where_dead_letters_are_forbidden_their_events_wait,
    ]
    cluster [
        regression_34_a_missing_topic_of_replays_is_named_or_created,
        regression_43_a_replay_that_could_not_be_removed_is_not_stored,
        regression_43_a_replay_whose_program_is_killed_is_not_lost,
    ]
}
