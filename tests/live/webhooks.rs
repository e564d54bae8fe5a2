//! The server is killed while a receiver has a message and has not answered: after the start it comes again, the same.

use std::sync::{Arc, Mutex};

use hyper::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::emulator::{Emulator, Price, Script};
use crate::harness::{App, DEADLINE, Settings, eventually, live};

/// A message as it came: its id, and its body.
type Message = (String, String);

/// Takes messages, and answers none of them until it is told to.
#[derive(Clone, Default)]
struct Receiver {
    messages: Arc<Mutex<Vec<Message>>>,
    answers: Arc<Mutex<bool>>,
}

impl Receiver {
    async fn start(&self) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
        let receiver = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let receiver = receiver.clone();
                tokio::spawn(async move { receiver.take(stream).await });
            }
        });
        origin
    }

    async fn take(&self, mut stream: TcpStream) {
        let mut read = Vec::new();
        loop {
            if let Some(message) = whole(&String::from_utf8_lossy(&read)) {
                self.messages.lock().expect("nothing panics with it").push(message);
                break;
            }
            let mut piece = [0; 4096];
            match stream.read(&mut piece).await {
                Ok(count) if count > 0 => read.extend_from_slice(&piece[..count]),
                _ => return,
            }
        }
        if *self.answers.lock().expect("nothing panics with it") {
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        } else {
            // Until the other side is gone.
            let _ = stream.read(&mut [0; 1]).await;
        }
    }

    fn messages(&self) -> Vec<Message> {
        self.messages.lock().expect("nothing panics with it").clone()
    }
}

/// A request that has come whole.
fn whole(text: &str) -> Option<Message> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let length: usize = header("content-length")?.parse().ok()?;
    (body.len() >= length).then(|| (header("webhook-id").unwrap_or_default(), body.to_owned()))
}

#[test]
fn a_message_that_the_kill_of_the_server_cut_is_sent_again_the_same() {
    live(async |_| {
        let emulator = Emulator::start().await;
        let settings = Settings::new();
        let mut app = App::start(&settings, emulator.clone()).await.expect("the server starts");
        let account = app.account().await;
        let receiver = Receiver::default();
        let url = format!("{}/in", receiver.start().await);
        account.put("/api/v1/webhooks/crm", &json!({ "url": url })).await.expect(200);
        let model = account.model(Price::flat(1_000), Script::tokens(10, 5)).await;
        let agent = account.agent(&format!("emu:{}", model.code)).capped(1_000_000_000).create().await;
        agent.call("/threads/t/runs", &json!({"message": "Hi"})).send().await.expect(201);
        eventually("the receiver has the message", DEADLINE, async || {
            (receiver.messages().len() == 1).then_some(())
        })
        .await;
        app.server.kill_workerd();
        app.server.stop().await;
        *receiver.answers.lock().expect("nothing panics with it") = true;
        app = App::start(&settings, emulator.clone()).await.expect("the server starts again");
        let account = account.on(app.client.clone());
        let sent: Value = eventually("the message is taken", DEADLINE, async || {
            let path = "/api/v1/webhooks/crm/deliveries?status=sent";
            let list = account.anonymous(Method::GET, path).key(&account.admin.secret).send().await.json();
            list["data"].get(0).cloned()
        })
        .await;
        let messages = receiver.messages();
        assert!(messages.len() >= 2, "{messages:?}");
        assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
        assert_eq!(sent["id"], messages[0].0.as_str());
        app.server.stop().await;
    });
}
