//! Client of a test server: requests as a user.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Signed-in client. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub router: Router,
    pub token: String,
    pub user_id: String,
}

/// Response of the server.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Client {
    /// Runs a document without variables.
    pub async fn run(&self, query: &str) -> Answer {
        self.run_with(query, json!({})).await
    }

    pub async fn run_with(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        self.post(body.to_string()).await
    }

    /// Sends a body unchanged.
    pub async fn post(&self, body: impl Into<Body>) -> Answer {
        let request = Request::post("/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(body.into())
            .unwrap();
        send(&self.router, request).await
    }
}

/// Sends any request.
pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Answer {
        status: head.status,
        headers: head.headers,
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    }
}

impl Answer {
    /// Returns the data of a response without errors.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert_eq!(self.json.get("errors"), None, "{}", self.text);
        &self.json["data"]
    }

    /// Fails for a response with errors.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.data();
        self
    }

    /// Returns the only error of a response.
    #[track_caller]
    pub fn error(&self) -> &Value {
        let errors = self.json["errors"].as_array();
        match errors.map(Vec::as_slice) {
            Some([only]) => only,
            _ => panic!("expected one error: {}", self.text),
        }
    }

    /// Returns the code of the only error.
    #[track_caller]
    pub fn code(&self) -> &str {
        self.error()["extensions"]["code"].as_str().unwrap()
    }

    /// Returns the problems of the only error, each as `path.with.dots CODE`.
    #[track_caller]
    pub fn problems(&self) -> Vec<String> {
        let problems = &self.error()["extensions"]["problems"];
        let Some(problems) = problems.as_array() else {
            panic!("expected problems: {}", self.text);
        };
        problems
            .iter()
            .map(|problem| {
                let path: Vec<String> = problem["path"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|step| match step {
                        Value::String(key) => key.clone(),
                        index => index.to_string(),
                    })
                    .collect();
                format!("{} {}", path.join("."), problem["code"].as_str().unwrap())
            })
            .collect()
    }
}
