"""The event store on PostgreSQL: what the composition root plugs into the library."""
