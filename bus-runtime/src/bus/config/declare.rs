//! What is the same for every option.

/// Declares [`Config`](super::Config): an option is one entry
///
/// ```text
/// /// Sets …
/// name: Type = default, "default as text", reader, (argument: Type) => value;
/// ```
///
/// and becomes a field, a builder method, a row of `OPTIONS` and an arm of `Config::set`, which the
/// environment and `Deserialize` go through. The reader makes the argument out of text.
macro_rules! options {
    (
        $(#[$on_config:meta])*
        pub struct Config;
        $(
            $(#[doc = $doc:literal])*
            $name:ident: $type:ty = $default:expr, $text:literal, $read:path, ($arg:ident: $takes:ty) => $value:expr;
        )*
    ) => {
        $(#[$on_config])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Config {
            $(pub(crate) $name: $type,)*
        }

        /// The name and the default of every option, in the order of the table in the documentation.
        pub(super) const OPTIONS: &[(&str, &str)] = &[$((stringify!($name), $text),)*];

        impl Config {
            /// The defaults, without a URL.
            pub(super) const fn unset() -> Self {
                Config { $($name: $default,)* }
            }

            /// Sets the option `name` from text.
            pub(super) fn set(&mut self, name: &str, text: &str) -> Result<(), Refused> {
                match name {
                    $(stringify!($name) => {
                        let $arg = $read(text).map_err(Refused::Expected)?;
                        self.$name = $value;
                    })*
                    _ => return Err(Refused::Unknown),
                }
                Ok(())
            }

            $(
                $(#[doc = $doc])*
                #[doc = concat!("\n\nDefault: ", $text, ".")]
                #[must_use = "it returns the configuration with the option set"]
                pub fn $name(mut self, $arg: $takes) -> Self {
                    self.$name = $value;
                    self
                }
            )*
        }
    };
}

pub(super) use options;

/// Why an option was not set from text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no such option.
    Unknown,
    /// The text is not what the option takes, which is this.
    Expected(&'static str),
}
