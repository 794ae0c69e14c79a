//! The crates that are compiled.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

/// What a crate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    /// Handlers, and the bus that lists them.
    Bus,
    /// The same handlers, listed by nobody.
    Attribute,
    /// The same functions without the attribute.
    Plain,
    /// The same functions, called through a table, so that the program has all of them.
    Table,
}

const HEAD: &str = "\
#![allow(dead_code)]
use bus_runtime::prelude::*;

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: u64,
    cents: u64,
}

#[derive(Clone, Debug)]
struct Db;

";

const MAIN_OF_BUS: &str = "
#[tokio::main]
async fn main() {
    let bus = Shop::new(Config::memory()).start(Db).await.expect(\"it starts\");
    bus.shutdown().await.expect(\"it runs until it is shut down\");
}
";

const MAIN_OF_TABLE: &str = "
#[tokio::main]
async fn main() {
    for handler in std::hint::black_box(TABLE) {
        handler(Json(Order { id: 1, cents: 1 }), State(Db)).await.expect(\"it succeeds\");
    }
}
";

impl Sort {
    /// Writes a crate with so many handlers.
    pub(crate) fn write(self, handlers: usize, folder: &Path, workspace: &Path) -> io::Result<()> {
        let runtime = workspace.join("bus-runtime");
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
             bus-runtime = {{ path = \"{}\" }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\
             tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }}\n\n\
             [profile.dev]\ndebug = false\nstrip = true\n",
            self.package(handlers),
            runtime.display()
        );
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(folder.join("src/main.rs"), self.source(handlers))?;
        // The versions that are tested.
        fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        Ok(())
    }

    /// The name of the package, and of its program.
    pub(crate) fn package(self, handlers: usize) -> String {
        format!("{self:?}-{handlers}").to_lowercase()
    }

    fn source(self, handlers: usize) -> String {
        let mut source = HEAD.to_owned();
        for number in 0..handlers {
            if matches!(self, Sort::Bus | Sort::Attribute) {
                line(
                    &mut source,
                    format_args!("#[event_handler(topic = \"orders.t{number}\", key = order.id)]"),
                );
            }
            line(
                &mut source,
                format_args!(
                    "async fn handle_{number}(Json(order): Json<Order>, State(_db): State<Db>) -> Result {{"
                ),
            );
            source.push_str("    drop(order);\n    Ok(())\n}\n\n");
        }
        let names: Vec<_> = (0..handlers)
            .map(|number| format!("handle_{number}"))
            .collect();
        match self {
            Sort::Bus => {
                let names = names.join(", ");
                line(
                    &mut source,
                    format_args!(
                        "#[event_bus(group = \"shop\", state = Db, handlers = [{names}])]\nstruct Shop;"
                    ),
                );
                source.push_str(MAIN_OF_BUS);
            }
            Sort::Table => {
                source.push_str(
                    "type Handling = std::pin::Pin<Box<dyn Future<Output = Result> + Send>>;\n\
                     static TABLE: &[fn(Json<Order>, State<Db>) -> Handling] = &[\n",
                );
                for name in names {
                    line(
                        &mut source,
                        format_args!("    |order, db| Box::pin({name}(order, db)),"),
                    );
                }
                source.push_str("];\n");
                source.push_str(MAIN_OF_TABLE);
            }
            Sort::Attribute | Sort::Plain => source.push_str("fn main() {}\n"),
        }
        source
    }
}

fn line(source: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(source, "{text}").expect("writing into memory");
}
