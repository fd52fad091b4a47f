"""What is removed, and why: a pure plan, the sources that items come from, and the one transaction that does it."""
