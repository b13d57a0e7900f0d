//! Filter by a region's answer to a control.

use label_studio::region::Answer;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{check_part, values};
use crate::error::{Path, Problem, ProblemCode, Segment};

/// Longest name of a control and longest text of an answer, in characters.
const MAX_TEXT: usize = 10_000;

/// Matches annotations with an answer to a control; all conditions that are given have to match the same answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerFilter {
    /// Name of the control.
    pub from_name: String,
    #[serde(serialize_with = "one")]
    pub eq: Option<Answer>,
    #[serde(rename = "in", serialize_with = "several")]
    pub is_in: Option<Vec<Answer>>,
    /// Part of a text, case-insensitive, folded by [`casefold::fold`]. Numbers have no parts.
    pub contains: Option<String>,
}

impl AnswerFilter {
    /// Number of values in the filter, the control included.
    pub fn values(&self) -> usize {
        let answers = values(self.eq.is_some(), self.is_in.as_ref());
        1 + answers + usize::from(self.contains.is_some())
    }

    /// Says whether the filter names the matching answers.
    pub fn names_answers(&self) -> bool {
        self.eq.is_some() || self.is_in.is_some()
    }

    /// Lists the matching answers, or `None` if the filter does not name answers.
    pub fn wanted(&self) -> Option<Vec<Answer>> {
        let answers = match (&self.eq, &self.is_in) {
            (Some(eq), _) => vec![eq.clone()],
            (None, Some(list)) => list.clone(),
            (None, None) => return None,
        };
        Some(answers.into_iter().filter(|it| self.matches(it)).collect())
    }

    /// Says whether an answer to the control matches.
    pub fn matches(&self, answer: &Answer) -> bool {
        self.eq.as_ref().is_none_or(|eq| eq == answer)
            && self.is_in.as_ref().is_none_or(|list| list.contains(answer))
            && self.contains.as_ref().is_none_or(|part| {
                let part = casefold::fold(part);
                answer
                    .texts()
                    .iter()
                    .any(|it| casefold::fold(it).contains(&part))
            })
    }

    /// Checks sizes; `path` leads to the filter.
    pub fn check(&self, path: &[Segment], problems: &mut Vec<Problem>) {
        let at = |steps: &[Segment]| -> Path { path.iter().chain(steps).cloned().collect() };
        let mut bound = |text: &str, at: Path| {
            if text.chars().count() > MAX_TEXT {
                let message = format!("this text has at most {MAX_TEXT} characters");
                problems.push(Problem::new(at, ProblemCode::TooLong, message));
            }
        };
        bound(&self.from_name, at(&["fromName".into()]));
        let texts = |answer: &Answer| answer.texts().concat();
        if let Some(answer) = &self.eq {
            bound(&texts(answer), at(&["eq".into()]));
        }
        for (index, answer) in self.is_in.iter().flatten().enumerate() {
            bound(&texts(answer), at(&["in".into(), index.into()]));
        }
        problems.extend(check_part(self.contains.as_deref(), path));
    }
}

/// An answer as JSON: a text, the texts of a path, or a number.
fn json(answer: &Answer) -> Value {
    match answer {
        Answer::Text(text) => Value::from(&**text),
        Answer::Path(levels) => Value::from(&**levels),
        Answer::Number(number) => Value::from(*number),
    }
}

fn one<S: Serializer>(answer: &Option<Answer>, serializer: S) -> Result<S::Ok, S::Error> {
    answer.as_ref().map(json).serialize(serializer)
}

fn several<S: Serializer>(answers: &Option<Vec<Answer>>, serializer: S) -> Result<S::Ok, S::Error> {
    let list = answers.as_ref();
    list.map(|list| list.iter().map(json).collect::<Vec<_>>())
        .serialize(serializer)
}
