"""How fast the project is, against what a reader would compare it with: see README.md."""
