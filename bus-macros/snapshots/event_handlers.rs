// Of
//
// #[event_handlers]
// /// What happens to orders.
// pub mod orders {
//     #[event_handler(topic = "orders.placed", key = Record)]
//     async fn reserve(_: Raw) {}
//     #[cfg(test)]
//     #[event_handler(topic = "orders.placed", group = "test", key = Record)]
//     async fn observe(_: Raw) {}
//     #[event_handlers]
//     mod refunds {
//         #[event_handler(topic = "orders.returned", key = Record)]
//         async fn refund(_: Raw) {}
//     }
// }
//
// the macro `event_handlers` makes

/// What happens to orders.
pub mod orders {
    #[event_handler(topic = "orders.placed", key = Record)]
    async fn reserve(_: Raw) {}
    #[cfg(test)]
    #[event_handler(topic = "orders.placed", group = "test", key = Record)]
    async fn observe(_: Raw) {}
    #[event_handlers]
    mod refunds {
        #[event_handler(topic = "orders.returned", key = Record)]
        async fn refund(_: Raw) {}
    }
    #[cfg(all(test))]
    type __Handler1 = observe;
    #[cfg(not(all(test)))]
    type __Handler1 = ::bus_runtime::__private::LeftOut;
    #[doc(hidden)]
    #[allow(missing_debug_implementations, unreachable_pub)]
    pub enum __Handlers {}
    #[automatically_derived]
    #[allow(private_bounds)]
    impl<
        __State: ::bus_runtime::__private::AppState,
        __Layers: ::bus_runtime::__private::BusLayers,
    > ::bus_runtime::__private::Handles<__State, __Layers> for __Handlers
    where
        reserve: ::bus_runtime::__private::Handles<__State, __Layers>,
        __Handler1: ::bus_runtime::__private::Handles<__State, __Layers>,
        refunds::__Handlers: ::bus_runtime::__private::Handles<__State, __Layers>,
    {
        const HANDLERS: ::bus_runtime::__private::Handlers<__State> = ::bus_runtime::__private::Handlers::Module {
            name: ::core::module_path!(),
            handlers: &[
                <reserve as ::bus_runtime::__private::Handles<
                    __State,
                    __Layers,
                >>::HANDLERS,
                <__Handler1 as ::bus_runtime::__private::Handles<
                    __State,
                    __Layers,
                >>::HANDLERS,
                <refunds::__Handlers as ::bus_runtime::__private::Handles<
                    __State,
                    __Layers,
                >>::HANDLERS,
            ],
        };
    }
    #[doc(hidden)]
    #[allow(unreachable_pub)]
    pub const fn __has_attribute_event_handlers() -> ::bus_runtime::__private::Named<
        __Handlers,
    > {
        ::bus_runtime::__private::Named::NEW
    }
}
