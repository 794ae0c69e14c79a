//! Every form of an event and of its key.

use bus_runtime::{Codec, Json, Key};
use bus_runtime::prelude::{Deserialize, Event, Serialize, Unordered};

#[derive(Serialize, Deserialize)]
struct Actor {
    user: String,
}

impl Actor {
    fn name(&self) -> &str {
        &self.user
    }
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "e.part", key = by.user)]
struct Part {
    by: Actor,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "e.method-of-a-field", key = self.by.name())]
struct MethodOfAField {
    by: Actor,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "e.tuple", key = (shop, by.user, kind))]
struct Tuple {
    shop: u8,
    by: Actor,
    kind: Option<bool>,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "e.number", key = 1)]
struct Numbered(u64, String);

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "e.raw", key = r#type)]
struct RawName {
    r#type: Option<u64>,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "e.unordered", key = Unordered)]
struct Nothing;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = TOPIC)]
#[event(key = id)]
struct TwoAttributes {
    id: u64,
}

const TOPIC: &str = "e.two";

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "e.changed", key = (id, by.user))]
enum Changed {
    Paid { id: u64, by: Actor, cents: u64 },
    Cancelled { id: u64, by: Actor },
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "e.method", key = id())]
enum WithMethod {
    One(u64),
    Two { id: u64 },
    None,
}

impl WithMethod {
    fn id(&self) -> Option<u64> {
        match self {
            WithMethod::One(id) | WithMethod::Two { id } => Some(*id),
            WithMethod::None => None,
        }
    }
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "e.numbered-variants", key = 0)]
enum Positional {
    One(u64),
    Two(u64, String),
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "e.unordered-variants", key = bus_runtime::Unordered)]
enum Ping {
    Ping,
}

fn bytes(key: &Key) -> Option<&str> {
    key.as_bytes()
        .map(|bytes| std::str::from_utf8(bytes).expect("text"))
}

fn main() {
    let actor = || Actor { user: "ann".into() };
    assert_eq!(bytes(&Part { by: actor() }.key()), Some("ann"));
    assert_eq!(bytes(&MethodOfAField { by: actor() }.key()), Some("ann"));
    let tuple = Tuple {
        shop: 1,
        by: actor(),
        kind: None,
    };
    assert_eq!(bytes(&tuple.key()), Some("1/ann/"));
    assert_eq!(bytes(&Numbered(1, "two".into()).key()), Some("two"));
    assert_eq!(bytes(&RawName { r#type: Some(3) }.key()), Some("3"));
    assert_eq!(bytes(&RawName { r#type: None }.key()), None);
    assert_eq!(bytes(&Nothing.key()), None);
    assert_eq!(bytes(&TwoAttributes { id: 4 }.key()), Some("4"));
    assert_eq!(TwoAttributes::TOPIC.name(), "e.two");
    let paid = Changed::Paid {
        id: 5,
        by: actor(),
        cents: 990,
    };
    assert_eq!(bytes(&paid.key()), Some("5/ann"));
    let cancelled = Changed::Cancelled { id: 5, by: actor() };
    assert_eq!(cancelled.key(), paid.key());
    assert_eq!(bytes(&WithMethod::Two { id: 6 }.key()), Some("6"));
    assert_eq!(bytes(&WithMethod::One(6).key()), Some("6"));
    assert_eq!(bytes(&WithMethod::None.key()), None);
    assert_eq!(bytes(&Positional::One(7).key()), Some("7"));
    assert_eq!(bytes(&Positional::Two(7, String::new()).key()), Some("7"));
    assert_eq!(bytes(&Ping::Ping.key()), None);
    let json = Json::encode(&Positional::One(7)).expect("a number is JSON");
    assert_eq!(json, "{\"One\":7}");
}
