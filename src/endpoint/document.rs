//! Turns the text of a request into a valid document, and the envelope into a request that is ready to run.
//!
//! Measures a document before validation, caches valid documents, and checks literals and variables before execution.

mod brackets;
mod cache;
mod checked;
mod disclosure;
mod error;
mod fingerprint;
pub mod hash;
mod introspection;
mod translate;
mod trusted;
mod validator;

use std::sync::Arc;

use apollo_compiler::{Schema as ApolloSchema, executable::Operation, validation::Valid};
use async_graphql::{Request, ServerError, Variables, parser::types::OperationType};

pub use self::fingerprint::Fingerprint;
use self::{
    checked::Document,
    error::not_found,
    hash::Hash,
    trusted::{Found, Trusted},
    validator::Validator,
};
use super::{
    coercion::{Coercion, Values},
    cost::{self, Cost},
    envelope::{Envelope, PersistedQuery},
};
use crate::{
    app::{Budget, Memory, compute},
    config::{DocumentArgs, LimitArgs, Switch},
    graphql::error::{BAD_REQUEST, limit_error, request_error},
};

/// Ratio of speeds: JSON parses 16 times as fast, per byte, as documents validate.
const VALIDATED: usize = 16;

/// Validator, cache and manifest: all documents that this server knows.
pub struct Documents {
    validator: Arc<Validator>,
    known: cache::Documents,
    trusted: Option<Trusted>,
    memory: Memory,
}

/// Checked request, ready to run.
pub struct Prepared {
    pub request: Request,
    /// Operation type: query, mutation or subscription.
    pub operation: OperationType,
    /// Identity of the operation among subscriptions.
    pub fingerprint: Fingerprint,
    pub cost: Cost,
    /// Estimated work in bytes of JSON that take as long to parse; decides where the operation runs.
    pub bytes: usize,
    /// True when the response's `extensions` report the cost.
    pub reports_cost: bool,
    /// Budget of the answer's bytes. The keeper of an answer takes over the lease by `Budget::take`.
    pub budget: Budget,
}

impl Documents {
    /// Creates the documents of a schema. Fails when the manifest of trusted documents can't be read.
    pub fn new(
        schema: Valid<ApolloSchema>,
        limits: &LimitArgs,
        args: &DocumentArgs,
        memory: Memory,
    ) -> anyhow::Result<Self> {
        let validator = Validator {
            schema,
            limits: limits.clone(),
            is_open: args.introspection == Switch::On,
        };
        Ok(Self {
            trusted: Trusted::load(args, &validator)?,
            validator: Arc::new(validator),
            known: cache::Documents::new(args.document_cache, memory.clone()),
            memory,
        })
    }

    /// Validates the document, coerces the variables, and checks the limits.
    pub async fn prepare(&self, mut envelope: Envelope) -> Result<Prepared, Vec<ServerError>> {
        let document = self.document(&mut envelope).await?;
        let name = envelope.operation_name.as_deref();
        let operation = document.checked.operations.get(name).map_err(|error| {
            let message = error.message().to_string();
            vec![request_error(BAD_REQUEST, message, None)]
        })?;
        let mut variables = envelope.variables;
        self.check_values(&document, operation, &mut variables)?;
        let max_cost = self.validator.limits.max_cost;
        let cost = cost::check(&document.checked, operation, &variables, max_cost)
            .map_err(|error| vec![error])?;
        let fingerprint = Fingerprint::new(&document, operation, &variables);
        // async-graphql parses the text only when no parsed document is set.
        let mut request = Request::new("").variables(variables);
        request.operation_name = envelope.operation_name;
        request.set_parsed_query(document.parsed.clone());
        Ok(Prepared {
            request,
            operation: translate::operation_type(operation.operation_type),
            fingerprint,
            cost,
            bytes: envelope.bytes.max(document.bytes_to_run(cost)),
            reports_cost: envelope.wants_cost,
            budget: Budget::new(&self.memory, self.validator.limits.max_answer),
        })
    }

