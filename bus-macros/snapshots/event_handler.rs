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
    pub const fn __has_attribute_event_handler<
        __State: ::bus_runtime::__private::AppState,
        __Layers: ::bus_runtime::__private::BusLayers,
    >() -> ::bus_runtime::__private::Handlers<__State>
    where
        Self: ::bus_runtime::__private::Handles<__State, __Layers>,
    {
        <Self as ::bus_runtime::__private::Handles<__State, __Layers>>::HANDLERS
    }
}
const _: () = {
    const __SUBSCRIBED: ::bus_runtime::__private::Subscribed<Json<OrderPlaced>> = {
        #[allow(unused_imports)]
        use ::bus_runtime::__private::Event as _;
        ::bus_runtime::__private::TopicArgument("orders.placed")
            .string_or_topic::<
                Json<OrderPlaced>,
            >(::bus_runtime::__private::Route::Computed(__compute))
    };
    const __GROUP: &str = "stock";
    const _: () = ::bus_runtime::__private::assert_group(__GROUP);
    const __AT_MOST: ::bus_runtime::__private::Limit = ::bus_runtime::__private::Limit::of(
        8,
    );
    #[allow(dead_code)]
    fn __extractors() {
        ::bus_runtime::__private::assert_extractor::<
            State<Db>,
            ::bus_runtime::__private::AnyState,
        >();
    }
    fn __compute(
        __message: &::bus_runtime::__private::Message,
    ) -> ::core::result::Result<
        (::bus_runtime::__private::Key, ::bus_runtime::__private::Decoded),
        ::bus_runtime::__private::Rejection,
    > {
        ::bus_runtime::__private::compute(
            __message,
            __SUBSCRIBED.decode,
            |__payload, __key| {
                #[allow(unused_variables)]
                let Json(order) = __payload;
                ::bus_runtime::__private::RoutingKey::write(&(order.customer_id), __key);
            },
        )
    }
    fn __call<
        __State: ::bus_runtime::__private::AppState,
        __Layers: ::bus_runtime::__private::BusLayers,
    >(
        __delivery: ::bus_runtime::__private::Delivery<__State>,
    ) -> ::bus_runtime::__private::Call
    where
        State<Db>: ::bus_runtime::__private::FromEvent<__State>,
    {
        ::bus_runtime::__private::call::<
            __Layers,
            _,
            _,
            _,
        >(
            __delivery,
            __SUBSCRIBED.decode,
            ::bus_runtime::__private::NoLayers,
            |__payload, __cx| {
                let __argument_0: State<Db> = ::bus_runtime::__private::FromEvent::from_event(
                    __cx,
                )?;
                ::core::result::Result::Ok(
                    ::bus_runtime::__private::run(
                        reserve(__payload, __argument_0),
                        <Result as ::bus_runtime::__private::IntoOutcome>::into_ending,
                    ),
                )
            },
        )
    }
    #[automatically_derived]
    impl<
        __State: ::bus_runtime::__private::AppState,
        __Layers: ::bus_runtime::__private::BusLayers,
    > ::bus_runtime::__private::Handles<__State, __Layers> for reserve
    where
        State<Db>: ::bus_runtime::__private::FromEvent<__State>,
    {
        const HANDLERS: ::bus_runtime::__private::Handlers<__State> = ::bus_runtime::__private::Handlers::One(::bus_runtime::__private::Handler {
            name: ::core::concat!(::core::module_path!(), "::reserve"),
            topic: __SUBSCRIBED.topic,
            group: __GROUP,
            hash: ::bus_runtime::__private::hashes(__SUBSCRIBED.topic, __GROUP),
            retry: ::bus_runtime::__private::Retry::DEFAULT,
            timeout: ::bus_runtime::__private::Timeout::DEFAULT,
            at_most: __AT_MOST,
            route: __SUBSCRIBED.route,
            call: __call::<__State, __Layers>,
        });
    }
};
