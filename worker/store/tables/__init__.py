"""Tables of the schema, as SQLAlchemy Core describes them."""
