"""Long runs that try to break what docs/reliability.md promises; each is a module to be run."""
