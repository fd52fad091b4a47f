"""What is done with a milestone's state beside saving and reading it: revisions, differences, patches, its life."""
