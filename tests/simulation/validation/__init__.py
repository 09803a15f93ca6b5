"""The twin against what is known in closed form, through the product's own machines, world, traffic and dispatcher."""
