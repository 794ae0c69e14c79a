// Of
//
// #[event(topic = "orders.changed", key = (shop, order.id))]
// pub enum OrderChanged {
//     Paid { shop: u32, order: Order },
//     Cancelled { shop: u32, order: Order },
// }
//
// the macro `event` makes

const _: () = {
    const __TOPIC: ::bus_runtime::__private::Topic<OrderChanged> = ::bus_runtime::__private::Topic::new(
        "orders.changed",
    );
    #[automatically_derived]
    impl ::bus_runtime::__private::Event for OrderChanged {
        type Wire = ::bus_runtime::__private::Json<Self>;
        const TOPIC: ::bus_runtime::__private::Topic<Self> = __TOPIC;
        fn key(&self) -> ::bus_runtime::__private::Key {
            match self {
                Self::Paid { shop: __field_shop, order: __field_order, .. } => {
                    ::bus_runtime::__private::Key::of(
                        &((&__field_shop, &__field_order.id)),
                    )
                }
                Self::Cancelled { shop: __field_shop, order: __field_order, .. } => {
                    ::bus_runtime::__private::Key::of(
                        &((&__field_shop, &__field_order.id)),
                    )
                }
            }
        }
    }
};
