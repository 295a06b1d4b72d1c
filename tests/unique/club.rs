//! A club: members with a unique e-mail and badge, and teams with a unique name.

use newton::prelude::*;

#[derive(Event, Clone, Debug, PartialEq)]
pub(crate) enum MemberEvent {
    Joined,
    EmailSet { email: String },
    EmailDropped,
    BadgeSet { badge: u64 },
    Renamed { name: String },
}

#[derive(Command, Clone, Debug, PartialEq)]
pub(crate) enum MemberCommand {
    Join {
        email: String,
    },
    /// Without an e-mail.
    JoinQuietly,
    SetEmail {
        email: String,
    },
    /// One after the other, in one decision.
    SetEmails {
        emails: Vec<String>,
    },
    DropEmail,
    SetBadge {
        badge: u64,
    },
    Rename {
        name: String,
    },
    Nothing,
}

#[derive(Rejection, Debug, PartialEq)]
pub(crate) enum MemberError {
    NotJoined,
    AlreadyJoined,
    EmailTaken,
    BadgeTaken { badge: String },
}

impl MemberError {
    fn badge_taken(badge: &str) -> Self {
        assert_ne!(badge, "13", "nobody wants this one");
        Self::BadgeTaken { badge: badge.to_owned() }
    }
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "club")]
pub(crate) struct Member {
    pub(crate) joined: bool,
    #[unique(MemberError::EmailTaken)]
    pub(crate) email: Option<String>,
    #[unique(|badge| MemberError::badge_taken(badge.trim()), name = "badge")]
    pub(crate) number: Option<u64>,
    pub(crate) name: String,
}

impl Member {
    fn decide(&self, command: MemberCommand) -> Result<Vec<MemberEvent>, MemberError> {
        match command {
            MemberCommand::Join { .. } | MemberCommand::JoinQuietly if self.joined => {
                Err(MemberError::AlreadyJoined)
            }
            MemberCommand::Join { email } => Ok(vec![MemberEvent::Joined, MemberEvent::EmailSet { email }]),
            MemberCommand::JoinQuietly => Ok(vec![MemberEvent::Joined]),
            _ if !self.joined => Err(MemberError::NotJoined),
            MemberCommand::SetEmail { email } => Ok(vec![MemberEvent::EmailSet { email }]),
            MemberCommand::SetEmails { emails } => {
                Ok(emails.into_iter().map(|email| MemberEvent::EmailSet { email }).collect())
            }
            MemberCommand::DropEmail if self.email.is_none() => Ok(vec![]),
            MemberCommand::DropEmail => Ok(vec![MemberEvent::EmailDropped]),
            MemberCommand::SetBadge { badge } => Ok(vec![MemberEvent::BadgeSet { badge }]),
            MemberCommand::Rename { name } => Ok(vec![MemberEvent::Renamed { name }]),
            MemberCommand::Nothing => Ok(vec![]),
        }
    }

    pub(crate) fn evolve(&mut self, event: &MemberEvent) {
        match event {
            MemberEvent::Joined => self.joined = true,
            MemberEvent::EmailSet { email } => self.email = Some(email.clone()),
            MemberEvent::EmailDropped => self.email = None,
            MemberEvent::BadgeSet { badge } => self.number = Some(*badge),
            MemberEvent::Renamed { name } => self.name.clone_from(name),
        }
    }
}

#[derive(Event, Clone, Debug, PartialEq)]
pub(crate) enum TeamEvent {
    Founded,
    Named { name: String },
}

#[derive(Command, Clone, Debug, PartialEq)]
pub(crate) enum TeamCommand {
    /// Without a name: it is the empty text.
    Found,
    Name {
        name: String,
    },
}

#[derive(Rejection, Debug, PartialEq)]
pub(crate) enum TeamError {
    NameTaken(String),
}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(context = "club")]
pub(crate) struct Team {
    #[unique(TeamError::NameTaken)]
    pub(crate) name: String,
}

impl Team {
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "only the framework refuses here")]
    fn decide(&self, command: TeamCommand) -> Result<TeamEvent, TeamError> {
        match command {
            TeamCommand::Found => Ok(TeamEvent::Founded),
            TeamCommand::Name { name } => Ok(TeamEvent::Named { name }),
        }
    }

    fn evolve(&mut self, event: &TeamEvent) {
        if let TeamEvent::Named { name } = event {
            self.name.clone_from(name);
        }
    }
}

pub(crate) fn join(email: &str) -> MemberCommand {
    MemberCommand::Join { email: email.to_owned() }
}

pub(crate) fn set_email(email: &str) -> MemberCommand {
    MemberCommand::SetEmail { email: email.to_owned() }
}

pub(crate) fn rename(name: &str) -> MemberCommand {
    MemberCommand::Rename { name: name.to_owned() }
}
