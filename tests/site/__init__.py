"""The asyncio host: commit before command, recovery, and one host a plant."""
