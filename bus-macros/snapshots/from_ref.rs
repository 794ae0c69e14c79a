// Of
//
// pub struct AppState {
//     db: Arc<Db>,
//     region: String,
//     #[from_ref(skip)]
//     fallback: Arc<Db>,
// }
//
// the macro `from_ref` makes

#[automatically_derived]
impl ::bus_runtime::__private::FromRef<AppState> for Arc<Db> {
    fn from_ref(__state: &AppState) -> Self {
        ::bus_runtime::__private::part(&__state.db)
    }
}
#[automatically_derived]
impl ::bus_runtime::__private::FromRef<AppState> for String {
    fn from_ref(__state: &AppState) -> Self {
        ::bus_runtime::__private::part(&__state.region)
    }
}
