"""The preflight: whether a migration could go through, and what it would take, before anything is begun.

Nothing is imported here: `plan` and `init` need the mapping only, and not the client, which `look.py` has.
"""
