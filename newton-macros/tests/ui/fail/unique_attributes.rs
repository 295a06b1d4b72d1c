//! Unique fields without a rejection, without a name, or with one that another has.

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
}

#[derive(Aggregate, Clone, Default)]
#[aggregate(context = "shop")]
#[unique(UserError::Taken)]
struct User {
    #[unique]
    email: String,
    #[unique()]
    phone: String,
    #[unique("badge")]
    badge: u64,
    #[unique(name = "login")]
    login: String,
    #[unique(UserError::Taken, field = "nick")]
    nick: String,
    #[unique(UserError::Taken, name = "a/b")]
    alias: String,
    #[unique(UserError::Taken)]
    card: u64,
    #[unique(UserError::Taken, name = "card")]
    other_card: u64,
    #[unique(UserError::Taken)]
    #[unique(UserError::Taken)]
    twice: u64,
}

impl User {
    fn decide(&self, _: UserCommand) -> Result<UserEvent, UserError> {
        Ok(UserEvent::Joined)
    }

    fn evolve(&mut self, _: &UserEvent) {}
}

#[derive(Command, Clone)]
enum TupleCommand {
    Join,
}

#[derive(Aggregate, Clone, Default)]
#[aggregate(context = "shop", event = UserEvent, rejection = UserError)]
struct Tuple(#[unique(UserError::Taken)] String);

impl Tuple {
    fn decide(&self, _: TupleCommand) -> Result<UserEvent, UserError> {
        Ok(UserEvent::Joined)
    }

    fn evolve(&mut self, _: &UserEvent) {}
}

fn main() {}
