"""The Merkle log over the stored bytes of every event: what proves that none was altered since."""
