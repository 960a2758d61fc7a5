//! The name of a registration.

// ANCHOR: token
/// Names a registration. It comes back with each of its events, all of its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub usize);

impl From<Token> for usize {
    fn from(token: Token) -> usize {
        token.0
    }
}
// ANCHOR_END: token
