//! The lending monolith and its unfinished candidate: two real HTTP services, believable traffic,
//! and the truth about what the candidate misses.
