"""Models: timm backbones with an embedding and a classifier, their weights, freezing."""
