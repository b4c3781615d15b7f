"""What the parts of the client tests share."""
