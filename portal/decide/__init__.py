"""The rules, run over a file of cases: `manage.py decide`."""
