"""What is the matter with a store, and its repair: a module for each check, the table of them in `examination`."""
