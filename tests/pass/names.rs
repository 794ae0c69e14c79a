//! Handlers under raw, renamed, re-exported and glob-imported names, private ones, and from a macro.

#![deny(warnings)]

use bus_runtime::prelude::*;

mod deep {
    pub(crate) mod er {
        use bus_runtime::prelude::*;

        #[event_handler(topic = "deep.handler", key = Unordered)]
        pub(crate) async fn handler(_: Raw) {}

        #[event_handler(topic = "deep.other", key = Unordered)]
        pub(in crate::deep) async fn other(_: Raw) {}

        #[event_handler(topic = "raw.name", key = Record)]
        pub(crate) async fn r#type(_: Raw) {}
    }

    pub(crate) use er::handler as renamed;
    pub(crate) use er::*;

    mod private {
        use bus_runtime::prelude::*;

        #[event_bus(group = "inner", handlers = [super::er::other])]
        pub(crate) struct Inner;
    }

    pub(crate) use private::Inner;
}

use deep::*;

macro_rules! handlers {
    ($($name:ident $event:ident $topic:literal $field:ident;)*) => {$(
        /// Made by a macro.
        #[derive(Serialize, Deserialize, Event)]
        #[event(topic = $topic, key = $field)]
        struct $event {
            $field: u64,
        }

        #[event_handler(topic = $event::TOPIC)]
        async fn $name(Json(event): Json<$event>) {
            drop(event);
        }

        mod $field {
            use super::$event;
            use bus_runtime::prelude::*;

            #[event_handler(topic = $topic, group = "second", key = event.$field)]
            pub(crate) async fn second(Json(event): Json<$event>, State(text): State<&'static str>) -> Result {
                drop((event, text));
                Ok(())
            }
        }
    )*};
}

handlers! {
    first First "made.first" number;
    last Last "made.last" id;
}

#[event_bus(
    group = "shop",
    state = &'static str,
    handlers = [handler, deep::er::r#type, first, last, number::second, self::id::second]
)]
struct Shop;

#[event_bus(group = "shop", handlers = [renamed])]
struct Renamed;

fn main() {
    let _ = (
        Shop::new(Config::memory()),
        Renamed::new(Config::memory()),
        Inner::new(Config::memory()),
    );
}
