//! What kinds of types can be registered, as types: what is written for one kind only is found by them.

/// What an aggregate is.
#[derive(Debug)]
pub struct Aggregate;

/// What a family of events is.
#[derive(Debug)]
pub struct Event;

/// What a family of commands is.
#[derive(Debug)]
pub struct Command;

/// What a projection is, wherever its data is kept.
#[derive(Debug)]
pub struct Projection;

/// What a saga is.
#[derive(Debug)]
pub struct Saga;

/// What a domain service is.
#[derive(Debug)]
pub struct EventHandler;

/// What a tuple of types is.
#[derive(Debug)]
pub struct Several;
