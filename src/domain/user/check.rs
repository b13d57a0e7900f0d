//! Checks of a user's names and address, without the database.

use super::New;
use crate::error::{Problem, ProblemCode};

/// Checks names and address of a new user, and returns all problems.
pub fn check_new(new: &New) -> Vec<Problem> {
    let email = new.email.as_deref().and_then(check_email);
    let problems = [
        check_username(&new.username),
        email,
        check_display_name(&new.display_name),
    ];
    problems.into_iter().flatten().collect()
}

/// Checks a username.
pub fn check_username(name: &str) -> Option<Problem> {
    if let Some(problem) = check_nul(name, "username") {
        return Some(problem);
    }
    let blank = name.trim().is_empty() || name.trim() != name;
    let is_wrong = blank || name.contains('@') || name.chars().count() > 150;
    is_wrong.then(|| {
        Problem::new(
            ["username"],
            ProblemCode::InvalidFormat,
            "a username has 1 to 150 characters, no `@` and no space at its ends",
        )
    })
}

/// Checks an e-mail address.
pub fn check_email(email: &str) -> Option<Problem> {
    if let Some(problem) = check_nul(email, "email") {
        return Some(problem);
    }
    let is_wrong = !email.contains('@') || email.chars().count() > 320;
    is_wrong.then(|| {
        Problem::new(
            ["email"],
            ProblemCode::InvalidFormat,
            "this is no e-mail address",
        )
    })
}

fn check_nul(text: &str, field: &str) -> Option<Problem> {
    let message = "a text can't hold the character U+0000";
    let has_nul = text.contains('\0');
    has_nul.then(|| Problem::new([field], ProblemCode::InvalidText, message))
}

/// Checks a display name.
pub fn check_display_name(name: &str) -> Option<Problem> {
    if let Some(problem) = check_nul(name, "displayName") {
        return Some(problem);
    }
    let at = ["displayName"];
    if name.contains('@') {
        let message = "a display name has no `@`: everybody sees it";
        return Some(Problem::new(at, ProblemCode::InvalidFormat, message));
    }
    (name.chars().count() > 255).then(|| {
        let message = "a display name has at most 255 characters";
        Problem::new(at, ProblemCode::TooLong, message)
    })
}
