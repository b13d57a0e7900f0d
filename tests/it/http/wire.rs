//! Requests byte by byte over a connection: early responses, and `Host`.

use std::net::SocketAddr;

use each_database::each_database;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Listening, PATIENCE, TestApp};

/// Sends everything before it reads anything, as many clients do; answers with all that comes back until the
/// server closes the connection.
async fn exchange(address: SocketAddr, head: &str, body: &[u8]) -> String {
    let talk = async {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(body).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    };
    timeout(PATIENCE, talk).await.unwrap()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in body.chunks(1 << 16) {
        out.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

#[each_database]
async fn a_client_that_sends_all_of_a_refused_body_gets_its_answer(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    let body = vec![b' '; 40 << 20];
    let chunks = chunked(&body);
    let token = format!("Authorization: Bearer {}\r\n", app.admin.token);
    let json = "Content-Type: application/json\r\n";
    for (path, headers, status) in [
        ("/graphql", json.to_owned(), "401"),
        ("/graphql", format!("{token}{json}"), "413"),
        (
            "/graphql",
            format!("{token}Content-Type: text/plain\r\n"),
            "415",
        ),
        (
            "/graphql",
            format!("{token}{json}Accept: image/png\r\n"),
            "406",
        ),
        (
            "/graphql",
            format!("{token}{json}X: {}\r\n", "x".repeat(20_000)),
            "431",
        ),
        ("/nowhere", String::new(), "404"),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{headers}");
        let length = format!("Content-Length: {}\r\n\r\n", body.len());
        let transfer = "Transfer-Encoding: chunked\r\n\r\n";
        for (framing, body) in [(length.as_str(), &body), (transfer, &chunks)] {
            let answer = exchange(server.address, &format!("{head}{framing}"), body).await;
            let start = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&start), "{status}: {answer}");
            assert!(answer.contains("connection: close\r\n"), "{answer}");
        }
    }
}

#[each_database]
async fn a_connection_outlives_a_small_body_that_is_refused(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    let refused = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde";
    let last = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = exchange(server.address, &format!("{refused}{refused}{last}"), b"").await;
    assert_eq!(answers.matches("HTTP/1.1 401 ").count(), 2, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 1, "{answers}");
}

#[each_database]
async fn a_body_that_waits_to_be_asked_for_is_not_asked_for(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    let head = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 40000000\r\nExpect: 100-continue\r\n\r\n";
    let answer = exchange(server.address, head, b"").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[each_database]
async fn a_request_names_one_host(app: TestApp) {
    let server = Listening::start(&app.app, &[]).await;
    for (version, hosts, status) in [
        ("1.1", "Host: a\r\n", "200"),
        ("1.1", "Host: [::1]:8080\r\n", "200"),
        ("1.1", "Host: my_server.example.com:80\r\n", "200"),
        ("1.1", "Host:\r\n", "200"),
        ("1.1", "", "400"),
        ("1.1", "Host: a\r\nHost: a\r\n", "400"),
        ("1.1", "Host: a\r\nHost: b\r\n", "400"),
        ("1.1", "Host: a b\r\n", "400"),
        ("1.1", "Host: me@a\r\n", "400"),
        ("1.1", "Host: a/b\r\n", "400"),
        ("1.0", "", "200"),
        ("1.0", "Host: a\r\nHost: b\r\n", "400"),
    ] {
        for path in ["/healthz", "http://a/healthz"] {
            let head = format!("GET {path} HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
            let answer = exchange(server.address, &head, b"").await;
            let start = format!("HTTP/{version} {status} ");
            assert!(answer.starts_with(&start), "{head}{answer}");
            if status == "400" {
                assert!(answer.contains(r#""code":"BAD_REQUEST""#), "{answer}");
            }
        }
    }
}
