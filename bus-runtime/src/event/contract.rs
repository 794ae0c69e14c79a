//! An event's contract: its topic, its key, and how it is written.

use super::{Key, KeyWriter, Message, check_topic};
use crate::codec::{Codec, FromPayload, Json, MessagePack, Protobuf, Raw, Rejection, Undefined};
use crate::handler::{Call, Compute, Computed, Delivery, Handler, Route};
use std::fmt;
use std::marker::PhantomData;

/// The contract of one topic: what it carries, and what orders it.
///
/// Write `#[derive(Event)]` ([how](macro@crate::Event)) rather than an implementation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event: add `#[derive(Event)] #[event(topic = \"…\", key = …)]` to it",
    label = "not an event"
)]
pub trait Event: Sized + Send + 'static {
    /// The format: how the event is written, and what a handler takes, as `Json<Self>`.
    type Wire: Codec<Self>;

    /// The topic that carries the events of this type.
    const TOPIC: Topic<Self>;

    /// The key that orders this event.
    fn key(&self) -> Key;
}

/// A topic and the type of event it carries.
///
/// Segments joined by `.`; a segment is one or more of `A–Z a–z 0–9 _ -`; 200 bytes at most.
///
/// ```
/// use bus_runtime::Topic;
///
/// const NAMES: Topic<String> = Topic::new("names.given");
/// assert_eq!(NAMES.name(), "names.given");
/// ```
pub struct Topic<E> {
    name: &'static str,
    event: PhantomData<fn() -> E>,
}

impl<E> Topic<E> {
    /// The topic of this name. In a `const`, a bad name does not compile.
    ///
    /// # Panics
    ///
    /// Where no broker could carry the name.
    #[track_caller]
    pub const fn new(name: &'static str) -> Self {
        assert_topic(name);
        Topic {
            name,
            event: PhantomData,
        }
    }

    /// The topic's name.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<E> Clone for Topic<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Topic<E> {}

impl<E> fmt::Debug for Topic<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<E> fmt::Display for Topic<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A first parameter that can take the events of a `Topic<E>` whose format is `W`.
#[diagnostic::on_unimplemented(
    message = "the topic carries `{E}`, which a handler takes as `{W}` or as `Raw`, not as `{Self}`",
    label = "not what the topic carries"
)]
pub trait Carries<E, W = Self>: FromPayload {}

impl<E, W> Carries<E, W> for Raw {}
impl<E> Carries<E> for Json<E> where Json<E>: FromPayload {}
impl<E> Carries<E> for MessagePack<E> where MessagePack<E>: FromPayload {}
impl<E> Carries<E> for Protobuf<E> where Protobuf<E>: FromPayload {}

// No second error.
impl<E> Carries<E, Undefined<E>> for Json<E> where Json<E>: FromPayload {}
impl<E> Carries<E, Undefined<E>> for MessagePack<E> where MessagePack<E>: FromPayload {}
impl<E> Carries<E, Undefined<E>> for Protobuf<E> where Protobuf<E>: FromPayload {}

/// What `topic = …` was given: a string or a `Topic<E>`. Named for who reads it in an error.
#[derive(Debug)]
pub struct TopicArgument<T>(pub T);

/// A topic, and how the handler that takes `P` reads and orders its events.
pub struct Subscribed<P: 'static> {
    topic: &'static str,
    /// Decodes the payload.
    pub decode: fn(&Message) -> Result<P, Rejection>,
    route: Route<WriteKey<P>>,
}

/// Writes the key of a payload.
pub type WriteKey<P> = fn(&P, &mut KeyWriter);

impl<P: Send + 'static> Subscribed<P> {
    /// The handler that `call` calls, with the defaults of `retry`, `timeout` and `at_most`.
    pub const fn handler<S>(
        &'static self,
        name: &'static str,
        group: &'static str,
        call: fn(Delivery<S>) -> Call,
    ) -> Handler<S> {
        let route = match self.route {
            Route::Unordered => Route::Unordered,
            Route::Record => Route::Record,
            Route::RecordOr(compute) => Route::RecordOr(compute),
            Route::Computed(_) => Route::Computed(self as &dyn Compute),
        };
        Handler::new(name, self.topic, group, route, call)
    }
}

impl<P: Send + 'static> Compute for Subscribed<P> {
    fn compute(&self, message: &Message) -> Computed {
        let payload = (self.decode)(message)?;
        let mut key = KeyWriter::default();
        if let Route::Computed(write) = self.route {
            write(&payload, &mut key);
        }
        Ok((key.finish(), Box::new(payload)))
    }
}

impl<P> fmt::Debug for Subscribed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribed")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl TopicArgument<&'static str> {
    /// The topic, for a handler that says what orders it.
    ///
    /// # Panics
    ///
    /// For a topic that no transport could carry; while compiling, in the macros' output.
    #[track_caller]
    pub const fn string_or_topic<P: FromPayload>(self, route: Route<WriteKey<P>>) -> Subscribed<P> {
        assert_topic(self.0);
        Subscribed {
            topic: self.0,
            decode: P::from_payload,
            route,
        }
    }

    /// Never compiles: a string has no key of its own.
    pub const fn own_key<P: KeyGiven>(self) -> Subscribed<P> {
        Subscribed {
            topic: self.0,
            decode: P::from_payload,
            route: Route::Record,
        }
    }
}

impl<E> TopicArgument<Topic<E>> {
    /// The topic, for a handler that says what orders it.
    pub const fn string_or_topic<P: Carries<E, E::Wire>>(
        self,
        route: Route<WriteKey<P>>,
    ) -> Subscribed<P>
    where
        E: Event,
    {
        Subscribed {
            topic: self.0.name(),
            decode: P::from_payload,
            route,
        }
    }

    /// The topic, ordered by the record's key; where the record has none, by the event's own.
    pub const fn own_key<P: Carries<E, E::Wire>>(self) -> Subscribed<P>
    where
        E: Event<Wire: FromPayload<Event = E>>,
    {
        Subscribed {
            topic: self.0.name(),
            decode: P::from_payload,
            route: Route::RecordOr(own_key::<E>),
        }
    }
}

/// Never implemented: what a string topic without a `key` asks for.
#[diagnostic::on_unimplemented(
    message = "missing `key`: a topic that is a string has none of its own. Write `key = order.customer_id`, using \
               the names of your parameters, or `key = Unordered`",
    label = "events with equal keys are handled in order, one at a time",
    note = "the topic of a `#[derive(Event)]`, as in `topic = OrderPlaced::TOPIC`, has a key"
)]
pub trait KeyGiven: FromPayload {}

/// Computes the key of an event that was published without one.
fn own_key<E: Event<Wire: FromPayload<Event = E>>>(message: &Message) -> Computed {
    let wire = E::Wire::from_payload(message)?;
    let key = wire.event().key();
    Ok((key, Box::new(wire)))
}

/// Refuses a topic that no transport could carry.
///
/// # Panics
///
/// Then; in const evaluation, that is the compiler's error.
#[track_caller]
pub const fn assert_topic(topic: &str) {
    if let Some(fault) = check_topic(topic) {
        panic!("{}", fault);
    }
}
