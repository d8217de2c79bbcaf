"""Ways to read somebody's network: parameters, outputs, step and cost, found by name and kept by measurement."""
