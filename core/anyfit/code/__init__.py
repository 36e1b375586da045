"""The user's code on its way into a bundle."""
