//! The macros, documented.

/// Makes an `async fn` the handler of one topic.
///
/// The function stays what it is: a test calls it like any other. A bus runs it where
/// [`#[event_bus]`](macro@crate::event_bus) lists it, or the [module](macro@crate::event_handlers) that it is in.
///
/// ```
/// use bus_runtime::prelude::*;
/// use std::time::Duration;
///
/// #[derive(Debug, Serialize, Deserialize, Event)]
/// #[event(topic = "orders.placed", key = customer_id)]
/// struct OrderPlaced { order_id: u64, customer_id: String }
///
/// /// Reserves stock: the orders of one customer one at a time, as they were placed.
/// #[event_handler(topic = OrderPlaced::TOPIC)]
/// async fn reserve_stock(Json(order): Json<OrderPlaced>) -> Result {
///     println!("reserve {}", order.order_id);
///     Ok(())
/// }
///
/// /// Counts orders, with a progress of its own, whatever becomes of the others.
/// #[event_handler(topic = "orders.placed", key = Unordered, group = "audit", timeout = Duration::from_secs(5))]
/// async fn count(_: Raw, about: Metadata) {
///     println!("order number {}", about.position);
/// }
/// ```
///
/// # Parameters
///
/// First the event: [`Json<T>`](crate::Json), [`MessagePack<T>`](crate::MessagePack),
/// [`Protobuf<T>`](crate::Protobuf), [`Raw`](crate::Raw), or another [`FromPayload`](crate::FromPayload).
/// Then any of [`State<T>`](crate::State), [`Headers`](crate::Headers), [`Key`](crate::Key),
/// [`Metadata`](crate::Metadata), [`Publisher`](crate::Publisher), [`Stop`](crate::Stop), each of them also as
/// `Option<X>` or `Result<X, Rejection>`, and your own: [`FromEvent`](crate::FromEvent).
///
/// # What it returns
///
/// Nothing, an [`Outcome`](crate::Outcome), or a `Result` of one of these with any error. An error is tried again,
/// as `retry` says, and then becomes a dead letter.
///
/// # Options
///
/// Values are expressions of constants, checked where they are written.
///
/// | option | value | left out |
/// |---|---|---|
/// | `topic` | a string, or an event's `TOPIC`, which also checks the payload | an error |
/// | `key` | see below | the event's own, where `topic` is an event's; else an error |
/// | `group` | a `&str`: the handler's own progress, apart from the bus's | the bus's group |
/// | `retry` | a [`Retry`](crate::Retry) | 8 attempts, from 100 ms, 30 s at most |
/// | `timeout` | a [`Duration`](std::time::Duration) for each attempt; then the future is dropped | 60 s |
/// | `at_most` | a `usize`: the handler's share of the events in flight | 7/8 of the bus's |
/// | `layers` | a list of [`Layer`](crate::Layer)s, the first the outermost: `[TIMING, LIMIT]`, constants or `static`s | none |
/// | `permanent` | a `fn(&E) -> bool`: whether trying again is of no use, for the `E` of its `Result` | no error is |
/// | `state` | the one type of state that its extractors are made for | any that has the parts it takes |
/// | `crate` | where this crate is, when it is not `::bus_runtime` | |
///
/// There is no number of workers here: all handlers share one pool, whose size is set once, in
/// [`Config`](crate::Config).
///
/// # The key
///
/// Events with equal keys are handled one at a time, in order; others at once. `key` is
///
/// * an expression over the names of the first parameter: `key = order.customer_id`,
///   `key = (order.shop, order.customer_id)`;
/// * a closure over the decoded event: `key = |order| order.customer_id`;
/// * [`Record`](crate::Record): the key that the broker carries; nothing is decoded to route;
/// * [`Unordered`](crate::Unordered): no order.
///
/// The last two are known by their names: do not rename them where you import them. What a key can be made of is
/// said at [`Key`](crate::Key).
///
/// With the `TOPIC` of an event, `key` may be left out. Then it is the record's key, and where another program
/// published the record without one, the event's own, computed.
///
/// # Names
///
/// The handler's name is also the name of a type, so a module, type or crate of that name cannot be used beside it.
pub use bus_macros::event_handler;

