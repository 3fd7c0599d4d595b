"""What a deployment says of its channels: their names, rules over them, grants of them."""
