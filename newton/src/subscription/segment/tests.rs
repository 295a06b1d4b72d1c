//! However a reaction is cut, each event is handled once, and those of a key in order.
