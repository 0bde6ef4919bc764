"""Commands: what a user asks for as a whole, put together from the rooms below."""
