//! From the text of a request to a document that is known to be valid, and to a request that is ready to run.
//!
//! Documents are measured before they are validated, what was valid once is remembered, and every value that
//! a client sends, literal or variable, is checked before anything runs.

mod brackets;
mod cache;
mod check;
mod description;
mod incomplete;
mod introspection;
mod refusal;
mod suggestion;
mod translate;

use std::{collections::HashMap, sync::Arc, thread::available_parallelism};

use apollo_compiler::{
    ExecutableDocument as CheckedDocument, Name, Schema as ApolloSchema, executable::Operation,
    validation::Valid,
};
use async_graphql::{
    Pos, Request, ServerError,
    parser::types::{ExecutableDocument, OperationType},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    Envelope,
    coercion::{Coercion, Values},
    cost::{self, Cost},
    envelope::PersistedQuery,
    error::{BAD_REQUEST, PERSISTED_QUERY_NOT_FOUND, limit_error, request_error},
    trusted::{Found, Trusted},
};
use crate::{
    app::Memory,
    config::{DocumentArgs, LimitArgs, Switch},
    error::Location,
};

pub use cache::{Hash, hash, hex, parse as parse_hash};
pub use check::Checker;
pub use refusal::suggested;

/// Most errors that one answer lists.
pub(super) const MAX_ERRORS: usize = 20;
/// Bytes of text that are read beside other requests, at most; longer ones wait for a thread of their own.
const SHORT: usize = 4 << 10;
/// The same for a text of which only the hash is taken.
const SHORT_TO_HASH: usize = 256 << 10;

type Refused = Vec<ServerError>;

/// What documents are checked against, and those that are known.
pub struct Documents {
    checker: Arc<Checker>,
    known: cache::Documents,
    trusted: Option<Trusted>,
    /// Long documents are checked on as many threads as there are processors.
    threads: Arc<Semaphore>,
}

/// A valid document.
pub struct Document {
    parsed: ExecutableDocument,
    checked: Valid<CheckedDocument>,
    /// What the values of each operation are.
    values: HashMap<Option<Name>, Values>,
    /// Bytes and tokens of its text.
    size: (usize, usize),
}

/// A request that is ready to run.
pub struct Prepared {
    pub request: Request,
    /// What the request runs.
    pub operation: OperationType,
    pub cost: Cost,
    /// The response's `extensions` are to tell the cost.
    pub tells_cost: bool,
}

impl Documents {
    pub fn new(
        schema: Valid<ApolloSchema>,
        limits: &LimitArgs,
        args: &DocumentArgs,
        memory: Memory,
    ) -> anyhow::Result<Self> {
        let checker = Checker {
            schema,
            limits: limits.clone(),
            is_open: args.introspection == Switch::On,
        };
        Ok(Self {
            trusted: Trusted::load(args, &checker)?,
            checker: Arc::new(checker),
            known: cache::Documents::new(args.document_cache, memory),
            threads: Arc::new(Semaphore::new(
                available_parallelism().map_or(1, usize::from),
            )),
        })
    }

    /// Validates the request's document and variables, and bounds what it asks for.
    pub async fn prepare(&self, mut envelope: Envelope) -> Result<Prepared, Refused> {
        let document = self.document(&mut envelope).await?;
        let name = envelope.operation_name.as_deref();
        let operation = document.checked.operations.get(name).map_err(|error| {
            let message = error.message().to_string();
            vec![request_error(BAD_REQUEST, message, None)]
        })?;
        let mut variables = envelope.variables;
        self.check_values(&document, operation, &mut variables)?;
        let max_cost = self.checker.limits.max_cost;
        let cost = cost::check(&document.checked, operation, &variables, max_cost)
            .map_err(|error| vec![error])?;
        // The library reads the text of a request only when it has not been parsed.
        let mut request = Request::new("").variables(variables);
        request.operation_name = envelope.operation_name;
        request.set_parsed_query(document.parsed.clone());
        Ok(Prepared {
            request,
            operation: translate::operation_type(operation.operation_type),
            cost,
            tells_cost: envelope.wants_cost,
        })
    }