/// Gathers the handlers of a module, which a bus then lists like one.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// /// What happens to orders.
/// #[event_handlers]
/// mod orders {
///     use bus_runtime::prelude::*;
///
///     #[event_handler(topic = "orders.placed", key = Record)]
///     async fn reserve_stock(_: Raw) {}
///
///     #[event_handler(topic = "orders.paid", key = Record)]
///     async fn ship(_: Raw) {}
///
///     /// A module within needs the attribute too.
///     #[event_handlers]
///     mod refunds {
///         use bus_runtime::prelude::*;
///
///         #[event_handler(topic = "orders.returned", key = Record)]
///         async fn refund(_: Raw) {}
///     }
/// }
///
/// #[event_handler(topic = "invoices.due", key = Record)]
/// async fn remind(_: Raw) {}
///
/// /// Runs four handlers.
/// #[event_bus(group = "shop", handlers = [orders, remind])]
/// struct Shop;
/// ```
///
/// The handlers may be private; the module is as visible as its `pub` says, and may be in another crate than the bus.
/// A handler with a `#[cfg]` is there when it says so. The module has no options of its own but
/// `crate = path`: where this crate is, when it is not `::bus_runtime`.
///
/// # What is seen
///
/// The functions with `#[event_handler]` that are written between the module's braces. Of these three the macro reports
/// what it can see:
///
/// * Handlers that a macro call in the module makes are not seen. Let the macro make the whole module, or list them one
///   by one.
/// * Handlers in a module within that has no `#[event_handlers]` are not seen, except those under `#[cfg(test)]`, which
///   belong to a test's own bus.
/// * A module in a file of its own, `mod orders;`, cannot have the attribute. List its handlers one by one, as in
///   `orders::reserve_stock`, or write in that file a module `#[event_handlers] pub mod handlers { … }`.
///
/// Nor is a handler seen that the module only imports with `use`. The two attributes are known by their names: do not
/// rename them where you import them.
pub use bus_macros::event_handlers;

/// Makes a struct the program's event bus: every handler it runs, checked against each other.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[derive(Debug, Serialize, Deserialize, Event)]
/// #[event(topic = "orders.placed", key = customer_id)]
/// struct OrderPlaced { order_id: u64, customer_id: String }
///
/// #[event_handler(topic = OrderPlaced::TOPIC)]
/// async fn reserve_stock(Json(order): Json<OrderPlaced>) {
///     println!("reserve {}", order.order_id);
/// }
///
/// /// Every event the shop handles.
/// #[event_bus(group = "shop", handlers = [reserve_stock])]
/// struct Shop;
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let bus = Shop::new(Config::memory()).start().await?;
///     bus.publish(&OrderPlaced { order_id: 1, customer_id: "c-7".into() }).await?;
///     let report = bus.shutdown().await?;
///     println!("{report}");
///     Ok(())
/// }
/// ```
///
/// The struct has no fields. It gets `new(config)` with the one [`Config`](crate::Config), and
/// `async fn start(self)`, or `start(self, state)` where the attribute says `state`, which returns the
/// [`Running`](crate::Running) bus.
///
/// # What does not compile
///
/// Two handlers of one topic and group, in whichever crates and modules; a handler listed twice, or by itself and
/// through its module; two topics that differ only in
/// `.` and `_`; a handler that takes a `State<T>` which the bus's state does not have; a function without
/// `#[event_handler]`, of which rustc says that the ``function `reserve_stock` is not a crate or module``.
///
/// A handler that is not listed does not run. rustc warns of it where it is private.
///
/// # Options
///
/// | option | value | left out |
/// |---|---|---|
/// | `group` | a `&str`: the name under which the broker keeps the service's progress | an error |
/// | `handlers` | the paths of handlers and of [handler modules](macro@crate::event_handlers); an entry may have a `#[cfg]` | an error |
/// | `state` | the type that the handlers share; as visible as the bus | `()` |
/// | `layers` | a list of [`Layer`](crate::Layer)s around every handler, the first the outermost: `[TIMING, LIMIT]`, constants or `static`s | none |
/// | `crate` | where this crate is, when it is not `::bus_runtime` | |
pub use bus_macros::event_bus;

