//! The service, asked over HTTP as its clients ask it.

use bus_runtime::testing::several_buses;
use bus_runtime::{Config, Report};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use shop_over_http::{Api, Shop, Stock, routes, serve};
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The service on a free port.
struct Service {
    address: SocketAddr,
    stock: Stock,
    end: oneshot::Sender<()>,
    serving: JoinHandle<Result<Report, Box<dyn Error + Send + Sync>>>,
}

impl Service {
    async fn start(config: Config) -> Self {
        several_buses();
        let (listener, address) = listen().await;
        let (end, ended) = oneshot::channel();
        let stock = Stock::default();
        let serving = serve(listener, config, stock.clone(), async {
            ended.await.expect("the test ends the service");
        });
        Service {
            address,
            stock,
            end,
            serving: tokio::spawn(serving),
        }
    }

    async fn end(self) -> Report {
        self.end.send(()).expect("the service runs");
        let served = self.serving.await.expect("it does not panic");
        served.expect("the bus ends cleanly")
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("there is a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

async fn place(service: SocketAddr, key: Option<&str>, order: &Value) -> Response {
    let request = Client::new().post(format!("http://{service}/orders"));
    let request = match key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    };
    let answer = request.json(order).send().await;
    answer.expect("the service answers")
}

async fn health(service: SocketAddr, of: &str) -> (StatusCode, Value) {
    let answer = reqwest::get(format!("http://{service}/health/{of}")).await;
    let answer = answer.expect("the service answers");
    (answer.status(), body(answer).await)
}

async fn body(answer: Response) -> Value {
    answer.json().await.expect("the answer is JSON")
}

fn order() -> Value {
    json!({"customer": "ann", "item": "tea"})
}

mod memory {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_order_is_accepted_and_handled() {
        let service = Service::start(Config::memory()).await;
        let answer = place(service.address, None, &order()).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert!(body(answer).await["id"].is_string());

        let stock = service.stock.clone();
        assert_eq!(service.end().await.handled(), 1);
        assert_eq!(stock.reserved(), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_order_that_is_sent_again_is_reserved_once() {
        let service = Service::start(Config::memory()).await;
        for _ in 0..2 {
            let answer = place(service.address, Some("order-1"), &order()).await;
            assert_eq!(answer.status(), StatusCode::ACCEPTED);
            assert_eq!(body(answer).await, json!({"id": "order-1"}));
        }

        let stock = service.stock.clone();
        // In memory nothing notices the second event but the handler.
        assert_eq!(service.end().await.handled(), 2);
        assert_eq!(stock.reserved(), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_cannot_be_published_is_the_clients_fault() {
        let service = Service::start(Config::memory().memory_log_bytes(64 * 1024)).await;
        let answer = place(service.address, Some(&"k".repeat(300)), &order()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let error = body(answer).await["error"].to_string();
        assert!(error.contains("the id is longer than 256 bytes"), "{error}");

        let large = json!({"customer": "ann", "item": "tea".repeat(50_000)});
        let answer = place(service.address, None, &large).await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(service.end().await.handled(), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_bus_that_has_ended_is_said_to_clients_and_to_the_orchestrator() {
        several_buses();
        let bus = Shop::new(Config::memory()).start(Stock::default()).await;
        let bus = bus.expect("it starts");
        let routes = routes(Api {
            publisher: bus.publisher(),
            health: bus.health_check(),
        });
        let (listener, address) = listen().await;
        let server = tokio::spawn(axum::serve(listener, routes).into_future());
        for of in ["live", "ready"] {
            let (status, health) = health(address, of).await;
            assert_eq!(status, StatusCode::OK, "{health}");
            assert_eq!(health["phase"], "running");
        }

        bus.shutdown().await.expect("it ends cleanly");
        for of in ["live", "ready"] {
            let (status, health) = health(address, of).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{health}");
            assert_eq!(health["phase"], "ended");
        }
        let answer = place(address, Some("order-1"), &order()).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(body(answer).await["id"], "order-1");
        server.abort();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_request_that_has_begun_is_answered_and_its_event_handled_before_the_end() {
        let service = Service::start(Config::memory()).await;
        let order = order().to_string();
        let mut client = TcpStream::connect(service.address)
            .await
            .expect("it listens");
        let head = format!(
            "POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             expect: 100-continue\r\n\r\n",
            order.len()
        );
        client.write_all(head.as_bytes()).await.expect("sent");
        // It asks for the rest: the request has begun.
        let mut asked = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        client.read_exact(&mut asked).await.expect("it asks");
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");

        let Service {
            address,
            stock,
            end,
            serving,
        } = service;
        end.send(()).expect("the service runs");
        while TcpStream::connect(address).await.is_ok() {
            sleep(Duration::from_millis(2)).await;
        }
        client.write_all(order.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");

        let served = serving.await.expect("it does not panic");
        assert_eq!(served.expect("the bus ends cleanly").handled(), 1);
        assert_eq!(stock.reserved(), 1);
    }
}
