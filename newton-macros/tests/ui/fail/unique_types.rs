//! A unique field of a type that has no text, and rejections of other types.

use newton::prelude::*;

#[derive(Event, Clone)]
enum UserEvent {
    Joined,
}

#[derive(Command, Clone)]
enum UserCommand {
    Join,
}

#[derive(Rejection, Debug)]
enum UserError {
    Taken,
    TakenNumber(u64),
}

#[derive(Rejection, Debug)]
enum OtherError {
    Taken,
}

#[derive(Aggregate, Clone, Default)]
#[aggregate(context = "shop")]
struct User {
    #[unique(UserError::Taken)]
    height: f64,
    #[unique(OtherError::Taken)]
    email: String,
    #[unique(UserError::TakenNumber)]
    number: u64,
    #[unique(|_| OtherError::Taken)]
    phone: String,
}

impl User {
    fn decide(&self, _: UserCommand) -> Result<UserEvent, UserError> {
        Ok(UserEvent::Joined)
    }

    fn evolve(&mut self, _: &UserEvent) {}
}

fn main() {}
