//! From a list of handlers to a running bus.

use super::claim::Claim;
use super::connect::connect;
use super::readings::Readings;
use super::running::{Life, Parts, Running};
use super::runtime::runtime;
use super::watch::Watch;
use super::{Config, Publisher, StartError, Stop};
use crate::clock::Clock;
use crate::delivery::{Begin, Dispatch, Intake, Invocation, Routes, Sources, Subscribed, Witness};
use crate::handler::{Bus, Cx, Delivery, Handler, handlers};
use crate::observe::Board;
use crate::pool::{Limits, Pool, Share};
use crate::transport::{BoxFuture, Consumer, Subscription, Transport};
use std::collections::{BTreeMap, HashMap};
use std::hash::RandomState;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// Starts a bus: checks the configuration, claims the process, connects, and begins one consumer for each
/// group.
///
/// # Errors
///
/// See [`StartError`]. Whatever was begun is ended before it returns.
///
/// # Cancel safety
///
/// Dropped, the start goes on in the background, and the bus is shut down as soon as it runs.
pub async fn start<B: Bus>(config: Config, state: B::State) -> Result<Running, StartError> {
    in_background(Box::pin(async {
        config.check()?;
        let claim = Claim::new(B::NAME)?;
        let transport = connect(&config, &group::<B>(&config)).await?;
        let ground = Ground {
            config,
            claim,
            transport,
            clock: Clock::default(),
            witness: None,
        };
        begin_bus::<B>(ground, state).await
    }))
    .await
}

/// Starts a bus on a transport of one's own, which it closes at its end.
///
/// But for the connection this is what the bus's own `start` does. What the configuration says of the broker, such as
/// `url` and `namespace`, means nothing here: write [`Config::memory`]. Without a state, that is `()`.
///
/// ```
/// use bus_runtime::prelude::*;
/// use bus_runtime::transport;
///
/// #[event_handler(topic = "orders.placed", key = Record)]
/// async fn reserve(_: Raw) {}
///
/// #[event_bus(group = "shop", handlers = [reserve])]
/// struct Shop;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Any `Arc<dyn Transport>`; the guide has one, in `guide::transport`.
/// let transport = transport::connect(&Config::memory(), "shop").await?;
/// let bus = transport::start_on::<Shop>(transport, Config::memory(), ()).await?;
/// bus.publisher().publish_raw("orders.placed", Key::of("c-7"), "{}", Publish::new()).await?;
/// assert_eq!(bus.shutdown().await?.handled(), 1);
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// When the configuration is wrong, another bus runs in this process, there is no tokio runtime, or the transport cannot
/// begin a consumer. It is closed in the last case alone.
///
/// # Cancel safety
///
/// Dropped, the start goes on in the background, and the bus is shut down as soon as it runs.
pub async fn start_on<B: Bus>(
    transport: Arc<dyn Transport>,
    config: Config,
    state: B::State,
) -> Result<Running, StartError> {
    config.check()?;
    let ground = Ground {
        claim: Claim::new(B::NAME)?,
        config,
        transport,
        clock: Clock::default(),
        witness: None,
    };
    ground.start::<B>(state).await
}

/// What a bus is started on.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) config: Config,
    pub(crate) claim: Claim,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Clock,
    /// Who is told of every attempt.
    pub(crate) witness: Option<Arc<dyn Witness>>,
}

impl Ground {
    /// Starts a bus on it, as [`start`] does.
    pub(crate) async fn start<B: Bus>(self, state: B::State) -> Result<Running, StartError> {
        in_background(Box::pin(begin_bus::<B>(self, state))).await
    }
}

/// The group of a bus as the broker knows it.
pub(crate) fn group<B: Bus>(config: &Config) -> Arc<str> {
    config.group.as_deref().unwrap_or(B::GROUP).into()
}

async fn in_background(
    beginning: BoxFuture<'static, Result<Running, StartError>>,
) -> Result<Running, StartError> {
    match runtime()?.spawn(beginning).await {
        Ok(started) => started,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // Only the end of the runtime cancels it, and then nobody waits for it.
        Err(_) => std::future::pending().await,
    }
}

