// Of
//
// #[event_handler(
//     topic = "orders.placed",
//     key = order.customer_id,
//     group = "stock",
//     at_most = 8
// )]
// /// Reserves stock.
// pub async fn reserve(Json(order): Json<OrderPlaced>, State(db): State<Db>) -> Result {
//     db.reserve(order.id).await
// }
//
// the macro `event_handler` makes

#[allow(clippy::unused_async)]
/// Reserves stock.
pub async fn reserve(Json(order): Json<OrderPlaced>, State(db): State<Db>) -> Result {
    db.reserve(order.id).await
}
#[doc(hidden)]
#[allow(non_camel_case_types, missing_debug_implementations, unreachable_pub)]
pub enum reserve {}
#[automatically_derived]
impl reserve {
    #[doc(hidden)]
    pub const fn __has_attribute_event_handlers() -> ::bus_runtime::__private::Named<
        Self,
    > {
        ::bus_runtime::__private::Named::NEW
    }
}
const _: () = {
    static __SUBSCRIBED: ::bus_runtime::__private::Subscribed<Json<OrderPlaced>> = {
        ::bus_runtime::__private::TopicArgument("orders.placed")
            .string_or_topic::<
                Json<OrderPlaced>,
            >(
                ::bus_runtime::__private::Route::Computed(|__payload, __key| {
                    #[allow(unused_variables)]
                    let Json(order) = __payload;
                    ::bus_runtime::__private::RoutingKey::write(
                        &(order.customer_id),
                        __key,
                    );
                }),
            )
    };
    const __GROUP: &str = "stock";
    const _: () = ::bus_runtime::__private::assert_group(__GROUP);
    const __AT_MOST: ::bus_runtime::__private::Limit = ::bus_runtime::__private::Limit::of(
        8,
    );
    #[allow(dead_code)]
    struct __Extractors(
        ::bus_runtime::__private::Extractor<
            State<Db>,
            ::bus_runtime::__private::AnyState,
        >,
    );
    #[automatically_derived]
    impl<
        __State: ::bus_runtime::__private::AppState,
        __Layers: ::bus_runtime::__private::BusLayers,
    > ::bus_runtime::__private::Handles<__State, __Layers> for reserve
    where
        State<Db>: ::bus_runtime::__private::FromEvent<__State>,
    {
        const HANDLERS: ::bus_runtime::__private::Handlers<__State> = ::bus_runtime::__private::Handlers::One(
            __SUBSCRIBED
                .handler(
                    ::core::concat!(::core::module_path!(), "::reserve"),
                    __GROUP,
                    |__delivery| ::bus_runtime::__private::call::<
                        __Layers,
                        _,
                        _,
                        _,
                        _,
                    >(
                        __delivery,
                        __SUBSCRIBED.decode,
                        ::bus_runtime::__private::NoLayers,
                        |__payload, (__argument_0, ())| reserve(__payload, __argument_0),
                        <Result as ::bus_runtime::__private::IntoOutcome>::into_ending,
                    ),
                )
                .at_most(__AT_MOST),
        );
    }
};
