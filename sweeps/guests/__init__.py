"""Networks that somebody else wrote: found, spoken to, trained."""
