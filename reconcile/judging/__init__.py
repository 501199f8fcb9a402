"""The judgement of one pair: what its partners report compared with what the store has."""
