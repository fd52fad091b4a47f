"""The settings of a store: what there is (`declared`), changing the file as people wrote it (`editing`), its schema.

To add a setting: one line in `declared.SETTINGS`.
"""
