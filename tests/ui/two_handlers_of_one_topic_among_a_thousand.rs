//! `$CRATE::d1::d2::d3` and `$CRATE::again` both handle topic `orders.d1d2d3`; give one of them another `group`, or remove it
#![allow(unused)]

use bus_runtime::prelude::*;

macro_rules! thousand {
    ($digits:tt) => { thousand!(@modules $digits $digits); };
    (@modules [$($a:ident)*] $digits:tt) => { thousand!(@pairs $([$a $digits])*); };
    (@pairs $([$a:ident [$($b:ident)*]])*) => {
        $(mod $a { $(ten_handlers!($a $b d0 d1 d2 d3 d4 d5 d6 d7 d8 d9);)* })*
        thousand!(@paths $($([$a $b [d0 d1 d2 d3 d4 d5 d6 d7 d8 d9]])*)*);
    };
    (@paths $([$a:ident $b:ident [$($c:ident)*]])*) => {
        #[event_bus(group = "shop", handlers = [$($($a::$b::$c,)*)* again])]
        struct Shop;
    };
}

macro_rules! ten_handlers {
    ($a:ident $b:ident $($c:ident)*) => {
        pub mod $b {
            use bus_runtime::prelude::*;

            $(
                #[event_handler(
                    topic = concat!("orders.", stringify!($a), stringify!($b), stringify!($c)),
                    key = Unordered
                )]
                pub async fn $c(_: Raw) {}
            )*
        }
    };
}

#[event_handler(topic = "orders.d1d2d3", key = Unordered)]
async fn again(_: Raw) {}

thousand!([d0 d1 d2 d3 d4 d5 d6 d7 d8 d9]);

fn main() {}