    /// Coerces the variables of an operation.
    ///
    /// Mutations run one after the other, so a later root field could fail on its JSON after an earlier one has
    /// committed. With several root fields the faults inside JSON are therefore part of this check.
    fn check_values(
        &self,
        document: &Document,
        operation: &Operation,
        variables: &mut Variables,
    ) -> Result<(), Vec<ServerError>> {
        let none = Values::default();
        let values = document.values.get(&operation.name).unwrap_or(&none);
        // Coerces twice at most: once to decide, once more to complete the report.
        let mut problems = |with_json: bool| {
            let mut coercion = Coercion::new(&self.validator.schema, self.validator.is_open);
            if with_json {
                coercion.report_json_violations(values);
            }
            coercion.variables(operation, variables, values);
            coercion.into_problems()
        };
        let has_others = operation.is_mutation() && values.root_fields > 1;
        let found = problems(has_others);
        if found.is_empty() {
            return Ok(());
        }
        // Nothing runs now, so the report includes the faults in JSON that the mutation itself would have found.
        let problems = match has_others {
            true => found,
            false => problems(true),
        };
        // Only messages of a closed schema depend on the text.
        let text = match self.validator.is_open {
            true => String::new(),
            false => document.checked.to_string(),
        };
        Err(self.validator.disclosure(&text).input(problems))
    }

    /// Finds or validates the document of a request.
    async fn document(&self, envelope: &mut Envelope) -> Result<Arc<Document>, Vec<ServerError>> {
        let query = envelope.query.take().map(Arc::<str>::from);
        // Byte bound before hashing or parsing: a single token, comment or string may be long, so token limits don't
        // bound the text.
        if let Some(query) = &query {
            let (max, actual) = (self.validator.limits.max_document, query.len());
            if actual > max {
                let error = limit_error("document", max as u64, actual as u64, "bytes");
                return Err(vec![error]);
            }
        }
        let text_hash = query.as_deref().map(hash::hash);
        let sent_hash = persisted_hash(envelope.persisted_query.as_ref(), text_hash.as_ref())?;
        // The manifest comes before the cache: with required trusted documents a cached text must still be refused.
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
            // Charges before validation: the operation moves to a worker thread when the text is large.
            (None, Some(query), Some(hash)) => {
                compute::charge(query.len().saturating_mul(VALIDATED)).await;
                let document = Arc::new(self.validator.validate(&query)?);
                self.known.insert(hash, &document);
                document
            }
            _ => return Err(not_found()),
        };
        // Reports untrusted documents, for servers that collect a manifest before they enforce it.
        if let (Some(trusted), Some(hash)) = (&self.trusted, text_hash.or(sent_hash)) {
            trusted.note(&hash, envelope.operation_name.as_deref(), &document);
        }
        Ok(document)
    }
}

/// Checks whether a text is small enough to validate on the current thread.
pub fn is_small(text: &str) -> bool {
    text.len().saturating_mul(VALIDATED) <= compute::SMALL
}

/// Hash of an automatic persisted query, with or without the text.
///
/// Protocol: <https://www.apollographql.com/docs/apollo-server/performance/apq>; its clients match on the error
/// texts.
fn persisted_hash(
    sent: Option<&PersistedQuery>,
    text: Option<&Hash>,
) -> Result<Option<Hash>, Vec<ServerError>> {
    let Some(sent) = sent else { return Ok(None) };
    if sent.version != Some(1) {
        let message = "Unsupported persisted query version";
        return Err(vec![request_error(BAD_REQUEST, message, None)]);
    }
    let hash = hash::parse(&sent.hash);
    // A client that sends both must agree with itself, or other clients would get a wrong document from the cache.
    if text.is_some() && text != hash.as_ref() {
        let message = "provided sha does not match query";
        return Err(vec![request_error(BAD_REQUEST, message, None)]);
    }
    Ok(hash)
}
