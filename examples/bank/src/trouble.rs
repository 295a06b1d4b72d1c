//! Why a command of the bank did not do what was asked, and the exit code for it.

use std::fmt;
use std::io;
use std::process::ExitCode;

use newton::ExecuteError;

use crate::account::AccountError;

#[derive(Debug)]
pub enum Trouble {
    /// The bank said no.
    Refused(String),
    /// The store, or what was given to it, is not right.
    Failed(newton::Error),
    /// The output cannot be written.
    Output(io::Error),
}

impl Trouble {
    pub fn of(account: &str, error: ExecuteError<AccountError>) -> Self {
        match error {
            ExecuteError::Rejected(rejection) => Self::Refused(refusal(account, &rejection)),
            ExecuteError::Failed(error) => Self::Failed(error),
        }
    }

    pub fn no_account(account: &str) -> Self {
        Self::Refused(refusal(account, &AccountError::NotOpen))
    }

    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => ExitCode::from(1),
            // Whoever reads the output has seen enough, as in `bank history ada | head -1`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Self::Failed(_) | Self::Output(_) => ExitCode::from(3),
        }
    }
}

fn refusal(account: &str, rejection: &AccountError) -> String {
    match rejection {
        AccountError::AlreadyOpen => format!("account `{account}` is open already"),
        AccountError::NotOpen => {
            format!("there is no account `{account}`; open it with `bank open {account} <OWNER>`")
        }
        AccountError::Overdrawn { balance } => format!("account `{account}` holds only {balance}"),
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Failed(error) => write!(f, "{error:?}"),
            Self::Output(error) => write!(f, "write output: {error}"),
        }
    }
}

impl From<newton::Error> for Trouble {
    fn from(error: newton::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
