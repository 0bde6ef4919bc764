"""The protocol that choices are made with: frequent classes play rare in several folds."""
