//! The transport as the bus holds it.

use super::blocking::blocking;
use super::client::Connection;
use super::consumer;
use super::dead_letters::{self, DeadLetters};
use super::names::Names;
use super::options::KafkaOptions;
use super::publisher::Publisher;
use super::topics::{Kind, Topics, Wanted};
use super::wire::MAX_EVENT;
use crate::event::check_name;
use crate::transport::{
    Acknowledge, BoxFuture, Buried, Capabilities, Confirm, Consumer, Intake, Leftover, Letter,
    Outgoing, Position, Subscription, Transport, TransportError,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
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
    /// Makes sure that a group's topics exist, those of its dead letters and replays too. Says how many partitions its
    /// consumer reads.
    async fn provide(&self, subscription: &Subscription) -> Result<usize, TransportError> {
        let events = subscription.topics.iter().map(|topic| Wanted {
            name: self.names.topic(topic),
            kind: Kind::Events,
        });
        let dead_letters = Wanted {
            name: self.names.dead_topic(&subscription.group),
            kind: Kind::DeadLetters,
        };
        let replays = Wanted {
            name: self.names.replay_topic(&subscription.group),
            kind: Kind::Replays,
        };
        let wanted: Vec<Wanted> = events.chain([dead_letters, replays]).collect();
        self.ensure(wanted.clone(), self.options.connect_timeout)
            .await?;
        let read = wanted
            .iter()
            .filter(|topic| topic.kind != Kind::DeadLetters);
        Ok(read.map(|topic| self.topics.partitions(&topic.name)).sum())
    }

    /// Makes sure that topics exist.
    async fn ensure(&self, wanted: Vec<Wanted>, timeout: Duration) -> Result<(), TransportError> {
        let deadline = crate::clock::after(timeout).into_std();
        let topics = Arc::clone(&self.topics);
        blocking("kafka-topics", move || topics.ensure(&wanted, deadline)).await?
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
            replays: true,
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

    fn buried(&self) -> &dyn Buried {
        self
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

impl Kafka {
    /// Does what blocks with the dead letters of a group.
    async fn with_letters<T: Send + 'static>(
        &self,
        group: &str,
        work: impl FnOnce(DeadLetters) -> Result<T, TransportError> + Send + 'static,
    ) -> Result<T, TransportError> {
        let letters = DeadLetters {
            options: Arc::clone(&self.options),
            connection: Arc::clone(&self.connection),
            topic: self.names.dead_topic(group),
            resolved: self.names.resolved_topic(group),
        };
        blocking("kafka-dead-letters", move || work(letters)).await?
    }

    /// Says of dead letters that they are resolved, or that there is nothing to say of them any more.
    async fn say(
        &self,
        group: &str,
        words: impl Iterator<Item = (String, Option<String>)>,
    ) -> Result<(), TransportError> {
        let group: Arc<str> = group.into();
        let deadline = crate::clock::after(self.options.publish_timeout);
        let answers = words.map(|(key, value)| {
            let (confirm, answer) = oneshot::channel();
            // Nobody waits where the removal was given up.
            let confirm = Confirm::new(move |answer| drop(confirm.send(answer)));
            self.publisher.say(&group, key, value, deadline, confirm);
            answer
        });
        let answers: Vec<_> = answers.collect();
        for answer in answers {
            answer.await.unwrap_or(Err(TransportError::Closed))?;
        }
        Ok(())
    }
}

impl Buried for Kafka {
    fn knows<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<bool, TransportError>> {
        Box::pin(self.with_letters(group, |letters| letters.are_there()))
    }

    fn list<'a>(
        &'a self,
        group: &'a str,
        from: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Letter>, TransportError>> {
        Box::pin(self.with_letters(group, move |letters| letters.read(from, limit)))
    }

    fn newest<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<Position>, TransportError>> {
        Box::pin(self.with_letters(group, |letters| letters.newest()))
    }

    fn remove<'a>(
        &'a self,
        group: &'a str,
        letters: &'a [Letter],
    ) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let words = letters.iter().map(dead_letters::resolved);
            self.say(group, words.map(|(key, value)| (key, Some(value))))
                .await?;
            // They are removed: what follows only makes room, and is done again with the next ones.
            let cut = self.with_letters(group, |letters| letters.cut());
            let tidied = match cut.await {
                Ok(cut) => {
                    self.say(group, cut.into_iter().map(|key| (key, None)))
                        .await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = tidied {
                tracing::info!(
                    group,
                    "the topic of dead letters was not cut to those that are left: {error}"
                );
            }
            Ok(())
        })
    }

    /// Also that of those that are resolved: what is stored again and cannot be named there would be replayed again.
    fn prepare_replay<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<(), TransportError>> {
        let replays = Wanted {
            name: self.names.replay_topic(group),
            kind: Kind::Replays,
        };
        let resolved = Wanted {
            name: self.names.resolved_topic(group),
            kind: Kind::Resolved,
        };
        Box::pin(self.ensure(vec![replays, resolved], self.options.publish_timeout))
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
