//! What the user sees: text, histograms, JSON.
