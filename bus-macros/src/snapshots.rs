//! What each macro writes, kept in `snapshots` where it can be read.

use proc_macro2::{TokenStream, TokenTree};
use std::{env, fs};

#[test]
fn event_handler() {
    let args = "topic = \"orders.placed\", key = order.customer_id, group = \"stock\", at_most = 8";
    let item = "/// Reserves stock.\n\
                pub async fn reserve(Json(order): Json<OrderPlaced>, State(db): State<Db>) -> Result { \
                db.reserve(order.id).await }";
    check("event_handler", args, item, |args, item| {
        crate::event_handler::expand(args, &item)
    });
}

#[test]
fn event_handlers() {
    let item = "/// What happens to orders.\n\
                pub mod orders { \
                #[event_handler(topic = \"orders.placed\", key = Record)] async fn reserve(_: Raw) {} \
                #[cfg(test)] #[event_handler(topic = \"orders.placed\", group = \"test\", key = Record)] \
                async fn observe(_: Raw) {} \
                #[event_handlers] mod refunds { \
                #[event_handler(topic = \"orders.returned\", key = Record)] async fn refund(_: Raw) {} } }";
    check("event_handlers", "", item, |args, item| {
        crate::event_handlers::expand(args, &item)
    });
}

#[test]
fn event_bus() {
    let args = "group = \"shop\", state = AppState, handlers = [orders, #[cfg(test)] audit]";
    let item = "/// Every event the shop handles.\npub struct Shop;";
    check("event_bus", args, item, |args, item| {
        crate::event_bus::expand(args, &item)
    });
}

#[test]
fn event() {
    let item = "#[event(topic = \"orders.changed\", key = (shop, order.id))]\n\
                pub enum OrderChanged { Paid { shop: u32, order: Order }, Cancelled { shop: u32, order: Order } }";
    check("event", "", item, |_, item| crate::event::expand(item));
}

#[test]
fn from_ref() {
    let item =
        "pub struct AppState { db: Arc<Db>, region: String, #[from_ref(skip)] fallback: Arc<Db> }";
    check("from_ref", "", item, |_, item| {
        crate::from_ref::expand(item)
    });
}

/// Compares what a macro writes with its snapshot, and looks that it is safe: in what a macro of another crate writes,
/// rustc does not look for `unsafe`, not even under `forbid(unsafe_code)`. Run with `UPDATE_SNAPSHOTS=1` to write it anew.
fn check(
    name: &str,
    args: &str,
    item: &str,
    expand: impl FnOnce(TokenStream, TokenStream) -> TokenStream,
) {
    let read = |text: &str| text.parse::<TokenStream>().expect("tokens");
    let tokens = expand(read(args), read(item));
    assert!(!has_unsafe(tokens.clone()), "`{name}` writes `unsafe`");
    let written = pretty(tokens);
    let given = match name {
        "event" | "from_ref" => pretty(read(item)),
        name if args.is_empty() => pretty(read(&format!("#[{name}] {item}"))),
        name => pretty(read(&format!("#[{name}({args})] {item}"))),
    };
    let given = given
        .lines()
        .map(|line| format!("// {line}\n").replace(" \n", "\n"))
        .collect::<String>();
    let now = format!("// Of\n//\n{given}//\n// the macro `{name}` makes\n\n{written}");
    let path = format!("snapshots/{name}.rs");
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &now).expect("the snapshot can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == now,
        "`{name}` writes something else than `{path}`; run with UPDATE_SNAPSHOTS=1, and read the difference"
    );
}

fn has_unsafe(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => has_unsafe(group.stream()),
        TokenTree::Ident(ident) => ident == "unsafe",
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn pretty(tokens: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(tokens).expect("a file of Rust"))
}
