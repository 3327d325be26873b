"""The candidate: one person's whole history, as prospect and as applicant."""
