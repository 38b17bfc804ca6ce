//! What may follow what in a clause, and what needs permission.

use quadrant_program::span::Span;

use super::super::Lower;

impl Lower<'_> {
    /// An action that records data comes.
    pub(super) fn check_recording(&mut self, span: Span) {
        let seen = self.clause.segment.seen;
        if seen.commit {
            self.fail::<()>(span, "D_DREC_COMM", "data-recording actions may not follow commit( )");
        }
        self.clause.segment.seen.data = true;
    }

    /// An aggregation is fed.
    pub(in super::super) fn check_aggregating(&mut self, span: Span) {
        let seen = self.clause.segment.seen;
        if seen.commit {
            self.fail::<()>(span, "D_AGG_COMM", "aggregating actions may not follow commit( )");
        }
        if seen.speculate {
            self.fail::<()>(span, "D_AGG_SPEC", "aggregating actions may not follow speculate( )");
        }
        self.clause.segment.seen.data = true;
    }

    pub(super) fn check_speculate(&mut self, span: Span) {
        let seen = self.clause.segment.seen;
        if seen.speculate {
            self.fail::<()>(span, "D_SPEC_SPEC", "speculate( ) may not follow speculate( )");
        }
        if seen.commit {
            self.fail::<()>(span, "D_SPEC_COMM", "speculate( ) may not follow commit( )");
        }
        if seen.data {
            self.fail::<()>(span, "D_SPEC_DREC", "speculate( ) may not follow data-recording action(s)");
        }
        self.clause.segment.seen.speculate = true;
    }

    pub(super) fn check_commit(&mut self, span: Span) {
        if self.clause.segment.seen.data {
            self.fail::<()>(span, "D_COMM_DREC", "commit( ) may not follow data-recording action(s)");
        }
        self.clause.segment.seen.commit = true;
    }

    pub(super) fn check_exit(&mut self, span: Span) {
        if self.clause.segment.seen.speculate {
            self.fail::<()>(span, "D_EXIT_SPEC", "exit( ) may not follow speculate( )");
        }
        self.check_recording(span);
    }

    /// Something comes that cannot be undone.
    pub(super) fn check_unspeculated(&mut self, span: Span) -> Option<()> {
        match self.clause.segment.seen.speculate {
            true => self.fail(span, "D_ACT_SPEC", "destructive actions may not follow speculate( )"),
            false => Some(()),
        }
    }

    /// Something that changes the system comes.
    pub(in super::super) fn destructive(&mut self, name: &str, span: Span) -> Option<()> {
        self.check_unspeculated(span)?;
        if self.settings.destructive {
            return Some(());
        }
        self.fail_help(
            span,
            "D_ACT_DESTRUCT",
            format!("{name}( ): destructive actions not allowed"),
            "allow them with `-w`, or in the script with `#pragma D option destructive`",
        )
    }
}
