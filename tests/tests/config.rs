//! Three ways to set an option, which agree, and what is refused.

use bus_runtime::{Brake, Config, Drain, Provision};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

type Build = fn(Config) -> Config;

/// Every option: its name, a value other than the default as a file has it, the same by builder.
fn options() -> Vec<(&'static str, Value, Build)> {
    vec![
        ("url", json!("nats://u:p@a:4222,b"), |c| {
            c.url("nats://u:p@a:4222,b")
        }),
        ("namespace", json!("staging"), |c| c.namespace("staging")),
        ("group", json!("shop"), |c| c.group("shop")),
        ("in_flight", json!(7), |c| c.in_flight(7)),
        ("buffer", json!("8"), |c| c.buffer(8)),
        ("buffer_bytes", json!("1.5KiB"), |c| c.buffer_bytes(1536)),
        ("delayed", json!(9), |c| c.delayed(9)),
        ("brake", json!("off"), |c| c.brake(Brake::Off)),
        ("window", json!(10), |c| c.window(10)),
        ("stuck_after", json!("5s"), |c| {
            c.stuck_after(Duration::from_secs(5))
        }),
        ("drain", json!("in-flight"), |c| c.drain(Drain::InFlight)),
        ("shutdown_deadline", json!("1m 30s"), |c| {
            c.shutdown_deadline(Duration::from_secs(90))
        }),
        ("connect_timeout", json!("250ms"), |c| {
            c.connect_timeout(Duration::from_millis(250))
        }),
        ("publish_timeout", json!("2s"), |c| {
            c.publish_timeout(Duration::from_secs(2))
        }),
        ("publish_window", json!(11), |c| c.publish_window(11)),
        ("commit_interval", json!("20ms"), |c| {
            c.commit_interval(Duration::from_millis(20))
        }),
        ("provision", json!("none"), |c| c.provision(Provision::None)),
        ("memory_log", json!(12), |c| c.memory_log(12)),
        ("memory_log_bytes", json!(4096), |c| {
            c.memory_log_bytes(4096)
        }),
        ("nats_partitions", json!(13), |c| c.nats_partitions(13)),
        ("nats_max_age", json!("30days"), |c| {
            c.nats_max_age(Duration::from_hours(30 * 24))
        }),
        ("nats_replicas", json!(1), |c| c.nats_replicas(1)),
        ("nats_ack_wait", json!("1h"), |c| {
            c.nats_ack_wait(Duration::from_hours(1))
        }),
        ("kafka_partitions", json!(3), |c| c.kafka_partitions(3)),
        ("session_timeout", json!("45s"), |c| {
            c.session_timeout(Duration::from_secs(45))
        }),
        ("revoke_drain", json!("1500ms"), |c| {
            c.revoke_drain(Duration::from_millis(1500))
        }),
    ]
}

fn from_file(value: Value) -> Result<Config, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// What a process with these variables prints, and whether it found them right.
fn from_env(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_print-config"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the program runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let printed = String::from_utf8(output.stdout).expect("it prints UTF-8");
    (output.status.success(), printed.trim_end().to_owned())
}

#[test]
fn every_option_has_a_row_here() {
    let error = from_file(json!({ "nonsense": 1 })).expect_err("not an option");
    let (_, known) = error.split_once("the options are ").expect("it lists them");
    let here: Vec<_> = options().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(known, here.join(", "));
}

#[test]
fn file_and_builder_agree() {
    for (name, value, build) in options() {
        let file = from_file(json!({ "url": "memory:", name: value.clone() }));
        let file = if name == "url" {
            from_file(json!({ "url": value }))
        } else {
            file
        };
        let built = build(Config::memory());
        assert_ne!(built, Config::memory(), "{name}");
        assert_eq!(file, Ok(built), "{name}");
    }
}

#[test]
fn environment_and_builder_agree() {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let variables: Vec<_> = options()
        .into_iter()
        .map(|(name, value, _)| (format!("BUS_{}", name.to_uppercase()), text(value)))
        .collect();
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let built = options()
        .into_iter()
        .fold(Config::memory(), |config, (_, _, build)| build(config));
    assert_eq!(from_env(&[], &variables), (true, format!("{built:?}")));
}

#[test]
fn the_environment_stands_above_what_is_given() {
    let memory = format!("{:?}", Config::memory().in_flight(7));
    assert_eq!(
        from_env(&["or-memory"], &[("BUS_IN_FLIGHT", "7")]),
        (true, memory.clone())
    );
    assert_eq!(
        from_env(&["SHOP_"], &[("SHOP_IN_FLIGHT", "7"), ("BUS_X", "")]),
        (true, memory)
    );

    let (right, printed) = from_env(&[], &[("BUS_IN_FLIGHT", "7")]);
    assert!(
        !right && printed.contains("`BUS_URL` is missing"),
        "{printed}"
    );
    let (right, printed) = from_env(&["or-memory"], &[("BUS_IN_FLIHGT", "7")]);
    assert!(
        !right && printed.contains("did you mean `BUS_IN_FLIGHT`?"),
        "{printed}"
    );
}