    /// Coerces the variables. Of several mutations none may run when a value of another is bad, so then
    /// what their own checks would find in JSON is looked for here.
    fn check_values(
        &self,
        document: &Document,
        operation: &Operation,
        variables: &mut async_graphql::Variables,
    ) -> Result<(), Refused> {
        let none = Values::default();
        let values = document.values.get(&operation.name).unwrap_or(&none);
        let mut problems = |with_json: bool| {
            let mut coercion = Coercion::new(&self.checker.schema, self.checker.is_open);
            if with_json {
                coercion.report_faults_of_json(values);
            }
            coercion.variables(operation, variables, values);
            coercion.into_problems()
        };
        let has_others = operation.is_mutation() && values.root_fields > 1;
        let found = problems(has_others);
        if found.is_empty() {
            return Ok(());
        }
        // Then none runs, and all that is wrong is told at once.
        let problems = match has_others {
            true => found,
            false => problems(true),
        };
        let text = document.checked.to_string();
        Err(self.checker.refusal(&text).input(problems))
    }

    /// The document that a request runs.
    async fn document(&self, envelope: &mut Envelope) -> Result<Arc<Document>, Refused> {
        let query = envelope.query.take().map(Arc::<str>::from);
        // A few tokens can be long: no text, no comment and no string is without a bound.
        if let Some(query) = &query {
            let (max, actual) = (self.checker.limits.max_document, query.len());
            if actual > max {
                let error = limit_error("document", max as u64, actual as u64, "bytes");
                return Err(vec![error]);
            }
        }
        let text_hash = match query.clone() {
            Some(query) if query.len() > SHORT_TO_HASH => {
                Some(self.apart(move || hash(&query)).await)
            }
            Some(query) => Some(hash(&query)),
            None => None,
        };
        let sent_hash = persisted_hash(envelope.persisted_query.as_ref(), text_hash.as_ref())?;
        if let Some(trusted) = &self.trusted {
            let ids = [
                envelope.document_id.as_deref(),
                envelope
                    .persisted_query
                    .as_ref()
                    .map(|query| query.hash.as_str()),
            ];
            match trusted.find(ids, text_hash.or(sent_hash).as_ref())? {
                Found::Trusted(document) => return Ok(document),
                Found::Untrusted => {}
            }
        }
        let known = text_hash
            .or(sent_hash)
            .and_then(|hash| self.known.get(&hash));
        let document = match (known, query, text_hash) {
            (Some(document), _, _) => document,
            (None, Some(query), Some(hash)) => {
                let document = Arc::new(self.check(query).await?);
                self.known.insert(hash, &document);
                document
            }
            _ => return Err(not_found()),
        };
        if let (Some(trusted), Some(hash)) = (&self.trusted, text_hash.or(sent_hash)) {
            trusted.note(&hash, envelope.operation_name.as_deref(), &document);
        }
        Ok(document)
    }

    async fn check(&self, query: Arc<str>) -> Result<Document, Refused> {
        let checker = self.checker.clone();
        if query.len() <= SHORT {
            return checker.check(&query);
        }
        self.apart(move || checker.check(&query)).await
    }

    /// Does work that takes a while beside the threads that answer requests, and no more of it at once than
    /// there are processors.
    async fn apart<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let permit = self.threads.clone().acquire_owned().await;
        let done = spawn_blocking(move || {
            let done = work();
            // Not before: whoever waits may have left, the work goes on.
            drop(permit);
            done
        });
        done.await
            .expect("the work neither panics nor is cancelled")
    }
}

/// The hash of an automatic persisted query, which goes with the text or stands for it.
fn persisted_hash(
    sent: Option<&PersistedQuery>,
    text: Option<&Hash>,
) -> Result<Option<Hash>, Refused> {
    let Some(sent) = sent else { return Ok(None) };
    if sent.version != Some(1) {
        let message = "Unsupported persisted query version";
        return Err(vec![request_error(BAD_REQUEST, message, None)]);
    }
    let hash = parse_hash(&sent.hash);
    if text.is_some() && text != hash.as_ref() {
        let message = "provided sha does not match query";
        return Err(vec![request_error(BAD_REQUEST, message, None)]);
    }
    Ok(hash)
}

/// By this very message Apollo's link knows to send the text.
pub fn not_found() -> Refused {
    let message = "PersistedQueryNotFound";
    vec![request_error(PERSISTED_QUERY_NOT_FOUND, message, None)]
}

impl Document {
    /// Bytes that it takes in memory, rather more than less: allocations of documents of many kinds were
    /// counted, and took 45 to 210 bytes for a token beside the text.
    fn bytes(&self) -> usize {
        let (bytes, tokens) = self.size;
        1_024 + 3 * bytes + 220 * tokens
    }

    /// The name of the operation that runs when none is named.
    pub fn only_operation(&self) -> Option<&str> {
        let operation = self.checked.operations.get(None).ok()?;
        operation.name.as_deref()
    }
}

/// A place in a text, as answers tell it.
fn pos(place: Location) -> Pos {
    Pos {
        line: place.line as usize,
        column: place.column as usize,
    }
}
