// Of
//
// #[event_bus(group = "shop", state = AppState, handlers = [orders, #[cfg(test)]audit])]
// /// Every event the shop handles.
// pub struct Shop;
//
// the macro `event_bus` makes

/// Every event the shop handles.
#[must_use = "a bus does nothing until it is started"]
#[allow(missing_debug_implementations)]
pub struct Shop {
    __config: ::bus_runtime::__private::Config,
}
const _: () = {
    const __GROUP: &str = "shop";
    const _: () = ::bus_runtime::__private::assert_group(__GROUP);
    type __State = AppState;
    type __Layers = ::bus_runtime::__private::NoLayers;
    const __LIST: &[::bus_runtime::__private::Listed<AppState>] = &[
        ::bus_runtime::__private::Listed {
            at: 0usize,
            handlers: orders::__has_attribute_event_handlers()
                .handlers::<__State, __Layers>(),
        },
        #[cfg(test)]
        ::bus_runtime::__private::Listed {
            at: 1usize,
            handlers: audit::__has_attribute_event_handlers()
                .handlers::<__State, __Layers>(),
        },
    ];
    const __CHECKED: ::bus_runtime::__private::Checked<AppState> = ::bus_runtime::__private::check::<
        AppState,
        { ::bus_runtime::__private::capacity(::bus_runtime::__private::count(__LIST)) },
    >(__LIST);
    #[allow(unused_parens)]
    const _: () = {
        (::bus_runtime::__private::assert_unique)(&__CHECKED, 0usize);
        #[cfg(test)] (::bus_runtime::__private::assert_unique)(&__CHECKED, 1usize);
    };
    #[automatically_derived]
    impl ::bus_runtime::__private::Bus for Shop {
        type State = AppState;
        const NAME: &'static str = ::core::concat!(::core::module_path!(), "::Shop");
        const GROUP: &'static str = __GROUP;
        const HANDLERS: &'static [::bus_runtime::__private::Listed<AppState>] = __LIST;
    }
};
#[automatically_derived]
impl Shop {
    /// A bus with this configuration, not yet running.
    #[allow(dead_code)]
    pub fn new(config: ::bus_runtime::__private::Config) -> Self {
        Self { __config: config }
    }
    /// Starts the pool and every handler; returns when the bus takes events, or stands by.
    ///
    /// # Errors
    ///
    /// When the broker cannot be reached, or another bus runs in this process.
    #[allow(dead_code)]
    pub async fn start(
        self,
        state: AppState,
    ) -> ::core::result::Result<
        ::bus_runtime::__private::Running,
        ::bus_runtime::__private::StartError,
    > {
        ::bus_runtime::__private::start::<Self>(self.__config, state).await
    }
}
