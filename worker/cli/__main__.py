"""``python -m worker.cli``: how ``worker.up`` starts another ipam-sync, wherever its script is."""

from worker.cli.program import main

main(prog_name="ipam-sync")
