"""Runtime: pictures in, answers out, by any encoder; nothing here imports PyTorch."""
