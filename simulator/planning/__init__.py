"""Decisions: the least staffing that meets the targets, and what people cost."""
