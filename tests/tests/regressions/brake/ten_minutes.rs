use super::{Database, Scene, all_is_well, is_braked, names, publish};
use crate::step::Step;
use bus_runtime::prelude::*;
use bus_runtime::testing::several_buses;
use bus_runtime::{Brake, Problem};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tests::logged::Logged;
use tokio::runtime::Builder;

const OUTAGE: Duration = Duration::from_mins(10);
/// Longer than the longest wait for a probe, with its backoff.
const SOON: Duration = Duration::from_mins(2);

/// What a new version of the service reads an event with, which is wrong while the database is away.
struct Schema(Step);

impl FromEvent<Scene> for Schema {
    fn from_event(cx: &Cx<Scene>) -> std::result::Result<Self, Rejection> {
        if cx.state().away.load(Ordering::Relaxed) {
            return Err(Rejection::new("missing field `currency`"));
        }
        let step = serde_json::from_slice(cx.payload());
        step.map(Schema)
            .map_err(|error| Rejection::new(error.to_string()))
    }
}

#[event_handler(topic = Step::TOPIC, key = Record, state = Scene)]
async fn read(_: Raw, Schema(step): Schema, State(scene): State<Scene>) -> Result {
    scene.write(step)
}

#[event_bus(group = "schema", state = Scene, handlers = [read])]
struct Deploy;

/// Runs a scenario in memory whose time passes when everybody waits.
fn virtually(scenario: impl Future<Output = ()>) {
    several_buses();
    drop(Logged::here());
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("the system gives it");
    runtime.block_on(scenario);
}

/// Lets so much time pass, with all that is due meanwhile: [`virtually`] it takes none.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

mod memory {
    use super::*;

    #[test]
    fn regression_36_an_outage_under_load() {
        virtually(async {
            let scene = Scene::away();
            let bus = Database::new(Config::memory()).start(scene.clone()).await;
            let bus = bus.expect("it starts");
            let mut published = publish(&bus, names("early", 0..2000)).await;
            for minute in 0..10 {
                pass(OUTAGE / 10).await;
                published += publish(&bus, names("late", minute * 10..minute * 10 + 10)).await;
                assert!(is_braked(&bus), "{:?}", bus.health());
            }
            let health = bus.health();
            assert!(health.live && health.ready, "{health:?}");
            let text = health.problems[0].to_string();
            assert!(text.contains("regressions::brake::write"), "{text}");
            assert!(text.contains("the database does not answer"), "{text}");
            scene.back();
            pass(SOON).await;
            all_is_well(bus, &scene, published, 0).await;
        });
    }

    #[test]
    fn regression_36_an_outage_with_one_single_event() {
        virtually(async {
            let scene = Scene::away();
            let bus = Database::new(Config::memory()).start(scene.clone()).await;
            let bus = bus.expect("it starts");
            publish(&bus, names("only", 0..1)).await;
            pass(OUTAGE).await;
            let problems = bus.health().problems;
            assert!(
                matches!(&*problems, [Problem::Held { events: 1, .. }]),
                "{problems:?}"
            );
            scene.back();
            pass(SOON).await;
            all_is_well(bus, &scene, 1, 0).await;
        });
    }

    #[test]
    fn regression_36_an_outage_in_which_5_percent_of_attempts_succeed() {
        virtually(async {
            let scene = Scene::away();
            scene.one_of.store(20, Ordering::Relaxed);
            let bus = Database::new(Config::memory()).start(scene.clone()).await;
            let bus = bus.expect("it starts");
            let published = publish(&bus, names("early", 0..3000)).await;
            pass(OUTAGE).await;
            let (done, red) = (scene.done.count(), !bus.health().problems.is_empty());
            assert!(
                (1..published).contains(&done) && red,
                "{done}: {:?}",
                bus.health()
            );
            scene.back();
            pass(SOON).await;
            all_is_well(bus, &scene, published, 0).await;
        });
    }

    #[test]
    fn regression_36_an_outage_of_a_quiet_topic_with_three_poison_keys() {
        virtually(async {
            let scene = Scene::away();
            let bus = Database::new(Config::memory()).start(scene.clone()).await;
            let bus = bus.expect("it starts");
            publish(&bus, names("poison", 0..3)).await;
            let mut good = 0;
            for minute in 0..10 {
                good += publish(&bus, names("quiet", minute..minute + 1)).await;
                pass(OUTAGE / 10).await;
            }
            scene.back();
            for minute in 10..20 {
                good += publish(&bus, names("quiet", minute..minute + 1)).await;
                pass(OUTAGE / 10).await;
            }
            all_is_well(bus, &scene, good, 3).await;
        });
    }

    #[test]
    fn regression_36_a_bad_schema_deploy() {
        virtually(async {
            let scene = Scene::away();
            let bus = Deploy::new(Config::memory()).start(scene.clone()).await;
            let bus = bus.expect("it starts");
            let published = publish(&bus, names("early", 0..2000)).await;
            pass(OUTAGE).await;
            assert!(is_braked(&bus), "{:?}", bus.health());
            scene.back();
            pass(SOON).await;
            // Twenty in a row, and one at each probe.
            let dead = published - scene.done.count();
            assert!((20..60).contains(&dead), "{dead} dead letters");
            all_is_well(bus, &scene, published - dead, dead as u64).await;
        });
    }

    /// The scenarios see an outage that is taken for poison.
    #[test]
    fn regression_36_without_a_brake_an_outage_empties_the_topic() {
        virtually(async {
            let scene = Scene::away();
            let config = Config::memory().brake(Brake::Off);
            let bus = Database::new(config).start(scene.clone()).await;
            let bus = bus.expect("it starts");
            let published = publish(&bus, names("early", 0..100)).await;
            pass(OUTAGE).await;
            let report = bus.shutdown().await.expect("it ends");
            assert_eq!(report.dead_lettered(), published as u64, "{report}");
        });
    }
}
