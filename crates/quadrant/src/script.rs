//! A script and places in it.

/// A script and what it is called in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// File name, or what stands for it.
    pub name: String,
    /// The text.
    pub text: String,
}

impl Script {
    /// Line and column, from 1, of a byte.
    pub fn position(&self, at: u32) -> (u32, u32) {
        let before = &self.text.as_bytes()[..(at as usize).min(self.text.len())];
        let line = before.iter().filter(|b| **b == b'\n').count();
        let column = before.iter().rev().take_while(|b| **b != b'\n').count();
        (line as u32 + 1, column as u32 + 1)
    }

    /// `file:line:column` of a byte.
    pub fn place(&self, at: u32) -> String {
        let (line, column) = self.position(at);
        format!("{}:{line}:{column}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_start_at_one() {
        let script = Script { name: "a.bt".into(), text: "ab\nc".into() };
        assert_eq!(script.position(0), (1, 1));
        assert_eq!(script.position(3), (2, 1));
        assert_eq!(script.position(99), (2, 2));
        assert_eq!(script.place(4), "a.bt:2:2");
    }
}
