//! Exact token counts and boundaries, and the incremental counter behind the live figures.
