"""The verbs of `enforcement.services` on unsaved rows, at a time of their own.

They say the same sentences and set the same fields; a test walks one case both ways and compares row by row.
"""
