//! `$CRATE::d7::d3::d1` and `elsewhere::parcels::track` both handle topic `parcels.d7d3d1`; give one of them another `group`, or remove it
#![allow(unused)]

use bus_runtime::prelude::*;

macro_rules! thousand {
    ($digits:tt) => { thousand!(@modules $digits $digits); };
    (@modules [$($a:ident)*] $digits:tt) => {
        $(thousand!(@inner $a $digits $digits);)*

        #[event_bus(group = "shop", handlers = [$($a,)* elsewhere::parcels])]
        struct Shop;
    };
    (@inner $a:ident [$($b:ident)*] $digits:tt) => { thousand!(@module $a $([$b $digits])*); };
    (@module $a:ident $([$b:ident [$($c:ident)*]])*) => {
        #[event_handlers]
        mod $a {
            $(
                #[bus_runtime::event_handlers]
                mod $b {
                    use bus_runtime::prelude::*;

                    $(
                        #[event_handler(
                            topic = concat!("parcels.", stringify!($a), stringify!($b), stringify!($c)),
                            key = Unordered
                        )]
                        async fn $c(_: Raw) {}
                    )*
                }
            )*
        }
    };
}

thousand!([d0 d1 d2 d3 d4 d5 d6 d7 d8 d9]);

fn main() {}
