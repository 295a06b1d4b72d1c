//! Why a command of the shop did not do what was asked, and the exit code for it.

use std::fmt;
use std::process::ExitCode;

use newton::{ErrorKind, ExecuteError, Rejection};

#[derive(Debug)]
pub enum Trouble {
    /// The shop said no.
    Refused(String),
    /// The store, or what was given to it, is not right.
    Failed(newton::Error),
}

impl Trouble {
    pub fn of<R: Rejection>(order: &str, error: ExecuteError<R>) -> Self {
        match error {
            ExecuteError::Rejected(rejection) => Self::Refused(format!("`{order}`: {rejection}")),
            ExecuteError::Failed(error) => Self::Failed(error),
        }
    }

    pub fn no_order(order: &str) -> Self {
        Self::Refused(format!("there is no order `{order}`; place it with `orders place {order} ..`"))
    }

    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => ExitCode::from(1),
            Self::Failed(error) if *error.kind() == ErrorKind::Configuration => ExitCode::from(2),
            Self::Failed(_) => ExitCode::from(3),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Failed(error) => write!(f, "{error:?}"),
        }
    }
}

impl From<newton::Error> for Trouble {
    fn from(error: newton::Error) -> Self {
        Self::Failed(error)
    }
}
