//! Configuration out of the environment.

use super::declare::Refused;
use super::error::unknown;
use super::options::OPTIONS;
use super::url::{FORMS, shown};
use super::{Config, ConfigError};
use std::ffi::OsString;
use std::fs;

impl Config {
    /// Reads the configuration from the environment: `BUS_` and an option's name in upper case.
    ///
    /// With `_FILE` behind the name, the value is the content of the file that the variable names, less one
    /// newline at its end: for secrets.
    ///
    /// What Kubernetes injects for a service named `bus…` (`*_SERVICE_HOST`, `*_SERVICE_PORT*`, `*_PORT`,
    /// `*_PORT_*`) is passed over.
    ///
    /// # Errors
    ///
    /// `BUS_URL` is missing; another variable that starts with `BUS_` is not an option; a value is not
    /// UTF-8 or not what its option takes; a file cannot be read; an option is given twice, by value and
    /// by file. All of them at once. Whether a value is allowed is found at the start of the bus.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_env_with_prefix("BUS_", None)
    }

    /// Reads the environment on top of `config`, which holds wherever the environment is silent.
    ///
    /// ```
    /// use bus_runtime::Config;
    ///
    /// # fn main() -> Result<(), bus_runtime::ConfigError> {
    /// // In memory, unless `BUS_URL` says otherwise; 64 handlers at once, unless `BUS_IN_FLIGHT` does.
    /// let config = Config::from_env_or(Config::memory().in_flight(64))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env); `BUS_URL` is missing only if `config` has no URL either.
    pub fn from_env_or(config: Config) -> Result<Self, ConfigError> {
        Self::from_env_with_prefix("BUS_", Some(config))
    }

    /// Reads the environment's variables that start with `prefix` instead of `BUS_`, on top of `config` if
    /// there is one.
    ///
    /// ```
    /// use bus_runtime::Config;
    ///
    /// # fn main() -> Result<(), bus_runtime::ConfigError> {
    /// let config = Config::from_env_with_prefix("SHOP_BUS_", Some(Config::memory()))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_env_or`](Self::from_env_or). An empty prefix is refused: every variable would have to be an
    /// option.
    pub fn from_env_with_prefix(prefix: &str, config: Option<Config>) -> Result<Self, ConfigError> {
        from_variables(std::env::vars_os(), prefix, config)
    }
}

fn from_variables(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    prefix: &str,
    config: Option<Config>,
) -> Result<Config, ConfigError> {
    let mut config = config.unwrap_or(Config::unset());
    if prefix.is_empty() {
        let mistake =
            "the prefix of the environment's variables is empty; give one, such as `BUS_`";
        return Err(ConfigError::one(mistake.to_owned()));
    }
    let mut mistakes = Vec::new();
    let mut variables: Vec<_> = variables
        .into_iter()
        // A name that is not UTF-8 is no option's: it is kept, and refused as unknown.
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .filter(|(name, _)| name.starts_with(prefix))
        .collect();
    // The environment has no order; errors should.
    variables.sort();

    let mut given = Vec::new();
    for (variable, value) in variables {
        let (stem, from_file) = match variable.strip_suffix("_FILE") {
            Some(stem) => (stem, true),
            None => (&*variable, false),
        };
        let option = stem.get(prefix.len()..).unwrap_or_default();
        let known = OPTIONS
            .iter()
            .find(|(name, _)| name.to_ascii_uppercase() == option);
        let Some((name, _)) = known else {
            if !is_kubernetes(&variable) {
                let file = if from_file { "_FILE" } else { "" };
                mistakes.push(unknown(&variable, &option.to_ascii_lowercase(), |name| {
                    format!("{prefix}{}{file}", name.to_ascii_uppercase())
                }));
            }
            continue;
        };
        if given.contains(name) {
            mistakes.push(format!(
                "`{stem}` and `{stem}_FILE` are both given; give one of them"
            ));
            continue;
        }
        given.push(name);
        let set = if from_file {
            set_from_file(&mut config, name, &value)
        } else {
            set(&mut config, name, value)
        };
        if let Err(mistake) = set {
            mistakes.push(format!("`{variable}` is {mistake}"));
        }
    }
    if config.url.is_none() && !given.contains(&"url") {
        mistakes.push(format!("`{prefix}URL` is missing; it must be {FORMS}"));
    }
    ConfigError::unless_empty(mistakes)?;
    Ok(config)
}

