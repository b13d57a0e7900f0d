//! Reference to a person in a Label Studio file: by id, by e-mail address, or by both.

use serde::Deserialize;

use super::{
    fields::{Checker, Fields},
    problems::Place,
};
use crate::error::ProblemCode;

/// Key of a person in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    Id(i64),
    /// Lower case.
    Email(String),
}

/// Mention of a person in a file, with name and address if given.
#[derive(Debug)]
pub struct Mention {
    pub source: Source,
    /// Lower case.
    pub email: Option<String>,
    /// Empty if not given.
    pub display_name: String,
    pub place: Place,
}

/// Takes a person from the fields; absent and null are `None`.
///
/// Label Studio writes an id, an e-mail address, an object with either or both, and in a task's `updated_by` also a
/// list of a single object with `user_id`.
pub fn take(
    fields: &mut Fields,
    name: &'static str,
    checker: &mut Checker,
    mentions: &mut Vec<Mention>,
) -> Option<Source> {
    let text = fields.take(name)?;
    let Ok(named) = serde_json::from_str::<Named>(text) else {
        return checker.within(name, |checker| {
            let message = "must be a user's id, e-mail address, or an object with either";
            checker.problem(ProblemCode::WrongType, message);
            None
        });
    };
    let (id, email, display_name) = match named {
        Named::Id(id) => (Some(id), None, String::new()),
        Named::Email(email) => (None, Some(email), String::new()),
        Named::Person(person) => (
            person.id.or(person.user_id),
            person.email,
            joined(&person.first_name, &person.last_name),
        ),
        // Only the first entry counts: Label Studio writes a list of a single object.
        Named::List(people) => (people.first()?.user_id, None, String::new()),
    };
    // Addresses compare in lower case everywhere.
    let email = email.map(|email| email.trim().to_lowercase());
    let is_address = |email: &String| email.contains('@') && !email.contains('\0');
    if !email.iter().all(is_address) || (id.is_none() && email.is_none()) {
        return checker.within(name, |checker| {
            let message = "must have a user's id or e-mail address";
            checker.problem(ProblemCode::InvalidFormat, message);
            None
        });
    }
    if display_name.contains('\0') {
        checker.within(name, |checker| {
            let message = "a name can't hold the character U+0000";
            checker.problem(ProblemCode::InvalidText, message);
        });
    }
    // An id takes precedence, since addresses can change.
    let source = match (id, &email) {
        (Some(id), _) => Source::Id(id),
        (None, email) => Source::Email(email.clone()?),
    };
    mentions.push(Mention {
        source: source.clone(),
        email,
        display_name,
        place: checker.place(),
    });
    Some(source)
}

/// Takes a person like [`take`]; a missing person is a problem.
pub fn required(
    fields: &mut Fields,
    name: &'static str,
    checker: &mut Checker,
    mentions: &mut Vec<Mention>,
) -> Option<Source> {
    // `take` may have reported a problem already: a second report for the same field would mislead.
    let before = checker.problem_count();
    let source = take(fields, name, checker, mentions);
    if source.is_none() && checker.problem_count() == before {
        checker.within(name, |checker| {
            checker.problem(ProblemCode::Required, "must name a user");
        });
    }
    source
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Id(i64),
    Email(String),
    Person(Person),
    List(Vec<Person>),
}

#[derive(Deserialize)]
struct Person {
    id: Option<i64>,
    user_id: Option<i64>,
    email: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
}

fn joined(first: &Option<String>, last: &Option<String>) -> String {
    let names = [first, last].into_iter().flatten();
    let names: Vec<&str> = names.map(|name| name.trim()).collect();
    names.join(" ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::import::problems::{Notes, Problems};

    fn taken(text: &str) -> Result<Option<(Source, Option<String>, String)>, ProblemCode> {
        let object = format!("{{\"completed_by\": {text}}}");
        let mut fields = Fields::of(&object).unwrap();
        let (mut problems, mut notes) = (Problems::default(), Notes::default());
        let place = Place {
            index: 3,
            location: None,
        };
        let mut checker = Checker::new(&mut problems, &mut notes, place, &[]);
        let mut mentions = Vec::new();
        let source = take(&mut fields, "completed_by", &mut checker, &mut mentions);
        match problems.told.first() {
            Some(problem) => Err(problem.code),
            None => Ok(source.map(|source| {
                let mention = mentions.pop().unwrap();
                assert_eq!((&mention.source, mention.place), (&source, place));
                (source, mention.email, mention.display_name)
            })),
        }
    }

    #[test]
    fn people_are_named_in_several_ways() {
        let email = || "bob@example.com".to_owned();
        let id = |id| Ok(Some((Source::Id(id), None, String::new())));
        assert_eq!(taken("null"), Ok(None));
        assert_eq!(taken("7"), id(7));
        assert_eq!(taken("[{\"user_id\": 7}]"), id(7));
        assert_eq!(taken("[]"), Ok(None));
        let by_email = Ok(Some((Source::Email(email()), Some(email()), String::new())));
        assert_eq!(taken("\" Bob@Example.com\""), by_email);
        assert_eq!(taken("{\"email\": \"bob@example.com\"}"), by_email);
        let person = "{\"id\": 2, \"email\": \"bob@example.com\", \"first_name\": \"Bob\", \"last_name\": \"\"}";
        let by_both = Ok(Some((Source::Id(2), Some(email()), "Bob".to_owned())));
        assert_eq!(taken(person), by_both);
        for text in ["true", "1.5", "[1]"] {
            assert_eq!(taken(text), Err(ProblemCode::WrongType), "{text}");
        }
        for text in ["{}", "\"bob\"", "{\"id\": 1, \"email\": \"bob\"}"] {
            assert_eq!(taken(text), Err(ProblemCode::InvalidFormat), "{text}");
        }
        let person = "{\"id\": 2, \"first_name\": \"B\\u0000b\"}";
        assert_eq!(taken(person), Err(ProblemCode::InvalidText));
    }
}
