//! What is asked: the checklist, its sections, items, checks, gaps and sign-offs.