fn set(config: &mut Config, name: &str, value: OsString) -> Result<(), String> {
    let text = value.into_string().map_err(|_| "not UTF-8")?;
    set_text(config, name, &text)
        .map_err(|expected| format!("`{}`; expected {expected}", shown(&text)))
}

fn set_from_file(config: &mut Config, name: &str, path: &OsString) -> Result<(), String> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| format!("`{shown}`, which cannot be read: {error}"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    // What the file holds is not shown: files are for secrets.
    set_text(config, name, text)
        .map_err(|expected| format!("`{shown}`, in which is not {expected}"))
}

fn set_text(config: &mut Config, name: &str, text: &str) -> Result<(), &'static str> {
    match config.set(name, text) {
        Ok(()) => Ok(()),
        Err(Refused::Expected(what)) => Err(what),
        Err(Refused::Unknown) => unreachable!("the name is from the table of options"),
    }
}

/// Whether Kubernetes injects a variable of this name for a service.
fn is_kubernetes(variable: &str) -> bool {
    variable.ends_with("_SERVICE_HOST")
        || variable.contains("_SERVICE_PORT")
        || variable.ends_with("_PORT")
        || variable.contains("_PORT_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Drain;
    use std::time::Duration;

    fn read(variables: &[(&str, &str)], config: Option<Config>) -> Result<Config, ConfigError> {
        let variables = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        from_variables(variables, "BUS_", config)
    }

    fn mistakes(variables: &[(&str, &str)]) -> Vec<String> {
        let error = read(variables, Some(Config::memory())).expect_err("there are mistakes");
        error.mistakes().map(str::to_owned).collect()
    }

    #[test]
    fn without_a_url_the_three_forms_are_named() {
        let error = read(&[("BUS_IN_FLIGHT", "7")], None).expect_err("no URL");
        assert_eq!(
            error.to_string(),
            "wrong configuration: `BUS_URL` is missing; it must be `memory:`, `nats://host:port,…` or \
             `kafka://host:port,…`"
        );
    }

    #[test]
    fn variables_stand_above_the_config() {
        let config = Config::new("nats://u:secret@a").in_flight(3).buffer(5);
        let set = [
            ("BUS_IN_FLIGHT", "7"),
            ("BUS_DRAIN", "everything"),
            ("BUS_PUBLISH_TIMEOUT", "1s 500ms"),
            ("PATH", "/bin"),
            ("bus_buffer", "x"),
        ];
        let expected = config
            .clone()
            .in_flight(7)
            .drain(Drain::Everything)
            .publish_timeout(Duration::from_millis(1500));
        assert_eq!(read(&set, Some(config)), Ok(expected));

        let url = [("BUS_URL", "nats://v:secret@b")];
        assert_eq!(
            read(&url, Some(Config::memory())),
            Ok(Config::new("nats://v:secret@b"))
        );
        assert_eq!(read(&[], Some(Config::memory())), Ok(Config::memory()));
    }

    #[test]
    fn what_kubernetes_injects_changes_nothing() {
        let injected = [
            ("BUS_SERVICE_HOST", "10.0.0.7"),
            ("BUS_SERVICE_PORT", "4222"),
            ("BUS_SERVICE_PORT_CLIENT", "4222"),
            ("BUS_PORT", "tcp://10.0.0.7:4222"),
            ("BUS_PORT_4222_TCP", "tcp://10.0.0.7:4222"),
            ("BUS_PORT_4222_TCP_PROTO", "tcp"),
            ("BUS_PORT_4222_TCP_PORT", "4222"),
            ("BUS_PORT_4222_TCP_ADDR", "10.0.0.7"),
            ("BUS_NATS_SERVICE_HOST", "10.0.0.8"),
            ("BUS_NATS_SERVICE_PORT", "4222"),
            ("BUS_NATS_PORT", "tcp://10.0.0.8:4222"),
            ("BUS_NATS_PORT_4222_UDP_ADDR", "10.0.0.8"),
        ];
        assert_eq!(
            read(&injected, Some(Config::memory())),
            Ok(Config::memory())
        );
    }

    #[test]
    fn a_misspelt_variable_names_the_right_one() {
        let [mistake] = &*mistakes(&[("BUS_IN_FLIHGT", "7")]) else {
            panic!("one mistake")
        };
        let start = "unknown option `BUS_IN_FLIHGT`; did you mean `BUS_IN_FLIGHT`? the options are BUS_URL, ";
        assert!(mistake.starts_with(start), "{mistake}");
        for (name, _) in OPTIONS {
            let variable = format!("BUS_{}", name.to_ascii_uppercase());
            assert!(mistake.contains(&variable), "{variable}: {mistake}");
        }

        let [file] = &*mistakes(&[("BUS_ULR_FILE", "/secret")]) else {
            panic!("one mistake")
        };
        assert!(file.contains("did you mean `BUS_URL_FILE`?"), "{file}");
        for other in [
            "BUS_",
            "BUS__FILE",
            "BUS_url",
            "BUS_START",
            "BUS_SPEED",
            "BUS_NATS_STREAM",
            "BUS_ü",
        ] {
            let mistakes = mistakes(&[(other, "x")]);
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
            assert!(mistakes[0].starts_with(&format!("unknown option `{other}`;")));
        }
    }

    #[test]
    fn every_mistake_is_reported() {
        let found = mistakes(&[
            ("BUS_DRAIN", "all"),
            ("BUS_BUFFER_BYTES", "64 apples"),
            ("BUS_IN_FLIGHT", "-1"),
            ("BUS_PROVISION", "Create"),
            ("BUS_PUBLISH_TIMEOUT", "10"),
            ("BUS_NATS_PARTITIONS", "4294967312"),
        ]);
        assert_eq!(
            found,
            [
                "`BUS_BUFFER_BYTES` is `64 apples`; expected a size, such as `64MiB` or `65536`",
                "`BUS_DRAIN` is `all`; expected `in-flight` or `everything`",
                "`BUS_IN_FLIGHT` is `-1`; expected a whole number in digits, such as `1024`",
                "`BUS_NATS_PARTITIONS` is `4294967312`; expected a whole number in digits, such as `1024`",
                "`BUS_PROVISION` is `Create`; expected `create`, `verify` or `none`",
                "`BUS_PUBLISH_TIMEOUT` is `10`; expected a duration with its unit, such as `250ms` or `5m`",
            ]
        );
    }

    #[test]
    fn a_value_and_a_file_contradict_each_other() {
        let found = mistakes(&[("BUS_URL", "memory:"), ("BUS_URL_FILE", "/run/secrets/url")]);
        assert_eq!(
            found,
            ["`BUS_URL` and `BUS_URL_FILE` are both given; give one of them"]
        );
    }

    #[test]
    fn the_prefix_can_be_changed() {
        let variables = || {
            [("SHOP_BUS_IN_FLIGHT", "7"), ("BUS_BUFFER", "x")]
                .map(|(name, value)| (name.into(), value.into()))
        };
        let config = from_variables(variables(), "SHOP_BUS_", Some(Config::memory()));
        assert_eq!(config, Ok(Config::memory().in_flight(7)));

        let missing = from_variables(variables(), "SHOP_BUS_", None).expect_err("no URL");
        assert!(
            missing.to_string().contains("`SHOP_BUS_URL` is missing"),
            "{missing}"
        );
        let empty = from_variables(variables(), "", None).expect_err("no prefix");
        assert!(empty.to_string().contains("prefix"), "{empty}");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_utf_8_is_an_error() {
        use std::os::unix::ffi::OsStringExt;

        let bytes = || OsString::from_vec(b"a\xff".to_vec());
        let name = OsString::from_vec(b"BUS_GR\xffUP".to_vec());
        let variables = [
            ("BUS_GROUP".into(), bytes()),
            ("OTHER".into(), bytes()),
            (name, "x".into()),
        ];
        let error =
            from_variables(variables, "BUS_", Some(Config::memory())).expect_err("not UTF-8");
        let [value, name] = &*error.mistakes().collect::<Vec<_>>() else {
            panic!("two mistakes: {error}")
        };
        assert_eq!(*value, "`BUS_GROUP` is not UTF-8");
        assert!(
            name.starts_with("unknown option `BUS_GR\u{fffd}UP`"),
            "{name}"
        );
    }
}
