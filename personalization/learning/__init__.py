"""The common ground of models: training loop, weights on disk, kept results, conditioning.

conditioning     Conditioning of a network by the listener's code: FiLM and low-rank weights
configuration    Sizes and settings of a model: a frozen dataclass each
result_cache     Results of long comparisons on disk, so that one that was stopped goes on
torch_harmonics  Real spherical harmonics in torch
training_loop    The one training loop of all models
weights          Weights on disk: one safetensors file holds tensors, configuration
"""
