"""The processes that run until they are told to end: workers and the beat."""
