//! Typed commands: found and decoded by name for remote callers and sagas.

use crate::domain::Aggregate;

/// A type whose values are commands to one kind of aggregate. Derive it; see the `Command` derive.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    label = "add `#[derive(Command, Clone)]` to `{Self}`"
)]
pub trait Command: Clone + Send + Sync + Sized + 'static {
    /// The aggregate that decides on it.
    type Aggregate: Aggregate<Command = Self>;

    /// The commands of this family.
    const TYPES: &'static [CommandType];

    /// Which of [`TYPES`](Self::TYPES) this value is.
    fn type_index(&self) -> usize;

    /// Which of [`TYPES`](Self::TYPES) has this name.
    fn index_of(name: &str) -> Option<usize>;

    /// Appends the payload to `out`: a JSON object of the fields alone.
    fn encode(&self, out: &mut Vec<u8>) -> serde_json::Result<()>;

    /// Reads a payload of the command at `index`.
    fn decode(index: usize, payload: &[u8]) -> serde_json::Result<Self>;

    /// The description of this value's type.
    fn command_type(&self) -> &'static CommandType {
        &Self::TYPES[self.type_index()]
    }
}

/// The description of a command.
#[derive(Clone, Copy, Debug)]
pub struct CommandType {
    /// The stable name by which callers ask for it.
    pub name: &'static str,
    /// The Rust type and variant, for messages.
    pub rust_name: &'static str,
}
