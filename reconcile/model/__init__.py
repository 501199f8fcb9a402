"""Values of the field: servers, relationships, records, findings and the matching of names."""
