//! From counters to a model and clusters: one pure step of the analyst.