/// Makes a struct or an enum the event of one topic: derives [`Event`](trait@crate::Event).
///
/// The event is carried as JSON, or as `codec` says. For JSON and MessagePack it derives `Serialize` and `Deserialize`
/// too; a program that does has `serde`, with its feature `derive`, among its own dependencies.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "orders.placed", key = customer_id)]
/// struct OrderPlaced { order_id: u64, customer_id: String }
///
/// /// Kinds of event that are ordered among each other share a topic.
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "orders.changed", key = (shop(), order_id))]
/// enum OrderChanged {
///     Paid { order_id: u64, cents: u64 },
///     Cancelled { order_id: u64 },
/// }
///
/// impl OrderChanged {
///     fn shop(&self) -> &str {
///         "eu"
///     }
/// }
///
/// assert_eq!(OrderPlaced::TOPIC.name(), "orders.placed");
/// let cancelled = OrderChanged::Cancelled { order_id: 7 };
/// assert_eq!(cancelled.key().as_bytes(), Some(&b"eu/7"[..]));
/// ```
///
/// # The codec
///
/// `codec` ties both sides: `publish` writes the format, with the header `content-type`, and a handler of this topic
/// that takes another does not compile. At run time, an event whose header says another format, say of another program,
/// becomes a dead letter with the reason `undecodable`.
///
/// A topic keeps its codec for as long as it has events: a handler reads one format. For another one, use another topic.
///
/// # Options
///
/// | option | value | left out |
/// |---|---|---|
/// | `topic` | a `&str`: segments of `A–Z a–z 0–9 _ -` joined by `.`, 200 bytes at most | an error |
/// | `key` | a field, which all variants of an enum have; `a.b`; `0`; `(a, b)`; `method()`; [`Unordered`](crate::Unordered) | an error |
/// | `codec` | [`Json`](crate::Json), [`MessagePack`](crate::MessagePack), [`Protobuf`](crate::Protobuf), or your own: [`Codec`](crate::Codec) | `Json` |
/// | `crate` | where this crate is, when it is not `::bus_runtime` | |
pub use bus_macros::Event;

/// Makes each field of a bus's state a part that handlers take as [`State<Field>`](crate::State): derives
/// [`FromRef`](trait@crate::FromRef).
///
/// ```
/// use bus_runtime::prelude::*;
/// use std::sync::Arc;
///
/// #[derive(Clone)]
/// struct Db;
///
/// #[derive(FromRef)]
/// struct AppState {
///     db: Db,
///     region: Arc<str>,
///     #[from_ref(skip)]
///     fallback: Db,
/// }
///
/// #[event_handler(topic = "orders.placed", key = Record)]
/// async fn reserve(_: Raw, State(db): State<Db>, State(region): State<Arc<str>>) {
///     drop((db, region));
/// }
///
/// #[event_bus(group = "shop", state = AppState, handlers = [reserve])]
/// struct Shop;
/// ```
///
/// Each field is cloned when a handler takes it, so a field is `Clone`: keep what is large, or is not `Clone`, in an
/// `Arc`. `#[from_ref(skip)]` leaves a field out. Two fields of one type do not compile, since a handler that takes that
/// type could mean either: leave one out, or wrap it in a type of its own.
///
/// The state is a struct, with named fields or without, and not generic. `#[from_ref(crate = path)]` on it says where
/// this crate is, when it is not `::bus_runtime`.
pub use bus_macros::FromRef;
