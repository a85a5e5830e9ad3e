"""The scenario: what is written, what it means, and every rule of validity."""
