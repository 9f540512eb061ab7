"""Saved projects: one project out into a file, and in from one that a stranger may have made."""
