"""What the commands do, a module for each kind; `sweeps.cli` parses and calls them."""