async fn begin_bus<B: Bus>(ground: Ground, state: B::State) -> Result<Running, StartError> {
    let started = Instant::now();
    let Ground {
        config,
        claim,
        transport,
        clock,
        witness,
    } = ground;
    let group = group::<B>(&config);
    let (stop, tasks, board) = (Stop::new(), TaskTracker::new(), Arc::<Board>::default());
    let publisher = Publisher::of_bus(
        Arc::clone(&transport),
        config.publish_window,
        config.publish_timeout,
    );
    let state = Arc::new(state);
    let handlers = handlers::<B>();
    let mut subscribed: Vec<Subscribed> = handlers
        .iter()
        .map(|handler| Subscribed {
            name: handler.name,
            topic: handler.topic,
            group: full_group(&group, handler.group),
            retry: handler.retry,
            timeout: handler.timeout.0,
            route: handler.route,
            begin: begin(handler, &state, &publisher, &stop),
        })
        .collect();
    let groups = by_group(&subscribed);
    let mut shares: Vec<Share> = handlers
        .iter()
        .map(|handler| share(handler, config.in_flight, subscribed.len()))
        .collect();
    let first = subscribed.len();
    for group in groups.keys() {
        subscribed.push(Subscribed::no_handler(group));
        shares.push(share_of_none(config.in_flight));
    }
    let limits = Limits {
        in_flight: config.in_flight,
        buffer: config.buffer,
        buffer_bytes: config.buffer_bytes,
        delayed: config.delayed,
        brake: config.brake_after(),
    };
    let dispatch = Dispatch::new(
        subscribed,
        Arc::clone(&transport),
        Arc::clone(&board),
        config.publish_timeout,
    )
    .witnessed_by(witness);
    let pool = Pool::new(limits, &shares, Arc::new(dispatch), tasks.clone(), clock);

    let failed = watch::Sender::new(None);
    let watch = Watch::start(pool.clone(), Arc::clone(&board), config.stuck_after);
    let mut parts = Parts {
        watch,
        bus: B::NAME,
        group,
        config,
        transport,
        pool,
        consumers: Vec::new(),
        _life: Life(Arc::clone(&board)),
        board,
        failed,
        tasks,
        runtime: Handle::current(),
        publisher,
        stop,
        started,
        _claim: claim,
    };
    let seed = RandomState::new();
    let mut intakes = Vec::new();
    for (no_handler, (group, subscriptions)) in (first..).zip(groups) {
        match consume(&parts, &seed, &group, subscriptions, no_handler).await {
            Ok((consumer, intake)) => {
                parts.consumers.push(consumer);
                intakes.push(intake);
            }
            Err(error) => {
                // What runs by now is ended as at any shutdown.
                let account = parts.account();
                let report = parts.end(&account, std::future::pending()).await;
                tracing::debug!("ended after a failed start: {report:?}");
                return Err(error);
            }
        }
    }
    if let Some(readings) = Readings::new(&parts.pool, intakes) {
        parts.watch.tell(readings);
    }
    Ok(Running::new(parts))
}

async fn consume(
    parts: &Parts,
    seed: &RandomState,
    group: &Arc<str>,
    subscriptions: HashMap<&'static str, usize>,
    no_handler: usize,
) -> Result<(Box<dyn Consumer>, Intake), StartError> {
    let capabilities = parts.transport.capabilities();
    let subscription =
        Subscription::new(Arc::clone(group), subscriptions.keys().copied().collect());
    let durable = if capabilities.durable {
        "durable"
    } else {
        "in memory"
    };
    tracing::info!(bus = parts.bus, %group, topics = ?subscription.topics, "handling, {durable}");
    let intake = Intake::new(Routes {
        group: Arc::clone(group),
        subscriptions,
        no_handler,
        pool: parts.pool.clone(),
        window: parts.config.source_window(),
        board: Arc::clone(&parts.board),
        seed: seed.clone(),
        failed: parts.failed.clone(),
        unrouted: AtomicU64::new(0),
        sources: Sources::new(group),
    });
    let what = || format!("the bus `{}` cannot start: group `{group}`", parts.bus);
    let consumer = parts.transport.consume(subscription, intake.clone()).await;
    let consumer = consumer.map_err(|source| StartError::Broker {
        what: what(),
        source,
    })?;
    Ok((consumer, intake))
}

/// A handler without its types.
fn begin<S: Send + Sync + 'static>(
    handler: &'static Handler<S>,
    state: &Arc<S>,
    publisher: &Publisher,
    stop: &Stop,
) -> Begin {
    let (state, publisher, stop) = (Arc::clone(state), publisher.clone(), stop.clone());
    Box::new(move |invocation| {
        let Invocation {
            message,
            key,
            decoded,
            metadata,
        } = invocation;
        let cx = Cx {
            handler: handler.name,
            state: Arc::clone(&state),
            message,
            key,
            metadata,
            publisher: publisher.clone(),
            origin: OnceLock::new(),
            stop: stop.clone(),
        };
        (handler.call)(Delivery::new(cx, decoded))
    })
}

/// The bus's group, or the handler's own within it.
pub(crate) fn full_group(bus: &Arc<str>, handler: &str) -> Arc<str> {
    if handler.is_empty() {
        Arc::clone(bus)
    } else {
        format!("{bus}~{handler}").into()
    }
}

/// The topics of each group, with their subscriptions.
fn by_group(subscribed: &[Subscribed]) -> BTreeMap<Arc<str>, HashMap<&'static str, usize>> {
    let mut groups = BTreeMap::<_, HashMap<_, _>>::new();
    for (index, subscribed) in subscribed.iter().enumerate() {
        groups
            .entry(Arc::clone(&subscribed.group))
            .or_default()
            .insert(subscribed.topic, index);
    }
    groups
}

/// The share of what takes replays that no handler takes.
fn share_of_none(in_flight: usize) -> Share {
    Share {
        at_most: in_flight,
        timeout: Duration::MAX,
        // To fail is all that it does.
        brakes: false,
    }
}

/// A handler's share of the pool: what it asks for, or seven eighths, so that no handler alone can fill it.
fn share<S>(handler: &Handler<S>, in_flight: usize, handlers: usize) -> Share {
    let default = if handlers > 1 {
        // Rounded down: of a small pool too something is left for the others.
        (in_flight * 7 / 8).max(1)
    } else {
        in_flight
    };
    Share {
        at_most: handler.at_most.0.unwrap_or(default).min(in_flight),
        timeout: handler.timeout.0,
        brakes: true,
    }
}
