"""Operations of OperationTracker: applied, decided by people, and how fresh their evidence is."""
