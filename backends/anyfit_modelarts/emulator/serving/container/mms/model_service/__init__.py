"""Where packages for MXNet look for their base class."""
