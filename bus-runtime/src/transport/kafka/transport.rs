//! The transport as the bus holds it.

use super::blocking::blocking;
use super::client::Connection;
use super::consumer;
use super::dead_letters;
use super::names::Names;
use super::options::KafkaOptions;
use super::publisher::Publisher;
use super::topics::{Kind, Topics, Wanted};
use super::wire::MAX_EVENT;
use crate::event::{Message, check_name};
use crate::transport::{
    Acknowledge, BoxFuture, Capabilities, Confirm, Consumer, Intake, Leftover, Outgoing,
    Subscription, Transport, TransportError,
};
use std::sync::Arc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A Kafka cluster.
#[derive(Debug)]
pub(crate) struct Kafka {
    options: Arc<KafkaOptions>,
    names: Names,
    connection: Arc<Connection>,
    topics: Arc<Topics>,
    publisher: Publisher,
}

/// Connects. Topics are made when they are first needed.
pub(crate) async fn connect(options: KafkaOptions) -> Result<Kafka, TransportError> {
    if let Some(namespace) = &options.namespace
        && let Some(fault) = check_name(namespace, 32)
    {
        return Err(TransportError::Refused(format!(
            "`{namespace}` is no namespace: {fault}"
        )));
    }
    if options.partitions == 0 {
        return Err(TransportError::Refused(
            "a topic has at least one partition".into(),
        ));
    }
    let options = Arc::new(options);
    let names = Names::new(&options);
    let connection = Arc::new(Connection::default());
    let topics = Arc::new(Topics::new(Arc::clone(&options), Arc::clone(&connection)));
    // When this future is dropped, the thread gives up.
    let abandoned = CancellationToken::new();
    let _abandon = abandoned.clone().drop_guard();
    let publisher = {
        let (options, names) = (Arc::clone(&options), names.clone());
        let (connection, topics) = (Arc::clone(&connection), Arc::clone(&topics));
        blocking("kafka-connect", move || {
            Publisher::connect(&options, &names, &connection, &topics, &abandoned)
        })
        .await??
    };
    Ok(Kafka {
        options,
        names,
        connection,
        topics,
        publisher,
    })
}

impl Kafka {
    /// Makes sure that a group's topics exist, that of its dead letters too. Says how many partitions its events have.
    async fn provide(&self, subscription: &Subscription) -> Result<usize, TransportError> {
        let events = subscription.topics.iter().map(|topic| Wanted {
            name: self.names.topic(topic),
            kind: Kind::Events,
        });
        let dead_letters = Wanted {
            name: self.names.dead_topic(&subscription.group),
            kind: Kind::DeadLetters,
        };
        let wanted: Vec<Wanted> = events.chain([dead_letters]).collect();
        let deadline = crate::clock::after(self.options.connect_timeout).into_std();
        let topics = Arc::clone(&self.topics);
        blocking("kafka-topics", move || {
            topics.ensure(&wanted, deadline)?;
            let of_events = wanted.iter().filter(|topic| topic.kind == Kind::Events);
            Ok(of_events.map(|topic| topics.partitions(&topic.name)).sum())
        })
        .await?
    }
}

impl Transport for Kafka {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            acknowledge: Acknowledge::Prefix,
            progress: false,
            revokes: true,
            deduplicates: false,
            max_event: MAX_EVENT,
        }
    }

    fn consume(
        &self,
        subscription: Subscription,
        intake: Intake,
    ) -> BoxFuture<'_, Result<Box<dyn Consumer>, TransportError>> {
        Box::pin(async move {
            let partitions = self.provide(&subscription).await?;
            let Kafka {
                options,
                names,
                connection,
                ..
            } = self;
            consumer::consume(subscription, intake, options, names, connection, partitions).await
        })
    }

    fn publish(&self, outgoing: Outgoing, confirm: Confirm) {
        self.publisher.publish(outgoing, confirm);
    }

    fn dead_letters<'a>(
        &'a self,
        group: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, TransportError>> {
        Box::pin(async move {
            let topic = self.names.dead_topic(group);
            let options = Arc::clone(&self.options);
            let connection = Arc::clone(&self.connection);
            blocking("kafka-dead-letters", move || {
                dead_letters::read(&options, &connection, &topic, limit)
            })
            .await?
        })
    }

    fn close(&self, deadline: Instant) -> BoxFuture<'_, Leftover> {
        Box::pin(async move {
            let ended = self.publisher.close(deadline).await;
            self.topics.stop();
            self.connection.clear();
            if ended {
                Leftover::default()
            } else {
                Leftover(vec!["the thread that publishes to Kafka".into()])
            }
        })
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.topics.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::kafka::options::for_test;
    use std::time::Duration;

    #[tokio::test]
    async fn a_cluster_that_is_not_there_is_named_with_the_reason() {
        let options = KafkaOptions {
            connect_timeout: Duration::from_millis(300),
            ..for_test()
        };
        let error = connect(options).await.expect_err("nothing listens there");
        assert!(matches!(error, TransportError::Unreachable(_)));
        let text = error.to_string();
        assert!(
            text.contains("Kafka at 127.0.0.1:1") && text.contains("refused"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_before_anything_is_asked() {
        let options = KafkaOptions {
            namespace: Some("a.b".into()),
            ..for_test()
        };
        let error = connect(options).await.expect_err("a dot").to_string();
        assert!(error.contains("`a.b` is no namespace"), "{error}");
        let options = KafkaOptions {
            partitions: 0,
            ..for_test()
        };
        let error = connect(options)
            .await
            .expect_err("no partition")
            .to_string();
        assert!(error.contains("at least one partition"), "{error}");
    }
}
