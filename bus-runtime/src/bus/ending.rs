//! A shutdown under way, and the thread that keeps its deadline.

use super::Report;
use super::account::Account;
use super::end::BLOCKS;
use super::running::Parts;
use super::signal::second_signal;
use crate::observe::Phase;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// How long after the deadline the shutdown may still report itself.
const GRACE: Duration = Duration::from_secs(1);

/// Why a handler still runs where no worker thread answers.
const BLOCKS_ALL: &str = "it still runs, and handlers block every worker thread of the runtime, so that nothing can be \
    cancelled or closed; what blocks belongs into `tokio::task::spawn_blocking`";

/// A shutdown under way, on a task of its own: it goes on whoever waits for it, on the runtime that the bus was
/// started on, wherever it is asked for.
pub(super) struct Ending {
    task: JoinHandle<()>,
    /// None where the system gives no thread.
    watch: Option<thread::JoinHandle<()>>,
    report: oneshot::Receiver<Told>,
}

/// A report, and whose.
enum Told {
    /// The shutdown's own: it has ended.
    Ended(Report),
    /// The thread's: the shutdown has not ended.
    Overdue(Report),
}

/// Where the first report goes.
type Answer = Arc<Mutex<Option<oneshot::Sender<Told>>>>;

impl Ending {
    pub(super) fn begin(parts: Parts) -> Self {
        parts.board.reach(Phase::ShuttingDown);
        let (send, report) = oneshot::channel();
        let answer: Answer = Arc::new(Mutex::new(Some(send)));
        let account = Arc::new(parts.account());
        let (runs, watched) = channel::<()>();
        let watch = Watch {
            account: Arc::clone(&account),
            answer: Arc::clone(&answer),
            deadline: parts.config.shutdown_deadline,
            runtime: parts.runtime.clone(),
            tasks: parts.tasks.clone(),
            watched,
        };
        let (bus, watch) = (parts.bus, watch.start());
        if let Err(error) = &watch {
            crate::observe::warning!(
                bus,
                "no thread to keep the shutdown's deadline, which handlers that block every worker thread can hold \
                 up: {error}"
            );
        }
        let task = parts.runtime.clone().spawn(async move {
            // Dropped at the end, and with the task where its runtime ends before: the thread ends then.
            let _runs = runs;
            let report = parts.end(&account, second_signal()).await;
            tell(&answer, Told::Ended(report));
        });
        Ending {
            task,
            watch: watch.ok(),
            report,
        }
    }

    /// The report, at the latest soon after the deadline.
    pub(super) async fn report(self) -> Report {
        let report = match self.report.await {
            // Its task cannot end before the handlers let it.
            Ok(Told::Overdue(report)) => return report,
            Ok(Told::Ended(report)) => Some(report),
            Err(_) => None,
        };
        // The task itself has ended too, and the thread, before anybody counts.
        let ended = self.task.await;
        if let Some(watch) = self.watch {
            // It ends with the task, without a wait of its own; a panic there has been printed.
            drop(watch.join());
        }
        match (report, ended) {
            (Some(report), Ok(())) => report,
            (_, Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            _ => Report {
                left: vec!["the runtime shut down before the bus".to_owned()],
                ..Report::default()
            },
        }
    }
}

fn tell(answer: &Answer, told: Told) {
    let first = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    let untold = match first {
        Some(answer) => answer.send(told).err(),
        None => Some(told),
    };
    // Nobody may be waiting any more: then the report is in the log.
    if let Some(Told::Ended(report) | Told::Overdue(report)) = untold {
        tracing::info!("{report}");
    }
}

/// Keeps the deadline on a thread of its own: where handlers block every thread of the runtime, neither its timers
/// nor the shutdown's task run.
struct Watch {
    account: Arc<Account>,
    answer: Answer,
    deadline: Duration,
    runtime: Handle,
    tasks: TaskTracker,
    /// Disconnected when the shutdown's task has ended.
    watched: Receiver<()>,
}

impl Watch {
    fn start(self) -> io::Result<thread::JoinHandle<()>> {
        let thread = thread::Builder::new().name("bus-shutdown".to_owned());
        thread.spawn(move || self.run())
    }

    fn run(self) {
        if self.ends_within(self.deadline) {
            return;
        }
        // Whether a worker thread is free: then it is something else that holds the shutdown up.
        let answers = Arc::new(AtomicBool::new(false));
        let probe = Arc::clone(&answers);
        let probe = async move { probe.store(true, Ordering::Release) };
        drop(self.tasks.spawn_on(probe, &self.runtime));
        if self.ends_within(GRACE) {
            return;
        }
        self.account.cancel();
        let left = if answers.load(Ordering::Acquire) {
            let mut left = self.account.still_running(BLOCKS);
            left.push("the shutdown itself, which goes on in the background".to_owned());
            left
        } else {
            let mut left = self.account.still_running(BLOCKS_ALL);
            if left.is_empty() {
                left.push(
                    "the shutdown itself: no worker thread of the runtime answers".to_owned(),
                );
            }
            left
        };
        let report = self.account.report(left);
        tell(&self.answer, Told::Overdue(report));
    }

    fn ends_within(&self, time: Duration) -> bool {
        !matches!(
            self.watched.recv_timeout(time),
            Err(RecvTimeoutError::Timeout)
        )
    }
}
