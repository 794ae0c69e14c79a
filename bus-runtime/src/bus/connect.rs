//! From a configuration to a transport; and programs that only publish.

use super::config::Broker;
use super::runtime::runtime;
use super::{Config, Publisher, StartError};
use crate::clock::after;
use crate::transport::{Memory, Transport};
use std::sync::Arc;

/// Connects to the broker that a configuration names, without a bus: for tools, and for the suite that every
/// transport passes. `name` is what the broker shows as the client's.
///
/// ```
/// use bus_runtime::{Config, transport};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let memory = transport::connect(&Config::memory(), "tool").await?;
/// assert!(!memory.capabilities().durable);
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// When the configuration is wrong, the broker cannot be reached within `connect_timeout`, or there is no tokio
/// runtime with timers and, for a broker on the network, I/O.
///
/// # Cancel safety
///
/// Dropped, it connects nothing.
pub async fn connect(config: &Config, name: &str) -> Result<Arc<dyn Transport>, StartError> {
    runtime()?;
    config.check()?;
    #[cfg(any(feature = "nats", feature = "kafka"))]
    let what = || "the bus cannot start".to_owned();
    #[cfg(not(any(feature = "nats", feature = "kafka")))]
    let _ = name;
    match config.broker()? {
        Broker::Memory => Ok(Arc::new(Memory::new(
            config.memory_log,
            config.memory_log_bytes,
        ))),
        #[cfg(feature = "nats")]
        Broker::Nats { servers } => {
            use crate::transport::nats;
            super::runtime::network()?;
            let options = nats::NatsOptions {
                servers,
                namespace: config
                    .namespace
                    .clone()
                    .unwrap_or_else(|| "events".to_owned()),
                provision: config.provision,
                partitions: config.nats_partitions,
                max_age: config.nats_max_age,
                replicas: config.nats_replicas,
                ack_wait: config.nats_ack_wait,
                connect_timeout: config.connect_timeout,
                commit_interval: config.commit_interval,
                max_held: config.in_flight + config.buffer + config.delayed,
                window: config.source_window(),
                name: name.to_owned(),
            };
            let nats = nats::connect(options)
                .await
                .map_err(|source| StartError::Broker {
                    what: what(),
                    source,
                })?;
            Ok(Arc::new(nats))
        }
        #[cfg(feature = "kafka")]
        Broker::Kafka { servers } => {
            use crate::transport::kafka;
            let options = kafka::KafkaOptions {
                servers,
                namespace: config.namespace.clone(),
                provision: config.provision,
                partitions: config.kafka_partitions,
                connect_timeout: config.connect_timeout,
                commit_interval: config.commit_interval,
                session_timeout: config.session_timeout,
                revoke_drain: config.revoke_drain,
                publish_timeout: config.publish_timeout,
                max_publishes: 2 * config.publish_window + config.delayed,
                name: name.to_owned(),
            };
            let kafka = kafka::connect(options)
                .await
                .map_err(|source| StartError::Broker {
                    what: what(),
                    source,
                })?;
            Ok(Arc::new(kafka))
        }
        #[cfg(not(all(feature = "nats", feature = "kafka")))]
        _ => unreachable!("checking the configuration refuses what is built without its feature"),
    }
}

impl Publisher {
    /// Connects a program that only publishes: no handlers, no group. Any number may run in a process.
    ///
    /// ```no_run
    /// use bus_runtime::prelude::*;
    /// use bus_runtime::Publish;
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let publisher = Publisher::connect(Config::from_env()?).await?;
    /// publisher.publish_raw("orders.placed", Key::of("c-7"), "{}", Publish::new()).await?;
    /// publisher.shutdown().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// When the configuration is wrong, the broker cannot be reached within `connect_timeout`, or the URL is
    /// `memory:`, where nobody could receive the events: publish through the running bus there.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it connects nothing.
    pub async fn connect(config: Config) -> Result<Self, StartError> {
        config.check()?;
        if matches!(config.broker()?, Broker::Memory) {
            return Err(StartError::PublisherInMemory);
        }
        let transport = connect(&config, "publisher").await?;
        Ok(Publisher::alone(
            transport,
            config.publish_window,
            config.publish_timeout,
            config.shutdown_deadline,
        ))
    }

    /// Ends a publisher that was [connected](Self::connect) for itself: waits for what is under way, until
    /// `shutdown_deadline`, and closes the connection. Its clones publish no more. The publisher of a running
    /// bus is ended by the bus; on that one, this waits for nothing and closes nothing.
    ///
    /// # Errors
    ///
    /// When something did not close by the deadline, by name.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the connection may stay open.
    pub async fn shutdown(self) -> Result<(), PublisherLeft> {
        let Some(deadline) = self.own_shutdown() else {
            return Ok(());
        };
        self.outlet().close();
        let left = self.transport().close(after(deadline)).await;
        if left.0.is_empty() {
            Ok(())
        } else {
            Err(PublisherLeft(left.0))
        }
    }
}

/// What a publisher's shutdown left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherLeft(Vec<String>);

impl PublisherLeft {
    /// What did not close by the deadline, by name.
    pub fn left(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl std::fmt::Display for PublisherLeft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the publisher did not close by its deadline: {}",
            self.0.join(", ")
        )
    }
}

impl std::error::Error for PublisherLeft {}
