"""The fixed cast of the tests."""
