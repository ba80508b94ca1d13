"""The parts of export_torchscript.py: source, weights, program, check, record."""
