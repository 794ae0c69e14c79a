//! A service that is killed again and again, at random moments, under load: nothing is lost, nothing is out of order,
//! and the dead letters are exactly the poisoned events. With acknowledgement before settlement the same test finds
//! what is lost.

#[cfg(feature = "nats")]
mod nats {
    use bus_runtime::prelude::*;
    use bus_runtime::{Message, transport};
    use fastrand::Rng;
    use std::collections::BTreeSet;
    use std::io::{BufRead, BufReader};
    use std::process::{Child, ChildStdin, Command, Stdio};
    use std::sync::Arc;
    use std::sync::mpsc::{self, Receiver};
    use std::thread;
    use std::time::{Duration, Instant};
    use tests::alone::{figure, runtime};
    use tests::broker::Nats;
    use tests::jetstream;
    use tests::load::{Load, Numbered};
    use tests::patience::{PATIENCE, within};
    use tests::record::{History, Record};
    use tokio::runtime::Runtime;
    use tokio::sync::Semaphore;
    use tokio::task::JoinHandle;

    /// Repeats a run: set to what the run has printed.
    const SEED: &str = "CRASH_SEED";

    /// How often the service is killed.
    const KILLS: usize = 25;

    /// Events that are published for each life of the service.
    const A_LIFE: usize = 8000;

    /// Keys of the load.
    const KEYS: u32 = 2000;

    /// One life of the service.
    struct Service {
        child: Child,
        /// The service ends with it.
        input: Option<ChildStdin>,
        records: Receiver<Record>,
    }

    impl Service {
        fn start(url: &str, mistake: Option<&str>) -> Self {
            let mut child = Command::new(env!("CARGO_BIN_EXE_crash-service"))
                .arg(url)
                .args(mistake)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("the service runs");
            let (input, output) = (child.stdin.take(), child.stdout.take());
            let output = BufReader::new(output.expect("the pipe was asked for"));
            let (send, records) = mpsc::channel();
            thread::spawn(move || {
                for line in output.lines() {
                    let record = line.expect("it writes text").parse();
                    // The test has failed, if it reads no more.
                    let _ = send.send(record.unwrap_or_else(|fault: String| panic!("{fault}")));
                }
            });
            Service {
                child,
                input,
                records,
            }
        }

        /// Reads the next record, unless none comes for so long, or the service has ended.
        fn read(&self, history: &mut History, patience: Duration) -> bool {
            let record = self.records.recv_timeout(patience);
            record.is_ok_and(|record| {
                history.step(record);
                true
            })
        }

        /// Kills it, and reads what it had written.
        fn kill(mut self, history: &mut History) {
            self.child.kill().expect("it is ours");
            self.child.wait().expect("it is ours");
            self.records.iter().for_each(|record| history.step(record));
        }

        /// Ends it as an operator would, and reads what it has written.
        fn end(mut self, history: &mut History) {
            drop(self.input.take());
            self.records.iter().for_each(|record| history.step(record));
            let ended = self.child.wait().expect("it is ours");
            assert!(ended.success(), "{ended}");
        }
    }

    impl Drop for Service {
        fn drop(&mut self) {
            // Of a test that failed; else it has ended, and there is nothing to kill.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    /// What a run has shown.
    struct Found {
        load: Load,
        history: History,
        /// Neither settled nor dead.
        lost: Vec<Numbered>,
        /// The ids of the dead letters, sorted.
        dead: Vec<String>,
    }

    impl Found {
        fn poisoned(&self) -> Vec<String> {
            poisoned(self.load)
        }
    }

    fn poisoned(load: Load) -> Vec<String> {
        let poisoned = load.iter().filter(|event| event.is_poisoned());
        let mut ids: Vec<String> = poisoned.map(Numbered::id).collect();
        ids.sort();
        ids
    }

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
        let (mut history, runtime) = (History::default(), runtime());
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
            history.next_life();
            if early {
                let before = if life == 0 { 0 } else { acknowledged(&url) };
                let service = Service::start(&url, Some("stuck"));
                until_lost(&service, &mut history, || {
                    acknowledged(&url) > before + 1500
                });
                service.kill(&mut history);
                continue;
            }
            pace.add_permits(A_LIFE);
            let service = Service::start(&url, None);
            until_some_moment(&service, &mut history, &mut rng);
            service.kill(&mut history);
        }

