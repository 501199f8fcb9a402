"""Bad days of an installation: real workers, broker and database, and what is left afterwards."""