/// Of a service that is called `bus`, or `bus-nats`, Kubernetes tells every pod in such variables.
#[test]
fn regression_44_what_kubernetes_injects_changes_nothing_and_a_misspelt_variable_is_an_error() {
    let injected = [
        ("BUS_SERVICE_HOST", "10.0.0.7"),
        ("BUS_SERVICE_PORT", "4222"),
        ("BUS_PORT", "tcp://10.0.0.7:4222"),
        ("BUS_PORT_4222_TCP_ADDR", "10.0.0.7"),
        ("BUS_NATS_SERVICE_PORT_CLIENT", "4222"),
    ];
    let memory = format!("{:?}", Config::memory());
    assert_eq!(from_env(&["or-memory"], &injected), (true, memory));

    for misspelt in ["BUS_SERVICE_HOSTS", "BUS_PORTS", "BUS_URI"] {
        let mut variables = injected.to_vec();
        variables.push((misspelt, "7"));
        let (right, printed) = from_env(&["or-memory"], &variables);
        assert!(!right && printed.contains(misspelt), "{printed}");
    }
}

/// A file with `content`, for one test.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("the file is written");
    path
}

#[test]
fn a_file_holds_a_value_and_one_newline() {
    for (name, content, group) in [
        ("none", "shop", "shop"),
        ("one", "shop\n", "shop"),
        ("windows", "shop\r\n", "shop"),
        ("two", "shop\n\n", "shop\n"),
        ("space", " shop \n", " shop "),
    ] {
        let path = file(&format!("group-{name}"), content.as_bytes());
        let path = path.to_str().expect("the path is UTF-8");
        let expected = format!("{:?}", Config::memory().group(group));
        assert_eq!(
            from_env(&["or-memory"], &[("BUS_GROUP_FILE", path)]),
            (true, expected),
            "{name}"
        );
    }
}

#[test]
fn what_a_file_holds_is_not_shown() {
    let secret = file("secret", b"secret\n");
    let binary = file("binary", b"secret\xff");
    let missing = secret.with_file_name("missing");
    let [secret, binary, missing] =
        [&secret, &binary, &missing].map(|path| path.to_str().expect("UTF-8"));
    let (right, printed) = from_env(
        &["or-memory"],
        &[
            ("BUS_DRAIN_FILE", secret),
            ("BUS_GROUP_FILE", binary),
            ("BUS_URL_FILE", missing),
        ],
    );
    assert!(!right);
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 4, "{printed}");
    let drain =
        format!("- `BUS_DRAIN_FILE` is `{secret}`, in which is not `in-flight` or `everything`");
    assert_eq!(lines[1], drain);
    let unread = |name: &str, path: &str| format!("- `{name}` is `{path}`, which cannot be read: ");
    assert!(
        lines[2].starts_with(&unread("BUS_GROUP_FILE", binary)),
        "{printed}"
    );
    assert!(
        lines[3].starts_with(&unread("BUS_URL_FILE", missing)),
        "{printed}"
    );
    assert!(!printed.replace(secret, "").contains("secret"), "{printed}");
}

#[test]
fn a_wrong_file_is_refused_with_the_reason() {
    for (wrong, reason) in [
        (
            json!({ "in_flght": 7 }),
            "unknown option `in_flght`; did you mean `in_flight`?",
        ),
        (json!({ "brake": true }), "a string or a whole number"),
        (
            json!({ "start": "latest" }),
            "unknown option `start`; the options are url, ",
        ),
        (
            json!({ "in_flight": -7 }),
            "`in_flight` is `-7`; expected a whole number",
        ),
        (json!({ "in_flight": 0.5 }), "a string or a whole number"),
        (json!({ "group": null }), "a string or a whole number"),
        (
            json!({ "publish_timeout": 10 }),
            "`publish_timeout` is `10`; expected a duration",
        ),
        (
            json!({ "buffer_bytes": "64 apples" }),
            "`buffer_bytes` is `64 apples`; expected a size",
        ),
        (json!([]), "the bus's options by name"),
    ] {
        let error = from_file(wrong.clone()).expect_err("it is wrong");
        assert!(error.contains(reason), "{wrong}: {error}");
    }
    let twice = serde_json::from_str::<Config>(r#"{"buffer": 1, "buffer": 2}"#);
    let error = twice.expect_err("given twice").to_string();
    assert!(error.contains("`buffer` is given twice"), "{error}");
}

#[test]
fn debug_shows_no_secret() {
    let config = Config::new("nats://user:secret@a:4222,b:4222");
    let shown = format!("{config:?}");
    assert!(shown.contains("nats://***@a:4222,b:4222"), "{shown}");
    assert!(
        !shown.contains("user") && !shown.contains("secret"),
        "{shown}"
    );
}
