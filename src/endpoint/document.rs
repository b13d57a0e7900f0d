//! From the text of a request to a document that is known to be valid, and to a request that is ready to run.
//!
//! Documents are measured before they are validated, what was valid once is remembered, and every value that
//! a client sends, literal or variable, is checked before anything runs.

mod brackets;
mod cache;
mod checked;
mod description;
mod disclosure;
mod error;
pub mod hash;
mod incomplete;
mod introspection;
mod missing_rules;
mod translate;
mod trusted;
mod validator;

use std::sync::Arc;

use apollo_compiler::{Schema as ApolloSchema, executable::Operation, validation::Valid};
use async_graphql::{Request, ServerError, Variables, parser::types::OperationType};

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

/// Bytes of JSON that take as long to read as one byte of a document to validate.
const VALIDATED: usize = 16;

/// What documents are checked against, and those that are known.
pub struct Documents {
    validator: Arc<Validator>,
    known: cache::Documents,
    trusted: Option<Trusted>,
    memory: Memory,
}

/// A request that is ready to run.
pub struct Prepared {
    pub request: Request,
    /// What the request runs.
    pub operation: OperationType,
    pub cost: Cost,
    /// Bytes of JSON that take about as long to read as the request takes to run, by what is known before.
    pub bytes: usize,
    /// The response's `extensions` are to tell the cost.
    pub reports_cost: bool,
    /// What the answer may hold. Whoever keeps the answer takes the bytes over that it was charged.
    pub budget: Budget,
}

impl Documents {
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

    /// Validates the request's document and variables, and bounds what it asks for.
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
        // The library reads the text of a request only when it has not been parsed.
        let mut request = Request::new("").variables(variables);
        request.operation_name = envelope.operation_name;
        request.set_parsed_query(document.parsed.clone());
        Ok(Prepared {
            request,
            operation: translate::operation_type(operation.operation_type),
            cost,
            bytes: envelope.bytes.max(document.bytes_to_run(cost)),
            reports_cost: envelope.wants_cost,
            budget: Budget::new(&self.memory, self.validator.limits.max_answer),
        })
    }

    /// Coerces the variables. Of several mutations none may run when a value of another is bad, so then
    /// what their own checks would find in JSON is looked for here.
    fn check_values(
        &self,
        document: &Document,
        operation: &Operation,
        variables: &mut Variables,
    ) -> Result<(), Vec<ServerError>> {
        let none = Values::default();
        let values = document.values.get(&operation.name).unwrap_or(&none);
        let mut problems = |with_json: bool| {
            let mut coercion = Coercion::new(&self.validator.schema, self.validator.is_open);
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
        Err(self.validator.disclosure(&text).input(problems))
    }

    /// The document that a request runs.
    async fn document(&self, envelope: &mut Envelope) -> Result<Arc<Document>, Vec<ServerError>> {
        let query = envelope.query.take().map(Arc::<str>::from);
        // A few tokens can be long: no text, no comment and no string is without a bound.
        if let Some(query) = &query {
            let (max, actual) = (self.validator.limits.max_document, query.len());
            if actual > max {
                let error = limit_error("document", max as u64, actual as u64, "bytes");
                return Err(vec![error]);
            }
        }
        let text_hash = query.as_deref().map(hash::hash);
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
                compute::charge(query.len().saturating_mul(VALIDATED)).await;
                let document = Arc::new(self.validator.validate(&query)?);
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
}

/// Whether a text is validated on the spot.
pub fn is_small(text: &str) -> bool {
    text.len().saturating_mul(VALIDATED) <= compute::SMALL
}

/// The hash of an automatic persisted query, which goes with the text or stands for it.
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
    if text.is_some() && text != hash.as_ref() {
        let message = "provided sha does not match query";
        return Err(vec![request_error(BAD_REQUEST, message, None)]);
    }
    Ok(hash)
}
