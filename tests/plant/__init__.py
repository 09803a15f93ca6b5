"""What a plant file may say, what is refused, and the ways that follow from it."""
