"""Problems over time: which findings open, persist and end, and which server is down or overdue."""
