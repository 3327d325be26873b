"""What every read model shares: the contract, the tables' writer, the projector."""
