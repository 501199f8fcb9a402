"""The hands: everything that touches the world, and the order of the steps."""
