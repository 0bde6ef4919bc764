"""Recognition: prototypes of the classes, and the rules that join them with the softmax."""