        history.next_life();
        if !early {
            published(&runtime, &mut publishing);
        }
        let service = Service::start(&url, early.then_some("early"));
        while history.settled() < load.events() && service.read(&mut history, quiet) {}
        let lost: Vec<Numbered> = load.iter().filter(|event| !history.has(*event)).collect();
        if lost.is_empty() {
            // The last dead letters are on their way.
            let deadline = Instant::now() + PATIENCE;
            while runtime.block_on(dead_letters(&url)).len() < poisoned(load).len() {
                assert!(Instant::now() < deadline, "dead letters are missing");
            }
        }
        service.end(&mut history);
        let dead = runtime.block_on(dead_letters(&url));
        Found {
            load,
            history,
            lost,
            dead,
        }
    }

    /// Reads until a moment that nobody can foresee.
    fn until_some_moment(service: &Service, history: &mut History, rng: &mut Rng) {
        // From before the first event to behind most.
        for _ in 0..rng.usize(..2 * A_LIFE) {
            let read = service.read(history, PATIENCE);
            assert!(read, "the service stands still, or ended by itself");
        }
        // And anywhere within the step that comes next.
        let (now, moment) = (Instant::now(), Duration::from_micros(rng.u64(..2000)));
        while now.elapsed() < moment {
            thread::yield_now();
        }
    }

    /// Up to where the server takes the group's events for handled.
    fn acknowledged(url: &str) -> u64 {
        let info = jetstream::ask(url, "CONSUMER.INFO.events.crash");
        info["ack_floor"]["stream_seq"].as_u64().expect("a number")
    }

    /// Reads until `lost` says that the server has forgotten events that the service, which gets stuck after 1000
    /// attempts, has not handled.
    fn until_lost(service: &Service, history: &mut History, lost: impl Fn() -> bool) {
        let started = service.read(history, PATIENCE);
        assert!(started, "the service stands still, or ended by itself");
        let deadline = Instant::now() + PATIENCE;
        while !lost() {
            while service.read(history, Duration::from_millis(10)) {}
            assert!(Instant::now() < deadline, "nothing is acknowledged early");
        }
    }

    fn published(runtime: &Runtime, publishing: &mut JoinHandle<()>) {
        let ended = runtime.block_on(async { within("everything is published", publishing).await });
        ended.expect("the task that publishes");
    }

    async fn dead_letters(url: &str) -> Vec<String> {
        let transport = transport::connect(&Config::new(url), "crash-test").await;
        let transport = transport.expect("it connects");
        let letters = transport.dead_letters("crash", 1_000_000).await;
        let letters = letters.expect("the broker has them");
        let id = |letter: &Message| {
            let id = letter.headers.get("bus-dead-id");
            id.expect("each dead letter has one").to_owned()
        };
        let mut ids: Vec<String> = letters.iter().map(id).collect();
        ids.sort();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let left = transport.close(deadline).await;
        assert!(left.0.is_empty(), "{left:?}");
        ids
    }

    fn rng() -> Rng {
        let seed = std::env::var(SEED).ok();
        let seed = seed.map(|seed| seed.parse().expect("a seed is a number"));
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        figure(format_args!("crash: {SEED}={seed}"));
        Rng::with_seed(seed)
    }

    #[test]
    fn nothing_is_lost_however_often_the_service_is_killed() {
        let begun = Instant::now();
        let found = run(KILLS, false, PATIENCE);
        let (history, poisoned) = (&found.history, found.poisoned());
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
    }

    #[test]
    fn acknowledged_before_it_is_settled_it_is_lost() {
        let found = run(2, true, Duration::from_secs(3));
        // Not only late: later events of their keys are settled.
        let lost = found.lost.iter();
        let lost = lost.filter(|event| found.history.overtook(**event)).count();
        assert!(lost >= 1000, "the mistake is not found: {lost}");
        figure(format_args!(
            "crash: acknowledged early, 2 × kill -9: {lost} of {} lost",
            found.load.events()
        ));
    }
}
